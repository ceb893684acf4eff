"""Progress of a bulk run: a live bar, plain lines, or nothing."""

from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn

import ours_experiments as ours  # noqa: TC001 - loads the client on use
from ours_experiments.bulk.outcomes import Outcome
from ours_experiments.cli.output.phrases import (
    format_counts,
    format_duration,
    format_rate,
)


PLAIN_LINES = 4
"""Plain lines in the whole of a run."""


async def follow(
    run: "ours.BulkRun",
    console: Console,
    title: str,
    *,
    plain_lines: bool = False,
    dry_run: bool = False,
    on_outcome: Callable[[Outcome], object] = id,
) -> None:
    """Iterate over a run to its end and show the progress.

    Args:
        run: The run.
        console: Where to show progress; only a terminal gets a bar.
        title: The action.
        plain_lines: Whether to print lines if there is no terminal.
        dry_run: Whether the run sends no write.
        on_outcome: Called with each outcome.
    """
    if console.is_terminal:
        display = show_bar(run, console, title, dry_run=dry_run)
    elif plain_lines:
        display = show_lines(run, console, title)
    else:
        display = show_nothing()
    with display as update:
        async for outcome in run:
            on_outcome(outcome)
            update()


@contextmanager
def show_bar(
    run: "ours.BulkRun", console: Console, title: str, *, dry_run: bool
) -> Generator[Callable[[], None]]:
    """Show a bar that is redrawn in place."""
    columns = (
        TextColumn("{task.description}", markup=False),
        # In a narrow terminal the bar shrinks, not the figures.
        BarColumn(bar_width=24),
        TextColumn("{task.fields[done]}"),
        TextColumn("{task.fields[pace]}"),
        TextColumn("{task.fields[counts]}"),
    )

    def state() -> dict[str, Any]:
        left = run.seconds_left
        pace = format_rate(run.rate)
        total = "" if run.total is None else f"/{run.total:,}"
        return {
            "completed": run.done,
            "total": run.total,
            "done": f"{run.done:,}{total}",
            "pace": f"{pace}, {format_duration(left)} left" if left else pace,
            "counts": format_counts(run.counts, dry_run=dry_run),
        }

    with Progress(*columns, console=console) as progress:
        task = progress.add_task(title, **state())
        try:
            yield lambda: progress.update(task, **state())
        finally:
            progress.update(task, **state())


@contextmanager
def show_lines(
    run: "ours.BulkRun", console: Console, title: str
) -> Generator[Callable[[], None]]:
    """Print a line after each quarter of the run."""
    printed = 0

    def update() -> None:
        nonlocal printed
        total = run.total or run.done
        # Quarters, so that a log of 10 000 experiments has four lines.
        if run.done * PLAIN_LINES // total > printed * PLAIN_LINES // total:
            printed = run.done
            console.print(
                f"{title}: {run.done:,}/{total:,} ({format_counts(run.counts)}), "
                f"{format_rate(run.rate)}"
            )

    yield update


@contextmanager
def show_nothing() -> Generator[Callable[[], None]]:
    """Show no progress."""
    yield lambda: None
