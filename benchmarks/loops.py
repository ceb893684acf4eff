"""What uvloop saves: `python -m benchmarks.loops`.

The processor time of one lifecycle call, 32 in flight, on uvloop's event loop against
asyncio's own. Without a goal: which loop runs is the application's choice.
"""

import asyncio
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from importlib import import_module
from importlib.util import find_spec

from benchmarks.lifecycle import CALLS, turn
from benchmarks.measuring import Comparison, Options, compared, run_alone, take_turns
from benchmarks.peers import Open, bare, connected, ours
from benchmarks.server import running_server


OPENERS: Mapping[str, Open] = {"ours": ours.connect, "bare aiohttp": bare.connect}


def compare(options: Options) -> Iterator[Comparison]:
    """Compare the two loops, for us and for bare aiohttp."""
    if not find_spec("uvloop"):
        return
    factories = {
        "uvloop": import_module("uvloop").new_event_loop,
        "asyncio": asyncio.new_event_loop,
    }
    calls = 160 if options.quick else CALLS
    with ExitStack() as stack:
        url = stack.enter_context(running_server(core=options.server_core))
        turns = {
            f"{name}, {loop}": turn(
                stack.enter_context(connected(opener, url, factory)), calls
            )
            for name, opener in OPENERS.items()
            for loop, factory in factories.items()
        }
        costs = take_turns(turns, options.rounds(30))
    for name in OPENERS:
        yield compared(
            "a lifecycle call, 32 in flight",
            costs,
            f"{name}, asyncio",
            ours=f"{name}, uvloop",
            unit="us CPU",
        )


if __name__ == "__main__":
    run_alone(compare, __doc__)
