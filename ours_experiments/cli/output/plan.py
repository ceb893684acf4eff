"""Print plans, and reports of what became of them."""

import json
from collections.abc import Mapping

from rich.text import Text

from ours_experiments.bulk.outcomes import OutcomeStatus
from ours_experiments.cli.context import Context, print_line
from ours_experiments.cli.errors import SOME_FAILED, UNKNOWN
from ours_experiments.cli.output.terminal import safe_text
from ours_experiments.specs.plan import Plan
from ours_experiments.specs.report import ApplyReport, ChangeOutcome


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
        }
        context.write(json.dumps(document, indent=2, ensure_ascii=False) + "\n")
        return
    for outcome in report.outcomes:
        if outcome.status is not OutcomeStatus.APPLIED:
            print_line(context.out, safe_text(sentence(outcome)))
    if report.publish_error is not None:
        context.note(f"not published: {report.publish_error}")
    if not report.outcomes:
        context.write("nothing to do\n")
        return
    counts = ", ".join(f"{n} {status}" for status, n in report.counts.items() if n)
    context.write(f"{counts}\n")


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
