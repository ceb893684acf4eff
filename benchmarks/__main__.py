"""Every comparison with its goal: `python -m benchmarks`.

Prints one table, and writes it as JSON and as a picture. Clients that are not installed
are left out: the extras `bench` and `plot` install those that PyPI has.
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
    "bulk_memory",
    "growth",
    "loops",
    "layers",
    "analysis_speed",
)


def main() -> None:
    """Run the comparisons that were asked for."""
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
    missed = sum(row.verdict == "MISSED" for row in comparisons)
    goals = sum(row.goal is not None for row in comparisons)
    print(f"{goals - missed} of {goals} goals met")
    write(comparisons, heading, given.output)


def write(comparisons: list[Comparison], heading: str, folder: Path) -> None:
    """Write the comparisons as JSON and, with matplotlib, as a picture."""
    folder.mkdir(parents=True, exist_ok=True)
    stem = folder / f"python-{'.'.join(platform.python_version_tuple()[:2])}"
    table = {"surroundings": heading, "comparisons": [*map(attrs.asdict, comparisons)]}
    stem.with_name(f"{stem.name}.json").write_bytes(
        orjson.dumps(table, option=orjson.OPT_INDENT_2)
    )
    if find_spec("matplotlib"):
        draw(comparisons, heading, stem.with_name(f"{stem.name}.svg"))
    print(f"written: {stem}.*")


if __name__ == "__main__":
    main()
