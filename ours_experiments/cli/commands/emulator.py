"""What the command `emulator` does: serve until interrupted."""

import asyncio
import secrets
import signal
from collections.abc import Sequence
from contextlib import suppress
from ipaddress import ip_address

from ours_experiments.cli.context import Context
from ours_experiments.cli.errors import UsageError
from ours_experiments.cli.output.formats import CsvWriter, JsonLinesWriter
from ours_experiments.cli.output.text import escape
from ours_experiments.emulator import Emulator, LogEntry
from ours_experiments.emulator.faults.rules import parse


DEFAULT_KEY = "test-key"
TRAFFIC_DAYS = 14
FIELDS = (
    *("event", "url", "api_key", "method", "path"),
    *("status", "milliseconds", "requests"),
)
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
    with suppress(NotImplementedError):  # as on Windows
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, stop.set)
    journal = Journal(context)
    service.log.watcher = journal.request
    try:
        await service.start()
    except OSError as problem:
        raise UsageError(
            f"cannot listen there: {problem.strerror or problem}",
            "choose another --port; 0 takes any that is free",
        ) from None
    try:
        journal.begin(service, "YOUR_KEY" if key_is_own else service.api_key)
        await stop.wait()
    finally:
        await service.aclose()
    journal.end(service.log.received())


class Journal:
    """Tells what the emulator does: lines for people, records for programs."""

    def __init__(self, context: Context) -> None:
        self.context = context
        self.writer: JsonLinesWriter | CsvWriter | None = None
        if context.format == "csv":
            self.writer = CsvWriter(context, FIELDS)
        elif context.format != "table":
            self.writer = JsonLinesWriter(context)

    def begin(self, service: Emulator, key: str) -> None:
        """Say where the service is and how to speak to it; the key is no secret."""
        url = service.url
        if self.writer is not None:
            self.writer.write({"event": "listening", "url": url, "api_key": key})
            return
        address = f"{url}/rest/v1/experiments?limit=5"
        for line in (
            f"emulator of the service: {url}",
            "",
            f"    export OURS_PRIVACY_API_KEY={key}",
            f"    export OURS_PRIVACY_PLATFORM_BASE_URL={url}",
            "    ours-experiments list",
            "",
            f"    curl -H 'Authorization: Bearer {key}' '{address}'",
            "",
            "Ctrl-C stops it",
        ):
            self.context.out.print(line, soft_wrap=True)

    def request(self, entry: LogEntry) -> None:
        """Tell of a request that has ended; the key is not in it."""
        took = ((entry.finished or entry.started) - entry.started) * 1000
        if self.writer is None:
            status = entry.status or "cut off"
            line = f"{entry.method} {escape(entry.path)} {status} {took:.1f} ms\n"
            self.context.write(line, flush=True)
            return
        self.writer.write(
            {
                "event": "request",
                "method": entry.method,
                "path": entry.path,
                "status": entry.status,
                "milliseconds": round(took, 1),
            }
        )

    def end(self, requests: int) -> None:
        """Tell how many requests there were."""
        if self.writer is None:
            noun = "request" if requests == 1 else "requests"
            self.context.out.print(f"stopped after {requests:,} {noun}")
        else:
            self.writer.write({"event": "stopped", "requests": requests})
