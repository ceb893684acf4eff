"""Results as a table with bars, for people."""

from rich.table import Table
from rich.text import Text

from ours_experiments._text import UNKNOWN, format_percent
from ours_experiments.cli.output.phrases import format_probability
from ours_experiments.cli.output.table import new_table
from ours_experiments.cli.output.terminal import safe_text
from ours_experiments.models import Results
from ours_experiments.plotting import PER_EVENT, interval, name_of


BAR_CELLS = 20
"""Width of a bar for a probability of 1."""
NARROW_BAR_CELLS = 5
WIDE = 94
"""Columns from which on the whole bar and the interval fit."""


def results_table(results: Results, width: int, *, ascii_only: bool = False) -> Table:
    """Build a table of the results of each variant.

    Args:
        results: The results.
        width: Columns of the terminal; a narrow table has no intervals.
        ascii_only: Whether to draw the bars in ASCII.
    """
    wide = width >= WIDE
    table = new_table()
    table.add_column("variant", overflow="fold")
    headings = ["impressions", "conversions", "rate"]
    for heading in [*headings, "95 % interval"] if wide else headings:
        table.add_column(heading, justify="right", no_wrap=True)
    table.add_column("probability to be best" if wide else "to be best", no_wrap=True)
    best = results.best
    for variant in results.variants:
        bounds = interval(variant.conversions, variant.impressions)
        between = f"{bounds[0]:.2%} to {bounds[1]:.2%}" if bounds else UNKNOWN
        if variant.conversions > variant.impressions:
            between = PER_EVENT
        style = "bold" if best is not None and variant.id == best.id else ""
        table.add_row(
            safe_text(name_of(variant), style),
            f"{variant.impressions:,}",
            f"{variant.conversions:,}",
            format_percent(variant.conversion_rate, 2),
            *([between] if wide else []),
            probability_bar(
                variant.probability_to_be_best,
                BAR_CELLS if wide else NARROW_BAR_CELLS,
                ascii_only=ascii_only,
            ),
        )
    return table


def probability_bar(share: float | None, cells: int, *, ascii_only: bool) -> Text:
    """Draw a probability as a bar, followed by the number."""
    if share is None:
        return Text(UNKNOWN)
    full = round(min(max(share, 0.0), 1.0) * cells)
    done, left = ("#", ".") if ascii_only else ("█", "░")
    bar = f"{done * full}{left * (cells - full)}"
    return Text(f"{bar} {format_probability(share):>6}")
