"""Results as a table with bars, for people."""

from rich.table import Table
from rich.text import Text

from ours_experiments.cli.output.table import new_table
from ours_experiments.cli.output.text import text
from ours_experiments.cli.output.words import chance
from ours_experiments.models import Results
from ours_experiments.plotting import interval, name_of


BAR = 20
"""Cells of a bar that stands for certainty."""
NARROW_BAR = 5
WIDE = 94
"""Cells from which on there is room for the whole bar and the interval."""


def standing_of(results: Results, width: int, *, plain: bool = False) -> Table:
    """Make a table of what each variant has achieved.

    Args:
        results: What to show.
        width: Cells there are; in a narrow table the intervals are left out.
        plain: Whether to draw in ASCII.
    """
    wide = width >= WIDE
    table = new_table()
    table.add_column("variant", overflow="fold")
    headings = ["impressions", "conversions", "rate"]
    for heading in [*headings, "95 % interval"] if wide else headings:
        table.add_column(heading, justify="right", no_wrap=True)
    table.add_column("probability to be best" if wide else "to be best", no_wrap=True)
    best = results.best
    for each in results.variants:
        low, high = interval(each.conversions, each.impressions)
        between = f"{low:.2%} to {high:.2%}" if each.impressions else "-"
        style = "bold" if best is not None and each.id == best.id else ""
        table.add_row(
            text(name_of(each), style),
            f"{each.impressions:,}",
            f"{each.conversions:,}",
            f"{each.conversion_rate:.2%}",
            *([between] if wide else []),
            bar(each.probability_to_be_best, BAR if wide else NARROW_BAR, plain=plain),
        )
    return table


def bar(share: float, cells: int, *, plain: bool) -> Text:
    """Draw a share of one as a bar with its number."""
    full = round(min(max(share, 0.0), 1.0) * cells)
    done, left = ("#", ".") if plain else ("█", "░")
    return Text(f"{done * full}{left * (cells - full)} {chance(share):>6}")
