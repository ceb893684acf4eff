"""Run command lines: in this process, as a process, or in a terminal of its own."""

import asyncio
import codecs
import json
import os
import pty
import re
import select
import subprocess
import sys
import termios
import threading
from collections.abc import Callable, Coroutine, Iterator, Mapping, Sequence
from time import monotonic
from typing import Any, TypeVar

import attrs
from cyclopts import App

from ours_experiments.cli.app import app, run
from ours_experiments.emulator import Emulator


T = TypeVar("T")

COMMAND = (sys.executable, "-m", "ours_experiments")
# The first terminal that the leader of a session opens is where Ctrl-C comes from.
OPENING = (
    "import os, sys; os.open(os.ttyname(0), os.O_RDWR); "
    "os.execv(sys.argv[1], sys.argv[1:])"
)
IN_TERMINAL = (sys.executable, "-c", OPENING)
SEQUENCE = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
PATIENCE = 20.0
"""Seconds until something that should happen has failed to."""


@attrs.frozen
class Ran:
    """What a command line did."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """Parse the output."""
        return json.loads(self.out)

    @property
    def lines(self) -> list[Any]:
        """Parse the output as JSON lines."""
        return [json.loads(line) for line in self.out.splitlines()]


Invoke = Callable[..., Ran]
"""Runs a command line in this process."""


@attrs.frozen
class Service:
    """An emulator that is served by a thread, so that tests may block."""

    emulator: Emulator
    loop: asyncio.AbstractEventLoop

    def call(self, work: Coroutine[Any, Any, T]) -> T:
        """Run a coroutine where the emulator runs."""
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(PATIENCE)

    def seed(self, count: int, status: str = "draft", variants: int = 2) -> list[str]:
        """Make experiments."""

        async def make() -> list[str]:
            return self.emulator.seed_experiments(
                count, status=status, variants=variants
            )

        return self.call(make())

    def with_traffic(self, days: int = 14) -> str:
        """Make a running experiment that has had visitors."""
        [experiment_id] = self.seed(1, "running")
        self.emulator.simulate(experiment_id, days=days, seed=7)
        return experiment_id

    def rename(self, experiment_id: str, name: str) -> None:
        """Give an experiment any name."""
        self.emulator.state.get(experiment_id).name = name

    def status(self, experiment_id: str) -> str:
        """Tell an experiment's state."""
        return self.emulator.state.get(experiment_id).status

    def variant_ids(self, experiment_id: str) -> list[str]:
        """Tell an experiment's variants, the control first."""
        return [each.id for each in self.emulator.state.get(experiment_id).variants]

    @property
    def environment(self) -> dict[str, str]:
        """What a process needs to speak to it."""
        return environment(
            OURS_PRIVACY_API_KEY=self.emulator.api_key,
            OURS_PRIVACY_PLATFORM_BASE_URL=self.emulator.url,
        )


def environment(**variables: str) -> dict[str, str]:
    """Make the environment of a process, free of what changes its output."""
    dropped = (
        *("OURS_", "COLUMNS", "LINES", "NO_COLOR", "FORCE_COLOR", "TTY_"),
        "PYTHONUNBUFFERED",
    )
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(dropped)
    }
    return {**kept, "TERM": "xterm-256color", "PYTHONUTF8": "1", **variables}


def serving(**options: Any) -> tuple[Service, Callable[[], None]]:
    """Serve an emulator in a thread; the second item ends it."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    service = Service(Emulator(**options), loop)
    service.call(service.emulator.start())

    def end() -> None:
        service.call(service.emulator.aclose())
        loop.call_soon_threadsafe(loop.stop)
        thread.join(PATIENCE)
        loop.close()

    return service, end


def process(
    *arguments: str,
    env: Mapping[str, str] | None = None,
    stdin: str | bytes = "",
    command: Sequence[str] = COMMAND,
) -> Ran:
    """Run a command line as a process, without a terminal."""
    ended = subprocess.run(  # noqa: S603 - our own command
        [*command, *arguments],
        env=env or environment(),
        input=stdin.encode() if isinstance(stdin, str) else stdin,
        capture_output=True,
        timeout=PATIENCE,
        check=False,
    )
    return Ran(ended.returncode, ended.stdout.decode(), ended.stderr.decode())


class Terminal:
    """A command line in a terminal of its own."""

    def __init__(
        self,
        *arguments: str,
        env: Mapping[str, str] | None = None,
        columns: int = 100,
    ) -> None:
        self.master, slave = pty.openpty()
        termios.tcsetwinsize(slave, (40, columns))
        self.process = subprocess.Popen(  # noqa: S603 - our own command
            [*IN_TERMINAL, *COMMAND, *arguments],
            env=env or environment(),
            stdin=slave,
            stdout=slave,
            stderr=slave,
            start_new_session=True,
        )
        os.close(slave)
        self.screen = ""
        # What is read may end in the middle of a character.
        self.decoder = codecs.getincrementaldecoder("utf-8")()

    @property
    def lines(self) -> list[str]:
        """What has been on the screen, line by line; what was redrawn as well."""
        return re.split(r"[\r\n]+", SEQUENCE.sub("", self.screen))

    def read(self, seconds: float) -> bool:
        """Read what comes next; False at the end."""
        readable, _, _ = select.select([self.master], [], [], seconds)
        if not readable:
            return True
        try:
            received = os.read(self.master, 65536)
        except OSError:
            return False
        self.screen += self.decoder.decode(received)
        return bool(received)

    def wait_for(self, told: str) -> None:
        """Read until the screen shows something."""
        deadline = monotonic() + PATIENCE
        while told not in self.screen:
            assert monotonic() < deadline, self.screen
            assert self.read(0.1), self.screen

    def type(self, typed: str) -> None:
        """Type on the keyboard."""
        os.write(self.master, typed.encode())

    def interrupt(self) -> None:
        """Press Ctrl-C."""
        self.type("\x03")

    def end(self) -> int:
        """Read to the end and give the exit code."""
        deadline = monotonic() + PATIENCE
        while self.read(0.1):
            if monotonic() > deadline:
                self.process.kill()
        os.close(self.master)
        return self.process.wait(PATIENCE)


def command_names(parser: App = app, prefix: str = "") -> Iterator[str]:
    """Yield the words of every command, such as `list` and `variants list`."""
    for name in parser:
        child = parser[name]
        if name.startswith("-"):
            continue
        if child.default_command is None:
            yield from command_names(child, f"{prefix}{name} ")
        else:
            yield f"{prefix}{name}"


COMMANDS = tuple(command_names())


def find_command(name: str) -> App:
    """Return the parser of a command."""
    parser = app
    for word in name.split():
        parser = parser[word]
    return parser


def in_process(*arguments: object) -> int:
    """Run a command line in this process."""
    return run([str(argument) for argument in arguments])
