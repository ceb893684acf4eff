"""Results as a table with bars, for people."""

from rich.console import Group, RenderableType
from rich.text import Text

from ours_experiments._text import UNKNOWN, format_percent
from ours_experiments.cli.output.phrases import format_probability
from ours_experiments.cli.output.table import new_table, omission
from ours_experiments.cli.output.terminal import safe_text
from ours_experiments.models import Results
from ours_experiments.plotting import PER_EVENT, name_of


BAR_CELLS = 20
"""Width of a bar for a probability of 1."""
# With names of nine characters the table has 90 columns, without bars 73.
WIDTH_FOR_BARS = 94
WIDTH_FOR_INTERVALS = 79


def results_table(
    results: Results, width: int, *, ascii_only: bool = False
) -> RenderableType:
    """Build a table of the results of each variant.

    In a narrow terminal the bars give way first, then the intervals; a line below the
    table names what is left out.

    Args:
        results: The results.
        width: Columns of the terminal.
        ascii_only: Whether to draw the bars in ASCII.
    """
    # Help for the command does not need an analysis, which takes 0.1 s to import.
    from ours_experiments.analysis.posterior import rate_interval  # noqa: PLC0415

    bars, intervals = width >= WIDTH_FOR_BARS, width >= WIDTH_FOR_INTERVALS
    table = new_table()
    table.add_column("variant", overflow="fold")
    headings = ["impressions", "conversions", "rate"]
    for heading in [*headings, "95 % interval"] if intervals else headings:
        table.add_column(heading, justify="right", no_wrap=True)
    heading = "probability to be best" if bars else "to be best"
    table.add_column(heading, justify="left" if bars else "right", no_wrap=True)
    best = results.best
    for variant in results.variants:
        bounds = rate_interval(variant.impressions, variant.conversions)
        between = f"{bounds[0]:.2%} to {bounds[1]:.2%}" if bounds else UNKNOWN
        if variant.conversions > variant.impressions:
            between = PER_EVENT
        probability = variant.probability_to_be_best
        style = "bold" if best is not None and variant.id == best.id else ""
        table.add_row(
            safe_text(name_of(variant), style),
            f"{variant.impressions:,}",
            f"{variant.conversions:,}",
            format_percent(variant.conversion_rate, 2),
            *([between] if intervals else []),
            probability_bar(
                probability, BAR_CELLS if bars else 0, ascii_only=ascii_only
            ),
        )
    omitted = [] if intervals else ["95 % interval"]
    if not bars:
        omitted.append("bars")
    return Group(table, omission(omitted)) if omitted else table


def probability_bar(share: float | None, cells: int, *, ascii_only: bool) -> Text:
    """Draw a probability as a bar, followed by the number; 0 cells: no bar."""
    if share is None:
        return Text(UNKNOWN)
    full = round(min(max(share, 0.0), 1.0) * cells)
    done, left = ("#", ".") if ascii_only else ("█", "░")
    bar = f"{done * full}{left * (cells - full)}"
    return Text(f"{bar} {format_probability(share):>6}".lstrip())
