"""The experiments in the order of their listing, kept sorted."""

from bisect import bisect_left, insort
from collections import deque
from dataclasses import dataclass

from ours_experiments.emulator.account.records import Experiment
from ours_experiments.emulator.clock import Clock, milliseconds


Order = tuple[int, int, int]


@dataclass(frozen=True, slots=True)
class Filter:
    """What a listing is confined to, all of it together; by default to nothing."""

    status: str | None = None
    type: str | None = None
    search: str = ""
    """Looked for in id, name and description, without regard to case."""

    @property
    def is_open(self) -> bool:
        """Whether every experiment is let in."""
        return self.status is None and self.type is None and not self.search

    def admits(self, experiment: Experiment) -> bool:
        """Tell whether an experiment belongs to the listing."""
        if self.status not in (None, experiment.status):
            return False
        if self.type not in (None, experiment.type):
            return False
        texts = (experiment.name, experiment.id, experiment.description or "")
        wanted = self.search.casefold()
        return not wanted or any(wanted in text.casefold() for text in texts)


class Index:
    """A sorted view of the experiments that may lag behind the state.

    With a delay, a change shows that many milliseconds after it was made.
    """

    def __init__(self, clock: Clock, delay: int) -> None:
        self._clock = clock
        self._delay = delay
        self._newest = 0
        self._orders: list[Order] = []
        self._rows: dict[Order, Experiment] = {}
        self._order_of: dict[str, Order] = {}
        self._waiting: deque[tuple[int, str, Experiment | None]] = deque()

    def put(self, experiment: Experiment) -> None:
        """Enter an experiment, or move it to where it now belongs."""
        if self._delay:
            self._wait(experiment.id, experiment.copy())
        else:
            self._place(experiment.id, experiment)

    def remove(self, id: str) -> None:
        """Take an experiment out."""
        if self._delay:
            self._wait(id, None)
        else:
            self._place(id, None)

    def after(
        self, place: Order | None, wanted: Filter, limit: int
    ) -> tuple[list[Experiment], Order | None]:
        """Read on from a place: the rows, and the place of the last if more follow."""
        self._settle()
        start = len(self._orders) if place is None else bisect_left(self._orders, place)
        found: list[Experiment] = []
        for position in range(start - 1, -1, -1):
            row = self._rows[self._orders[position]]
            if wanted.admits(row):
                if len(found) == limit:
                    return found, self._order_of[found[-1].id]
                found.append(row)
        return found, None

    def skipping(
        self, count: int, newest: int, wanted: Filter, limit: int
    ) -> tuple[list[Experiment], bool]:
        """Skip rows by number: the rows, and whether more follow.

        Rows numbered above `newest` came after the listing began, and do not count.
        """
        self._settle()
        if wanted.is_open and self._newest <= newest:
            end = max(len(self._orders) - count, 0)
            start = max(end - limit, 0)
            page = reversed(self._orders[start:end])
            return [self._rows[order] for order in page], start > 0
        found: list[Experiment] = []
        for order in reversed(self._orders):
            row = self._rows[order]
            if row.number <= newest and wanted.admits(row):
                if count:
                    count -= 1
                elif len(found) == limit:
                    return found, True
                else:
                    found.append(row)
        return found, False

    def _wait(self, id: str, row: Experiment | None) -> None:
        due = milliseconds(self._clock.now()) + self._delay
        self._waiting.append((due, id, row))

    def _settle(self) -> None:
        if self._waiting:
            now = milliseconds(self._clock.now())
            while self._waiting and self._waiting[0][0] <= now:
                _, experiment_id, row = self._waiting.popleft()
                self._place(experiment_id, row)

    def _place(self, id: str, row: Experiment | None) -> None:
        old = self._order_of.pop(id, None)
        if old is not None:
            del self._orders[bisect_left(self._orders, old)]
            del self._rows[old]
        if row is not None:
            self._newest = max(self._newest, row.number)
            order = row.order()
            insort(self._orders, order)
            self._rows[order] = row
            self._order_of[id] = order
