"""The command `watch`: results, refreshed in place."""

from collections.abc import AsyncIterator, Callable, Generator
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import partial

from cyclopts.types import NonNegativeInt, NormFloat, PositiveFloat
from rich.console import Group, RenderableType

import ours_experiments as ours  # noqa: TC001 - loads the client on use
from ours_experiments.cli.commands.results import Event, write_results
from ours_experiments.cli.context import Context, InContext
from ours_experiments.cli.errors import format_error
from ours_experiments.cli.output.phrases import format_probability
from ours_experiments.cli.output.records import record_of, to_json
from ours_experiments.cli.output.results_table import results_table
from ours_experiments.cli.output.terminal import is_ascii_only, safe_text
from ours_experiments.cli.parser import app, examples
from ours_experiments.errors import (
    APIConnectionError,
    InternalServerError,
    RateLimitError,
)
from ours_experiments.models import Results, VariantResult
from ours_experiments.plotting import name_of


TEMPORARY = (APIConnectionError, InternalServerError, RateLimitError)
"""Failures after which the next request may succeed."""


@app.command(
    help_epilogue=examples(
        "watch exp_123",
        "watch exp_1 --until-probability 0.95 --min-impressions 1000",
    )
)
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
        id: Id of the experiment.
        interval: Seconds between two requests.
        until_probability: End when a variant is best with this probability, 0 to 1.
        min_impressions: Do not end before every variant has so many impressions.
        event: Conversion event; default: that of the primary metric.
    """
    condition = describe_condition(interval, until_probability, min_impressions)
    best = None
    async with context.client() as client:
        name = (await client.experiments.retrieve(id)).name
        with open_display(context, name, condition) as show:
            async for found in poll(client, id, event, interval, context):
                show(found)
                best = winner(found, until_probability, min_impressions)
                if best is not None:
                    break
    if context.format == "table" and best is not None:
        share = format_probability(best.probability_to_be_best or 0.0)
        context.note(f"{name_of(best)} is best with probability {share}")
    return 0


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
    client: "ours.Client", id: str, event: str | None, interval: float, context: Context
) -> AsyncIterator[Results]:
    """Yield the results again and again; a temporary failure is a note."""
    import asyncio  # noqa: PLC0415 - not for help

    while True:
        try:
            yield await client.experiments.results(id, event_name=event)
        except TEMPORARY as problem:
            context.note(format_error(problem))
        await asyncio.sleep(interval)


@contextmanager
def open_display(
    context: Context, name: str, condition: str
) -> Generator[Callable[[Results], None]]:
    """Open a display that redraws results in place, or writes them one by one."""
    if not context.out.is_terminal or context.format != "table":
        yield partial(write, context, name)
        return
    from rich.live import Live  # noqa: PLC0415 - not for help

    latest: RenderableType = ""
    with Live(console=context.out, auto_refresh=False) as live:

        def show(found: Results) -> None:
            nonlocal latest
            latest = draw(context, name, found)
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


def write(context: Context, name: str, found: Results) -> None:
    """Write results after the earlier ones."""
    if context.format in {"json", "jsonl"}:
        variants = [record_of(variant) for variant in found.variants]
        line = to_json({"at": f"{now()}Z", "variants": variants})
        context.write(f"{line}\n", flush=True)
        return
    if context.format == "table":
        context.out.print(safe_text(f"{name}, {now()} UTC"))
    write_results(context, found)
    context.out.file.flush()


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
