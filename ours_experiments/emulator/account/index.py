"""The experiments in the order of their listing, kept sorted."""

from bisect import bisect_left, insort
from collections import deque
from dataclasses import dataclass

from ours_experiments.emulator.account.records import Experiment
from ours_experiments.emulator.clock import Clock, milliseconds


Order = tuple[int, int, int]


@dataclass(frozen=True, slots=True)
class Filter:
    """Conditions that listed experiments meet, joined by AND; none by default."""

    status: str | None = None
    type: str | None = None
    search: str = ""
    """Part of the id, name or description, in any case."""

    @property
    def is_open(self) -> bool:
        """Whether every experiment matches."""
        return self.status is None and self.type is None and not self.search

    def matches(self, experiment: Experiment) -> bool:
        """Return whether an experiment meets the conditions."""
        if self.status not in (None, experiment.status):
            return False
        if self.type not in (None, experiment.type):
            return False
        texts = (experiment.name, experiment.id, experiment.description or "")
        part = self.search.casefold()
        return not part or any(part in text.casefold() for text in texts)


class Index:
    """The experiments in listing order, `delay` milliseconds behind their changes.

    A sorted list of keys: a page of 100 among 100 000 costs no sort.
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
        """Add an experiment, or move it to its present position."""
        if self._delay:
            # A copy: the experiment may change again before this state is listed.
            self._postpone(experiment.id, experiment.copy())
        else:
            self._move(experiment.id, experiment)

    def remove(self, id: str) -> None:
        """Remove an experiment."""
        if self._delay:
            self._postpone(id, None)
        else:
            self._move(id, None)

    def after(
        self, position: Order | None, conditions: Filter, limit: int
    ) -> tuple[list[Experiment], Order | None]:
        """Return rows after a position, and the position to continue at, if any."""
        self._apply_due()
        start = (
            len(self._orders)
            if position is None
            else bisect_left(self._orders, position)
        )
        found: list[Experiment] = []
        # Sorted upwards, so that the newest row is appended: a page is read backwards.
        for number in range(start - 1, -1, -1):
            row = self._rows[self._orders[number]]
            if conditions.matches(row):
                if len(found) == limit:
                    return found, self._order_of[found[-1].id]
                found.append(row)
        return found, None

    def skipping(
        self, count: int, newest: int, conditions: Filter, limit: int
    ) -> tuple[list[Experiment], bool]:
        """Return the rows after the first `count`, and whether more follow.

        Rows numbered above `newest` were created after the first page, and are left
        out.
        """
        self._apply_due()
        # Then a page is a slice; with conditions every row has to be looked at.
        if conditions.is_open and self._newest <= newest:
            end = max(len(self._orders) - count, 0)
            start = max(end - limit, 0)
            page = reversed(self._orders[start:end])
            return [self._rows[order] for order in page], start > 0
        found: list[Experiment] = []
        for order in reversed(self._orders):
            row = self._rows[order]
            if row.number <= newest and conditions.matches(row):
                if count:
                    count -= 1
                elif len(found) == limit:
                    return found, True
                else:
                    found.append(row)
        return found, False

    def _postpone(self, id: str, row: Experiment | None) -> None:
        due = milliseconds(self._clock.now()) + self._delay
        self._waiting.append((due, id, row))

    def _apply_due(self) -> None:
        if self._waiting:
            now = milliseconds(self._clock.now())
            while self._waiting and self._waiting[0][0] <= now:
                _, experiment_id, row = self._waiting.popleft()
                self._move(experiment_id, row)

    def _move(self, id: str, row: Experiment | None) -> None:
        old = self._order_of.pop(id, None)
        if old is not None:
            del self._orders[bisect_left(self._orders, old)]
            del self._rows[old]
        if row is not None:
            self._newest = max(self._newest, row.number)
            order = row.order()
            # Moving a row costs a bisection; sorting would cost every list call.
            insort(self._orders, order)
            self._rows[order] = row
            self._order_of[id] = order
