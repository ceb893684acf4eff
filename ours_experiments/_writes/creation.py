"""Creating without duplicates: what is lost is looked for, never sent blindly again."""

import re
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import Generic, TypeVar, cast

import attrs

from ours_experiments._codec.converter import decode, decode_entities, encode
from ours_experiments._http.call import Call
from ours_experiments._http.responses import service_time
from ours_experiments._http.session import Session
from ours_experiments._pagination import Listing, Source, entities_of
from ours_experiments._writes.reconcile import settle
from ours_experiments.drafts import NewExperiment, NewSettings, NewVariant
from ours_experiments.errors import OursError, OutcomeUnknownError
from ours_experiments.models import Experiment, Settings, Variant


T = TypeVar("T")


@attrs.define
class Creation(Generic[T]):
    """The creation of one thing, at most once."""

    session: Session
    call: Call
    segment: str
    draft: NewExperiment | NewVariant | NewSettings
    entity: type[T]
    search: Callable[[Session, Call], Awaitable[tuple[T, ...]]]
    """Finds what a lost request may have made."""
    is_certain: Callable[[T], bool]
    """Whether something found is what was to be made, without doubt."""
    keyed: bool
    """Whether what is made can be told from everything else."""
    candidates: tuple[T, ...] = ()

    @property
    def name(self) -> str:
        """Name the action and the collection."""
        return f"create {self.segment}"

    @property
    def recognisable(self) -> bool:
        """Nothing with the key, and nothing else that it could be."""
        return self.keyed and not self.candidates

    def send(self) -> Awaitable[object]:
        """Send it once."""
        return self.session.request(
            "POST", self.segment, json=encode(self.draft), call=self.call
        )

    def applied(self, payload: object) -> T:
        """Read the answer."""
        return decode(self.entity, payload)

    async def look(self) -> T | None:
        """Search, and be sure only of a single finding."""
        self.candidates = await self.search(self.session, self.call)
        if len(self.candidates) == 1 and self.is_certain(self.candidates[0]):
            return self.candidates[0]
        return None

    def unknown(self, cause: OursError) -> OutcomeUnknownError:
        """Say what to do when nothing could be settled."""
        return OutcomeUnknownError(
            f"create of {self.draft.name!r} may or may not have been applied "
            f"({cause}): look at the candidates before you create it again; with a key "
            "of its own this is settled for you",
            action="create",
            draft=self.draft,
            candidates=self.candidates,
            sent_at=self.call.sent_at,
        )


async def started_at(session: Session, call: Call) -> datetime:
    """Return when a call began by the service's clock, minus a second."""
    now = await session.request(
        "GET", "experiments", params={"limit": 1}, call=call.child(), read=service_time
    )
    return cast("datetime", now) - timedelta(seconds=call.seconds + 1)


async def create_experiment(session: Session, draft: NewExperiment) -> Experiment:
    """Create an experiment; a lost one with an explicit key is looked up by it."""

    async def search(session: Session, call: Call) -> tuple[Experiment, ...]:
        began = await started_at(session, call)
        params = {"search": draft.name, "limit": 100}
        source = Source(session, ("experiments",), params, Experiment, call)
        listing = Listing(source, None, prefetch=False)
        named = [found async for found in listing if found.name == draft.name]
        return tuple(
            found
            for found in named
            if found.created_at >= began and may_be_key(found.key, draft.key)
        )

    def is_certain(found: Experiment) -> bool:
        return found.key == draft.key

    return await settle(
        Creation(
            session,
            session.call(),
            "experiments",
            draft,
            Experiment,
            search,
            is_certain,
            keyed=draft.key is not None,
        )
    )


def may_be_key(found: str, wanted: str | None) -> bool:
    """Whether a service could have made this key of the wanted one."""
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


async def create_variant(session: Session, draft: NewVariant) -> Variant:
    """Create a variant; after a lost reply, one of the same name is a candidate."""

    async def search(session: Session, call: Call) -> tuple[Variant, ...]:
        params = {"experimentId": draft.experiment_id}
        source = Source(session, ("experiment-variants",), params, Variant, call)
        listing = Listing(source, None, prefetch=False)
        return tuple([found async for found in listing if found.name == draft.name])

    return await settle(unkeyed(session, "experiment-variants", draft, Variant, search))


async def create_settings(session: Session, draft: NewSettings) -> Settings:
    """Create settings; after a lost reply, one of the same name is a candidate."""

    async def search(session: Session, call: Call) -> tuple[Settings, ...]:
        question = call.child()
        payload = await session.request("GET", "experiment-settings", call=question)
        found = decode_entities(Settings, entities_of(payload))
        return tuple(one for one in found if draft.name in {None, one.name})

    return await settle(
        unkeyed(session, "experiment-settings", draft, Settings, search)
    )


def unkeyed(
    session: Session,
    segment: str,
    draft: NewVariant | NewSettings,
    entity: type[T],
    search: Callable[[Session, Call], Awaitable[tuple[T, ...]]],
) -> Creation[T]:
    """Describe the creation of something that cannot be told from its like."""
    return Creation(
        session,
        session.call(),
        segment,
        draft,
        entity,
        search,
        is_certain=lambda _: False,
        keyed=False,
    )
