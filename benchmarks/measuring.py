"""What every comparison shares: taking turns, ratios, goals, the command line.

The contenders take turns within a round, in an order that changes from round to
round, and a ratio is the median of the rounds' ratios, so that a busy machine disturbs
all of them alike. Where the machine lets them, this process and the server beside it
keep to one core each.
"""

import argparse
import gc
import os
import platform
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from statistics import median, quantiles

import attrs


Turn = Callable[[], float]
"""Does the work once and returns what it cost."""
Costs = Mapping[str, Sequence[float]]
"""What each contender's turns cost, round by round."""

OURS = "ours"


@attrs.frozen
class Goal:
    """The ratio to reach: a share of the other's cost, or a multiple of its speed."""

    limit: float
    at_least: bool = False

    def is_met(self, ratio: float) -> bool:
        """Whether a ratio is good enough."""
        return ratio >= self.limit if self.at_least else ratio <= self.limit

    def __str__(self) -> str:
        return f"{'>=' if self.at_least else '<='} {self.limit:g}"


@attrs.frozen
class Comparison:
    """One contender against another."""

    work: str
    ours: str
    theirs: str
    unit: str
    """Of the two medians."""
    our_median: float
    their_median: float
    ratio: float
    """Cost over cost; speed over speed where the goal is to be so much faster."""
    low: float
    high: float
    """The middle half of the rounds lies between these."""
    goal: Goal | None = None
    """None: told for information."""

    @property
    def verdict(self) -> str:
        """Say whether the goal is met."""
        if self.goal is None:
            return ""
        return "met" if self.goal.is_met(self.ratio) else "MISSED"


@attrs.frozen
class Options:
    """What was asked for on the command line."""

    quick: bool = False
    """A few rounds of less work: whether it runs, not how fast."""
    document: Path | None = None
    """The vendor's OpenAPI document, of which a client is generated."""
    node_modules: Path | None = None
    """Where the vendor's TypeScript SDK is installed."""
    server_core: int | None = None
    """The core that the server keeps to; None: any."""
    by_processor: bool = False
    """Count this process's own processor time where the wall clock is meant."""
    most_rounds: int | None = None
    """Fewer rounds than are usual; None: as many."""

    @property
    def clock(self) -> Callable[[], float]:
        """The clock for what takes time from end to end."""
        return time.process_time if self.by_processor else time.perf_counter

    @property
    def unit(self) -> str:
        """What that clock counts."""
        return "s CPU" if self.by_processor else "s"

    def rounds(self, number: int) -> int:
        """Tell how many rounds there are."""
        return 3 if self.quick else min(number, self.most_rounds or number)


Compare = Callable[[Options], Iterable[Comparison]]


def take_turns(contenders: Mapping[str, Turn], rounds: int) -> Costs:
    """Let everybody do the work once a round, and once before to warm up."""
    costs: dict[str, list[float]] = {name: [] for name in contenders}
    order = list(contenders.items())
    gc.collect()
    # A collection of everything that is imported would hit whoever's turn it is.
    gc.freeze()
    try:
        for number in range(-1, rounds):
            for name, turn in order:
                gc.collect()
                cost = turn()
                if number >= 0:
                    costs[name].append(cost)
            order.reverse()
    finally:
        gc.unfreeze()
    return costs


def compared(
    work: str,
    costs: Costs,
    theirs: str,
    *,
    unit: str,
    ours: str = OURS,
    goal: Goal | None = None,
) -> Comparison:
    """Compare two contenders' turns, round by round."""
    pairs = zip(costs[ours], costs[theirs], strict=True)
    if goal is not None and goal.at_least:
        ratios = [their / mine for mine, their in pairs]
    else:
        ratios = [mine / their for mine, their in pairs]
    low, _, high = quantiles(ratios, n=4) if len(ratios) > 1 else ratios * 3
    return Comparison(
        work,
        ours,
        theirs,
        unit,
        median(costs[ours]),
        median(costs[theirs]),
        median(ratios),
        low,
        high,
        goal,
    )


def pin() -> int | None:
    """Keep this process to one core; return the one that is left to the server."""
    if not hasattr(os, "sched_setaffinity"):
        return None
    cores = sorted(os.sched_getaffinity(0))
    if len(cores) < 2:
        return None
    os.sched_setaffinity(0, cores[:1])
    return cores[1]


def options_parser(description: str | None) -> argparse.ArgumentParser:
    """Name the options that all comparisons take."""
    arguments = argparse.ArgumentParser(description=description)
    arguments.add_argument("--quick", action="store_true", help="few rounds, less work")
    arguments.add_argument(
        "--document",
        type=Path,
        default=os.environ.get("OURS_OPENAPI"),
        help="the vendor's OpenAPI document, to generate a client of",
    )
    arguments.add_argument("--rounds", type=int, help="at most so many rounds")
    arguments.add_argument(
        "--by-processor",
        action="store_true",
        help="for a busy machine: processor time in place of the wall clock",
    )
    arguments.add_argument(
        "--node-modules",
        type=Path,
        help="a node_modules folder with the vendor's TypeScript SDK",
    )
    return arguments


def options_of(given: argparse.Namespace) -> Options:
    """Take the common options, and a core."""
    document = Path(given.document).resolve() if given.document else None
    modules = given.node_modules.resolve() if given.node_modules else None
    return Options(
        given.quick, document, modules, pin(), given.by_processor, given.rounds
    )


def surroundings(options: Options) -> str:
    """Say what the figures depend on."""
    pinned = "one core each" if options.server_core is not None else "not pinned"
    traces = "installed" if find_spec("opentelemetry") else "absent"
    return (
        f"CPython {platform.python_version()}, {platform.machine()}, "
        f"{os.cpu_count()} cores; client and server {pinned}; opentelemetry {traces}"
    )


def show(comparison: Comparison) -> None:
    """Print one line."""
    print(
        f"{comparison.work:34}{comparison.ours:>22} / {comparison.theirs:25}"
        f"{comparison.goal or ''!s:>8} {comparison.ratio:8.3f}"
        f"  {comparison.low:7.3f} - {comparison.high:<7.3f} "
        f"{comparison.our_median:12.5g} {comparison.their_median:12.5g} "
        f"{comparison.unit:14} {comparison.verdict}",
        flush=True,
    )


def show_heading() -> None:
    """Print what the columns are."""
    print(
        f"{'work':34}{'contender':>22} / {'against':25}{'goal':>8} {'ratio':>8}"
        f"  {'middle half':17} {'median':>12} {'median':>12} {'unit':14}"
    )


def run_alone(compare: Compare, description: str | None) -> None:
    """Be the command line of one comparison."""
    options = options_of(options_parser(description).parse_args())
    print(surroundings(options))
    show_heading()
    for comparison in compare(options):
        show(comparison)
