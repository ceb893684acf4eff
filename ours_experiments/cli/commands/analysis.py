"""Commands for decisions: analyze, size, simulate-rule."""

from math import ceil
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter
from cyclopts.types import PositiveFloat, PositiveInt

from ours_experiments.cli.commands.specs import load
from ours_experiments.cli.context import Context, Flag, InContext
from ours_experiments.cli.errors import (
    CONFIGURATION,
    CONFLICT,
    DO_NOT_TRUST,
    KEEP_RUNNING,
    UsageError,
)
from ours_experiments.cli.output.records import record_of
from ours_experiments.cli.output.writers import open_writer, write_record
from ours_experiments.cli.parser import app, examples
from ours_experiments.cli.rule_options import (
    NO_RULE_OPTIONS,
    RuleOptions,
    analyze_experiment,
)
from ours_experiments.cli.selection import NO_FILTERS, Filters


if TYPE_CHECKING:
    from collections.abc import Iterable

    from ours_experiments.analysis import Analysis

FIELDS = ("experiment_id", "name", "verdict", "variant_id", "decided_on", "reasons")


@app.command(
    help_epilogue=examples(
        "analyze exp_123 --planned-sample 14751",
        "analyze exp_123 --mde 0.05 --guardrails checkout --check",
        "analyze --status running --format jsonl",
        "analyze --specs experiments/ --check",
    )
)
async def analyze(
    *ids: str,
    filters: Filters = NO_FILTERS,
    options: RuleOptions = NO_RULE_OPTIONS,
    specs: Path | None = None,
    check: Flag = False,
    context: InContext,
) -> int:
    """Decide whether to ship, roll back or keep running; looking often is no error.

    Args:
        ids: Ids of experiments.
        filters: Properties of experiments, in place of ids.
        options: Rules of the decision.
        specs: Files whose running experiments to decide, each by its own `rules`.
        check: Exit with 0 if decided, 11 to keep running, 12 if not to be trusted.
    """
    if (bool(ids), filters.any(), specs is not None).count(True) != 1:
        raise UsageError(
            "give either ids, or a filter such as --status running, or --specs DIR"
        )
    if specs is not None:
        return await analyze_specs(context, specs, options, check=check)
    analyses: list[Analysis] = []
    async with context.client() as client:
        named = list(dict.fromkeys(ids))
        if filters.any():
            listing = client.experiments.list(**filters.arguments())
            named = [experiment.id async for experiment in listing]
        for id in named:  # noqa: A001 - the API's word
            experiment = await client.experiments.retrieve(id)
            analysis = await analyze_experiment(client, id, options)
            analyses.append(analysis)
            write_analysis(context, id, experiment.name, analysis)
    if not named:
        context.note("nothing found")
    return check_exit_code(analyses) if check else 0


async def analyze_specs(
    context: Context, path: Path, options: RuleOptions, *, check: bool
) -> int:
    """Decide the running experiments of files, each by its own rules."""
    from ours_experiments.specs.planner import pair_up  # noqa: PLC0415 - not for help

    if options.planned_sample is not None or options.mde is not None:
        raise UsageError("--specs: the rules stand in the files")
    specs = load(context, [path])
    if specs is None:
        return CONFIGURATION
    rules = [spec.analysis_rules() for spec in specs]
    analyses: list[Analysis] = []
    async with context.client() as client:
        running = [row async for row in client.experiments.list(status="running")]
        for (_, found), own in zip(pair_up(specs, running), rules, strict=True):
            for experiment in found:
                analysis = await client.experiments.analyze(
                    experiment.id, rules=own, guardrails=options.guardrails or ()
                )
                analyses.append(analysis)
                write_analysis(context, experiment.id, experiment.name, analysis)
    if not analyses:
        context.note("nothing found")
    return check_exit_code(analyses) if check else 0


def write_analysis(context: Context, id: str, name: str, analysis: "Analysis") -> None:
    """Write an analysis: a table for people, a record for programs."""
    from ours_experiments.cli.output.analysis_report import print_analysis  # noqa: PLC0415 - not for help

    if context.format == "table":
        print_analysis(context.out, name, analysis)
        return
    record = {"experiment_id": id, "name": name, **record_of(analysis)}
    if context.format == "csv":
        record["reasons"] = " ".join(map(str, analysis.reasons))
        with open_writer(context, FIELDS, FIELDS) as writer:
            writer.write(record)
        return
    write_record(context, record)


def check_exit_code(analyses: "Iterable[Analysis]") -> int:
    """Return the exit code of `--check`; of several experiments, the worst."""
    from ours_experiments.analysis import Verdict  # noqa: PLC0415 - not for help

    verdicts = {analysis.verdict for analysis in analyses}
    codes = {
        Verdict.DO_NOT_TRUST: DO_NOT_TRUST,
        Verdict.NOT_APPLICABLE: CONFLICT,
        Verdict.KEEP_RUNNING: KEEP_RUNNING,
    }
    return next((code for verdict, code in codes.items() if verdict in verdicts), 0)


@app.command(
    help_epilogue=examples(
        "size --baseline 0.1 --mde 0.1 --per-day 3000",
        "size --baseline 0.05 --mde 0.2 --weights 80 20",
    )
)
def size(
    *,
    baseline: float,
    mde: float,
    per_day: PositiveFloat | None = None,
    weights: Annotated[list[float] | None, Parameter(consume_multiple=True)] = None,
    traffic_allocation: PositiveFloat = 100,
    power: float = 0.8,
    alpha: float = 0.05,
    context: InContext,
) -> int:
    """Compute how many impressions an experiment needs, and for how many days.

    Args:
        baseline: Conversion rate of the control, 0 to 1.
        mde: Smallest relative effect to find: 0.1 is 10 percent more.
        per_day: Impressions on a day, if all traffic were enrolled.
        weights: Weights of the arms, the control first; default: 50 50.
        traffic_allocation: Percent of the traffic to enrol, 0 to 100.
        power: Probability to find an effect of that size, 0 to 1.
        alpha: Probability of a false winner, 0 to 1.
    """
    from ours_experiments.analysis import days_needed, sample_size  # noqa: PLC0415 - not for help

    shares = weights or [50.0, 50.0]
    total = sample_size(baseline, mde, alpha=alpha, power=power, weights=shares)
    arms = [ceil(total * share / sum(shares)) for share in shares]
    record: dict[str, object] = {
        "baseline": baseline,
        "mde": mde,
        "power": power,
        "alpha": alpha,
        "impressions_of_each_arm": arms,
        "impressions": sum(arms),
    }
    if per_day is not None:
        record["days"] = days_needed(
            arms, per_day, weights=shares, traffic_allocation=traffic_allocation
        )
    write_record(context, record)
    return 0


@app.command(
    help_epilogue=examples(
        "simulate-rule --baseline 0.1 --per-day 2000",
        "simulate-rule --baseline 0.1 --per-day 2000 --mde 0.05",
    )
)
def simulate_rule(
    *,
    baseline: float,
    per_day: PositiveFloat,
    days: PositiveInt = 28,
    arms: PositiveInt = 2,
    runs: PositiveInt = 200,
    seed: int = 0,
    options: RuleOptions = NO_RULE_OPTIONS,
    context: InContext,
) -> int:
    """Simulate how often the rules find a difference where there is none.

    Args:
        baseline: Conversion rate of every arm, 0 to 1.
        per_day: Impressions of all arms together on a day.
        days: Nights on which the rules are applied.
        arms: Arms that share the traffic equally, the control included.
        runs: Experiments to simulate; 1 000 are good for about one point.
        seed: Makes the simulation repeatable.
        options: Rules of the decision.
    """
    from ours_experiments.analysis import false_winner_rate  # noqa: PLC0415 - not for help

    if options.guardrails:
        raise UsageError("--guardrails has no meaning in a simulation")
    rate = false_winner_rate(
        options.rules(),
        baseline=baseline,
        per_day=per_day,
        days=days,
        arms=arms,
        runs=runs,
        seed=seed,
    )
    if context.format == "table":
        context.out.print(
            f"false winners: {rate:.1%} of {runs:,} experiments without a difference, "
            f"looked at on {days} nights"
        )
        return 0
    write_record(context, {"false_winner_rate": rate, "runs": runs, "days": days})
    return 0
