"""The command `watch`: results that are refreshed in place."""

from collections.abc import AsyncIterator, Callable, Generator
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import partial

from cyclopts.types import NonNegativeInt, NormFloat, PositiveFloat
from rich.console import Group, RenderableType

import ours_experiments as ours  # noqa: TC001 - loads the client on use
from ours_experiments.cli.commands.results import Event, show_results
from ours_experiments.cli.context import Context, InContext
from ours_experiments.cli.errors import line_for
from ours_experiments.cli.output.records import record_of, to_json
from ours_experiments.cli.output.standing import standing_of
from ours_experiments.cli.output.text import is_plain, text
from ours_experiments.cli.output.words import chance
from ours_experiments.errors import (
    APIConnectionError,
    InternalServerError,
    RateLimitError,
)
from ours_experiments.models import Results, VariantResult
from ours_experiments.plotting import name_of


PASSING = (APIConnectionError, InternalServerError, RateLimitError)
"""Failures that a watch outlives."""


async def watch(
    id: str,
    *,
    interval: PositiveFloat = 30.0,
    until_probability: NormFloat | None = None,
    min_impressions: NonNegativeInt = 0,
    event: Event = None,
    context: InContext,
) -> int:
    """Show an experiment's results, refreshed until interrupted.

    Args:
        id: The experiment.
        interval: Seconds between two requests.
        until_probability: End when a variant is the best with this probability, 0-1.
        min_impressions: But not before every variant was served so often.
        event: The conversion event; the primary metric's by default.
    """
    waiting = outlook(interval, until_probability, min_impressions)
    best = None
    async with context.client() as client:
        name = (await client.experiments.retrieve(id)).name
        with showing(context, name, waiting) as show:
            async for found in looks(client, id, event, interval, context):
                show(found)
                best = winner(found, until_probability, min_impressions)
                if best is not None:
                    break
    if context.format == "table" and best is not None:
        share = chance(best.probability_to_be_best)
        context.note(f"{name_of(best)} is best with probability {share}")
    return 0


def outlook(interval: float, probability: float | None, impressions: int) -> str:
    """Tell what a watch waits for."""
    told = f"again every {interval:g} s"
    if probability is not None:
        told += f" until a variant is best with probability {probability:.1%}"
    if probability is not None and impressions:
        told += f" and each has {impressions:,} impressions"
    return f"{told}; Ctrl-C ends it"


async def looks(
    client: "ours.Client", id: str, event: str | None, interval: float, context: Context
) -> AsyncIterator[Results]:
    """Get the results again and again, and go on after a failure that may pass."""
    import asyncio  # noqa: PLC0415 - not for help

    while True:
        try:
            yield await client.experiments.results(id, event_name=event)
        except PASSING as problem:
            context.note(line_for(problem))
        await asyncio.sleep(interval)


@contextmanager
def showing(
    context: Context, name: str, waiting: str
) -> Generator[Callable[[Results], None]]:
    """Give what shows results: redrawn in place, or written one after the other."""
    if not context.out.is_terminal or context.format != "table":
        yield partial(write, context, name)
        return
    from rich.live import Live  # noqa: PLC0415 - not for help

    latest: RenderableType = ""
    with Live(console=context.out, auto_refresh=False) as live:

        def show(found: Results) -> None:
            nonlocal latest
            latest = picture(context, name, found)
            live.update(Group(latest, text(waiting, "dim")), refresh=True)

        try:
            yield show
        finally:
            live.update(latest, refresh=True)


def picture(context: Context, name: str, found: Results) -> Group:
    """Put results under a line that tells what they are of, and of when."""
    out = context.out
    return Group(
        text(f"{name}, {now()} UTC"),
        standing_of(found, out.width, plain=is_plain(out)),
    )


def write(context: Context, name: str, found: Results) -> None:
    """Write results where nothing can be drawn in place."""
    if context.format in {"json", "jsonl"}:
        variants = [record_of(each) for each in found.variants]
        line = to_json({"at": f"{now()}Z", "variants": variants})
        context.write(f"{line}\n", flush=True)
        return
    if context.format == "table":
        context.out.print(text(f"{name}, {now()} UTC"))
    show_results(context, found)
    context.out.file.flush()


def now() -> str:
    """Tell the time, UTC."""
    return datetime.now(UTC).replace(tzinfo=None).isoformat(" ", timespec="seconds")


def winner(
    found: Results, probability: float | None, impressions: int
) -> VariantResult | None:
    """Choose the variant that makes waiting for more pointless; None: there is none."""
    best = found.best
    if best is None or probability is None:
        return None
    seen = all(each.impressions >= impressions for each in found.variants)
    return best if seen and best.probability_to_be_best >= probability else None
