"""Print plans, and reports of what became of them."""

import json
from collections.abc import Generator, Mapping
from contextlib import contextmanager

from rich.progress import BarColumn, Progress, TextColumn
from rich.text import Text

from ours_experiments.bulk.options import OnProgress
from ours_experiments.bulk.outcomes import OutcomeStatus
from ours_experiments.cli.context import Context
from ours_experiments.cli.errors import SOME_FAILED, UNKNOWN
from ours_experiments.cli.output.terminal import print_line, safe_text
from ours_experiments.specs.changes import ApplyReport, ChangeOutcome
from ours_experiments.specs.plan import Plan
from ours_experiments.specs.text import plural


STYLES: Mapping[str, str] = {
    "+": "green",
    "~": "yellow",
    "-": "red",
    ">": "cyan",
    "!": "bold red",
    "?": "magenta",
}


def print_plan(context: Context, plan: Plan) -> None:
    """Print a plan, in colours on a terminal."""
    for line in str(plan).splitlines():
        style = STYLES.get(line[2:3], "") if line.startswith("  ") else "bold"
        print_line(context.out, Text(line, style))


def write_report(context: Context, report: ApplyReport, plan: Plan) -> None:
    """Write what became of a plan."""
    if context.format == "json":
        outcomes = [record_of(outcome) for outcome in report.outcomes]
        document = {
            "outcomes": outcomes,
            "version": report.version.id if report.version else None,
            "publish_error": str(report.publish_error or ""),
            "conflicts": len(plan.conflicts),
            "skipped": [
                {"key": conflict.key, "reason": conflict.message}
                for conflict in plan.conflicts
            ],
        }
        context.write(json.dumps(document, indent=2, ensure_ascii=False) + "\n")
        return
    for outcome in report.outcomes:
        if outcome.status is not OutcomeStatus.APPLIED:
            print_line(context.out, safe_text(sentence(outcome)))
    if report.publish_error is not None:
        context.note(f"not published: {report.publish_error}")
    counts = [f"{n} {status}" for status, n in report.counts.items() if n]
    line = ", ".join(counts) or "nothing to do"
    if plan.conflicts:
        line += f": {plural(len(plan.conflicts), 'conflict')} skipped"
    context.write(f"{line}\n")


@contextmanager
def show_progress(context: Context) -> Generator[OnProgress | None]:
    """Show a bar with the changes that are done; only a terminal gets one."""
    if not context.err.is_terminal:
        yield None
        return
    columns = (
        TextColumn("apply"),
        BarColumn(bar_width=24),
        TextColumn("{task.completed:,.0f}/{task.total:,.0f}"),
    )
    with Progress(*columns, console=context.err) as progress:
        # Until there is a change to count, the bar would show 0 of 0.
        task = progress.add_task("", total=0, visible=False)
        yield lambda done, total: progress.update(
            task, completed=done, total=total, visible=True
        )


def record_of(outcome: ChangeOutcome) -> dict[str, object]:
    """Return an outcome as plain values."""
    change = outcome.change
    return {
        "key": change.key,
        "experiment_id": change.experiment_id,
        "action": change.action.value,
        "variant": change.variant,
        "status": outcome.status.value,
        "error": str(outcome.error or ""),
        "attempts": outcome.attempts,
        "seconds": round(outcome.seconds, 6),
    }


def sentence(outcome: ChangeOutcome) -> str:
    """Format one outcome as a line."""
    change = outcome.change
    name = f"{change.key}: {change.action}"
    if change.variant is not None:
        name += f" {change.variant}"
    reason = f": {outcome.error}" if outcome.error is not None else ""
    return f"{name}: {str(outcome.status).replace('_', ' ')}{reason}"


def exit_code(report: ApplyReport, plan: Plan) -> int:
    """Return the exit code of what became of a plan."""
    if report.counts[OutcomeStatus.UNKNOWN]:
        return UNKNOWN
    complete = report.is_complete and report.publish_error is None
    return 0 if complete and not plan.conflicts else SOME_FAILED
