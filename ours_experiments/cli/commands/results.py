"""Commands on what an experiment has achieved: results, series."""

from datetime import date, datetime
from functools import partial
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter
from cyclopts.types import PositiveInt

from ours_experiments.cli.context import Context, Flag, InContext
from ours_experiments.cli.errors import UsageError
from ours_experiments.cli.output.chart import conversion_chart
from ours_experiments.cli.output.formats import page_size, write_listing, writing
from ours_experiments.cli.output.pictures import check_picture, save_picture
from ours_experiments.cli.output.records import fields_of, record_of
from ours_experiments.cli.output.standing import standing_of
from ours_experiments.cli.output.text import is_plain
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
SHOWN = 20
WIDEST = 100
"""Columns of a chart at most."""

Event = Annotated[str | None, Parameter(name="--event")]


async def results(
    id: str,
    *,
    event: Event = None,
    plot: Path | None = None,
    csv: Flag = False,
    context: InContext,
) -> int:
    """Show what each variant of an experiment has achieved.

    Args:
        id: The experiment.
        event: The conversion event; the primary metric's by default.
        plot: Save a picture too: a .png, .svg or .pdf (needs matplotlib).
        csv: The same as --format csv.
    """
    context = context.with_csv(csv)
    if plot is not None:
        check_picture(plot)
    async with context.client() as client:
        found = await client.experiments.results(id, event_name=event)
    show_results(context, found)
    if plot is not None:
        save_picture(plot, partial(plot_results, found))
        context.note(f"saved {plot}")
    return 0


def show_results(context: Context, found: Results) -> None:
    """Show results in the chosen format."""
    if context.format == "table":
        out = context.out
        out.print(standing_of(found, out.width, plain=is_plain(out)))
        return
    fields = fields_of(VariantResult)
    with writing(context, fields, fields) as writer:
        for variant in found.variants:
            writer.write(record_of(variant))


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
        id: The experiment.
        event: The conversion event; the primary metric's by default.
        start_date: The first day in UTC, YYYY-MM-DD.
        end_date: The last day, itself included.
        plot: Save a picture too: a .png, .svg or .pdf (needs matplotlib).
        cumulative: In the picture, a day's rate is that of the run up to it.
        csv: The same as --format csv.
    """
    context = context.with_csv(csv)
    first, last = day_of(start_date), day_of(end_date)
    if first and last and last < first:
        raise UsageError("--end-date is before --start-date")
    if plot is not None:
        check_picture(plot)
    import asyncio  # noqa: PLC0415 - not for help

    async with context.client() as client:
        found, named = await asyncio.gather(
            client.experiments.results_time_series(
                id, event_name=event, start_date=first, end_date=last
            ),
            client.experiments.results(id, event_name=event),
        )
    names = {each.id: each.name for each in named.variants}
    show_series(context, found, names)
    if plot is not None:
        draw = partial(plot_time_series, found, names=names, cumulative=cumulative)
        save_picture(plot, draw)
        context.note(f"saved {plot}")
    return 0


def show_series(context: Context, found: TimeSeries, names: dict[str, str]) -> None:
    """Show a time series in the chosen format."""
    if context.format != "table":
        with writing(context, SERIES_FIELDS, SERIES_FIELDS) as writer:
            for day in found.days:
                for each in day.variants:
                    writer.write({"date": day.date.isoformat(), **record_of(each)})
        return
    totals = {
        each.id: f"{names.get(each.id, each.id)}: {each.conversion_rate:.2%} "
        f"({each.conversions:,} of {each.impressions:,})"
        for each in found.totals()
    }
    context.out.print(
        conversion_chart(
            found,
            totals,
            width=min(context.out.width, WIDEST),
            plain=is_plain(context.out),
        )
    )


async def replays(
    id: str,
    *,
    variant: str | None = None,
    limit: PositiveInt = SHOWN,
    all: Flag = False,
    context: InContext,
) -> int:
    """List recorded sessions of visitors who saw an experiment, newest first.

    Args:
        id: The experiment.
        variant: Only sessions with the variant of this id.
        limit: How many at most.
        all: Everything.
    """
    cut = None if all else limit
    async with context.client() as client:
        listing = client.experiments.session_replays(
            id, variant_id=variant, limit=page_size(cut), prefetch=all
        )
        await write_listing(context, listing, SessionReplay, REPLAY_COLUMNS, cut)
    return 0


def day_of(moment: datetime | None) -> date | None:
    """Take the day of what was parsed as a time."""
    return None if moment is None else moment.date()
