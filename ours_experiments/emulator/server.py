"""The emulator: the account behind a socket."""

from collections.abc import Iterable, Mapping
from ipaddress import ip_address
from types import TracebackType
from typing import Literal, Self, TypeAlias, cast

from ours_experiments.emulator.account.ids import IdStyle
from ours_experiments.emulator.account.seeding import seed_experiments
from ours_experiments.emulator.account.state import State
from ours_experiments.emulator.account.texts import Texts
from ours_experiments.emulator.api.front import Front
from ours_experiments.emulator.api.handlers import CursorKind, Handlers
from ours_experiments.emulator.api.pages import Cursors
from ours_experiments.emulator.api.routes import ALL_SCOPES, LIST_SCOPES, READ_SCOPES
from ours_experiments.emulator.clock import Clock
from ours_experiments.emulator.connections import Listener
from ours_experiments.emulator.faults.rules import Faults
from ours_experiments.emulator.log import RequestLog


Scopes: TypeAlias = str | Iterable[str]
"""`all`, `read-only`, `list-only`, or the documented scopes one by one."""

MAX_SECONDS = 10 * 366 * 24 * 60 * 60
"""No time span of a test is longer than ten years."""

_SCOPES = {"all": ALL_SCOPES, "read-only": READ_SCOPES, "list-only": LIST_SCOPES}


class Emulator:
    """A local stand-in for the service, in memory.

        async with Emulator(api_keys=("test-key",)) as emulator:
            client = Client(emulator.api_key, base_url=emulator.url)

    `api_keys` may map each key to its scopes: "all", "read-only", "list-only" or a
    set of the documented ones. `cursor` is how experiments are paged, `publish_seconds`
    how long a publish takes, and `list_delay` how many seconds the listings of
    experiments and versions lag behind. With `mission_only` the emulator is the API's
    first version: no variants in list items, no rollout, no staging, no versions.
    It listens on loopback unless `allow_remote` is given.

    A real service may differ from the emulator's reading of the documents. Keys are
    unique with `unique_keys`. `conflict_status=400` answers 400 instead of 409 where
    the vendor's document lists no 409. `normalize_names` and `normalize_keys` are
    rules such as `("trim", "casefold", "slug", "cut:40", "suffix")`, applied in their
    order before a text is kept; "suffix" appends -2 to what is in use. Times in
    bodies run `clock_skew` seconds ahead of the `Date` header.
    """

    def __init__(
        self,
        api_keys: Iterable[str] | Mapping[str, Scopes] = ("test-key",),
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        seed: int = 0,
        cursor: CursorKind = "keyset",
        unique_keys: bool = False,
        publish_seconds: float = 0.0,
        list_delay: float = 0.0,
        clock_skew: float = 0.0,
        conflict_status: Literal[400, 409] = 409,
        normalize_names: Iterable[str] = (),
        normalize_keys: Iterable[str] = (),
        id_style: IdStyle = "ulid",
        mission_only: bool = False,
        clock: Clock | None = None,
        allow_remote: bool = False,
    ) -> None:
        if not allow_remote and not is_loopback(host):
            raise ValueError("host: beyond loopback only with allow_remote=True")
        if cursor not in ("keyset", "offset"):
            raise ValueError(f"cursor: 'keyset' or 'offset', not {cursor!r}")
        if conflict_status not in (400, 409):
            raise ValueError(f"conflict_status: 400 or 409, not {conflict_status!r}")
        _check_seconds("publish_seconds", publish_seconds, minimum=0)
        _check_seconds("list_delay", list_delay, minimum=0)
        _check_seconds("clock_skew", clock_skew, minimum=-MAX_SECONDS)
        _check_rules("normalize_names", normalize_names)
        _check_rules("normalize_keys", normalize_keys)
        self._keys = _scopes_of(api_keys)
        self._host = host
        self._port = port
        self.clock: Clock = Clock() if clock is None else clock
        self.state: State = State(
            self.clock,
            seed=seed,
            id_style=id_style,
            unique_keys=unique_keys,
            list_delay=list_delay,
            clock_skew=clock_skew,
            normalize_names=normalize_names,
            normalize_keys=normalize_keys,
        )
        self.log: RequestLog = RequestLog()
        self.faults: Faults = Faults(seed)
        handlers = Handlers(
            self.state,
            Cursors(f"cursors {seed}".encode()),
            cursor_kind=cursor,
            publish_seconds=publish_seconds,
            mission_only=mission_only,
        )
        self._front = Front(
            handlers, self._keys, self.log, self.faults, conflict_status
        )
        self._listener: Listener | None = None

    def __repr__(self) -> str:
        where = self.url if self._listener else "not running"
        return f"<Emulator {where}, {self.state.size} experiments>"

    @property
    def url(self) -> str:
        """Where the emulator listens, such as `http://127.0.0.1:12345`."""
        if self._listener is None:
            raise RuntimeError("the emulator is not running")
        host = f"[{self._host}]" if ":" in self._host else self._host
        return f"http://{host}:{self._listener.port}"

    @property
    def api_key(self) -> str:
        """The first of the keys."""
        return next(iter(self._keys))

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
        """Begin to listen."""
        if self._listener is not None:
            raise RuntimeError("the emulator is running already")
        listener = Listener(self._front.receive, self._host, self._port)
        await listener.open()
        self._listener = listener
        self._port = listener.port
        self.faults.attach(listener.close, listener.open)

    async def aclose(self) -> None:
        """Stop listening and end what is in flight; nothing is left behind."""
        listener, self._listener = self._listener, None
        if listener is not None:
            await self.faults.aclose()
            await listener.shut_down()

    def simulate(
        self,
        experiment_id: str,
        *,
        days: int = 14,
        visitors_per_day: int = 1000,
        conversion_rates: Mapping[str, float] | None = None,
        seed: int | None = None,
    ) -> None:
        """Let visitors have come on each of the last `days` of a run.

        The run begins earlier if need be. `conversion_rates` are 0-1 by variant id,
        drawn where they are not given. Traffic of an earlier call is replaced.
        """
        self.state.simulate(
            experiment_id,
            days=days,
            visitors_per_day=visitors_per_day,
            conversion_rates=conversion_rates,
            seed=seed,
        )

    def seed_experiments(
        self, count: int, *, status: str = "draft", variants: int = 2
    ) -> list[str]:
        """Make experiments in process, published already; give their ids."""
        return seed_experiments(self.state, count, status=status, variants=variants)


def _check_seconds(name: str, value: float, *, minimum: float) -> None:
    if not minimum <= value <= MAX_SECONDS:
        raise ValueError(f"{name}: {minimum} to {MAX_SECONDS} seconds, not {value}")


def _check_rules(name: str, rules: Iterable[str]) -> None:
    try:
        Texts(rules)
    except (TypeError, ValueError) as error:
        raise type(error)(f"{name}: {error}") from None


def is_loopback(host: str) -> bool:
    """Return whether only this machine can reach an address."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _scopes_of(
    api_keys: Iterable[str] | Mapping[str, Scopes],
) -> dict[str, frozenset[str]]:
    if isinstance(api_keys, str):
        raise TypeError("api_keys: a collection of keys, not one string")
    given: Mapping[str, Scopes]
    if isinstance(api_keys, Mapping):
        given = cast("Mapping[str, Scopes]", api_keys)
    else:
        given = dict.fromkeys(api_keys, "all")
    keys: dict[str, frozenset[str]] = {}
    for number, (key, scopes) in enumerate(given.items(), start=1):
        if not key or not key.isascii() or not key.isprintable() or " " in key:
            raise ValueError(f"api_keys: key {number} is blank or not printable ASCII")
        chosen = _SCOPES.get(scopes) if isinstance(scopes, str) else frozenset(scopes)
        if chosen is None or not chosen <= ALL_SCOPES:
            raise ValueError(f"api_keys: the scopes of key {number} are unknown")
        keys[key] = chosen
    if not keys:
        raise ValueError("api_keys: at least one is needed")
    return keys
