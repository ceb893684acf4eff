"""Every comparison with its goal: `python -m benchmarks`.

Prints one table, and writes it as JSON and as a picture. Who is not installed takes no
part: the extras `bench` and `plot` bring what PyPI has.
"""

import platform
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

import attrs
import orjson

from benchmarks.measuring import (
    Compare,
    Comparison,
    options_of,
    options_parser,
    show,
    show_heading,
    surroundings,
)
from benchmarks.picture import draw


NAMES = (
    "decode",
    "lifecycle",
    "listing",
    "prefetch",
    "collect",
    "bulk",
    "plan",
    "imports",
    "memory",
    "growth",
    "loops",
    "layers",
    "analysis_speed",
)


def main() -> None:
    """Run what was asked for."""
    arguments = options_parser(__doc__)
    arguments.add_argument("--only", choices=NAMES, action="append", metavar="NAME")
    arguments.add_argument(
        "--output",
        type=Path,
        default=Path("build/benchmarks"),
        help="the folder for the JSON and the picture (build/benchmarks)",
    )
    given = arguments.parse_args()
    options = options_of(given)
    heading = surroundings(options)
    print(heading)
    show_heading()
    comparisons: list[Comparison] = []
    for name in given.only or NAMES:
        compare: Compare = import_module(f"benchmarks.{name}").compare
        for comparison in compare(options):
            show(comparison)
            comparisons.append(comparison)
    missed = sum(each.verdict == "MISSED" for each in comparisons)
    goals = sum(each.goal is not None for each in comparisons)
    print(f"{goals - missed} of {goals} goals met")
    write(comparisons, heading, given.output)


def write(comparisons: list[Comparison], heading: str, folder: Path) -> None:
    """Write the comparisons as JSON and, where matplotlib is there, as a picture."""
    folder.mkdir(parents=True, exist_ok=True)
    stem = folder / f"python-{'.'.join(platform.python_version_tuple()[:2])}"
    told = {"surroundings": heading, "comparisons": [*map(attrs.asdict, comparisons)]}
    stem.with_name(f"{stem.name}.json").write_bytes(
        orjson.dumps(told, option=orjson.OPT_INDENT_2)
    )
    if find_spec("matplotlib"):
        draw(comparisons, heading, stem.with_name(f"{stem.name}.svg"))
    print(f"written: {stem}.*")


if __name__ == "__main__":
    main()
