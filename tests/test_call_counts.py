"""How many calls a request, a page and a bulk id cost: noise cannot change a count.

Counted are the functions of this package that are entered, with those that attrs,
cattrs and the codec generate for it, and the calls of built-in functions out of them;
nothing inside aiohttp, whose releases must not fail this. What runs again after an
`await` was entered before. The least of several rounds counts.

After a change that is worth its calls, record the bounds again, on each Python:

    python -m tests.test_call_counts
"""

import asyncio
import dis
import inspect
import sys
from collections.abc import Awaitable, Callable, Iterable
from pathlib import Path
from types import FrameType
from typing import Self

import orjson
import pytest

import ours_experiments
from ours_experiments import Client
from ours_experiments._codec.converter import decode_entities
from ours_experiments.emulator import Emulator
from ours_experiments.models import Experiment
from tests.support.corpus import Corpus


BOUNDS: dict[tuple[int, int], dict[str, float]] = {
    (3, 11): {
        "start": 72,
        "start, 32 in flight": 72,
        "retrieve": 47,
        "a bulk id": 95,
        "list_page": 1178,
        "a planned spec": 57,
        "a page": 3965,
    },
    (3, 12): {
        "start": 73,
        "start, 32 in flight": 73,
        "retrieve": 48,
        "a bulk id": 96,
        "list_page": 1179,
        "a planned spec": 57,
        "a page": 3965,
    },
    (3, 13): {
        "start": 73,
        "start, 32 in flight": 73,
        "retrieve": 48,
        "a bulk id": 96,
        "list_page": 1173,
        "a planned spec": 57,
        "a page": 3962,
    },
}
ROUNDS = 5
PACKAGE = str(Path(ours_experiments.__file__).parent)
ELSEWHERE = tuple(f"{PACKAGE}/{part}" for part in ("emulator", "cli", "testing"))
GENERATED = ("<attrs generated", "<cattrs generated", "<structure hook")
RESUME = dis.opmap["RESUME"]


def is_ours(frame: FrameType) -> bool:
    """Whether a frame runs the client's code, or code that was made for it."""
    name = frame.f_code.co_filename
    if name.startswith(GENERATED):
        return True
    return name.startswith(PACKAGE) and not name.startswith(ELSEWHERE)


def is_entered(frame: FrameType) -> bool:
    """Whether a call begins a function, rather than going on after an `await`."""
    if not frame.f_code.co_flags & (inspect.CO_COROUTINE | inspect.CO_ASYNC_GENERATOR):
        return True
    at = frame.f_lasti
    return frame.f_code.co_code[at] != RESUME or not frame.f_code.co_code[at + 1] & 3


class Counter:
    """Counts while it is entered."""

    def __init__(self) -> None:
        self.calls = 0

    def __enter__(self) -> Self:
        sys.setprofile(self.note)
        return self

    def __exit__(self, *_: object) -> None:
        sys.setprofile(None)

    def note(self, frame: FrameType, event: str, _: object) -> None:
        """Take one event of the interpreter's."""
        if event == "c_call":
            self.calls += is_ours(frame)
        elif event == "call" and is_ours(frame):
            self.calls += is_entered(frame)


async def at_once(calls: Iterable[Awaitable[object]]) -> int:
    """Make calls at the same time; count what they cost."""
    gathered = asyncio.gather(*calls)
    with Counter() as counter:
        await gathered
    return counter.calls


async def counted_requests() -> dict[str, float]:
    """Count the calls of each kind of request."""
    async with (
        Emulator() as emulator,
        Client(emulator.api_key, base_url=emulator.url) as client,
    ):
        # What tracing costs is another matter, and differs with what is installed.
        client._session.transport.tracer = lambda: None
        experiments = client.experiments
        some = [*emulator.seed_experiments(100)]
        pages = [
            await at_once([experiments.list_page(limit=100)]) for _ in range(ROUNDS)
        ]
        specs = await client.export()
        plans = [await at_once([client.plan(specs)]) for _ in range(ROUNDS)]
        rounds: list[dict[str, float]] = []
        for _ in range(ROUNDS):
            [one] = emulator.seed_experiments(1)
            many = emulator.seed_experiments(32)
            started = await at_once(experiments.start(each) for each in many)
            rounds.append(
                {
                    "start": await at_once([experiments.start(one)]),
                    "start, 32 in flight": started / 32,
                    "retrieve": await at_once([experiments.retrieve(some[0])]),
                    "a bulk id": await counted_bulk(client, emulator),
                }
            )
    least = {name: min(each[name] for each in rounds) for name in rounds[0]}
    planned = min(plans) / len(specs)
    return least | {"list_page": min(pages), "a planned spec": planned}


async def counted_bulk(client: Client, emulator: Emulator) -> float:
    """Return the calls that one id more costs a bulk run."""
    few, many = emulator.seed_experiments(32), emulator.seed_experiments(64)
    counts = [await at_once([client.bulk.start(ids)]) for ids in (few, many)]
    return (counts[1] - counts[0]) / 32


async def counted_page() -> dict[str, float]:
    """Count the calls of building one page of a hundred experiments."""
    page = Corpus().page()

    def once() -> int:
        entities = orjson.loads(page)["entities"]
        with Counter() as counter:
            decode_entities(Experiment, entities)
        return counter.calls

    return {"a page": min(once() for _ in range(ROUNDS))}


async def counted() -> dict[str, float]:
    """Count everything."""
    return await counted_requests() | await counted_page()


@pytest.mark.skipif(sys.version_info[:2] not in BOUNDS, reason="nothing recorded")
async def test_no_more_calls_than_recorded() -> None:
    """Nothing costs a call more than when it was recorded."""
    bounds = BOUNDS[sys.version_info[:2]]
    counts = await counted()
    assert {name: count for name, count in counts.items() if count > bounds[name]} == {}


async def test_every_call_is_counted() -> None:
    """One more call of a function, or of a built-in one, is one more counted."""
    namespace: dict[str, Callable[[int], None]] = {}
    source = """
def nothing(): pass
def work(times):
    for _ in range(times):
        nothing()
        len("")
"""
    exec(compile(source, "<structure hook of a test>", "exec"), namespace)  # noqa: S102
    counts: list[int] = []
    for times in (1, 2):
        with Counter() as counter:
            namespace["work"](times)
        counts.append(counter.calls)
    assert counts[1] - counts[0] == 2


if __name__ == "__main__":
    print(asyncio.run(counted()))  # noqa: T201 - asked for on the command line
