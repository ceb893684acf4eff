"""The log of requests, with counters for each route."""

from collections import Counter, deque
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from threading import RLock
from time import monotonic


MAX_ENTRIES = 100_000
"""Entries that are kept; they take 32 MB at most."""


@dataclass(slots=True)
class LogEntry:
    """One request, without its headers: the API key is never kept."""

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
    """Status of the answer; None while in flight, or when no answer was sent."""
    applied: bool = False
    """Whether the operation was carried out, even if its reply was lost."""
    id: str | None = None
    """The id in the path, None when the path has none."""


Watcher = Callable[[LogEntry], object]


class RequestLog:
    """Counters by route, and a list of the latest requests.

    Routes are named like the methods of the client: `experiments.start`.
    """

    def __init__(self, lock: AbstractContextManager[object] | None = None) -> None:
        self.watcher: Watcher | None = None
        """Called with every request once it is answered, in the emulator's thread."""
        self._lock = RLock() if lock is None else lock
        self._entries: deque[LogEntry] = deque(maxlen=MAX_ENTRIES)
        self._in_flight: Counter[str] = Counter()
        self._total_in_flight = 0
        self.clear()

    @property
    def entries(self) -> list[LogEntry]:
        """The latest requests, in the order of their arrival."""
        with self._lock:
            return list(self._entries)

    def clear(self) -> None:
        """Forget everything but the requests that are in flight."""
        with self._lock:
            self._entries.clear()
            self._received: Counter[str] = Counter()
            self._applied: Counter[str] = Counter()
            self._applied_ids: dict[str, Counter[str]] = {}
            self._peaks: Counter[str] = Counter(self._in_flight)
            self._peak = self._total_in_flight

    def received(self, route: str | None = None) -> int:
        """Count the requests that arrived."""
        with self._lock:
            return self._received.total() if route is None else self._received[route]

    def applied(self, route: str | None = None) -> int:
        """Count the requests that were carried out, lost replies included."""
        with self._lock:
            return self._applied.total() if route is None else self._applied[route]

    def applied_ids(self, route: str) -> Counter[str]:
        """Count how often the route was carried out for each id."""
        with self._lock:
            return Counter(self._applied_ids.get(route, {}))

    def peak_in_flight(self, route: str | None = None) -> int:
        """Return the largest number of requests that were in flight at once."""
        return self._peak if route is None else self._peaks[route]

    def begin(self, entry: LogEntry) -> None:
        """Record the arrival of a request."""
        # No lock: the thread of the event loop holds it while handlers run.
        route = entry.route
        self._entries.append(entry)
        self._received[route] += 1
        self._total_in_flight += 1
        self._peak = max(self._peak, self._total_in_flight)
        self._in_flight[route] += 1
        self._peaks[route] = max(self._peaks[route], self._in_flight[route])

    def apply(self, entry: LogEntry) -> None:
        """Record that a request was carried out."""
        entry.applied = True
        self._applied[entry.route] += 1
        if entry.id is not None:
            ids = self._applied_ids.setdefault(entry.route, Counter())
            ids[entry.id] += 1

    def end(self, entry: LogEntry, status: int | None) -> None:
        """Record the answer to a request."""
        entry.finished = monotonic()
        entry.status = status
        self._total_in_flight -= 1
        self._in_flight[entry.route] -= 1
        if self.watcher is not None:
            self.watcher(entry)
