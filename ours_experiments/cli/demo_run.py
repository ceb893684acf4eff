"""The run of the command `demo`: create, start, watch, stop."""

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
from ours_experiments._text import format_percent
from ours_experiments.cli.context import Context
from ours_experiments.cli.emulator_server import add_faults
from ours_experiments.cli.output.bulk_report import failure_reason, summary
from ours_experiments.cli.output.chart import conversion_chart
from ours_experiments.cli.output.phrases import (
    format_counts,
    format_duration,
    format_rate,
)
from ours_experiments.cli.output.progress import follow
from ours_experiments.cli.output.terminal import is_ascii_only, safe_text
from ours_experiments.cli.output.writers import write_record
from ours_experiments.emulator import Emulator


PUBLISH_SECONDS = 0.004
MAX_CHART_WIDTH = 76
WEEKS = 2
VISITORS_PER_DAY = 4000
RATES = (0.101, 0.109, 0.127)
"""Conversion rates of the control and of the treatments."""
GROUP = 50
"""Experiments that are created at the same time."""

NEXT = """\
With a key of your own:
    export OURS_PRIVACY_API_KEY=...
    ours-experiments list --status draft
    ours-experiments start --status draft --search hero --dry-run
    ours-experiments --help"""


async def run_demo(
    context: Context,
    experiments: int,
    concurrency: int,
    faults: Sequence[str],
    seed: int,
) -> int:
    """Run the demo; formats other than a table get the figures only."""
    for_people = context.format == "table"
    out = context.out if for_people else Console(quiet=True)
    service = Emulator(seed=seed, publish_seconds=PUBLISH_SECONDS)
    async with (
        service,
        Client(service.api_key, base_url=service.url) as client,
    ):
        out.print(f"emulator of the service at {service.url}")
        drafts = await create_experiments(client, experiments, out)
        # After the drafts exist: the faults are for the starts.
        add_faults(service, faults)
        before = service.log.received()
        run = client.bulk.stream("start", drafts, concurrency=concurrency)
        await follow(run, out, "starting", plain_lines=for_people)
        report = run.report()
        print_summary(out, report, service.log.received() - before)
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
        write_record(context, {**record, "stopped": stopped})
    return 0


async def create_experiments(
    client: Client, count: int, out: Console
) -> list[Experiment]:
    """Create drafts with two treatments each."""
    settings = await client.settings.create(NewSettings(name="Demo shop"))
    metrics = Metrics(primary=Metric("signup"))
    drafts: list[Experiment] = []

    async def create(number: int) -> Experiment:
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
    started_at = loop.time()
    with out.status(f"creating {count} experiments"):
        numbers = range(1, count + 1)
        for first in range(0, count, GROUP):
            group = numbers[first : first + GROUP]
            drafts += await asyncio.gather(*(create(number) for number in group))
    out.print(
        f"created {count:,} experiments with {count * 2:,} variants in "
        f"{format_duration(loop.time() - started_at)}"
    )
    return drafts


def print_summary(out: Console, report: BulkReport, requests: int) -> None:
    """Print counts, durations and the first failures."""
    counts = {status: len(group) for status, group in report.by_status.items()}
    out.print(f"started {len(report.outcomes):,}: {format_counts(counts)}")
    seconds = max(report.seconds, 1e-9)
    out.print(
        f"{requests:,} requests in {format_duration(seconds)}: "
        f"{format_rate(requests / seconds)}"
    )
    for outcome in report.failed[:5]:
        out.print(safe_text(f"  {outcome.experiment_id}: {failure_reason(outcome)}"))


async def watch_and_stop(
    client: Client, service: Emulator, chosen: str, out: Console
) -> dict[str, object]:
    """Simulate visitors of one experiment, show its results, and stop it."""
    experiment = await client.experiments.retrieve(chosen)
    variants = experiment.variants or ()
    rates = {variant.id: rate for variant, rate in zip(variants, RATES, strict=True)}
    service.simulate(
        chosen,
        days=7 * WEEKS,
        visitors_per_day=VISITORS_PER_DAY,
        conversion_rates=rates,
    )
    results, series = await asyncio.gather(
        client.experiments.results(chosen),
        client.experiments.results_time_series(chosen),
    )
    out.print()
    out.print(
        safe_text(
            f"{experiment.name}: conversion rate by day, {WEEKS} weeks of visitors"
        )
    )
    names = {
        variant.id: f"{variant.name}: {format_percent(variant.conversion_rate, 2)}, "
        f"best with probability {format_percent(variant.probability_to_be_best, 0)}"
        for variant in results.variants
    }
    out.print(
        conversion_chart(
            series,
            names,
            width=min(out.width, MAX_CHART_WIDTH),
            ascii_only=is_ascii_only(out),
        )
    )
    best = results.best or results.variants[0]
    stopped = await client.experiments.stop(chosen, winner_variant_id=best.id)
    out.print()
    out.print(
        safe_text(
            f"stopped it with its winner, {best.name}: {stopped.experiment.status}, "
            f"{stopped.publish_status}"
        )
    )
    return {
        "experiment_id": chosen,
        "winner": best.name,
        "results": results.to_records(),
    }
