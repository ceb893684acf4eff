"""Commands on results: results, series, replays."""

from datetime import UTC, date, datetime
from functools import partial
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter
from cyclopts.types import PositiveInt

from ours_experiments.cli.context import Context, Flag, InContext
from ours_experiments.cli.errors import UsageError
from ours_experiments.cli.output.chart import conversion_chart
from ours_experiments.cli.output.image_files import check_image_path, save_image
from ours_experiments.cli.output.records import fields_of, record_of
from ours_experiments.cli.output.results_table import results_table
from ours_experiments.cli.output.terminal import is_ascii_only
from ours_experiments.cli.output.writers import open_writer, page_size, write_listing
from ours_experiments.cli.parser import app, examples
from ours_experiments.models import Results, SessionReplay, TimeSeries, VariantResult
from ours_experiments.plotting import plot_results, plot_time_series


SERIES_FIELDS = ("date", "id", "impressions", "conversions", "conversion_rate")
REPLAY_COLUMNS = (
    "session_id",
    "start_time",
    "duration_seconds",
    "page_count",
    "variant_name",
    "replay_url",
)
DEFAULT_LIMIT = 20
MAX_CHART_WIDTH = 100

Event = Annotated[str | None, Parameter(name="--event")]


@app.command(
    help_epilogue=examples(
        "results exp_123",
        "results exp_123 --event purchase --csv",
        "results exp_123 --plot results.png",
    )
)
async def results(
    id: str,
    *,
    event: Event = None,
    plot: Path | None = None,
    csv: Flag = False,
    context: InContext,
) -> int:
    """Show the results of each variant.

    Args:
        id: Id of the experiment.
        event: Conversion event; default: that of the primary metric.
        plot: Save a plot too: a .png, .svg or .pdf (needs matplotlib).
        csv: Same as --format csv.
    """
    context = context.with_csv(csv)
    if plot is not None:
        check_image_path(plot)
    async with context.client() as client:
        found = await client.experiments.results(id, event_name=event)
    write_results(context, found)
    if plot is not None:
        save_image(plot, partial(plot_results, found))
        context.note(f"saved {plot}")
    return 0


def write_results(context: Context, found: Results) -> None:
    """Write results in the chosen format."""
    if context.format == "table":
        out = context.out
        out.print(results_table(found, out.width, ascii_only=is_ascii_only(out)))
        return
    fields = fields_of(VariantResult)
    with open_writer(context, fields, fields) as writer:
        for variant in found.variants:
            writer.write(record_of(variant))


@app.command(
    help_epilogue=examples(
        "series exp_123",
        "series exp_123 --start-date 2026-08-01 --csv",
        "series exp_123 --plot series.svg --cumulative",
    )
)
async def series(
    id: str,
    *,
    event: Event = None,
    start_date: datetime | None = None,
    end_date: datetime | None = None,
    plot: Path | None = None,
    cumulative: Flag = False,
    csv: Flag = False,
    context: InContext,
) -> int:
    """Show an experiment's conversion rates day by day.

    Args:
        id: Id of the experiment.
        event: Conversion event; default: that of the primary metric.
        start_date: First day, YYYY-MM-DD; of a time with an offset, its day in UTC.
        end_date: Last day, included.
        plot: Save a plot too: a .png, .svg or .pdf (needs matplotlib).
        cumulative: Plot the rate of all days so far, not of each day.
        csv: Same as --format csv.
    """
    context = context.with_csv(csv)
    first, last = day_of(start_date), day_of(end_date)
    if first and last and last < first:
        raise UsageError("--end-date is before --start-date")
    if plot is not None:
        check_image_path(plot)
    import asyncio  # noqa: PLC0415 - not for help

    async with context.client() as client:
        found, named = await asyncio.gather(
            client.experiments.results_time_series(
                id, event_name=event, start_date=first, end_date=last
            ),
            client.experiments.results(id, event_name=event),
        )
    names = {variant.id: variant.name for variant in named.variants}
    write_series(context, found, names)
    if plot is not None:
        draw = partial(plot_time_series, found, names=names, cumulative=cumulative)
        save_image(plot, draw)
        context.note(f"saved {plot}")
    return 0


def write_series(context: Context, found: TimeSeries, names: dict[str, str]) -> None:
    """Write a time series in the chosen format."""
    if context.format != "table":
        with open_writer(context, SERIES_FIELDS, SERIES_FIELDS) as writer:
            for day in found.days:
                for variant in day.variants:
                    writer.write({"date": day.date.isoformat(), **record_of(variant)})
        return
    totals = {
        total.id: f"{names.get(total.id, total.id)}: {total.conversion_rate:.2%} "
        f"({total.conversions:,} of {total.impressions:,})"
        for total in found.totals()
    }
    context.out.print(
        conversion_chart(
            found,
            totals,
            width=min(context.out.width, MAX_CHART_WIDTH),
            ascii_only=is_ascii_only(context.out),
        )
    )


@app.command(
    help_epilogue=examples(
        "replays exp_123", "replays exp_123 --variant var_1 --all --format csv"
    )
)
async def replays(
    id: str,
    *,
    variant: str | None = None,
    limit: PositiveInt = DEFAULT_LIMIT,
    all: Flag = False,
    context: InContext,
) -> int:
    """List recorded sessions of visitors who saw an experiment, newest first.

    Args:
        id: Id of the experiment.
        variant: Only sessions with the variant of this id.
        limit: Sessions at most.
        all: List all sessions.
    """
    maximum = None if all else limit
    async with context.client() as client:
        listing = client.experiments.session_replays(
            id, variant_id=variant, limit=page_size(maximum), prefetch=all
        )
        await write_listing(context, listing, SessionReplay, REPLAY_COLUMNS, maximum)
    return 0


def day_of(moment: datetime | None) -> date | None:
    """Return the day of a parsed time; with an offset, the day in UTC."""
    if moment is None:
        return None
    return (moment.astimezone(UTC) if moment.tzinfo else moment).date()
