"""A journal and the account that it belongs to."""

import os
from itertools import islice

from ours_experiments._http.api_key import account_fingerprint
from ours_experiments._http.responses import to_json
from ours_experiments._http.session import Session
from ours_experiments.bulk.journal import Header, Journal
from ours_experiments.errors import ConfigurationError, NotFoundError, OursError


MAX_LOOKS = 3
"""Experiments that are requested to find out whose account a new key is for."""


async def open_journal(
    session: Session, path: str | os.PathLike[str], action: str, publish: str
) -> Journal:
    """Open or create the journal of one call.

    A journal that was started with another API key is accepted where one of its
    experiments can be retrieved with this key: ids are unique, so that the account is
    the same.

    Raises:
        ConfigurationError: It is another call's or another account's, or another run
            has it open.
    """
    account = session.transport.account
    service = account_fingerprint(str(session.transport.root), "")
    journal = await Journal.open(path, Header(action, account, publish, service))
    if account in journal.accounts:
        return journal
    try:
        await check_account(session, journal)
        journal.accept(account)
    except OursError as problem:
        raise ConfigurationError(
            f"journal {os.fspath(path)}: it was started with another API key, and with "
            f"this one none of its experiments could be retrieved ({problem}): resume "
            "with the first key, or begin another journal"
        ) from problem
    finally:
        if account not in journal.accounts:
            journal.close()
    return journal


async def check_account(session: Session, journal: Journal) -> None:
    """Raise unless one of the latest experiments can be retrieved."""
    latest = islice(reversed(journal.states), MAX_LOOKS)
    missing: OursError = OursError("it names none")
    for identifier in latest:
        experiment_id = journal.experiments.get(identifier, identifier)
        try:
            await session.request("GET", "experiments", experiment_id, read=to_json)
        except NotFoundError as error:
            # It may have been deleted since.
            missing = error
        else:
            return
    raise missing
