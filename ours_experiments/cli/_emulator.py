"""What the command `emulator` does: serve until interrupted."""

import asyncio
import secrets
import signal
from collections.abc import Callable, Sequence
from contextlib import suppress
from ipaddress import ip_address

from ours_experiments.cli._context import Context
from ours_experiments.cli._errors import UsageError
from ours_experiments.cli._text import escape
from ours_experiments.emulator import Emulator, LogEntry
from ours_experiments.emulator._faults import parse


DEFAULT_KEY = "test-key"
TRAFFIC_DAYS = 14
RUNNING = 4
"""One of so many experiments is running from the beginning."""


def is_loopback(host: str) -> bool:
    """Tell whether only this machine can reach an address."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def build(
    host: str,
    port: int,
    key: str | None,
    *,
    seed: int,
    publish_seconds: float,
    allow_remote: bool,
) -> Emulator:
    """Build the emulator; what it refuses is told in terms of the options."""
    if key is None:
        key = DEFAULT_KEY if is_loopback(host) else secrets.token_urlsafe(24)
    if not allow_remote and not is_loopback(host):
        raise UsageError(
            f"--host {host} can be reached from other machines",
            "say --allow-remote if that is meant",
        )
    try:
        return Emulator(
            (key,),
            host=host,
            port=port,
            seed=seed,
            publish_seconds=publish_seconds,
            allow_remote=allow_remote,
        )
    except ValueError as problem:
        raise UsageError(str(problem)) from None


def populate(service: Emulator, count: int) -> None:
    """Fill the account: a quarter is running and has had visitors."""
    running = service.seed_experiments(count // RUNNING, status="running")
    service.seed_experiments(count - len(running))
    for experiment_id in running:
        service.simulate(experiment_id, days=TRAFFIC_DAYS)


def add_faults(service: Emulator, faults: Sequence[str]) -> None:
    """Install the faults, written as text."""
    for told in faults:
        try:
            service.faults.install(parse(told))
        except ValueError as problem:
            raise UsageError(f"--faults: {problem}") from None


async def serve(service: Emulator, context: Context, *, key_is_own: bool) -> None:
    """Serve until SIGINT or SIGTERM, one line for each request.

    Raises:
        UsageError: The port cannot be had.
    """
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    with suppress(NotImplementedError):
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, stop.set)
    service.log.watcher = printing(context)
    try:
        await service.start()
    except OSError as problem:
        raise UsageError(
            f"cannot listen there: {problem.strerror or problem}",
            "choose another --port; 0 takes any that is free",
        ) from None
    try:
        greet(service, context, key_is_own=key_is_own)
        await stop.wait()
    finally:
        await service.aclose()
    context.out.print(f"stopped after {service.log.received()} requests")


def greet(service: Emulator, context: Context, *, key_is_own: bool) -> None:
    """Say where the service is and how to speak to it; a key of one's own is kept."""
    shown = "YOUR_KEY" if key_is_own else service.api_key
    address = f"{service.url}/rest/v1/experiments?limit=5"
    for line in (
        f"emulator of the service: {service.url}",
        "",
        f"    export OURS_PRIVACY_API_KEY={shown}",
        f"    export OURS_PRIVACY_PLATFORM_BASE_URL={service.url}",
        "    ours-experiments list",
        "",
        f"    curl -H 'Authorization: Bearer {shown}' '{address}'",
        "",
        "Ctrl-C stops it",
    ):
        context.out.print(line, soft_wrap=True)


def printing(context: Context) -> Callable[[LogEntry], None]:
    """Write a line for each request that ends; the key is not in it."""

    def print_line(entry: LogEntry) -> None:
        took = ((entry.finished or entry.started) - entry.started) * 1000
        status = entry.status or "cut off"
        line = f"{entry.method} {escape(entry.path)} {status} {took:.1f} ms\n"
        context.write(line, flush=True)

    return print_line
