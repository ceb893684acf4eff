"""How many impressions and days an experiment needs; standard library only."""

from collections.abc import Sequence
from math import ceil, sqrt
from statistics import NormalDist

from ours_experiments._validation import check_count
from ours_experiments.analysis.rules import check_number
from ours_experiments.errors import ConfigurationError


DAYS_OF_WEEK = 7
EQUAL = (1.0, 1.0)


def sample_size(
    baseline: float,
    mde: float,
    *,
    alpha: float = 0.05,
    power: float = 0.8,
    arms: int = 2,
    weights: Sequence[float] | None = None,
) -> int:
    """Return the impressions needed to find an effect.

    The formula is that of a two-sided test of two proportions with a pooled variance
    under the null hypothesis, as statsmodels has it; other calculators differ by some
    percent. Several treatments share `alpha` equally.

    Args:
        baseline: The control's conversion rate, 0 to 1.
        mde: The smallest relative effect to find: 0.1 is a rate of 1.1 x baseline.
        alpha: The accepted rate of false winners, 0 to 1.
        power: The probability to find an effect of that size, 0 to 1.
        arms: How many arms share the traffic equally, the control included.
        weights: The arms' weights, control first, where they are not equal; `arms`
            is then not used.

    Returns:
        Impressions of the control; with `weights`, of all arms together.
    """
    shares = check_weights(arms, weights)
    effect = check_effect(baseline, mde)
    check_number("alpha", alpha, 0, 1)
    check_number("power", power, 0, 1)
    total = required(baseline, effect, alpha, power, shares)
    return ceil(total if weights is not None else total / sum(shares) * shares[0])


def minimum_detectable_effect(
    baseline: float,
    sample: int,
    *,
    alpha: float = 0.05,
    power: float = 0.8,
    arms: int = 2,
    weights: Sequence[float] | None = None,
) -> float:
    """Return the smallest relative increase that a sample can find.

    Args:
        baseline: The control's conversion rate, 0 to 1.
        sample: What `sample_size` returns: impressions of the control; with `weights`,
            of all arms together.
        alpha: The accepted rate of false winners, 0 to 1.
        power: The probability to find an effect of that size, 0 to 1.
        arms: How many arms share the traffic equally, the control included.
        weights: The arms' weights, control first, where they are not equal.

    Raises:
        ConfigurationError: An argument is out of range, or the sample is too small to
            find any increase.
    """
    shares = check_weights(arms, weights)
    check_number("baseline", baseline, 0, 1)
    check_count("sample", sample, 1)
    check_number("alpha", alpha, 0, 1)
    check_number("power", power, 0, 1)
    total = sample if weights is not None else sample / shares[0] * sum(shares)
    low, high = 0.0, (1 / baseline - 1) * (1 - 1e-12)
    if required(baseline, high, alpha, power, shares) > total:
        raise ConfigurationError(
            f"sample must be larger: {sample} impressions find no increase"
        )
    # A double has 53 bits, so that more halvings change nothing.
    for _ in range(60):
        middle = (low + high) / 2
        if middle and required(baseline, middle, alpha, power, shares) <= total:
            high = middle
        else:
            low = middle
    return high


def days_needed(
    sample: int | Sequence[int],
    per_day: float,
    *,
    weights: Sequence[float],
    traffic_allocation: float = 100,
) -> int:
    """Return the days until every arm has its sample; an estimate, in whole weeks.

    Args:
        sample: Impressions of each arm; or a sequence with a number for each arm, in
            the order of `weights`.
        per_day: Impressions of all arms together on a day, if all traffic is enrolled.
        weights: The arms' weights, of any sum.
        traffic_allocation: Percent of the eligible traffic that is enrolled.

    Returns:
        A multiple of 7, at least 7.
    """
    shares = check_weights(2, weights)
    check_number("per_day", per_day, 0)
    check_number("traffic_allocation", traffic_allocation, 0, 100, high_allowed=True)
    if isinstance(sample, int):
        samples: Sequence[int] = (sample,) * len(shares)
    else:
        samples = check_sequence("sample", sample)
    if len(samples) != len(shares):
        raise ConfigurationError(
            f"sample must have a number for each of the {len(shares)} weights, "
            f"not {len(samples)}"
        )
    for number in samples:
        check_count("sample", number, 1)
    enrolled = per_day * traffic_allocation / 100
    days = max(
        number / (enrolled * share / sum(shares))
        for number, share in zip(samples, shares, strict=True)
    )
    return max(1, ceil(ceil(days) / DAYS_OF_WEEK)) * DAYS_OF_WEEK


def required(
    baseline: float, mde: float, alpha: float, power: float, shares: Sequence[float]
) -> float:
    """Return the impressions of all arms, as the hungriest treatment needs them."""
    control, *treatments = shares
    each_alpha = alpha / len(treatments)
    needed = max(
        control_sample(baseline, mde, share / control, each_alpha, power)
        for share in treatments
    )
    return needed * sum(shares) / control


def control_sample(
    baseline: float, mde: float, ratio: float, alpha: float, power: float
) -> float:
    """Return the control's impressions where a treatment has `ratio` times as many."""
    other = baseline * (1 + mde)
    pooled = (baseline + ratio * other) / (1 + ratio)
    normal = NormalDist()
    null = sqrt((1 + 1 / ratio) * pooled * (1 - pooled))
    alternative = sqrt(baseline * (1 - baseline) + other * (1 - other) / ratio)
    reach = normal.inv_cdf(1 - alpha / 2) * null + normal.inv_cdf(power) * alternative
    return (reach / (other - baseline)) ** 2


def check_effect(baseline: float, mde: float) -> float:
    """Return the effect; refuse rates outside 0 to 1, and no effect at all."""
    check_number("baseline", baseline, 0, 1)
    check_number("mde", mde, -1)
    if mde == 0:
        raise ConfigurationError("mde must not be 0: no sample finds no effect")
    if baseline * (1 + mde) >= 1:
        raise ConfigurationError("mde must leave the rate below 1")
    return mde


def check_weights(arms: int, weights: Sequence[float] | None) -> Sequence[float]:
    """Return the arms' weights, control first; refuse what is not positive."""
    if weights is None:
        check_count("arms", arms, 2)
        return (1.0,) * arms
    shares = check_sequence("weights", weights)
    if len(shares) < len(EQUAL):
        raise ConfigurationError("weights must name at least two arms")
    return [check_number("weights", share, 0) for share in shares]


def check_sequence(name: str, values: object) -> Sequence[int]:
    """Return a list or tuple; refuse all else by its name."""
    if not isinstance(values, list | tuple):
        raise ConfigurationError(
            f"{name} must be a list or tuple, not {type(values).__name__}"
        )
    return values  # pyright: ignore[reportUnknownVariableType]
