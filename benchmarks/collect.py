"""All experiments kept in a list, against only walking over them.

`python -m benchmarks.collect`: the more is kept, the more the cyclic collector has to
look through, which is why it pauses while a page is decoded. The other row tells what
keeping costs where plain dictionaries are kept.
"""

import sys
from collections.abc import Awaitable, Callable, Iterator

from benchmarks.measuring import (
    OURS,
    Comparison,
    Goal,
    Options,
    compared,
    run_alone,
    take_turns,
)
from benchmarks.peers import (
    PAGE,
    Calls,
    Clock,
    Connected,
    bare,
    connected,
    count,
    ours,
)
from benchmarks.peers.present import BARE
from benchmarks.server import running_server


PAGES = 100
WALKING = "our plain iteration"
BARE_WALKING = "its plain iteration"
GOAL = Goal(1.3)
"""Set for Python 3.11, whose collector looks through everything more often."""


async def keep(calls: Calls) -> int:
    """Collect everything in a list."""
    return len([each async for each in calls.experiments()])


def turn(
    peer: Connected, work: Callable[[Calls], Awaitable[int]], total: int, clock: Clock
) -> Callable[[], float]:
    """Make a piece of work; it tells seconds."""
    return lambda: peer.cost(work, total, clock)


def compare(options: Options) -> Iterator[Comparison]:
    """Compare keeping with walking, and bare aiohttp's dictionaries with ours."""
    pages = 5 if options.quick else PAGES
    total = pages * PAGE
    clock = options.clock
    with (
        running_server(pages, core=options.server_core) as url,
        connected(ours.connect, url) as mine,
        connected(bare.connect, url) as other,
    ):
        turns = {
            OURS: turn(mine, keep, total, clock),
            WALKING: turn(mine, count, total, clock),
            BARE: turn(other, keep, total, clock),
            BARE_WALKING: turn(other, count, total, clock),
        }
        costs = take_turns(turns, options.rounds(11))
    goal = GOAL if sys.version_info < (3, 12) else None
    work = f"collect {total} in a list"
    yield compared(work, costs, WALKING, unit=options.unit, goal=goal)
    yield compared(work, costs, BARE_WALKING, ours=BARE, unit=options.unit)


if __name__ == "__main__":
    run_alone(compare, __doc__)
