"""Whether impressions are divided among the arms as their weights say."""

from collections.abc import Mapping, Sequence
from math import exp, isnan, lgamma, log
from typing import TYPE_CHECKING, Literal

import attrs

from ours_experiments.analysis.counts import Counts
from ours_experiments.analysis.records import SampleRatio


if TYPE_CHECKING:
    from ours_experiments.analysis.counts import Flags, Floats

MISMATCH = 0.001
"""The p-value of a mismatch: looked at nightly for 28 days, 0.8 % are false."""
MISMATCH_BY_DAY = 0.01
WARNING = 0.01
MIN_DEVIATION = 0.001
"""A share that differs by less does not matter, however surely it differs."""
MIN_TOTAL = 100
MIN_EXPECTED = 5
MIN_DAYS = 4
"""Fewer days do not show how much they scatter."""
ASSUMED_SCATTER = 4
"""What is taken for the scatter of the days where there are too few."""
MIN_LEAK = 5
LEAK_SHARE = 1e-4
PRIOR_SIZE = 10_000
"""Impressions that the prior of the sequential test is worth."""


@attrs.frozen(eq=False)
class RatioPath:
    """The test of the totals up to each day."""

    p_value: "Floats"
    p_value_by_day: "Floats"
    """Not a number under 4 days."""
    deviation: "Floats"
    enough: "Flags"
    """Whether there are impressions enough for a test."""
    mismatch: "Flags"


def ratio_path(impressions: "Floats", weights: Sequence[float]) -> RatioPath:
    """Test the impressions of days x arms against the weights, up to each day.

    The test by day compares the totals' chi-square with the scatter of the days
    around the totals' own shares. Impressions that come in clusters, such as three
    for each visitor, raise both alike and are no mismatch.
    """
    import numpy as np  # noqa: PLC0415 - scipy brings it
    from scipy.special import fdtrc, gammaincc  # noqa: PLC0415 - the extra

    shares = np.array(weights, dtype=float) / sum(weights)
    df = len(weights) - 1
    arms = impressions.cumsum(axis=0)
    total = arms.sum(axis=1, keepdims=True)
    number = np.arange(1, len(impressions) + 1)
    with np.errstate(all="ignore"):
        expected = total * shares
        chi_square: Floats = ((arms - expected) ** 2 / expected).sum(axis=1)
        deviation = np.abs(arms / total - shares).max(axis=1)
        # sum (n_id - n_d n_i/N)^2 / (n_d n_i/N), multiplied out to be summed by day.
        squares = impressions**2 / impressions.sum(axis=1, keepdims=True)
        scaled = np.where(arms > 0, squares.cumsum(axis=0) * total / arms, 0.0)
        scatter = np.maximum(scaled.sum(axis=1) - total[:, 0], 0.0)
        scatter /= (number - 1) * df
        ratio = np.where(chi_square == 0, 0.0, chi_square / df / scatter)
    many = number >= MIN_DAYS
    by_day = np.where(many, fdtrc(df, np.maximum((number - 1) * df, 1), ratio), np.nan)
    p_value: Floats = np.asarray(gammaincc(df / 2, chi_square / 2), np.float64)
    certain = np.where(
        many,
        (p_value < MISMATCH) & (by_day < MISMATCH_BY_DAY),
        gammaincc(df / 2, chi_square / (2 * ASSUMED_SCATTER)) < MISMATCH,
    )
    enough = (total[:, 0] >= MIN_TOTAL) & (expected.min(axis=1) >= MIN_EXPECTED)
    mismatch = enough & certain & (deviation >= MIN_DEVIATION)
    return RatioPath(p_value, by_day, np.nan_to_num(deviation), enough, mismatch)


def measure_sample_ratio(
    counts: Counts, weights: Mapping[str, float], unweighted: Mapping[str, int]
) -> SampleRatio:
    """Test how the impressions of all days are divided.

    Args:
        counts: The counts of the arms with a weight.
        weights: Their weights by variant id.
        unweighted: The impressions of the variants of weight 0.
    """
    import numpy as np  # noqa: PLC0415 - scipy brings it

    observed = {variant_id: counts.total(variant_id)[0] for variant_id in weights}
    total = sum(observed.values())
    leaked = tuple(
        variant_id
        for variant_id, impressions in unweighted.items()
        if impressions > max(MIN_LEAK, LEAK_SHARE * total)
    )
    table = np.array(
        [[pair[0] for pair in counts.by_day[variant_id]] for variant_id in weights]
    )
    path = ratio_path(table.T.astype(float), list(weights.values()))
    p_value = float(path.p_value[-1]) if path.enough[-1] else None
    by_day = float(path.p_value_by_day[-1])
    status: Literal["ok", "warning", "mismatch", "too_few"] = "ok"
    if leaked or path.mismatch[-1]:
        status = "mismatch"
    elif p_value is None:
        status = "too_few"
    elif p_value < WARNING:
        status = "warning"
    return SampleRatio(
        status=status,
        p_value=p_value,
        p_value_by_day=None if p_value is None or isnan(by_day) else by_day,
        sequential_p_value=sequential_p_value(
            list(observed.values()), list(weights.values())
        ),
        deviation=float(path.deviation[-1]),
        observed=observed,
        expected={
            variant_id: total * weight / sum(weights.values())
            for variant_id, weight in weights.items()
        },
        leaked_variant_ids=leaked,
    )


def sequential_p_value(observed: Sequence[int], weights: Sequence[float]) -> float:
    """Return a p-value that holds at every look, by a Dirichlet prior (Lindon)."""
    total = sum(observed)
    log_factor = lgamma(PRIOR_SIZE) - lgamma(PRIOR_SIZE + total)
    for count, weight in zip(observed, weights, strict=True):
        share = weight / sum(weights)
        prior = PRIOR_SIZE * share
        log_factor += lgamma(prior + count) - lgamma(prior) - count * log(share)
    return 1.0 if log_factor <= 0 else exp(-log_factor)
