"""From a page's bytes to objects, against `orjson.loads` alone.

`python -m benchmarks.decode` takes pages of 100 experiments, some 250 kB each. The
goal is for our objects, frozen and checked; the other rows tell what other libraries
take for theirs.
"""

import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from importlib.util import find_spec
from typing import Any

import attrs
import orjson
from cattrs import gen
from cattrs.preconf.orjson import make_converter

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
from ours_experiments._codec.converter import converter, decode_entities
from ours_experiments._codec.hooks import (
    is_open_enum,
    open_enum_hook,
    take_json,
    wire_name,
)
from ours_experiments.models import Experiment
from tests.support.corpus import Corpus


PAGES = 10
FLOOR = "orjson.loads"
GOAL = Goal(2.1 if sys.version_info < (3, 12) else 2.0)


def flat(page: bytes) -> Sequence[Experiment]:
    """Decode as the client does."""
    return decode_entities(Experiment, orjson.loads(page)["entities"])


def precise(page: bytes) -> Sequence[Experiment]:
    """Decode with the hooks that say what is wrong."""
    kind: Any = tuple[Experiment, ...]
    decoded: Sequence[Experiment] = converter().structure(
        orjson.loads(page)["entities"], kind
    )
    return decoded


def stock_cattrs() -> Decode:
    """Set up cattrs as its documentation does: renamed keys, no detailed errors."""
    stock = make_converter(detailed_validation=False)

    def renaming_hook(cls: Any) -> Any:
        options: dict[str, Any] = {
            field.name: gen.override(rename=wire_name(field.name))
            for field in attrs.fields(cls)
        }
        return gen.make_dict_structure_fn(cls, stock, **options)

    stock.register_structure_hook_func(lambda kind: kind is object, take_json)
    stock.register_structure_hook_factory(is_open_enum, open_enum_hook)
    stock.register_structure_hook_factory(attrs.has, renaming_hook)
    return lambda page: stock.structure(
        orjson.loads(page)["entities"], list[Experiment]
    )


def decoders(options: Options, stack: ExitStack) -> Mapping[str, Decode]:
    """Set up everybody who takes part."""
    found: dict[str, Decode] = {
        FLOOR: orjson.loads,
        OURS: flat,
        "our precise hooks": precise,
        "stock cattrs": stock_cattrs(),
    }
    if find_spec("pydantic"):
        found["pydantic"] = pydantic_page().model_validate_json
    if can_generate(options):
        assert options.document is not None
        stack.enter_context(generated.generated(options.document))
        found[GENERATED] = generated.decoder()
    if find_spec("ours_privacy"):
        found[STAINLESS] = stainless.decoder()
    return found


def turn(decode: Decode, pages: Sequence[bytes]) -> Callable[[], float]:
    """Make the work of decoding all pages; it tells microseconds for each."""

    def run() -> float:
        began_at = time.process_time()
        for page in pages:
            decode(page)
        return (time.process_time() - began_at) / len(pages) * 1e6

    return run


def size_of(decoded: Any) -> int:
    """Count the experiments of a decoded page, whatever it was decoded into."""
    if isinstance(decoded, dict):
        decoded = decoded["entities"]
    return len(getattr(decoded, "entities", decoded))


def compare(options: Options) -> Iterator[Comparison]:
    """Compare everybody with the floor."""
    pages = [Corpus(seed).page() for seed in range(PAGES)]
    assert flat(pages[0]) == precise(pages[0])
    with ExitStack() as stack:
        taking_part = decoders(options, stack)
        for decode in taking_part.values():
            assert size_of(decode(pages[0])) == PAGE
        turns = {name: turn(decode, pages) for name, decode in taking_part.items()}
        costs = take_turns(turns, options.rounds(40))
    for name in taking_part:
        if name != FLOOR:
            yield compared(
                "decode a page",
                costs,
                FLOOR,
                ours=name,
                unit="us CPU a page",
                goal=GOAL if name == OURS else None,
            )


if __name__ == "__main__":
    run_alone(compare, __doc__)
