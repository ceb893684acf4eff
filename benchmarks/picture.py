"""A picture of the comparisons: each ratio against its goal."""

from collections.abc import Sequence
from pathlib import Path

from benchmarks.measuring import Comparison


MET, MISSED = "#4477aa", "#cc6677"


def draw(comparisons: Sequence[Comparison], heading: str, path: Path) -> None:
    """Draw a bar for each comparison that has a goal; at 1 the goal is just met."""
    # Only here: the figures are had without matplotlib too.
    from matplotlib.figure import Figure  # noqa: PLC0415

    shown = [each for each in comparisons if each.goal is not None][::-1]
    figure = Figure(figsize=(9, 1 + 0.45 * len(shown)), layout="constrained")
    axes = figure.add_subplot()
    for place, each in enumerate(shown):
        share = share_of_goal(each, each.ratio)
        ends = sorted((share_of_goal(each, each.low), share_of_goal(each, each.high)))
        axes.barh(place, share, color=MET if share <= 1 else MISSED)
        axes.plot(ends, (place, place), color="black", linewidth=1)
        axes.text(0.01, place, f"{each.ratio:.2f} ({each.goal})", va="center")
    axes.axvline(1, color="black", linestyle="--", linewidth=1)
    axes.set_yticks(
        range(len(shown)),
        [f"{each.work}: {each.ours} / {each.theirs}" for each in shown],
    )
    axes.set_xlabel("share of what the goal allows; left of the line it is met")
    axes.set_title(heading, fontsize=9)
    figure.savefig(path)


def share_of_goal(comparison: Comparison, ratio: float) -> float:
    """Scale a ratio so that less is better and 1 is the goal."""
    goal = comparison.goal
    assert goal is not None
    return goal.limit / ratio if goal.at_least else ratio / goal.limit
