"""The server of the command `emulator`."""

import asyncio
import secrets
import signal
from collections.abc import Sequence
from contextlib import suppress

import attrs

from ours_experiments.cli.context import Context
from ours_experiments.cli.emulator_options import DEFAULT_OPTIONS, ServiceOptions
from ours_experiments.cli.errors import UsageError
from ours_experiments.cli.output.terminal import escape
from ours_experiments.cli.output.writers import CsvWriter, JsonLinesWriter
from ours_experiments.emulator import Emulator, LogEntry
from ours_experiments.emulator.connections import is_loopback
from ours_experiments.emulator.faults.rules import parse


DEFAULT_KEY = "test-key"
NAMED_SCOPES = {("all",), ("read-only",), ("list-only",)}
TRAFFIC_DAYS = 14
FIELDS = (
    *("event", "url", "api_key", "method", "path"),
    *("status", "milliseconds", "requests"),
)
RUNNING_SHARE = 4
"""One in so many experiments is running."""


def build(
    host: str,
    port: int,
    key: str | None,
    options: ServiceOptions = DEFAULT_OPTIONS,
    *,
    seed: int,
    publish_seconds: float,
    allow_remote: bool,
) -> Emulator:
    """Create the emulator.

    Raises:
        UsageError: It refuses an option, or other machines could connect.
    """
    if key is None:
        # Beyond loopback others can connect, and a well-known key would let them in.
        key = DEFAULT_KEY if is_loopback(host) else secrets.token_urlsafe(24)
    if not allow_remote and not is_loopback(host):
        raise UsageError(
            f"--host {host} can be reached from other machines",
            "add --allow-remote if that is intended",
        )
    # One word may name a set of scopes, which the emulator takes as text only.
    named = options.scopes[0] if options.scopes in NAMED_SCOPES else options.scopes
    try:
        return Emulator(
            {key: named},
            host=host,
            port=port,
            seed=seed,
            publish_seconds=publish_seconds,
            allow_remote=allow_remote,
            **attrs.asdict(options, filter=attrs.filters.exclude("scopes")),
        )
    except ValueError as problem:
        raise UsageError(name_option(str(problem))) from None


def name_option(message: str) -> str:
    """Return the emulator's message about an argument with the option's name."""
    argument, _, reason = message.partition(":")
    if argument == "count":
        argument = "experiments"
    elif argument == "api_keys":
        argument = "scopes" if "scopes" in reason else "key"
    return f"--{argument.replace('_', '-')}:{reason}"


def populate(service: Emulator, count: int) -> None:
    """Create experiments; a quarter is running and has had visitors."""
    try:
        running = service.seed_experiments(count // RUNNING_SHARE, status="running")
        service.seed_experiments(count - len(running))
    except ValueError as problem:
        raise UsageError(name_option(str(problem))) from None
    for experiment_id in running:
        service.simulate(experiment_id, days=TRAFFIC_DAYS)


def add_faults(service: Emulator, faults: Sequence[str]) -> None:
    """Parse and install faults."""
    for fault in faults:
        try:
            service.faults.install(parse(fault))
        except ValueError as problem:
            raise UsageError(f"--faults: {problem}") from None


async def serve(service: Emulator, context: Context, *, key_is_given: bool) -> None:
    """Serve until SIGINT or SIGTERM; write a line for each request.

    Raises:
        UsageError: It cannot listen on the port.
    """
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    with suppress(NotImplementedError):  # on Windows
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, stop.set)
    output = RequestLog(context)
    service.log.watcher = output.request
    try:
        await service.start()
    except OSError as problem:
        raise UsageError(
            f"cannot listen there: {problem.strerror or problem}",
            "choose another --port; 0 takes any that is free",
        ) from None
    try:
        # A key that was given may be a real one.
        output.begin(service, "YOUR_KEY" if key_is_given else service.api_key)
        await stop.wait()
    finally:
        await service.aclose()
    output.end(service.log.received())


class RequestLog:
    """Writes what the emulator does: lines for people, records for programs."""

    def __init__(self, context: Context) -> None:
        self.context = context
        self.writer: JsonLinesWriter | CsvWriter | None = None
        if context.format == "csv":
            self.writer = CsvWriter(context, FIELDS)
        elif context.format != "table":
            self.writer = JsonLinesWriter(context)

    def begin(self, service: Emulator, key: str) -> None:
        """Write the address, and how to use it. `key` is shown: pass no secret."""
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
        """Write a finished request, without its key."""
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
        """Write the number of requests."""
        if self.writer is None:
            noun = "request" if requests == 1 else "requests"
            self.context.out.print(f"stopped after {requests:,} {noun}")
        else:
            self.writer.write({"event": "stopped", "requests": requests})
