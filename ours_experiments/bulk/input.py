"""The ids that a bulk call is given."""

from collections.abc import AsyncIterable, AsyncIterator, Iterable, Iterator, Mapping
from typing import cast

from ours_experiments._http.urls import build_path
from ours_experiments._pagination import Listing
from ours_experiments.bulk.ledger import Ledger
from ours_experiments.errors import ConfigurationError
from ours_experiments.models import Experiment


class Input:
    """The ids of a bulk call, in any of the forms that are accepted.

    Iterables and listings are read to their end before the first write, since rows
    leave a listing once they are changed. Other asynchronous iterables are read while
    the run goes on.
    """

    def __init__(self, ids: object, *, mapping_allowed: bool) -> None:
        if isinstance(ids, str | bytes | Experiment):
            raise ConfigurationError("ids must be several, not a single one")
        if isinstance(ids, Mapping) and not mapping_allowed:
            raise ConfigurationError("ids: only stop takes a mapping to winners")
        if not isinstance(ids, Iterable | AsyncIterable):
            raise ConfigurationError(
                f"ids must be an iterable, not {type(ids).__name__}"
            )
        self.ids: Iterable[object] | AsyncIterable[object] = ids
        self.total: int | None = None
        """The number of distinct ids; None as long as it is not known."""
        self.refused: dict[str, ConfigurationError] = {}
        """Ids that cannot be sent, until their outcome is recorded."""
        self.winners: dict[str, str] = {}
        """The winner by experiment id."""

    async def read(
        self, ledger: Ledger, earlier: Iterable[str] = ()
    ) -> Iterator[str] | AsyncIterator[str]:
        """Return the distinct ids, those that the journal holds included.

        Args:
            ledger: Gets an entry for each id that is read.
            earlier: The ids in the journal. They come last, but first where the input
                is read while the run goes on.
        """
        ids = self.ids
        if isinstance(ids, AsyncIterable) and not isinstance(ids, Listing):
            added = [name for name in earlier if ledger.add(name)]
            return self.read_on(ids, ledger, added)
        if isinstance(ids, Listing):
            async for item in ids:
                self.add(ledger, item)
        else:
            winners: Mapping[object, object] = {}
            if isinstance(ids, Mapping):
                winners = cast("Mapping[object, object]", ids)
            for item in ids:
                self.add(ledger, item, winners.get(item) if winners else None)
        # What an earlier run has done is often what the filter no longer lists.
        for experiment_id in earlier:
            ledger.add(experiment_id)
        self.total = len(ledger.entries)
        return iter(ledger.entries)

    async def read_on(
        self, items: AsyncIterable[object], ledger: Ledger, earlier: Iterable[str]
    ) -> AsyncIterator[str]:
        """Yield each distinct id as it is read."""
        for experiment_id in earlier:
            yield experiment_id
        async for item in items:
            if (added := self.add(ledger, item)) is not None:
                yield added

    def add(self, ledger: Ledger, item: object, winner: object = None) -> str | None:
        """Add an item to the ledger; return its id if that is new."""
        experiment_id = item.id if isinstance(item, Experiment) else item
        refusal: ConfigurationError | None = None
        try:
            build_path((experiment_id,))
        except ConfigurationError as problem:
            refusal = problem.with_traceback(None)
        if not isinstance(experiment_id, str):
            # In brackets, or the number 5 would share an entry with the id "5".
            experiment_id = f"<{type(item).__name__} {item!r}>"
        if not ledger.add(experiment_id):
            return None
        if not isinstance(winner, str | None):
            refusal = ConfigurationError(
                f"winner_variant_id must be text, not {type(winner).__name__}"
            )
        elif winner:
            self.winners[experiment_id] = winner
        if refusal is not None:
            self.refused[experiment_id] = refusal
        return experiment_id
