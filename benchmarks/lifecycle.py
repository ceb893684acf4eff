"""The processor time of one lifecycle call, against bare aiohttp tuned for it.

`python -m benchmarks.lifecycle` starts experiments, 32 at once, at a server that does
nothing but answer.
"""

from collections.abc import Callable, Iterator

from benchmarks.measuring import (
    OURS,
    Comparison,
    Goal,
    Options,
    compared,
    run_alone,
    take_turns,
)
from benchmarks.peers import Connected, identifiers, processor, starting
from benchmarks.peers.present import (
    BARE,
    TYPESCRIPT,
    connected_peers,
    connected_typescript,
)
from benchmarks.server import running_server


IN_FLIGHT = 32
CALLS = 640
GOAL = Goal(1.12)
WORK = "a lifecycle call, 32 in flight"


def turn(peer: Connected, calls: int) -> Callable[[], float]:
    """Make the work of starting experiments; it tells microseconds for each."""
    work = starting(identifiers(calls), IN_FLIGHT)
    return lambda: peer.cost(work, calls, processor) / calls * 1e6


def compare(options: Options) -> Iterator[Comparison]:
    """Compare everybody with bare aiohttp, ourselves in more rounds."""
    calls = 160 if options.quick else CALLS
    with (
        running_server(core=options.server_core) as url,
        connected_peers(options, url) as peers,
        connected_typescript(options, url) as script,
    ):
        turns = {name: turn(peer, calls) for name, peer in peers.items()}
        pair = {OURS: turns.pop(OURS), BARE: turns[BARE]}
        costs = take_turns(pair, options.rounds(40))
        yield compared(WORK, costs, BARE, unit="us CPU", goal=GOAL)
        if script is not None:
            turns[TYPESCRIPT] = lambda: (
                script.start(calls, IN_FLIGHT, "s CPU") / calls * 1e6
            )
        costs = take_turns(turns, options.rounds(7))
    for name in turns:
        if name != BARE:
            yield compared(WORK, costs, BARE, ours=name, unit="us CPU")


if __name__ == "__main__":
    run_alone(compare, __doc__)
