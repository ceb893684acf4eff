"""Faults on request, the same ones for the same seed and requests.

    emulator.faults.add("reset", applied=True, route="experiments.create", times=1)
    emulator.faults.add("status", code=429, retry_after=2, probability=0.1)

Several faults may affect the same request; `describe()` lists the kinds.
"""

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from random import Random
from threading import RLock
from typing import Protocol, cast, runtime_checkable

from aiohttp import web

from ours_experiments.emulator.faults.exchange import (
    Background,
    Exchange,
    FaultKind,
    Outage,
    Switch,
    at_least,
    at_most,
)
from ours_experiments.emulator.faults.kinds import (
    NESTING,
    build,
    parameters_of,
    read,
    unknown_parameter,
)
from ours_experiments.emulator.faults.wire import Handler, hang_up


Condition = Callable[[web.Request], bool]

# Of the schedule's parameters, those that can be written as text.
SCHEDULE: Mapping[str, type] = {
    "route": str,
    "probability": float,
    "times": int,
    "after": int,
}


@runtime_checkable
class AffectsLater(Protocol):
    """A kind that also affects later requests, outside its schedule."""

    def claims(self, request: web.Request) -> bool:
        """Return whether a request follows a request that was affected."""
        ...


@dataclass(slots=True, eq=False)
class Fault:
    """A fault, and the requests that it affects."""

    kind: FaultKind
    """What it does."""
    route: str | None = None
    """Operation, such as "experiments.start", or a pattern ("experiments.*")."""
    probability: float = 1.0
    """0-1, drawn for each request that matches."""
    times: int | None = None
    """Number of requests to affect at most."""
    after: int = 0
    """Number of matching requests to spare first."""
    when: Condition | None = None
    """A further condition, called in the thread of the emulator."""
    hits: int = field(default=0, init=False)
    """Number of requests affected so far."""
    seen: int = field(default=0, init=False)
    """Number of requests that matched so far."""
    seed: str = field(default="", init=False)
    """Seed of its draws, once it is installed."""
    claims: Condition | None = field(default=None, init=False)
    """Condition for requests that follow an affected one; None without any."""
    faults: "Faults | None" = field(default=None, init=False, repr=False)
    """Where it is installed."""

    def __post_init__(self) -> None:
        at_least(0, probability=self.probability, after=self.after)
        at_most(1, probability=self.probability)
        if self.times is not None:
            at_least(1, times=self.times)
        if isinstance(self.kind, AffectsLater):
            self.claims = self.kind.claims

    def remove(self) -> None:
        """Affect no more requests; those in progress are not released."""
        if self.faults is not None:
            self.faults.remove(self)

    def draw(self, request: web.Request, route: str) -> Random | None:
        """Return the source of further draws if a request is affected, else None."""
        if self.claims is not None and self.claims(request):
            return self.source()
        if self.route is not None and not fnmatchcase(route, self.route):
            return None
        if self.when is not None and not self.when(request):
            return None
        self.seen += 1
        if self.seen <= self.after or self.hits == self.times:
            return None
        source = self.source()
        if source.random() >= self.probability:
            return None
        self.hits += 1
        return source

    def source(self) -> Random:
        """Return a source for a single request, so that concurrency changes nothing."""
        return Random(f"{self.seed}/{self.seen}")  # noqa: S311 - repeatable, not secret


class Faults:
    """All faults of one emulator."""

    def __init__(
        self, seed: int = 0, lock: AbstractContextManager[object] | None = None
    ) -> None:
        self.seed = seed
        self._lock = RLock() if lock is None else lock
        self._installed: list[Fault] = []
        self._added = 0
        self._background = Background()

    @property
    def active(self) -> bool:
        """Whether requests have to come through `apply`."""
        return bool(self._installed) or self._background.refusing

    def add(
        self,
        kind: str,
        *,
        route: str | None = None,
        probability: float = 1.0,
        times: int | None = None,
        after: int = 0,
        when: Condition | None = None,
        **parameters: object,
    ) -> Fault:
        """Add a fault, which affects requests from now on.

        Raises:
            ValueError: The kind is unknown, or does not take a parameter.
        """
        fault = Fault(build(kind, parameters), route, probability, times, after, when)
        return self.install(fault)

    def install(self, fault: Fault) -> Fault:
        """Add a fault that exists already, from `parse` for instance."""
        with self._lock:
            fault.seed = f"{self.seed}/{self._added}"
            fault.faults = self
            self._added += 1
            self._installed.append(fault)
        return fault

    def remove(self, fault: Fault) -> None:
        """Remove a fault; requests in progress are not released."""
        with self._lock:
            if fault in self._installed:
                self._installed.remove(fault)

    def clear(self) -> None:
        """Remove all faults; those added next draw as the first did."""
        with self._lock:
            self._installed.clear()
            self._added = 0

    async def apply(
        self, request: web.Request, route: str, handler: Handler
    ) -> web.StreamResponse:
        """Answer a request through the faults that affect it."""
        if self._background.refusing:
            # A connection from before the outage: a dead service drops it too.
            return hang_up(request, reset=True)
        due = [(fault, fault.draw(request, route)) for fault in self._installed]
        due.sort(key=lambda pair: NESTING[type(pair[0].kind)])
        for fault, source in reversed(due):
            if source is not None:
                handler = self._behind(fault.kind, source, handler)
        return await handler(request)

    def _behind(self, kind: FaultKind, source: Random, handler: Handler) -> Handler:
        """Return a handler with a fault in front of it."""

        async def faulty(request: web.Request) -> web.StreamResponse:
            exchange = Exchange(request, handler, source, self._background)
            return await kind.apply(exchange)

        return faulty

    def attach(self, close_listener: Switch, open_listener: Switch) -> None:
        """Take the functions that close and open the listener of a server.

        `close_listener` stops listening and closes idle connections, without waiting
        for busy ones; `open_listener` listens again at the same port.
        """
        self._background.attach(close_listener, open_listener)

    def refusing(self) -> Outage:
        """Refuse connections inside a `with` or an `async with` block."""
        return Outage(self._background)

    async def settle(self) -> None:
        """Wait until late changes are made and outages are over."""
        await self._background.run(self._background.finish_tasks())

    def wait(self) -> None:
        """Block until late changes are made and outages are over.

        Raises:
            RuntimeError: The emulator runs on the event loop of this thread.
        """
        self._background.check_blocking("await faults.settle()")
        self._background.run_blocking(self._background.finish_tasks())

    async def aclose(self) -> None:
        """End what hangs or drips, and drop late changes."""
        self.clear()
        await self._background.aclose()


def parse(text: str) -> Fault:
    """Parse a fault: `reset:route=experiments.start,applied=true`.

    Raises:
        ValueError: The text is not valid; the message says what is.
    """
    name, _, rest = text.strip().partition(":")
    fields = parameters_of(name)
    annotations: dict[str, object] = {key: entry.type for key, entry in fields.items()}
    annotations |= SCHEDULE
    values: dict[str, object] = {}
    for pair in filter(None, map(str.strip, rest.split(","))):
        parameter, equals, value = pair.partition("=")
        if not equals:
            raise ValueError(f"{name}: {pair!r} is not of the form name=value")
        if parameter not in annotations:
            raise ValueError(unknown_parameter(name, parameter, annotations))
        if parameter in values:
            raise ValueError(f"{name}: {parameter} is given twice")
        own = fields[parameter].metadata.get("parse") if parameter in fields else None
        try:
            values[parameter] = (
                own(value) if own else read(annotations[parameter], value)
            )
        except ValueError as error:
            raise ValueError(f"{name}: {parameter} {error}") from None
    schedule = {key: values.pop(key) for key in SCHEDULE if key in values}
    make = cast("Callable[..., Fault]", Fault)
    try:
        return make(build(name, values), **schedule)
    except ValueError as error:
        raise ValueError(f"{name}: {error}") from None
