"""Create without duplicates: search for a lost create before it is sent again."""

import re
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import TypeVar, cast

from ours_experiments._codec.converter import decode, decode_entities, encode
from ours_experiments._http.call import Call
from ours_experiments._http.responses import service_time
from ours_experiments._http.session import Session
from ours_experiments._pagination import Listing, Source, entities_of
from ours_experiments._writes.write import Evidence, Write
from ours_experiments.drafts import NewExperiment, NewSettings, NewVariant
from ours_experiments.models import Experiment, Settings, Variant


T = TypeVar("T")


async def started_at(session: Session, call: Call) -> datetime:
    """Return when a call began by the service's own clock, a second early."""
    now = await session.request(
        "GET", "experiments", params={"limit": 1}, call=call.child(), read=service_time
    )
    return cast("datetime", now) - timedelta(seconds=call.seconds + 1)


def experiment(draft: NewExperiment) -> Write[Experiment]:
    """Describe the creation of an experiment, to be found by its key."""

    async def find(session: Session, call: Call) -> Evidence[Experiment]:
        since = await started_at(session, call)
        params = {"search": draft.name, "limit": 100}
        source = Source(session, ("experiments",), params, Experiment, call)
        listing = Listing(source, None, prefetch=False)
        named = [found async for found in listing if found.name == draft.name]
        candidates = tuple(
            found
            for found in named
            if found.created_at >= since and may_be_key(found.key, draft.key)
        )
        if len(candidates) == 1 and candidates[0].key == draft.key:
            return Evidence(candidates[0])
        return Evidence(candidates=candidates)

    return create("experiments", draft, Experiment, find, keyed=draft.key is not None)


def may_be_key(found: str, wanted: str | None) -> bool:
    """Return whether a service could have made this key from the wanted one."""
    if wanted is None:
        return True
    plain = "".join(filter(str.isalnum, wanted.casefold()))
    return (
        re.fullmatch(
            re.escape(plain) + r"\d{0,3}",
            "".join(filter(str.isalnum, found.casefold())),
        )
        is not None
    )


def variant(draft: NewVariant) -> Write[Variant]:
    """Describe the creation of a variant; those of its name are candidates."""

    async def find(session: Session, call: Call) -> Evidence[Variant]:
        params = {"experimentId": draft.experiment_id}
        source = Source(session, ("experiment-variants",), params, Variant, call)
        listing = Listing(source, None, prefetch=False)
        named = [found async for found in listing if found.name == draft.name]
        return Evidence(candidates=tuple(named))

    return create("experiment-variants", draft, Variant, find, keyed=False)


def settings(draft: NewSettings) -> Write[Settings]:
    """Describe the creation of settings; those of its name are candidates."""

    async def find(session: Session, call: Call) -> Evidence[Settings]:
        payload = await session.request("GET", "experiment-settings", call=call.child())
        found = decode_entities(Settings, entities_of(payload))
        named = (item for item in found if draft.name in {None, item.name})
        return Evidence(candidates=tuple(named))

    return create("experiment-settings", draft, Settings, find, keyed=False)


def create(
    segment: str,
    draft: NewExperiment | NewVariant | NewSettings,
    entity: type[T],
    find: Callable[[Session, Call], Awaitable[Evidence[T]]],
    *,
    keyed: bool,
) -> Write[T]:
    """Describe a create; only what has a key can be proved absent."""
    return Write(
        "create",
        (segment,),
        encode(draft),
        lambda payload: decode(entity, payload),
        find,
        subject=f"create of {draft.name!r}",
        advice="look at the candidates before you create it again; give an experiment "
        "a key, and this is found out for you",
        absence_is_proof=keyed,
        draft=draft,
    )
