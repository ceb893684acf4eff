"""Carrying out a bulk command: progress, report, exit code."""

import asyncio
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Literal

import attrs

import ours_experiments as ours  # noqa: TC001 - loads the client on use
from ours_experiments.cli._context import Context
from ours_experiments.cli._errors import SOME_FAILED, code_of
from ours_experiments.cli._output import (
    JsonLinesWriter,
    new_table,
    to_json,
    writing,
)
from ours_experiments.cli._progress import follow
from ours_experiments.cli._text import escape, text
from ours_experiments.errors import ConfigurationError, OursError
from ours_experiments.outcomes import BulkReport, Outcome, OutcomeStatus


FIELDS = ("experiment_id", "action", "status", "error", "attempts", "seconds")
SHOWN = 20
"""Failures that the table shows."""
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
            await follow(run, context.err, action, on_outcome=write)
        except asyncio.CancelledError:
            report_run(context, run.report(), written)
            say_interrupted(context, run, options)
            raise
        except BrokenPipeError:
            raise
        except OSError as problem:
            if isinstance(problem, OursError):
                raise
            report_run(context, run.report(), written)
            say_interrupted(context, run, options)
            raise ConfigurationError(
                f"journal {options.journal}: {problem.strerror or problem}"
            ) from None
    report = run.report()
    report_run(context, report, written)
    return code_for(report)


def record_of(outcome: Outcome) -> dict[str, object]:
    """Turn an outcome into a record."""
    record = outcome.to_record()
    return {name: record[name] for name in FIELDS}


def report_run(context: Context, report: BulkReport, written: set[str]) -> None:
    """Report in the chosen format.

    Args:
        context: Which format, and where to.
        report: What happened.
        written: Outcomes that are on the output already.
    """
    if context.format == "json":
        context.write(to_json(summary(report), indent=2) + "\n")
        return
    if context.format == "table":
        show(context, report)
        return
    with writing(context, FIELDS, FIELDS) as writer:
        for outcome in report.outcomes:
            if outcome.experiment_id not in written:
                writer.write(record_of(outcome))
    if report.publish_error is not None or report.version is not None:
        context.note(report)


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
    done = sum(bool(outcome.attempts) for outcome in report.outcomes)
    rate = f" ({done / report.seconds:.0f}/s)" if done and report.seconds else ""
    out.print(text(f"{report}{rate}"), soft_wrap=True)
    if not report.failed:
        return
    table = new_table()
    table.add_column("experiment", no_wrap=True)
    table.add_column("outcome", no_wrap=True)
    table.add_column("why", overflow="fold")
    for outcome in report.failed[:SHOWN]:
        table.add_row(
            text(outcome.experiment_id),
            text(report.word_for(outcome.status)),
            text(outcome.error),
        )
    out.print()
    out.print(table)
    if (more := len(report.failed) - SHOWN) > 0:
        out.print(f"and {more} more; --format json or csv tells all")


def say_interrupted(context: Context, run: "ours.BulkRun", options: Options) -> None:
    """Tell what the words in the report mean now, and how to go on."""
    counts = run.report().by_status
    context.note(
        f"cut off: {len(counts[OutcomeStatus.UNKNOWN])} may have been applied "
        f"(unknown), {len(counts[OutcomeStatus.NOT_ATTEMPTED])} not attempted"
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
