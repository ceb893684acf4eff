"""A search for the API key in everything that leaves the package.

`python -m tests.trials.key_hunt` lets every kind of call meet every kind of fault, and
a service that quotes the key wherever an answer has room for it. It looks through all
that is printed, logged, warned of, traced and raised: tracebacks with the locals of all
their frames, those of aiohttp and asyncio too, what hangs in the middle of a call, the
journal, the reports, the command line. `--slice` takes a part of it.
"""

import argparse
import asyncio
import base64
import io
import logging
import os
import sys
import tempfile
import traceback
import warnings
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from contextlib import redirect_stderr, redirect_stdout
from functools import partial
from pathlib import Path
from types import FrameType
from typing import Any

from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from rich.traceback import Traceback

import ours_experiments.emulator
from ours_experiments import BulkReport, Client, OursError, RetryPolicy
from ours_experiments.emulator import Emulator
from tests.support.clock import run_fast
from tests.trials.echo import ECHOES, SILENT, echoing
from tests.trials.fault_matrix import FAULTS, KINDS, attempt, staged


CORE = "Hunted7Zq3x"
"""Stands in no other text, and looks the same in URLs, HTML and JSON."""
KEY = f"{CORE}+/=\"{CORE}\\&<'%{CORE}" * 2
"""So long that what is cut off shows a part of it."""
OWN = Path(__file__).parents[1]
EMULATOR = Path(ours_experiments.emulator.__file__).parent


def needles() -> Iterator[str]:
    """Spell what must not be found: the core, plain and in base64."""
    yield CORE
    for offset in range(3):
        encoded = base64.b64encode(b"\0" * offset + CORE.encode()).decode()
        yield encoded[(0, 2, 3)[offset] : (offset + len(CORE)) * 8 // 6]


class Hunt:
    """Looks through texts, and keeps where the key was found."""

    def __init__(self) -> None:
        self.needles = tuple(needles())
        self.looked: Counter[str] = Counter()
        self.found: dict[str, str] = {}
        self.scene = ""
        self.quoted = False
        """Whether the service quotes the key in this scene."""
        self.with_locals = True
        """Not where the key is a cursor: that is kept, to ask for the next page."""

    def look(self, where: str, text: str) -> None:
        """Look through one text."""
        self.looked[where] += len(text)
        for needle in self.needles:
            place = text.find(needle)
            if place >= 0:
                name = f"{self.scene}: {where}"
                self.found.setdefault(name, text[max(place - 300, 0) : place + 20])

    def look_at_error(self, error: BaseException) -> None:
        """Look through an exception and all that can be reached from it."""
        for link in related(error):
            self.look("error", f"{link!r} {link} {link.args!r}")
            self.look("attributes", f"{vars(link)!r}")
            for value in vars(link).values():
                self.look("attributes", f"{value}")
            shown = traceback.TracebackException.from_exception(
                link, capture_locals=True, compact=True
            )
            for frame in shown.stack:
                if self.with_locals and Path(frame.filename).parent != OWN:
                    self.look("traceback", f"{frame.filename} {frame.locals}")
            self.look("traceback", "".join(shown.format_exception_only()))
            if self.with_locals:
                self.look("rich traceback", as_rich_shows_it(link))

    def look_at_tasks(self) -> None:
        """Look through what hangs in the middle of a call."""
        for task in asyncio.all_tasks():
            stack = io.StringIO()
            task.print_stack(file=stack)
            self.look("task", f"{task!r} {stack.getvalue()}")
            for frame in frames_of(task.get_coro()):
                # While an answer that quotes the key is read, aiohttp has to hold it.
                if not self.quoted and not is_of_a_server(frame):
                    self.look("hanging frame", f"{frame!r} {frame.f_locals!r}")


class Log(logging.Handler):
    """Looks through every record of every logger."""

    def __init__(self, hunt: Hunt) -> None:
        super().__init__(logging.DEBUG)
        self.hunt = hunt

    def emit(self, record: logging.LogRecord) -> None:
        """Look through a record: its text, its arguments, its exception."""
        self.hunt.look("log", f"{record.getMessage()} {vars(record)!r}")
        if record.exc_info and record.exc_info[1]:
            self.hunt.look_at_error(record.exc_info[1])


def related(error: BaseException) -> Iterator[BaseException]:
    """Walk over an exception, its causes, its contexts and its group."""
    waiting: list[BaseException | None] = [error]
    seen: set[int] = set()
    while waiting:
        one = waiting.pop()
        if one is None or id(one) in seen:
            continue
        seen.add(id(one))
        yield one
        waiting += [one.__cause__, one.__context__]
        waiting += getattr(one, "exceptions", ())


def as_rich_shows_it(error: BaseException) -> str:
    """Spell the locals of an exception as rich does: cut, and taken apart."""
    shown = Traceback.extract(
        type(error), error, error.__traceback__, show_locals=True, locals_max_string=50
    )
    return "".join(
        f"{name} = {value}"
        for stack in shown.stacks
        for frame in stack.frames
        if Path(frame.filename).parent != OWN
        for name, value in (frame.locals or {}).items()
    )


def is_of_a_server(frame: FrameType) -> bool:
    """Recognise what has to know the key, since it was sent to it."""
    path = Path(frame.f_code.co_filename)
    return path.parent in {OWN, EMULATOR} or path.name == "web_protocol.py"


def frames_of(coroutine: Any) -> Iterator[FrameType]:
    """Walk over the frames of what is awaited, from the outside in."""
    while coroutine is not None:
        for kind in ("cr", "gi", "ag"):
            frame = getattr(coroutine, f"{kind}_frame", None)
            if frame is not None:
                yield frame
        coroutine = getattr(coroutine, "cr_await", None) or getattr(
            coroutine, "ag_await", None
        )


async def tried(hunt: Hunt, call: Awaitable[object]) -> None:
    """Await a call, look at what hangs meanwhile, and at what is raised."""
    task = asyncio.ensure_future(call)
    while not task.done():
        hunt.look_at_tasks()
        await asyncio.wait([task], timeout=0.7)
    if task.cancelled():
        return
    error = task.exception() or task.result()
    if isinstance(error, BaseException):
        hunt.look_at_error(error)
    if isinstance(error, BulkReport):
        hunt.look("report", f"{error!r}")
        try:
            error.raise_for_failures()
        except ExceptionGroup as group:
            hunt.look_at_error(group)


async def cut_short(hunt: Hunt, call: Awaitable[object], seconds: float) -> None:
    """Cancel a call in the middle, and look at the cancellation."""

    async def awaited() -> object:
        return await call

    task = asyncio.create_task(awaited())
    await asyncio.wait([task], timeout=seconds)
    task.cancel()
    try:
        await task
    except (asyncio.CancelledError, OursError) as error:
        hunt.look_at_error(error)


def faulty(hunt: Hunt, name: str, fault: str) -> None:
    """Let a kind of call meet a kind of fault."""

    async def main() -> None:
        asyncio.get_running_loop().set_debug(True)
        hunt.scene, hunt.quoted = f"{name}, {fault}", False
        hunt.with_locals = True
        async with (
            Emulator((KEY,)) as emulator,
            Client(KEY, base_url=emulator.url, attempt_timeout=8) as client,
        ):
            kind = KINDS[name]
            stage = await staged(emulator, client, kind.status)
            word, parameters = FAULTS[fault]
            emulator.faults.add(word, route=kind.route, times=1, **parameters)
            await tried(hunt, attempt(kind, stage))
            emulator.faults.add(word, route=kind.route, times=1, **parameters)
            await cut_short(hunt, attempt(kind, stage), 0.3)
            hunt.look("emulator", f"{emulator!r} {emulator.log.entries!r}")
            hunt.look("client", f"{client!r} {vars(client)!r} {client}")

    run_fast(main)


async def requested(client: Client) -> None:
    """Make a request whose answer, if it is good, is nobody's business."""
    await client.request("PATCH", "experiments", "e", json={})


async def walked(client: Client) -> None:
    """Walk over a listing to its end."""
    async for _ in client.experiments.list():
        pass


CALLS: dict[str, Callable[[Client], Awaitable[object]]] = {
    "retrieve": lambda client: client.experiments.retrieve("e"),
    "list": lambda client: client.experiments.list_page(),
    "walk": walked,
    "settings": lambda client: client.settings.list(),
    "differences": lambda client: client.versions.draft_changes(),
    "start": lambda client: client.experiments.start("e"),
    "delete": lambda client: client.experiments.delete("e"),
    "request": requested,
    "bulk": lambda client: client.bulk.pause(["e", "f"], publish="none"),
}


def echoed(hunt: Hunt, place: str, name: str) -> None:
    """Let a call meet a service that quotes the key."""

    async def main() -> None:
        asyncio.get_running_loop().set_debug(True)
        hunt.scene, hunt.quoted = f"{name}, key in {place}", True
        hunt.with_locals = place != "cursor"
        async with (
            echoing(place) as url,
            Client(
                KEY,
                base_url=url,
                timeout=6,
                attempt_timeout=2,
                retry=RetryPolicy(attempts=2, initial=0.1),
            ) as client,
        ):
            await tried(hunt, CALLS[name](client))
            seconds = 1.0 if place in SILENT else 0.1
            await cut_short(hunt, CALLS[name](client), seconds)

    run_fast(main)


def journalled(hunt: Hunt) -> None:
    """Look through the journal and the report of a bulk call with faults."""

    async def main(journal: Path) -> None:
        hunt.scene = "bulk with a journal"
        async with (
            Emulator((KEY,)) as emulator,
            Client(KEY, base_url=emulator.url) as client,
        ):
            ids = emulator.seed_experiments(10)
            emulator.faults.add("status", code=409, error="Not now", probability=0.5)
            await tried(hunt, client.bulk.start(ids, journal=journal))

    with tempfile.TemporaryDirectory() as folder:
        journal = Path(folder, "journal")
        run_fast(partial(main, journal))
        hunt.look("journal", journal.read_text(encoding="utf-8"))


def commanded(hunt: Hunt, place: str) -> None:
    """Look through what the command line prints."""

    async def main() -> None:
        hunt.scene = f"command line, key in {place}"
        async with echoing(place) as url:
            surroundings = {
                "OURS_PRIVACY_API_KEY": KEY,
                "OURS_PRIVACY_PLATFORM_BASE_URL": url,
            }
            for words in (["list"], ["--output", "json", "get", "e"]):
                running = await asyncio.create_subprocess_exec(
                    *(sys.executable, "-X", "dev", "-m", "ours_experiments.cli"),
                    *words,
                    env={**os.environ, **surroundings},
                    stdout=asyncio.subprocess.PIPE,
                    stderr=asyncio.subprocess.STDOUT,
                )
                printed, _ = await running.communicate()
                hunt.look("command line", printed.decode(errors="replace"))

    asyncio.run(main())


def search(*, everything: bool) -> Hunt:
    """Hunt, in all scenes or in some of each kind."""
    hunt = Hunt()
    spans = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(spans))
    trace.set_tracer_provider(provider)
    log = Log(hunt)
    logging.getLogger().addHandler(log)
    logging.getLogger().setLevel(logging.NOTSET)
    names, places = [*KINDS], [*ECHOES]
    printed = io.StringIO()
    with (
        redirect_stdout(printed),
        redirect_stderr(printed),
        warnings.catch_warnings(record=True) as warned,
    ):
        warnings.simplefilter("always")
        for number, fault in enumerate(FAULTS):
            for name in names if everything else [names[number % len(names)]]:
                faulty(hunt, name, fault)
        calls = [*CALLS]
        for number, place in enumerate(places):
            for name in calls if everything else [calls[number % len(calls)]]:
                echoed(hunt, place, name)
        journalled(hunt)
        for place in places if everything else ["HTML", "details"]:
            commanded(hunt, place)
    logging.getLogger().removeHandler(log)
    hunt.scene = "afterwards"
    hunt.look("printed", printed.getvalue())
    for warning in warned:
        hunt.look("warnings", f"{warning.message} {warning.source!r}")
    for span in spans.get_finished_spans():
        hunt.look("spans", span.to_json())
    return hunt


def main() -> None:
    """Search, and print how much was read and what was found."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--slice", action="store_true", help="some scenes of each kind")
    hunt = search(everything=not parser.parse_args().slice)
    for where, size in sorted(hunt.looked.items()):
        print(f"{where:16} {size:>14,} characters")
    for scene, text in hunt.found.items():
        print(f"\nFOUND in {scene}\n    {text!r}")
    print(f"{len(hunt.found)} hits")
    sys.exit(bool(hunt.found))


if __name__ == "__main__":
    main()
