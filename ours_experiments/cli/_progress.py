"""How far a bulk call is: a live bar, plain lines, or nothing."""

from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

import ours_experiments as ours  # noqa: TC001 - loads the client on use
from ours_experiments.outcomes import Outcome, OutcomeStatus


LINES = 4
"""Plain lines for the whole of a run."""


async def follow(
    run: "ours.BulkRun",
    console: Console,
    title: str,
    *,
    plain_lines: bool = False,
    on_outcome: Callable[[Outcome], object] = id,
) -> None:
    """Take a run to its end and show how far it is.

    Args:
        run: The run.
        console: Where to show it; without a terminal there is no bar.
        title: What is being done.
        plain_lines: Whether to print lines where there is no terminal.
        on_outcome: Gets each outcome as it comes.
    """
    if console.is_terminal:
        showing = bar(run, console, title)
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
    run: "ours.BulkRun", console: Console, title: str
) -> Generator[Callable[[], None]]:
    """Show a bar that is redrawn in place."""
    columns = (
        TextColumn("{task.description}"),
        BarColumn(bar_width=24),
        TextColumn("{task.fields[done]}"),
        TextColumn("{task.fields[counts]}"),
        TextColumn("{task.fields[rate]}"),
        TimeRemainingColumn(compact=True),
    )

    def state() -> dict[str, Any]:
        return {
            "completed": run.done,
            "total": run.total,
            "done": f"{run.done}/{run.total}",
            "counts": told(run.counts),
            "rate": f"{run.rate:.0f}/s",
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
                f"{title}: {run.done}/{total} ({told(run.counts)}), {run.rate:.0f}/s"
            )

    yield update


@contextmanager
def silence() -> Generator[Callable[[], None]]:
    """Show nothing."""
    yield lambda: None


def told(counts: Mapping[OutcomeStatus, int]) -> str:
    """Put counts into words, those of nothing left out."""
    words = [
        f"{count} {status.value.replace('_', ' ')}"
        for status, count in counts.items()
        if count
    ]
    return ", ".join(words) or "nothing yet"
