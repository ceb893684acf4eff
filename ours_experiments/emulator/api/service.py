"""The account as a service: how answers and pages are written."""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Literal, TypeAlias

import orjson

from ours_experiments.emulator.account.records import Experiment
from ours_experiments.emulator.account.state import State
from ours_experiments.emulator.api.pages import Cursors, Position
from ours_experiments.emulator.api.query import Query
from ours_experiments.emulator.json_values import Json, Values


CursorKind: TypeAlias = Literal["keyset", "offset"]


@dataclass(frozen=True, slots=True)
class Call:
    """A request whose path, key and body have been checked."""

    id: str
    """The id in the path, "" when the path has none."""
    body: Values
    query: Query
    scopes: frozenset[str]
    """The scopes of the key."""


@dataclass(frozen=True, slots=True)
class Service:
    """An account, and how its answers are written."""

    state: State
    cursors: Cursors
    cursor_kind: CursorKind = "keyset"
    publish_seconds: float = 0.0
    is_initial: bool = False
    """Whether this is the first version of the API."""

    def page(
        self, listing: str, entities: Sequence[object], following: Position | None
    ) -> dict[str, object]:
        """Return one page of a listing, with the cursor of the page after it."""
        cursor = None if following is None else self.cursors.write(listing, following)
        return {
            "entities": entities,
            "pagination": {"nextCursor": cursor, "hasMore": cursor is not None},
        }

    def list_item(self, experiment: Experiment, call: Call) -> object:
        """Return an experiment as a list has it."""
        if self.is_initial:
            return self.bare(experiment)
        return self.full(experiment, call)

    def full(self, experiment: Experiment, call: Call) -> object:
        """Return an experiment with its variants, if the key may see these."""
        if self.is_initial:
            return _without_rollout(experiment.full())
        if "experiment:find" not in call.scopes:
            return {**experiment.bare(), "variants": []}
        # Written once for each change: a page of 100 takes 0.02 ms instead of 1.
        return orjson.Fragment(experiment.full_bytes())

    def bare(self, experiment: Experiment) -> object:
        """Return an experiment without its variants."""
        if self.is_initial:
            return _without_rollout(experiment.bare())
        return experiment.bare()

    @asynccontextmanager
    async def publishing(self) -> AsyncGenerator[None, None]:
        """Keep other publishes out, for as long as this one takes."""
        self.state.releases.begin()
        try:
            if self.publish_seconds:
                await asyncio.sleep(self.publish_seconds)
            yield
        finally:
            self.state.releases.end()


def _without_rollout(written: dict[str, Json]) -> dict[str, Json]:
    del written["rolloutVariantId"]
    return written
