"""Run a bulk command: progress, report, exit code."""

import asyncio
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Literal

import attrs
from rich.padding import Padding

from ours_experiments.bulk.outcomes import BulkReport, Outcome, OutcomeStatus
from ours_experiments.cli.context import Context
from ours_experiments.cli.errors import (
    SOME_FAILED,
    OutputError,
    exit_code,
    os_reason,
)
from ours_experiments.cli.output.phrases import headline
from ours_experiments.cli.output.progress import follow
from ours_experiments.cli.output.table import new_table
from ours_experiments.cli.output.terminal import escape, safe_text
from ours_experiments.cli.output.writers import JsonLinesWriter, encode, open_writer
from ours_experiments.errors import APIStatusError, ConfigurationError, OursError


FIELDS = ("experiment_id", "action", "status", "error", "attempts", "seconds", "note")
MAX_FAILURES = 20
"""Failures in the table, and warnings above it."""
NARROW = 88
"""Columns below which a reason stands under its experiment, not beside it."""
MIN_IN_FLIGHT = 32
"""Requests at the same time; `--concurrency` can raise the limit."""

Action = Literal["start", "pause", "resume", "stop", "delete"]
Ids = Sequence[str] | Mapping[str, str | None]


@attrs.frozen
class Options:
    """The options of `client.bulk.stream`."""

    concurrency: int
    journal: Path | None
    dry_run: bool
    publish: Literal["each", "once", "none"]
    ship_others: bool


async def run_bulk(context: Context, action: Action, ids: Ids, options: Options) -> int:
    """Run an action on many experiments; report also after an error or a signal."""
    streaming = context.format == "jsonl" and options.publish != "once"
    lines = JsonLinesWriter(context)
    written: set[str] = set()

    def write(outcome: Outcome) -> None:
        if streaming:
            written.add(outcome.experiment_id)
            lines.write(outcome_record(outcome))

    async with context.client(max(options.concurrency, MIN_IN_FLIGHT)) as client:
        run = client.bulk.stream(action, ids, **attrs.asdict(options))
        try:
            title = f"{action}, dry run" if options.dry_run else action
            await follow(
                run, context.err, title, dry_run=options.dry_run, on_outcome=write
            )
        except (BrokenPipeError, OutputError):
            context.note(headline(run.report()))
            note_interruption(context, run.report(), options)
            raise
        except asyncio.CancelledError:
            # A dry run would report what it has not checked as "would be applied".
            if not options.dry_run:
                write_report(context, run.report(), written)
                note_interruption(context, run.report(), options)
            raise
        except OSError as problem:
            if isinstance(problem, OursError) or options.journal is None:
                raise
            write_report(context, run.report(), written)
            note_interruption(context, run.report(), options)
            raise ConfigurationError(
                f"journal {options.journal}: {os_reason(problem)}"
            ) from None
    report = run.report()
    write_report(context, report, written)
    return report_exit_code(report)


def outcome_record(outcome: Outcome) -> dict[str, object]:
    """Convert an outcome to a record."""
    record = outcome.to_record()
    return {name: record[name] for name in FIELDS}


def write_report(context: Context, report: BulkReport, written: set[str]) -> None:
    """Write the report in the chosen format, or a note if that fails.

    Args:
        context: The format and the output.
        report: The report.
        written: Ids of outcomes that are written already.

    Raises:
        OutputError: The output cannot be written.
    """
    try:
        if context.format == "json":
            context.write(encode(context, summary(report), indent=2) + "\n", flush=True)
        elif context.format == "table":
            print_report(context, report)
        else:
            with open_writer(context, FIELDS, FIELDS) as writer:
                for outcome in report.outcomes:
                    if outcome.experiment_id not in written:
                        writer.write(outcome_record(outcome))
            if report.publish_error is not None or report.version is not None:
                context.note(headline(report))
    except (OSError, OutputError):
        context.note(headline(report))
        raise


def summary(report: BulkReport) -> dict[str, object]:
    """Convert a report to a record."""
    version = report.version
    failure = report.publish_error
    return {
        "action": report.action,
        "dry_run": report.dry_run,
        "seconds": round(report.seconds, 6),
        "counts": {
            status.value: len(group) for status, group in report.by_status.items()
        },
        "version_number": None if version is None else version.version_number,
        "publish_error": None if failure is None else str(failure),
        "outcomes": [outcome_record(outcome) for outcome in report.outcomes],
    }


def print_report(context: Context, report: BulkReport) -> None:
    """Print the counts, the warnings, and the failures with their reasons."""
    out = context.out
    out.print(safe_text(headline(report)))
    warned = [outcome for outcome in report.outcomes if outcome.note]
    for outcome in warned[:MAX_FAILURES]:
        out.print(safe_text(f"warning: {outcome.experiment_id}: {outcome.note}"))
    print_more(context, len(warned) - MAX_FAILURES)
    if not report.failed:
        return
    out.print()
    narrow = out.width < NARROW
    table = new_table()
    table.add_column("experiment", no_wrap=True)
    table.add_column("outcome", no_wrap=True)
    if not narrow:
        table.add_column("why", overflow="fold")
    for outcome in report.failed[:MAX_FAILURES]:
        row = (outcome.experiment_id, report.describe(outcome.status))
        if not narrow:
            table.add_row(*map(safe_text, row), safe_text(failure_reason(outcome)))
            continue
        out.print(safe_text("  ".join(row)))
        out.print(Padding(safe_text(failure_reason(outcome)), (0, 0, 0, 4)))
    if not narrow:
        out.print(table)
    print_more(context, len(report.failed) - MAX_FAILURES)


def print_more(context: Context, count: int) -> None:
    """Print how many lines were left out, if any."""
    if count > 0:
        context.out.print(f"and {count:,} more; --format json or csv has all")


def failure_reason(outcome: Outcome) -> str:
    """Return why an action failed, without what its row has already."""
    problem = outcome.error
    if isinstance(problem, APIStatusError):
        details = f": {problem.details}" if problem.details else ""
        return f"{problem.status} {problem.error}{details}"
    message = str(problem or "")
    prefix = f"{outcome.action} of {outcome.experiment_id} "
    return message.removeprefix(prefix).removeprefix("was ")


def note_interruption(context: Context, report: BulkReport, options: Options) -> None:
    """Print a note about what is unknown, and how to continue."""
    counts = report.by_status
    context.note(
        f"interrupted: {len(counts[OutcomeStatus.UNKNOWN]):,} may have been applied "
        f"(unknown), {len(counts[OutcomeStatus.NOT_ATTEMPTED]):,} not attempted"
    )
    if options.journal is not None:
        context.note(
            f"the same command with --journal {escape(options.journal)} continues "
            "from here"
        )


def report_exit_code(report: BulkReport) -> int:
    """Return the exit code; that of the failures if all are of one kind."""
    if not report.failed:
        problem = report.publish_error
        return 0 if problem is None else exit_code(problem)
    codes = {
        exit_code(outcome.error)
        for outcome in report.failed
        if outcome.error is not None
    }
    if len(codes) == 1 and len(report.failed) == len(report.outcomes):
        return codes.pop()
    return SOME_FAILED
