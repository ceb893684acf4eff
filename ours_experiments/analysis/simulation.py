"""How often rules that are applied every night are wrong, by simulation."""

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import date, timedelta
from typing import TYPE_CHECKING

import attrs

from ours_experiments._validation import check_count
from ours_experiments.analysis.counts import Daily
from ours_experiments.analysis.decision import compare_metric, find_stop
from ours_experiments.analysis.records import Verdict
from ours_experiments.analysis.rules import Rules, check_number, check_rules
from ours_experiments.analysis.sample_ratio import ratio_path


if TYPE_CHECKING:
    from numpy.random import Generator

FIRST_DAY = date(2026, 1, 5)
"""A Monday, so that the weekday pattern starts with one."""
TRAFFIC_BY_WEEKDAY = (1.15, 1.1, 1.05, 1.0, 0.95, 0.8, 0.95)
RATE_BY_WEEKDAY = (0.95, 0.95, 1.0, 1.0, 1.05, 1.1, 0.95)


@attrs.frozen(kw_only=True)
class Truth:
    """What a simulated experiment is like."""

    baseline: float
    """The control's conversion rate."""
    effects: tuple[float, ...]
    """The relative effect of each treatment."""
    per_arm: float
    """Mean impressions of each arm on a day."""
    conversions_per_converter: int = 1
    """How often each visitor who converts does so; the rate stays the same."""
    impressions_per_visitor: int = 1
    """Impressions of each visitor, all on the same day."""
    loses: float = 0.0
    """The share of the last treatment's impressions that is never counted."""


def false_winner_rate(
    rules: Rules,
    *,
    baseline: float,
    per_day: float,
    days: int = 28,
    arms: int = 2,
    runs: int = 1_000,
    seed: int = 0,
) -> float:
    """Return how often rules find a difference where there is none.

    Experiments whose arms are all the same are simulated and looked at every night,
    with a weekday pattern in traffic and rates. Both a treatment that ships and a
    control that wins are counted.

    Args:
        rules: The rules to try.
        baseline: The conversion rate of every arm, 0 to 1.
        per_day: Mean impressions of all arms together on a day.
        days: The nights on which the rules are applied.
        arms: How many arms share the traffic equally, the control included.
        runs: How many experiments are simulated: 1 000 are good for about one point.
        seed: Where the random numbers start; the same seed gives the same rate.

    Returns:
        The share of the experiments, 0 to 1.
    """
    check_rules(rules)
    check_number("baseline", baseline, 0, 1 / max(RATE_BY_WEEKDAY))
    check_number("per_day", per_day, 0, 1e12)
    for name, value, least in (
        ("days", days, 1),
        ("arms", arms, 2),
        ("runs", runs, 1),
        ("seed", seed, 0),
    ):
        check_count(name, value, least)
    truth = Truth(
        baseline=baseline, effects=(0.0,) * (arms - 1), per_arm=per_day / arms
    )
    ends = Counter(
        end.verdict for end in simulate(truth, rules, days=days, runs=runs, seed=seed)
    )
    return (ends[Verdict.SHIP] + ends[Verdict.ROLL_BACK]) / runs


@attrs.frozen
class End:
    """How a simulated experiment ended."""

    verdict: Verdict
    """KEEP_RUNNING where nothing was decided by the last night."""
    day: int
    """The night of the decision, 1 or more."""


def simulate(
    truth: Truth, rules: Rules, *, days: int, runs: int, seed: int
) -> Iterable[End]:
    """Yield the end of each of so many experiments that are looked at every night."""
    from numpy.random import default_rng  # noqa: PLC0415 - scipy brings it

    generator = default_rng(seed)
    for _ in range(runs):
        yield first_end(draw_arms(truth, days, generator), rules)


def draw_arms(truth: Truth, days: int, generator: "Generator") -> list[Daily]:
    """Draw the daily counts of each arm, control first."""
    import numpy as np  # noqa: PLC0415 - scipy brings it

    weekdays = np.arange(days) % len(TRAFFIC_BY_WEEKDAY)
    traffic = np.array(TRAFFIC_BY_WEEKDAY)[weekdays] * truth.per_arm
    rates = np.array(RATE_BY_WEEKDAY)[weekdays] * truth.baseline
    cluster, times = truth.impressions_per_visitor, truth.conversions_per_converter
    arms: list[Daily] = []
    for effect in (0.0, *truth.effects):
        counted = 1.0
        if len(arms) == len(truth.effects):
            counted -= truth.loses
        visitors = generator.poisson(traffic * counted / cluster)
        chance = np.minimum(rates * (1 + effect) * cluster / times, 1.0)
        converters = generator.binomial(visitors, chance)
        arms.append(
            Daily(
                (visitors * cluster).astype(np.float64),
                (converters * times).astype(np.float64),
            )
        )
    return arms


def first_end(arms: Sequence[Daily], rules: Rules) -> End:
    """Return the first verdict of one look a night.

    `analyze` on the last day would hide a decision behind a later DO_NOT_TRUST, and
    on each day take days times as long. So its parts are used, which follow the days
    by themselves: the decision, the sample ratio, and the empty intersection.
    """
    import numpy as np  # noqa: PLC0415 - scipy brings it

    number = len(arms[0].impressions)
    days = tuple(FIRST_DAY + timedelta(days=day) for day in range(number))
    control, *others = arms
    treatments = {str(index): arm for index, arm in enumerate(others)}
    metric = compare_metric(days, control, treatments, rules)
    impressions = np.array([arm.impressions for arm in arms]).T
    doubtful = ratio_path(impressions, (1.0,) * len(arms)).mismatch
    for comparison in metric.comparisons.values():
        doubtful = doubtful | (comparison.running_lower > comparison.running_upper)
    untrusted = int(doubtful.argmax()) if doubtful.any() else number
    stop = find_stop(metric, (), rules, days[-1])
    if stop is not None and stop.index < untrusted:
        return End(stop.verdict, stop.index + 1)
    if untrusted < number:
        return End(Verdict.DO_NOT_TRUST, untrusted + 1)
    return End(Verdict.KEEP_RUNNING, number)
