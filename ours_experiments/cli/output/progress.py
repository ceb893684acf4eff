"""How far a bulk call is: a live bar, plain lines, or nothing."""

from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn

import ours_experiments as ours  # noqa: TC001 - loads the client on use
from ours_experiments.bulk.outcomes import Outcome
from ours_experiments.cli.output.words import counted, duration, rate_of


LINES = 4
"""Plain lines for the whole of a run."""


async def follow(
    run: "ours.BulkRun",
    console: Console,
    title: str,
    *,
    plain_lines: bool = False,
    dry_run: bool = False,
    on_outcome: Callable[[Outcome], object] = id,
) -> None:
    """Take a run to its end and show how far it is.

    Args:
        run: The run.
        console: Where to show it; without a terminal there is no bar.
        title: What is being done.
        plain_lines: Whether to print lines where there is no terminal.
        dry_run: Whether nothing is written.
        on_outcome: Gets each outcome as it comes.
    """
    if console.is_terminal:
        showing = bar(run, console, title, dry_run=dry_run)
    elif plain_lines:
        showing = lines(run, console, title)
    else:
        showing = silence()
    with showing as update:
        async for outcome in run:
            on_outcome(outcome)
            update()


@contextmanager
def bar(
    run: "ours.BulkRun", console: Console, title: str, *, dry_run: bool
) -> Generator[Callable[[], None]]:
    """Show a bar that is redrawn in place."""
    columns = (
        TextColumn("{task.description}", markup=False),
        # Where the terminal is narrow, it is the bar that gives way.
        BarColumn(bar_width=24),
        TextColumn("{task.fields[done]}"),
        TextColumn("{task.fields[pace]}"),
        TextColumn("{task.fields[counts]}"),
    )

    def state() -> dict[str, Any]:
        left = run.seconds_left
        pace = rate_of(run.rate)
        total = "" if run.total is None else f"/{run.total:,}"
        return {
            "completed": run.done,
            "total": run.total,
            "done": f"{run.done:,}{total}",
            "pace": f"{pace}, {duration(left)} left" if left else pace,
            "counts": counted(run.counts, dry_run=dry_run),
        }

    with Progress(*columns, console=console) as progress:
        task = progress.add_task(title, **state())
        try:
            yield lambda: progress.update(task, **state())
        finally:
            progress.update(task, **state())


@contextmanager
def lines(
    run: "ours.BulkRun", console: Console, title: str
) -> Generator[Callable[[], None]]:
    """Print a line now and then."""
    printed = 0

    def update() -> None:
        nonlocal printed
        total = run.total or run.done
        if run.done * LINES // total > printed * LINES // total:
            printed = run.done
            console.print(
                f"{title}: {run.done:,}/{total:,} ({counted(run.counts)}), "
                f"{rate_of(run.rate)}"
            )

    yield update


@contextmanager
def silence() -> Generator[Callable[[], None]]:
    """Show nothing."""
    yield lambda: None
