"""All experiments kept in a list, against only walking over them.

`python -m benchmarks.collect`: the more is kept, the more the cyclic collector has to
look through, which is why it pauses while a page is decoded. The peers' rows tell what
keeping costs them over what walking costs us.
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
from benchmarks.peers import PAGE, Calls, Clock, Connected, count
from benchmarks.peers.present import connected_peers
from benchmarks.server import running_server


PAGES = 100
WALKING = "our plain iteration"
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
    """Compare keeping with walking."""
    pages = 5 if options.quick else PAGES
    total = pages * PAGE
    with (
        running_server(pages, core=options.server_core) as url,
        connected_peers(options, url) as peers,
    ):
        turns = {
            name: turn(peer, keep, total, options.clock) for name, peer in peers.items()
        }
        turns[WALKING] = turn(peers[OURS], count, total, options.clock)
        costs = take_turns(turns, options.rounds(11))
    goal = GOAL if sys.version_info < (3, 12) else None
    work = f"collect {total} in a list"
    yield compared(work, costs, WALKING, unit=options.unit, goal=goal)
    for name in peers:
        if name != OURS:
            yield compared(work, costs, WALKING, ours=name, unit=options.unit)


if __name__ == "__main__":
    run_alone(compare, __doc__)
