"""What the command `demo` does: the main job once, against the emulator."""

import asyncio
from collections.abc import Sequence

from rich.console import Console

from ours_experiments import (
    BulkReport,
    Client,
    Experiment,
    Metric,
    Metrics,
    NewExperiment,
    NewSettings,
    NewVariant,
    OutcomeStatus,
)
from ours_experiments.cli.commands.emulator import add_faults
from ours_experiments.cli.context import Context
from ours_experiments.cli.output.chart import conversion_chart
from ours_experiments.cli.output.formats import write_one
from ours_experiments.cli.output.progress import follow
from ours_experiments.cli.output.report import summary, why
from ours_experiments.cli.output.text import is_plain, text
from ours_experiments.cli.output.words import counted, duration, rate_of
from ours_experiments.emulator import Emulator


PUBLISH_SECONDS = 0.004
CHART = 76
"""Columns of the chart at most."""
WEEKS = 2
VISITORS = 4000
"""A day."""
RATES = (0.101, 0.109, 0.127)
"""Of the control and of the treatments."""
GROUP = 50
"""Plain progress: experiments made between two lines."""

NEXT = """\
With a key of your own:
    export OURS_PRIVACY_API_KEY=...
    ours-experiments list --status draft
    ours-experiments start --status draft --search hero --dry-run
    ours-experiments --help"""


async def play(
    context: Context,
    experiments: int,
    concurrency: int,
    faults: Sequence[str],
    seed: int,
) -> int:
    """Go through the main job once; programs get the figures alone."""
    for_people = context.format == "table"
    out = context.out if for_people else Console(quiet=True)
    service = Emulator(seed=seed, publish_seconds=PUBLISH_SECONDS)
    async with (
        service,
        Client(service.api_key, base_url=service.url) as client,
    ):
        out.print(f"emulator of the service at {service.url}")
        made = await make_experiments(client, experiments, out)
        add_faults(service, faults)
        before = service.log.received()
        run = client.bulk.stream("start", made, concurrency=concurrency)
        await follow(run, out, "starting", plain_lines=for_people)
        report = run.report()
        say_what_happened(out, report, service.log.received() - before)
        running = report.by_status[OutcomeStatus.APPLIED]
        stopped = None
        if running:
            chosen = running[len(running) // 2].experiment_id
            stopped = await watch_and_stop(client, service, chosen, out)
    out.print()
    out.print(NEXT)
    if not for_people:
        record = summary(report)
        del record["outcomes"]
        write_one(context, {**record, "stopped": stopped})
    return 0


async def make_experiments(
    client: Client, count: int, out: Console
) -> list[Experiment]:
    """Create drafts with two treatments each, many at a time."""
    settings = await client.settings.create(NewSettings(name="Demo shop"))
    metrics = Metrics(primary=Metric("signup"))
    made: list[Experiment] = []

    async def make(number: int) -> Experiment:
        experiment = await client.experiments.create(
            NewExperiment(
                settings.id,
                f"Hero headline {number:03}",
                key=f"hero-headline-{number:03}",
                metrics=metrics,
            )
        )
        for treatment in ("Short", "Bold"):
            await client.variants.create(
                NewVariant(
                    experiment.id,
                    f"{treatment} headline",
                    33,
                    redirect_url=f"/{treatment.lower()}",
                )
            )
        return experiment

    loop = asyncio.get_running_loop()
    begun_at = loop.time()
    with out.status(f"creating {count} experiments"):
        numbers = range(1, count + 1)
        for first in range(0, count, GROUP):
            group = numbers[first : first + GROUP]
            made += await asyncio.gather(*(make(number) for number in group))
    out.print(
        f"created {count:,} experiments with {count * 2:,} variants in "
        f"{duration(loop.time() - begun_at)}"
    )
    return made


def say_what_happened(out: Console, report: BulkReport, requests: int) -> None:
    """Count the outcomes, and tell how long it took."""
    counts = {status: len(group) for status, group in report.by_status.items()}
    out.print(f"started {len(report.outcomes):,}: {counted(counts)}")
    seconds = max(report.seconds, 1e-9)
    out.print(
        f"{requests:,} requests in {duration(seconds)}: {rate_of(requests / seconds)}"
    )
    for outcome in report.failed[:5]:
        out.print(text(f"  {outcome.experiment_id}: {why(outcome)}"))


async def watch_and_stop(
    client: Client, service: Emulator, chosen: str, out: Console
) -> dict[str, object]:
    """Let visitors come to one experiment, show how it went, and end it."""
    experiment = await client.experiments.retrieve(chosen)
    variants = experiment.variants or ()
    rates = {each.id: rate for each, rate in zip(variants, RATES, strict=True)}
    service.simulate(
        chosen,
        days=7 * WEEKS,
        visitors_per_day=VISITORS,
        conversion_rates=rates,
    )
    results, series = await asyncio.gather(
        client.experiments.results(chosen),
        client.experiments.results_time_series(chosen),
    )
    out.print()
    out.print(
        text(f"{experiment.name}: conversion rate by day, {WEEKS} weeks of visitors")
    )
    names = {
        each.id: f"{each.name}: {each.conversion_rate:.2%}, "
        f"best with probability {each.probability_to_be_best:.0%}"
        for each in results.variants
    }
    out.print(
        conversion_chart(
            series, names, width=min(out.width, CHART), plain=is_plain(out)
        )
    )
    best = max(results.variants, key=lambda each: each.probability_to_be_best)
    stopped = await client.experiments.stop(chosen, winner_variant_id=best.id)
    out.print()
    out.print(
        text(
            f"stopped it with its winner, {best.name}: {stopped.experiment.status}, "
            f"{stopped.publish_status}"
        )
    )
    return {
        "experiment_id": chosen,
        "winner": best.name,
        "results": results.to_records(),
    }
