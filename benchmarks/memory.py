"""The bytes that one decoded experiment keeps: `python -m benchmarks.memory`.

Counted by tracemalloc, with everything that the experiment holds and without the page
that it was read from; each page has another seed.
"""

import gc
import tracemalloc
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from importlib.util import find_spec
from itertools import count

import orjson

from benchmarks.decode import flat, size_of
from benchmarks.measuring import (
    OURS,
    Comparison,
    Goal,
    Options,
    compared,
    run_alone,
    take_turns,
)
from benchmarks.peers import PAGE, generated, stainless
from benchmarks.peers.present import GENERATED, STAINLESS, can_generate
from benchmarks.peers.translated import Decode, pydantic_page
from tests.support.corpus import Corpus


DICTIONARY = "a dictionary"
PYDANTIC = "pydantic"
GOALS: Mapping[str, Goal | None] = {
    PYDANTIC: Goal(0.33),
    DICTIONARY: Goal(0.75),
    GENERATED: None,
    STAINLESS: None,
}


def decoders(options: Options, stack: ExitStack) -> Mapping[str, Decode]:
    """Set up everybody who takes part."""
    found: dict[str, Decode] = {OURS: flat, DICTIONARY: orjson.loads}
    if find_spec("pydantic"):
        found[PYDANTIC] = pydantic_page().model_validate_json
    if can_generate(options):
        assert options.document is not None
        stack.enter_context(generated.generated(options.document))
        found[GENERATED] = generated.decoder()
    if find_spec("ours_privacy"):
        found[STAINLESS] = stainless.decoder()
    return found


def turn(decode: Decode) -> Callable[[], float]:
    """Make the work of decoding a page; it tells the bytes of each experiment."""
    seeds = count(100)

    def run() -> float:
        page = Corpus(next(seeds)).page()
        tracemalloc.start()
        before, _ = tracemalloc.get_traced_memory()
        decoded = decode(page)
        gc.collect()
        after, _ = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert size_of(decoded) == PAGE
        return (after - before) / PAGE

    return run


def compare(options: Options) -> Iterator[Comparison]:
    """Compare us with everybody."""
    with ExitStack() as stack:
        turns = {name: turn(each) for name, each in decoders(options, stack).items()}
        costs = take_turns(turns, options.rounds(7))
    for name, goal in GOALS.items():
        if name in costs:
            yield compared(
                "memory of an experiment", costs, name, unit="bytes", goal=goal
            )


if __name__ == "__main__":
    run_alone(compare, __doc__)
