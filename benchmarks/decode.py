"""Measure decoding a page of experiments against `orjson.loads` alone.

Run it with `python -m benchmarks.decode`. The contenders take turns within a round,
and a ratio is the median of the rounds' ratios, so that a busy machine disturbs all
of them alike. pydantic takes part where it is installed.
"""

import argparse
import gc
import platform
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from functools import cache, reduce
from importlib import import_module
from operator import or_
from types import UnionType
from typing import Any, get_args, get_origin

import attrs
import orjson
from cattrs import gen
from cattrs.preconf.orjson import make_converter

from benchmarks.corpus import Corpus
from ours_experiments._codec import converter, decode_entities
from ours_experiments._hooks import EXTRA, is_open_enum, keep, open_enum_hook, wire_name
from ours_experiments.models import Experiment


Contender = Callable[[bytes], object]

PAGES = 10
FLOOR = "orjson.loads"


def flat(page: bytes) -> object:
    """Decode as the client does."""
    return decode_entities(Experiment, orjson.loads(page)["entities"])


def precise(page: bytes) -> object:
    """Decode with the hooks that say what is wrong."""
    kind: Any = tuple[Experiment, ...]
    return converter().structure(orjson.loads(page)["entities"], kind)


def stock_cattrs() -> Contender:
    """Set up cattrs as its documentation does: renamed keys, no detailed errors."""
    stock = make_converter(detailed_validation=False)

    def renaming_hook(cls: Any) -> Any:
        options: dict[str, Any] = {
            field.name: gen.override(rename=wire_name(field.name))
            for field in attrs.fields(cls)
        }
        return gen.make_dict_structure_fn(cls, stock, **options)

    stock.register_structure_hook_func(lambda kind: kind is object, keep)
    stock.register_structure_hook_factory(is_open_enum, open_enum_hook)
    stock.register_structure_hook_factory(attrs.has, renaming_hook)
    return lambda page: stock.structure(
        orjson.loads(page)["entities"], list[Experiment]
    )


def pydantic() -> Contender:
    """Set up pydantic models with the fields of ours."""
    library: Any = import_module("pydantic")
    to_camel = import_module("pydantic.alias_generators").to_camel
    config = library.ConfigDict(alias_generator=to_camel, frozen=True)

    @cache
    def translate(kind: Any) -> Any:
        parts = [translate(part) for part in get_args(kind)]
        if attrs.has(kind):
            fields: dict[str, Any] = {
                field.name: (translate(field.type), field.default)
                for field in attrs.fields(kind)
                if field.name != EXTRA
            }
            for name, (annotation, default) in fields.items():
                if default is attrs.NOTHING:
                    fields[name] = (annotation, ...)
            return library.create_model(kind.__name__, __config__=config, **fields)
        if isinstance(kind, UnionType):
            return reduce(or_, parts)
        return get_origin(kind)[tuple(parts)] if parts else kind

    page = library.create_model(
        "Page", entities=(translate(tuple[Experiment, ...]), ...)
    )
    validate: Contender = page.model_validate_json
    return validate


def contenders() -> Mapping[str, Contender]:
    """Set up everybody who takes part."""
    found: dict[str, Contender] = {
        FLOOR: orjson.loads,
        "ours": flat,
        "ours, precise hooks": precise,
        "stock cattrs": stock_cattrs(),
    }
    try:
        found["pydantic"] = pydantic()
    except ModuleNotFoundError:
        print("pydantic is not installed")
    return found


def measure(
    taking_part: Mapping[str, Contender], pages: Sequence[bytes], rounds: int
) -> Mapping[str, list[float]]:
    """Let everybody decode every page once a round; return seconds per page."""
    seconds: dict[str, list[float]] = {name: [] for name in taking_part}
    # A collection of everything that is imported would hit whoever's turn it is.
    gc.collect()
    gc.freeze()
    for _ in range(rounds):
        for name, decode in taking_part.items():
            started = time.perf_counter()
            for page in pages:
                decode(page)
            elapsed = time.perf_counter() - started
            seconds[name].append(elapsed / len(pages))
    return seconds


def main() -> None:
    """Measure and print one line for each contender."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--rounds", type=int, default=30)
    arguments.add_argument("--seed", type=int, default=0)
    given = arguments.parse_args()
    pages = [Corpus(given.seed + index).page() for index in range(PAGES)]
    assert flat(pages[0]) == precise(pages[0])
    seconds = measure(contenders(), pages, given.rounds)
    size = statistics.mean(map(len, pages)) / 1000
    print(f"CPython {platform.python_version()}, pages of 100, {size:.0f} kB")
    for name, taken in seconds.items():
        pairs = zip(taken, seconds[FLOOR], strict=True)
        ratio = statistics.median(mine / floor for mine, floor in pairs)
        print(f"{name:22} {statistics.median(taken) * 1e6:7.0f} us  {ratio:5.2f}")


if __name__ == "__main__":
    main()
