"""The command `watch`: results, refreshed in place."""

from collections.abc import AsyncIterator, Callable, Generator
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Literal

from cyclopts.types import NonNegativeInt, NormFloat, PositiveFloat
from rich.console import Group, RenderableType

import ours_experiments as ours  # noqa: TC001 - loads the client on use
from ours_experiments.cli.commands.results import Event, write_results
from ours_experiments.cli.context import Context, InContext
from ours_experiments.cli.errors import format_error
from ours_experiments.cli.output.phrases import format_probability
from ours_experiments.cli.output.records import fields_of, record_of
from ours_experiments.cli.output.results_table import results_table
from ours_experiments.cli.output.terminal import is_ascii_only, safe_text
from ours_experiments.cli.output.writers import CsvWriter, JsonLinesWriter
from ours_experiments.cli.parser import app, examples
from ours_experiments.cli.rule_options import (
    NO_RULE_OPTIONS,
    RuleOptions,
    analyze_experiment,
)
from ours_experiments.errors import (
    APIConnectionError,
    InternalServerError,
    RateLimitError,
)
from ours_experiments.models import (
    Experiment,
    ExperimentStatus,
    Results,
    VariantResult,
)
from ours_experiments.plotting import name_of


if TYPE_CHECKING:
    from ours_experiments.analysis import Analysis

TEMPORARY = (APIConnectionError, InternalServerError, RateLimitError)
"""Failures after which the next request may succeed."""
PROBABILITY_NOTE = (
    "note: a probability that is looked at often finds a winner in 40 to 50 of 100 "
    "experiments without a difference; --until decided does in 1 to 4"
)
CSV_FIELDS = ("at", *fields_of(VariantResult))


@app.command(
    help_epilogue=examples(
        "watch exp_123",
        "watch exp_123 --until decided --planned-sample 14751",
        "watch exp_1 --until-probability 0.95 --min-impressions 1000",
    )
)
async def watch(
    id: str,
    *,
    interval: PositiveFloat = 30.0,
    until: Literal["decided"] | None = None,
    options: RuleOptions = NO_RULE_OPTIONS,
    until_probability: NormFloat | None = None,
    min_impressions: NonNegativeInt = 0,
    event: Event = None,
    context: InContext,
) -> int:
    """Show an experiment's results, refreshed until it is completed.

    Args:
        id: Id of the experiment.
        interval: Seconds between two requests.
        until: End when the rules decide, as `analyze` does.
        options: Rules of the decision, with --until decided.
        until_probability: End when a variant is best with this probability, 0 to 1.
            It does not control how often a false winner ends the watch.
        min_impressions: Do not end before every variant has so many impressions.
        event: Conversion event; default: that of the primary metric.
    """
    if until_probability is not None:
        context.note(PROBABILITY_NOTE)
    condition = describe_condition(interval, until_probability, min_impressions)
    rules = options if until == "decided" else None
    ending: str | None = None
    async with context.client() as client:
        with open_display(context, condition) as show:
            async for experiment, found, analysis in poll(
                client, id, event, interval, context, rules=rules
            ):
                show(experiment, found)
                best = winner(found, until_probability, min_impressions)
                ending = describe_ending(experiment, analysis, best)
                if ending is not None:
                    break
    context.note(ending)
    return 0


def describe_ending(
    experiment: Experiment, analysis: "Analysis | None", best: VariantResult | None
) -> str | None:
    """Describe why a watch ends; None: it does not end yet."""
    if best is not None:
        share = format_probability(best.probability_to_be_best or 0.0)
        return f"{name_of(best)} is best with probability {share}"
    if analysis is not None:
        from ours_experiments.analysis import decided  # noqa: PLC0415 - not for help
        from ours_experiments.cli.output.analysis_report import verdict_line  # noqa: PLC0415

        if decided(analysis):
            return verdict_line(experiment.name, analysis)
    if experiment.status == ExperimentStatus.COMPLETED:
        return "the experiment is completed"
    return None


def describe_condition(
    interval: float, probability: float | None, impressions: int
) -> str:
    """Describe when a watch ends."""
    text = f"again every {interval:g} s"
    if probability is not None:
        text += f" until a variant is best with probability {probability:.1%}"
    if probability is not None and impressions:
        text += f" and each has {impressions:,} impressions"
    return f"{text}; Ctrl-C ends it"


async def poll(
    client: "ours.Client",
    id: str,
    event: str | None,
    interval: float,
    context: Context,
    *,
    rules: RuleOptions | None = None,
) -> AsyncIterator[tuple[Experiment, Results, "Analysis | None"]]:
    """Yield an experiment, its results and, with rules, their analysis.

    A temporary failure is a note, and the next request follows.
    """
    import asyncio  # noqa: PLC0415 - not for help

    while True:
        try:
            # Read each time, since a completed experiment ends the watch.
            experiment = await client.experiments.retrieve(id)
            found = await client.experiments.results(id, event_name=event)
            analysis = None
            if rules is not None:
                analysis = await analyze_experiment(client, id, rules)
            yield experiment, found, analysis
        # A watch outlives a restart of the service; what cannot pass ends it.
        except TEMPORARY as problem:
            context.note(format_error(problem))
        await asyncio.sleep(interval)


@contextmanager
def open_display(
    context: Context, condition: str
) -> Generator[Callable[[Experiment, Results], None]]:
    """Open a display that redraws results in place, or writes them one by one."""
    if not context.out.is_terminal or context.format != "table":
        # One writer for all looks, so that CSV has one heading.
        as_csv = context.format == "csv"
        writer = CsvWriter(context, CSV_FIELDS) if as_csv else JsonLinesWriter(context)
        yield partial(write, context, writer)
        return
    from rich.live import Live  # noqa: PLC0415 - not for help

    latest: RenderableType = ""
    # Drawn when results come: rich would redraw four times a second.
    with Live(console=context.out, auto_refresh=False) as live:

        def show(experiment: Experiment, found: Results) -> None:
            nonlocal latest
            latest = draw(context, experiment.name, found)
            live.update(Group(latest, safe_text(condition, "dim")), refresh=True)

        try:
            yield show
        finally:
            live.update(latest, refresh=True)


def draw(context: Context, name: str, found: Results) -> Group:
    """Draw results below a line with the name of the experiment and the time."""
    out = context.out
    return Group(
        safe_text(f"{name}, {now()} UTC"),
        results_table(found, out.width, ascii_only=is_ascii_only(out)),
    )


def write(
    context: Context,
    writer: CsvWriter | JsonLinesWriter,
    experiment: Experiment,
    found: Results,
) -> None:
    """Write results after the earlier ones."""
    if context.format == "table":
        context.out.print(safe_text(f"{experiment.name}, {now()} UTC"))
        write_results(context, found)
        # A watch may run for days, and a reader of the pipe waits for each result.
        context.out.file.flush()
        return
    variants = [record_of(variant) for variant in found.variants]
    at = f"{now()}Z"
    if isinstance(writer, CsvWriter):
        for variant in variants:
            writer.write({"at": at, **variant})
    else:
        writer.write({"at": at, "variants": variants})


def now() -> str:
    """Return the time in UTC."""
    return datetime.now(UTC).replace(tzinfo=None).isoformat(" ", timespec="seconds")


def winner(
    found: Results, probability: float | None, impressions: int
) -> VariantResult | None:
    """Return the variant that meets the condition, or None."""
    best = found.best
    if best is None or probability is None:
        return None
    enough = all(variant.impressions >= impressions for variant in found.variants)
    reached = (best.probability_to_be_best or 0.0) >= probability
    return best if enough and reached else None
