"""What arrived at the emulator, and what became of it."""

from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass
from time import monotonic


_KEPT = 100_000


@dataclass(slots=True)
class LogEntry:
    """One request; its headers and its key are never kept."""

    method: str
    """The HTTP method."""
    path: str
    """The path as it was sent, without the query."""
    route: str
    """The operation, such as `experiments.start`, or `unknown`."""
    connection: int
    """Number of the TCP connection, from 1."""
    started: float
    """Monotonic seconds."""
    finished: float | None = None
    """Monotonic seconds; None while the request is in flight."""
    status: int | None = None
    """What was answered; None while in flight, or when no answer left."""
    applied: bool = False
    """Whether the operation was carried out, whatever the client heard of it."""
    id: str | None = None
    """The id in the path, None when the path has none."""


Watcher = Callable[[LogEntry], object]


class RequestLog:
    """Counters for each route, and the latest requests one by one.

    Routes are named like the methods of the client: `experiments.start`.
    """

    def __init__(self) -> None:
        self.entries: deque[LogEntry] = deque(maxlen=_KEPT)
        """The latest requests, in the order of their arrival."""
        self.watcher: Watcher | None = None
        """Called with every request once it is answered."""
        self._in_flight: Counter[str] = Counter()
        self._flying = 0
        self.clear()

    def clear(self) -> None:
        """Forget everything but the requests that are in flight."""
        self.entries.clear()
        self._received: Counter[str] = Counter()
        self._applied: Counter[str] = Counter()
        self._applied_ids: dict[str, Counter[str]] = {}
        self._peaks: Counter[str] = Counter(self._in_flight)
        self._peak = self._flying

    def received(self, route: str | None = None) -> int:
        """Count the requests that arrived."""
        return self._received.total() if route is None else self._received[route]

    def applied(self, route: str | None = None) -> int:
        """Count the requests that were carried out, also when the reply was lost."""
        return self._applied.total() if route is None else self._applied[route]

    def applied_ids(self, route: str) -> Counter[str]:
        """Count how often the route was carried out for each id."""
        return Counter(self._applied_ids.get(route, {}))

    def peak_in_flight(self, route: str | None = None) -> int:
        """Give the most requests that were in flight at once."""
        return self._peak if route is None else self._peaks[route]

    def begin(self, entry: LogEntry) -> None:
        """Note the arrival of a request."""
        route = entry.route
        self.entries.append(entry)
        self._received[route] += 1
        self._flying += 1
        self._peak = max(self._peak, self._flying)
        flying = self._in_flight[route] + 1
        self._in_flight[route] = flying
        self._peaks[route] = max(self._peaks[route], flying)

    def apply(self, entry: LogEntry) -> None:
        """Note that a request was carried out."""
        entry.applied = True
        self._applied[entry.route] += 1
        if entry.id is not None:
            ids = self._applied_ids.setdefault(entry.route, Counter())
            ids[entry.id] += 1

    def end(self, entry: LogEntry, status: int | None) -> None:
        """Note the answer to a request."""
        entry.finished = monotonic()
        entry.status = status
        self._flying -= 1
        self._in_flight[entry.route] -= 1
        if self.watcher is not None:
            self.watcher(entry)
