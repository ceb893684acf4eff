"""Misbehave on command, the same way for the same seed and requests.

    emulator.faults.add("reset", applied=True, route="experiments.create", times=1)
    emulator.faults.add("status", code=429, retry_after=2, probability=0.1)

Several faults may meet in one request; `describe()` lists the kinds.
"""

from collections.abc import Callable
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
SCHEDULE = {"route": str, "probability": float, "times": int, "after": int}


@runtime_checkable
class FollowingUp(Protocol):
    """A kind that also wants later requests, outside its schedule."""

    def claims(self, request: web.Request) -> bool:
        """Tell whether a request follows from one that was met before."""
        ...


@dataclass(slots=True, eq=False)
class Fault:
    """One way to misbehave, and the requests that it is meant for."""

    kind: FaultKind
    """What goes wrong."""
    route: str | None = None
    """Operation, such as "experiments.start", or a pattern ("experiments.*")."""
    probability: float = 1.0
    """0-1, drawn for each request that matches."""
    times: int | None = None
    """How many requests to meet at most."""
    after: int = 0
    """How many matching requests to let pass first."""
    when: Condition | None = None
    """A further condition."""
    hits: int = field(default=0, init=False)
    """How many requests were met so far."""
    seen: int = field(default=0, init=False)
    """How many requests matched so far."""
    seed: str = field(default="", init=False)
    """What its draws begin from, once it is installed."""
    claims: Condition | None = field(default=None, init=False)
    """Which requests it meets because it met one before; None: none."""
    faults: "Faults | None" = field(default=None, init=False, repr=False)
    """Where it is installed."""

    def __post_init__(self) -> None:
        at_least(0, probability=self.probability, after=self.after)
        at_most(1, probability=self.probability)
        if self.times is not None:
            at_least(1, times=self.times)
        if isinstance(self.kind, FollowingUp):
            self.claims = self.kind.claims

    def remove(self) -> None:
        """Meet no more requests; those already met are not released."""
        if self.faults is not None:
            self.faults.remove(self)

    def draw(self, request: web.Request, route: str) -> Random | None:
        """Decide about one request, and give the source of its further draws."""
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
        """Give each request a source of its own: concurrency then changes nothing."""
        return Random(f"{self.seed}/{self.seen}")  # noqa: S311 - repeatable, not secret


class Faults:
    """All faults of one emulator."""

    def __init__(self, seed: int = 0, lock: "RLock | None" = None) -> None:
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
        """Misbehave in one way from now on.

        Raises:
            ValueError: an unknown kind, or a parameter that it does not take.
        """
        fault = Fault(build(kind, parameters), route, probability, times, after, when)
        return self.install(fault)

    def install(self, fault: Fault) -> Fault:
        """Add a fault that has been made already, by `parse` for instance."""
        with self._lock:
            fault.seed = f"{self.seed}/{self._added}"
            fault.faults = self
            self._added += 1
            self._installed.append(fault)
        return fault

    def remove(self, fault: Fault) -> None:
        """Let a fault meet no more requests; those already met are not released."""
        with self._lock:
            if fault in self._installed:
                self._installed.remove(fault)

    def clear(self) -> None:
        """Remove all faults; those added next draw as the first ones did."""
        with self._lock:
            self._installed.clear()
            self._added = 0

    async def apply(
        self, request: web.Request, route: str, handler: Handler
    ) -> web.StreamResponse:
        """Answer a request through the faults that are due."""
        if self._background.refusing:
            # A connection from before the outage: a dead service drops it too.
            return hang_up(request, reset=True)
        due = [(one, one.draw(request, route)) for one in self._installed]
        due.sort(key=lambda pair: NESTING[type(pair[0].kind)])
        for fault, source in reversed(due):
            if source is not None:
                handler = self._behind(fault.kind, source, handler)
        return await handler(request)

    def _behind(self, kind: FaultKind, source: Random, handler: Handler) -> Handler:
        """Put a handler behind a fault."""

        async def faulty(request: web.Request) -> web.StreamResponse:
            exchange = Exchange(request, handler, source, self._background)
            return await kind.apply(exchange)

        return faulty

    def attach(self, close_listener: Switch, open_listener: Switch) -> None:
        """Take the switches of a server that starts.

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
        """Let go of whatever hangs, drips or is still to come."""
        self.clear()
        await self._background.aclose()


def parse(text: str) -> Fault:
    """Read a fault from text: `reset:route=experiments.start,applied=true`.

    Raises:
        ValueError: what is wrong, and what would be right.
    """
    name, _, rest = text.strip().partition(":")
    fields = parameters_of(name)
    annotations: dict[str, object] = {key: one.type for key, one in fields.items()}
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
