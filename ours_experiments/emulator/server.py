"""The emulator: an account behind a socket."""

from collections.abc import Iterable, Mapping
from threading import RLock
from types import TracebackType
from typing import Literal, Self

from ours_experiments.emulator.account.behavior import Behavior
from ours_experiments.emulator.account.ids import IdStyle
from ours_experiments.emulator.account.seeding import seed_experiments
from ours_experiments.emulator.account.state import State
from ours_experiments.emulator.account.texts import Texts
from ours_experiments.emulator.api.dispatcher import Dispatcher
from ours_experiments.emulator.api.pages import Cursors
from ours_experiments.emulator.api.scopes import Scopes, scopes_by_key
from ours_experiments.emulator.api.service import CursorKind, Service
from ours_experiments.emulator.clock import Clock
from ours_experiments.emulator.connections import Listener, is_loopback
from ours_experiments.emulator.faults.rules import Faults
from ours_experiments.emulator.log import RequestLog
from ours_experiments.emulator.loop_thread import LoopThread


MAX_SECONDS = 10 * 366 * 24 * 60 * 60
"""Largest time span that an option takes: ten years."""


class Emulator:
    """A local stand-in for the service, in memory.

        with Emulator() as emulator:  # in a thread of its own
            requests.get(f"{emulator.url}/rest/v1/experiments", ...)

        async with Emulator() as emulator:  # on the running event loop
            client = Client(emulator.api_key, base_url=emulator.url)

    Inside a `with` block, all methods may be called from any thread.
    """

    def __init__(
        self,
        api_keys: Iterable[str] | Mapping[str, Scopes] = ("test-key",),
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        seed: int = 0,
        api: Literal["current", "initial"] = "current",
        cursor: CursorKind = "keyset",
        id_style: IdStyle = "ulid",
        unique_keys: bool = False,
        normalize_names: Iterable[str] = (),
        normalize_keys: Iterable[str] = (),
        conflict_status: Literal[400, 409] = 409,
        publish_seconds: float = 0.0,
        list_delay: float = 0.0,
        clock: Clock | None = None,
        clock_skew: float = 0.0,
        allow_remote: bool = False,
    ) -> None:
        """Create an empty account.

        Args:
            api_keys: The keys that are accepted. A mapping assigns scopes:
                "all", "read-only", "list-only", or a set of the documented ones.
            host: Address to listen on; loopback, unless `allow_remote` is true.
            port: Port to listen on; 0 takes any that is free.
            seed: Makes ids, traffic, cursors and faults repeatable.
            api: "initial" serves the first version of the API: no variants in list
                items, no rollout, no staging, no versions.
            cursor: How experiments are paged: "keyset" or "offset".
            id_style: Form of ids: "ulid", such as `exp_01J...`, or "uuid".
            unique_keys: Whether a key that is in use is refused with 409.
            normalize_names: Rules that change names before they are kept, in their
                order: "trim", "casefold", "slug", "cut:40" (characters), and
                "suffix", which appends -2 to a name that is in use.
            normalize_keys: The same for keys.
            conflict_status: 400 answers 400 instead of 409 wherever the vendor's
                document lists no 409: all but publishing and settings.
            publish_seconds: Real seconds that a publish takes.
            list_delay: Seconds by which listings of experiments and versions lag
                behind, by `clock`.
            clock: Source of all times in bodies; real time by default.
            clock_skew: Seconds that the times in bodies run ahead of `clock`, and so
                of the `Date` header; negative: behind.
            allow_remote: Whether `host` may be reachable from other machines.

        Raises:
            ValueError: An argument is out of range.
        """
        if not allow_remote and not is_loopback(host):
            raise ValueError("host: beyond loopback only with allow_remote=True")
        _check_choice("api", api, ("current", "initial"))
        _check_choice("cursor", cursor, ("keyset", "offset"))
        _check_choice("conflict_status", conflict_status, (400, 409))
        _check_seconds("publish_seconds", publish_seconds, minimum=0)
        _check_seconds("list_delay", list_delay, minimum=0)
        _check_seconds("clock_skew", clock_skew, minimum=-MAX_SECONDS)
        self._keys = scopes_by_key(api_keys)
        self._host = host
        self._port = port
        # Re-entrant: the state takes it too, within callbacks that run under it.
        self._lock = RLock()
        self.clock: Clock = Clock() if clock is None else clock
        self.state: State = State(
            self.clock,
            seed=seed,
            id_style=id_style,
            unique_keys=unique_keys,
            names=_texts("normalize_names", normalize_names),
            keys=_texts("normalize_keys", normalize_keys),
            list_delay=list_delay,
            clock_skew=clock_skew,
            lock=self._lock,
        )
        self.log: RequestLog = RequestLog(self._lock)
        self.faults: Faults = Faults(seed, self._lock)
        service = Service(
            self.state,
            # From the seed, so that a recorded cursor is valid in the next run.
            Cursors(f"cursors {seed}".encode()),
            cursor_kind=cursor,
            publish_seconds=publish_seconds,
            is_initial=api == "initial",
        )
        self._dispatcher = Dispatcher(
            service, self._keys, self.log, self.faults, conflict_status
        )
        self._listener: Listener | None = None
        self._thread: LoopThread | None = None

    def __repr__(self) -> str:
        where = self.url if self._listener else "not running"
        return f"<Emulator {where}, {self.state.size} experiments>"

    @property
    def url(self) -> str:
        """The address of the emulator, such as `http://127.0.0.1:12345`."""
        if self._listener is None:
            raise RuntimeError("the emulator is not running")
        host = f"[{self._host}]" if ":" in self._host else self._host
        return f"http://{host}:{self._listener.port}"

    @property
    def api_key(self) -> str:
        """The first of the keys."""
        return next(iter(self._keys))

    def __enter__(self) -> Self:
        if self._listener is not None:
            raise RuntimeError("the emulator is running already")
        thread = LoopThread(self._lock)
        try:
            thread.run(self.start())
        except BaseException:
            thread.close()
            raise
        self._thread = thread
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        thread, self._thread = self._thread, None
        if thread is not None:
            thread.run(self._shut_down())
            thread.close()

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.aclose()

    async def start(self) -> None:
        """Listen, on the running event loop."""
        if self._listener is not None:
            raise RuntimeError("the emulator is running already")
        listener = Listener(self._dispatcher.receive, self._host, self._port)
        await listener.open()
        self._listener = listener
        # Kept, so that a second start listens at the same address.
        self._port = listener.port
        self.faults.attach(listener.close, listener.open)

    async def aclose(self) -> None:
        """Stop listening, and end every request that is in flight."""
        # In a `with` block the sockets belong to the loop of the thread.
        if self._thread is None:
            await self._shut_down()
        else:
            self.__exit__(None, None, None)

    def simulate(
        self,
        experiment_id: str,
        *,
        days: int = 14,
        visitors_per_day: int = 1000,
        conversion_rates: Mapping[str, float] | None = None,
        impressions_per_visitor: float = 1.0,
        conversions_per_converter: float = 1.0,
        loses: Mapping[str, float] | None = None,
        seed: int | None = None,
    ) -> None:
        """Simulate visitors on each of the last `days` of an experiment's run.

        The run begins earlier if need be. Traffic of an earlier call is replaced.

        Args:
            experiment_id: An experiment that has been started.
            days: Days of the run, the last one included.
            visitors_per_day: Visitors of the site; the traffic allocation of the
                experiment decides how many of them take part.
            conversion_rates: Share of visitors that convert, 0-1, by variant id;
                drawn where none is given.
            impressions_per_visitor: Mean for each visitor and day, 1 to 1000. Above 1
                impressions come in clusters, and vary more than independent ones.
            conversions_per_converter: Mean for each visitor who converts, 1 to 1000.
            loses: Share of a variant's impressions that is never recorded, 0-1, by
                variant id; conversions are recorded all the same.
            seed: Makes this traffic repeatable; the emulator's by default.
        """
        with self._lock:
            self.state.simulate(
                experiment_id,
                Behavior(
                    days,
                    visitors_per_day,
                    conversion_rates or {},
                    impressions_per_visitor,
                    conversions_per_converter,
                    loses or {},
                ),
                seed,
            )

    def seed_experiments(
        self, count: int, *, status: str = "draft", variants: int = 2
    ) -> list[str]:
        """Create experiments that are published already, and return their ids.

        Args:
            count: How many to create.
            status: "draft", "running", "paused" or "completed".
            variants: Variants of each, the control included: 1 to 100.

        Raises:
            ValueError: An argument is out of range, or `unique_keys` refuses a key
                that `normalize_keys` made equal to another.
        """
        with self._lock:
            return seed_experiments(self.state, count, status=status, variants=variants)

    async def _shut_down(self) -> None:
        listener, self._listener = self._listener, None
        if listener is not None:
            await self.faults.aclose()
            await listener.shut_down()


def _check_choice(name: str, value: object, choices: tuple[object, ...]) -> None:
    if value not in choices:
        listed = " or ".join(map(repr, choices))
        raise ValueError(f"{name}: {listed}, not {value!r}")


def _check_seconds(name: str, value: float, *, minimum: float) -> None:
    if not minimum <= value <= MAX_SECONDS:
        raise ValueError(f"{name}: {minimum} to {MAX_SECONDS} seconds, not {value}")


def _texts(name: str, rules: Iterable[str]) -> Texts:
    try:
        return Texts(rules)
    except (TypeError, ValueError) as error:
        raise type(error)(f"{name}: {error}") from None
