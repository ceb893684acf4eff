"""Create without duplicates: search for a lost create before it is sent again."""

from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Generator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import TypeVar
from weakref import WeakKeyDictionary

from ours_experiments._codec.converter import encode
from ours_experiments._http.call import Call
from ours_experiments._http.decoding import decoder
from ours_experiments._http.responses import Reply, to_json
from ours_experiments._http.session import Session
from ours_experiments._http.transport import Transport
from ours_experiments._pagination import Listing, Source, all_of
from ours_experiments._writes.contents import differing_fields
from ours_experiments._writes.matching import is_form_of, is_real_text
from ours_experiments._writes.reconcile import reconcile
from ours_experiments._writes.service_time import elapsed, read_with_date
from ours_experiments._writes.write import Evidence, Write
from ours_experiments.drafts import NewExperiment, NewSettings, NewVariant
from ours_experiments.models import Experiment, Settings, Variant


T = TypeVar("T")

SEARCH_MARGIN = timedelta(minutes=2)
"""How much older than the call an experiment may look and still be its effect."""
MAX_CREATED = 10_000
"""Ids kept for a client, in less than 2 MB; a search looks back minutes only."""


class Creations:
    """What the creates of one client have made, and which keys are under way."""

    def __init__(self) -> None:
        self.made: dict[str, None] = {}
        """Ids that a call has returned, the latest last."""
        self.keys: Counter[str] = Counter()
        """How many calls under way create something with each key."""

    @contextmanager
    def under_way(self, key: str | None) -> Generator[None, None, None]:
        """Count a key while a call creates something with it."""
        if key is None:
            yield
            return
        self.keys[key] += 1
        try:
            yield
        finally:
            self.keys[key] -= 1
            if not self.keys[key]:
                del self.keys[key]

    def record(self, experiment: Experiment) -> Experiment:
        """Record and return what a call has made."""
        self.made[experiment.id] = None
        if len(self.made) > MAX_CREATED:
            del self.made[next(iter(self.made))]
        return experiment

    def is_of_another_call(self, experiment: Experiment, key: str | None) -> bool:
        """Return whether another call of this client made an experiment."""
        if experiment.id in self.made:
            return True
        return experiment.key != key and experiment.key in self.keys


# Beside the transport, which all views of a client share, and freed with it.
CREATIONS: WeakKeyDictionary[Transport, Creations] = WeakKeyDictionary()


async def create_experiment(
    session: Session, draft: NewExperiment, call: Call | None = None
) -> Experiment:
    """Create an experiment; a lost one with a key is looked up by it."""
    creations = CREATIONS.setdefault(session.transport, Creations())
    with creations.under_way(draft.key):
        return await reconcile(session, experiment(draft, creations), call)


def experiment(draft: NewExperiment, creations: Creations) -> Write[Experiment]:
    """Describe the creation of an experiment.

    Found is strict: the key and all contents, and no other call's. Absent is not: no
    recent experiment that could have the draft's name or key in the service's spelling.
    """
    key = draft.key if is_real_text(draft.key) else None

    async def find(session: Session, call: Call) -> Evidence[Experiment]:
        candidates: list[Experiment] = []
        _, now = await read_with_date(
            session, call, "experiments", read=to_json, limit=1
        )
        span = elapsed(call) + SEARCH_MARGIN
        async for row in newest_experiments(session, call, now, span):
            if creations.is_of_another_call(row, key) or not (
                is_form_of(row.name, draft.name)
                or (key is not None and is_form_of(row.key, key))
            ):
                continue
            # With two calls under way for one key, what is found may be the other's.
            if (
                key is not None
                and row.key == key
                and creations.keys[key] == 1
                and now is not None
                and row.created_at >= now - span
                and has_contents(row, draft)
            ):
                return Evidence(creations.record(row))
            candidates.append(row)
        return Evidence(candidates=tuple(candidates))

    def read(reply: Reply) -> Experiment:
        return creations.record(decoder(Experiment)(reply))

    return create("experiments", draft, read, find, keyed=key is not None)


def has_contents(experiment: Experiment, draft: NewExperiment) -> bool:
    """Return whether an experiment is as a draft would have made it."""
    if differing_fields(draft, experiment):
        return False
    weights = [row.weight for row in experiment.variants or () if row.is_control]
    return draft.control_weight is None or weights in ([], [draft.control_weight])


async def newest_experiments(
    session: Session, call: Call, now: datetime | None, span: timedelta
) -> AsyncIterator[Experiment]:
    """Yield what was created within a span that ends now, and perhaps more.

    The list starts with what was changed last. Its own times say what "now" is, where
    they are behind `Date`: an experiment that has just been made is never older, by
    more than the call took, than the newest time in the list.
    """
    source = Source(session, ("experiments",), {"limit": 100}, Experiment, call)
    pages = Listing(source, None, prefetch=False).pages()
    since: datetime | None = None
    try:
        async for page in pages:
            if not page.entities:
                continue
            times = [row.updated_at or row.created_at for row in page.entities]
            if since is None:
                since = min(max(times), now or max(times)) - span
            for row in page.entities:
                if row.created_at >= since:
                    yield row
            if min(times) < since:
                return
    finally:
        await pages.aclose()


def variant(draft: NewVariant) -> Write[Variant]:
    """Describe the creation of a variant; those of its name are candidates."""

    async def find(session: Session, call: Call) -> Evidence[Variant]:
        params = {"experimentId": draft.experiment_id}
        source = Source(session, ("experiment-variants",), params, Variant, call)
        listing = Listing(source, None, prefetch=False)
        return Evidence(
            candidates=tuple(
                [found async for found in listing if is_form_of(found.name, draft.name)]
            )
        )

    return create("experiment-variants", draft, decoder(Variant), find, keyed=False)


def settings(draft: NewSettings) -> Write[Settings]:
    """Describe the creation of settings; those of its name are candidates."""

    async def find(session: Session, call: Call) -> Evidence[Settings]:
        found = await session.request(
            "GET", "experiment-settings", read=all_of(Settings), call=call.child()
        )
        named = (item for item in found if draft.name in {None, item.name})
        return Evidence(candidates=tuple(named))

    return create("experiment-settings", draft, decoder(Settings), find, keyed=False)


def create(
    segment: str,
    draft: NewExperiment | NewVariant | NewSettings,
    read: Callable[[Reply], T],
    find: Callable[[Session, Call], Awaitable[Evidence[T]]],
    *,
    keyed: bool,
) -> Write[T]:
    """Describe a create; only what has a key can be proved absent."""
    advice = "look at the candidates before you create it again"
    if isinstance(draft, NewExperiment) and not keyed:
        advice += "; with a key of its own it would have been looked up"
    return Write(
        "create",
        (segment,),
        encode(draft),
        read,
        find,
        subject=f"create of {draft.name!r}",
        advice=advice,
        absence_is_proof=keyed,
        is_listed=True,
        draft=draft,
    )
