"""Carrying out a bulk command: progress, report, exit code."""

import asyncio
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Literal

import attrs
from rich.padding import Padding

from ours_experiments.bulk.outcomes import BulkReport, Outcome, OutcomeStatus
from ours_experiments.cli.context import Context
from ours_experiments.cli.errors import SOME_FAILED, OutputError, code_of, reason_of
from ours_experiments.cli.output.formats import JsonLinesWriter, writing
from ours_experiments.cli.output.progress import follow
from ours_experiments.cli.output.records import to_json
from ours_experiments.cli.output.table import new_table
from ours_experiments.cli.output.text import escape, text
from ours_experiments.cli.output.words import headline
from ours_experiments.errors import APIStatusError, ConfigurationError, OursError


FIELDS = ("experiment_id", "action", "status", "error", "attempts", "seconds")
SHOWN = 20
"""Failures that the table shows."""
NARROW = 88
"""Cells below which a reason stands under its experiment, not beside it."""
REQUESTS = 32
"""Requests at the same time, unless more are asked for."""

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
    """Carry out an action on many experiments, and report in any case."""
    streaming = context.format == "jsonl" and options.publish != "once"
    lines = JsonLinesWriter(context)
    written: set[str] = set()

    def write(outcome: Outcome) -> None:
        if streaming:
            written.add(outcome.experiment_id)
            lines.write(record_of(outcome))

    async with context.client(max(options.concurrency, REQUESTS)) as client:
        run = client.bulk.stream(action, ids, **attrs.asdict(options))
        try:
            title = f"{action}, dry run" if options.dry_run else action
            await follow(
                run, context.err, title, dry_run=options.dry_run, on_outcome=write
            )
        except (BrokenPipeError, OutputError):
            context.note(headline(run.report()))
            say_cut_off(context, run.report(), options)
            raise
        except asyncio.CancelledError:
            # What a dry run has not looked at would read as if it would be applied.
            if not options.dry_run:
                report_run(context, run.report(), written)
                say_cut_off(context, run.report(), options)
            raise
        except OSError as problem:
            if isinstance(problem, OursError) or options.journal is None:
                raise
            report_run(context, run.report(), written)
            say_cut_off(context, run.report(), options)
            raise ConfigurationError(
                f"journal {options.journal}: {reason_of(problem)}"
            ) from None
    report = run.report()
    report_run(context, report, written)
    return code_for(report)


def record_of(outcome: Outcome) -> dict[str, object]:
    """Turn an outcome into a record."""
    record = outcome.to_record()
    return {name: record[name] for name in FIELDS}


def report_run(context: Context, report: BulkReport, written: set[str]) -> None:
    """Report in the chosen format, and in one line where that cannot be written.

    Args:
        context: Which format, and where to.
        report: What happened.
        written: Outcomes that are on the output already.

    Raises:
        OutputError: It could not be written.
    """
    try:
        if context.format == "json":
            context.write(to_json(summary(report), indent=2) + "\n", flush=True)
        elif context.format == "table":
            show(context, report)
        else:
            with writing(context, FIELDS, FIELDS) as writer:
                for outcome in report.outcomes:
                    if outcome.experiment_id not in written:
                        writer.write(record_of(outcome))
            if report.publish_error is not None or report.version is not None:
                context.note(headline(report))
    except (OSError, OutputError):
        context.note(headline(report))
        raise


def summary(report: BulkReport) -> dict[str, object]:
    """Turn a report into a record."""
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
        "outcomes": [record_of(outcome) for outcome in report.outcomes],
    }


def show(context: Context, report: BulkReport) -> None:
    """Report to people: the counts, and what failed and why."""
    out = context.out
    out.print(text(headline(report)))
    if not report.failed:
        return
    out.print()
    narrow = out.width < NARROW
    table = new_table()
    table.add_column("experiment", no_wrap=True)
    table.add_column("outcome", no_wrap=True)
    if not narrow:
        table.add_column("why", overflow="fold")
    for outcome in report.failed[:SHOWN]:
        row = (outcome.experiment_id, report.describe(outcome.status))
        if not narrow:
            table.add_row(*map(text, row), text(why(outcome)))
            continue
        out.print(text("  ".join(row)))
        out.print(Padding(text(why(outcome)), (0, 0, 0, 4)))
    if not narrow:
        out.print(table)
    if (more := len(report.failed) - SHOWN) > 0:
        out.print(f"and {more:,} more; --format json or csv tells all")


def why(outcome: Outcome) -> str:
    """Tell why something failed, without what its row says already."""
    problem = outcome.error
    if isinstance(problem, APIStatusError):
        details = f": {problem.details}" if problem.details else ""
        return f"{problem.status} {problem.error}{details}"
    told = str(problem or "")
    about = f"{outcome.action} of {outcome.experiment_id} "
    return told.removeprefix(about).removeprefix("was ")


def say_cut_off(context: Context, report: BulkReport, options: Options) -> None:
    """Tell what the words in the report mean now, and how to go on."""
    counts = report.by_status
    context.note(
        f"cut off: {len(counts[OutcomeStatus.UNKNOWN]):,} may have been applied "
        f"(unknown), {len(counts[OutcomeStatus.NOT_ATTEMPTED]):,} not attempted"
    )
    if options.journal is not None:
        context.note(
            f"the same command with --journal {escape(options.journal)} goes on from "
            "here"
        )


def code_for(report: BulkReport) -> int:
    """Choose the exit code: that of the failures, where all are of one kind."""
    if not report.failed:
        problem = report.publish_error
        return 0 if problem is None else code_of(problem)
    codes = {code_of(each.error) for each in report.failed if each.error is not None}
    if len(codes) == 1 and len(report.failed) == len(report.outcomes):
        return codes.pop()
    return SOME_FAILED
