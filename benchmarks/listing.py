"""10 000 experiments listed from end to end: `python -m benchmarks.listing`.

100 pages of 100, each behind the cursor of the one before; every experiment is an
object that the loop gets to see. The TypeScript SDK and bare aiohttp only parse JSON.
"""

from collections.abc import Callable, Iterator
from functools import partial
from operator import attrgetter

from benchmarks.measuring import (
    Comparison,
    Goal,
    Options,
    compared,
    run_alone,
    take_turns,
)
from benchmarks.peers import PAGE, Calls, Clock, Connected, count
from benchmarks.peers.present import (
    BARE,
    GENERATED,
    STAINLESS,
    STAINLESS_ON_AIOHTTP,
    TYPESCRIPT,
    connected_peers,
    connected_typescript,
)
from benchmarks.server import running_server


PAGES = 100
GOALS = {
    TYPESCRIPT: Goal(1.0, at_least=True),
    GENERATED: Goal(4, at_least=True),
    STAINLESS: Goal(9, at_least=True),
    STAINLESS_ON_AIOHTTP: Goal(9, at_least=True),
    BARE: None,
}


def turn(peer: Connected, total: int, clock: Clock) -> Callable[[], float]:
    """Make the work of walking over everything; it tells seconds."""
    return lambda: peer.cost(count, total, clock)


async def check_first(calls: Calls, *, typed: bool) -> int:
    """Take one experiment; see that it and what is in it are objects, or are not."""
    async for found in calls.experiments():
        assert isinstance(found, dict) is not typed
        if typed:
            assert not isinstance(attrgetter("variants")(found)[0], dict)
        return 1
    return 0


def compare(options: Options) -> Iterator[Comparison]:
    """Compare us with everybody."""
    pages = 5 if options.quick else PAGES
    total = pages * PAGE
    with (
        running_server(pages, core=options.server_core) as url,
        connected_peers(options, url) as peers,
        connected_typescript(options, url) as script,
    ):
        for name, peer in peers.items():
            check = partial(check_first, typed=name != BARE)
            peer.cost(check, 1, options.clock)
        turns = {name: turn(peer, total, options.clock) for name, peer in peers.items()}
        if script is not None:
            turns[TYPESCRIPT] = lambda: script.list_all(total, options.unit)
        costs = take_turns(turns, options.rounds(11))
    for name, goal in GOALS.items():
        if name in costs:
            yield compared(f"list {total}", costs, name, unit=options.unit, goal=goal)


if __name__ == "__main__":
    run_alone(compare, __doc__)
