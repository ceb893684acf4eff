"""The effect of a treatment with an interval that holds at every look.

The confidence sequence is that of Waudby-Smith et al. (2021), equation 9, on the
logarithm of the ratio of the two rates. All figures use a dispersion that is measured
on the days: impressions of the same visitor are not independent.
"""

from math import log
from typing import TYPE_CHECKING

import attrs

from ours_experiments.analysis.counts import Daily
from ours_experiments.analysis.records import Interval


if TYPE_CHECKING:
    from ours_experiments.analysis.counts import Flags, Floats

MIN_DAYS = 4
"""Fewer days do not show how much they scatter."""
ASSUMED_DISPERSION = 4.0
"""What is taken where it cannot be measured: standard errors are doubled."""


@attrs.frozen(eq=False)
class Comparison:
    """A treatment against the control, up to each day; nan where it is not known."""

    dispersion: "Floats"
    is_measured: "Flags"
    """Whether the days show the dispersion; else it is assumed."""
    smaller_arm: "Floats"
    """Impressions of the smaller of the two arms."""
    log_ratio: "Floats"
    """The logarithm of the ratio of the rates; nan below the fewest conversions."""
    standard_error: "Floats"
    """Of the logarithm, the dispersion included."""
    lower: "Floats"
    """The relative effect's lower bound of the day."""
    upper: "Floats"
    running_lower: "Floats"
    """The largest lower bound so far."""
    running_upper: "Floats"
    p_value: "Floats"
    """The smallest so far."""


def compare(
    treatment: Daily,
    control: Daily,
    *,
    alpha: float,
    tuning_sample: int,
    min_conversions: int,
) -> Comparison:
    """Compare two arms at the end of each day.

    Args:
        treatment: The treatment's counts.
        control: The control's counts on the same days.
        alpha: The error rate of the sequence, over all looks.
        tuning_sample: Impressions of both arms at which the sequence is tightest.
        min_conversions: Conversions, and impressions without, that each arm needs.
    """
    import numpy as np  # noqa: PLC0415 - scipy brings it

    n, k = treatment.impressions.cumsum(), treatment.conversions.cumsum()
    n_c, k_c = control.impressions.cumsum(), control.conversions.cumsum()
    fewest = np.minimum(np.minimum(k, n - k), np.minimum(k_c, n_c - k_c))
    with np.errstate(all="ignore"):
        variance = 1 / k - 1 / n + 1 / k_c - 1 / n_c
        measured = measure_dispersion(treatment, control, variance)
        phi = np.where(np.isnan(measured), ASSUMED_DISPERSION, measured)
        log_ratio = np.log(k / n * n_c / k_c)
        log_ratio[fewest < min_conversions] = np.nan
        error = np.sqrt(phi * variance)
        scaled = (n + n_c) / phi * scale(alpha, tuning_sample)
        reach = error * np.sqrt(
            2 * (scaled + 1) / scaled * np.log(np.sqrt(scaled + 1) / alpha)
        )
        lower, upper = np.expm1(log_ratio - reach), np.expm1(log_ratio + reach)
        exponent = (log_ratio / error) ** 2 * scaled / (2 * (scaled + 1))
        p_value = np.minimum(np.sqrt(scaled + 1) * np.exp(-exponent), 1.0)
    return Comparison(
        dispersion=phi,
        is_measured=~np.isnan(measured),
        smaller_arm=np.minimum(n, n_c),
        log_ratio=log_ratio,
        standard_error=error,
        lower=lower,
        upper=upper,
        running_lower=np.fmax.accumulate(lower),
        running_upper=np.fmin.accumulate(upper),
        p_value=np.fmin.accumulate(p_value),
    )


def scale(alpha: float, tuning_sample: int) -> float:
    """Return the parameter that makes the sequence tightest at a sample (rho^2)."""
    return (-2 * log(alpha) + log(-2 * log(alpha) + 1)) / tuning_sample


def measure_dispersion(
    treatment: Daily, control: Daily, variance: "Floats"
) -> "Floats":
    """Return how much more the days scatter than independent impressions would.

    A day that is good or bad for both arms alike cancels. The least is 1; nan where
    there are under 4 days, or an arm without conversions.

    Args:
        treatment: The treatment's counts.
        control: The control's counts on the same days.
        variance: Of the logarithm of the ratio up to each day, if all impressions
            were independent.
    """
    import numpy as np  # noqa: PLC0415 - scipy brings it

    number = np.arange(1, len(variance) + 1)
    with np.errstate(all="ignore"):
        k, k_c = treatment.conversions.cumsum(), control.conversions.cumsum()
        squares = (
            residuals(treatment, treatment) / k**2
            - 2 * residuals(treatment, control) / (k * k_c)
            + residuals(control, control) / k_c**2
        )
        phi = np.maximum(1.0, number / (number - 1) * squares / variance)
    unknown = (number < MIN_DAYS) | (k == 0) | (k_c == 0) | ~np.isfinite(phi)
    return np.where(unknown, np.nan, phi)


def residuals(one: Daily, other: Daily) -> "Floats":
    """Return the sum of products of the days' conversions above the mean rate.

    The mean rate is that of the days so far, so that the product is multiplied out
    and each term is a running sum: 366 days take microseconds, not a square table.
    """
    rate = one.conversions.cumsum() / one.impressions.cumsum()
    other_rate = other.conversions.cumsum() / other.impressions.cumsum()
    total: Floats = (
        (one.conversions * other.conversions).cumsum()
        - other_rate * (one.conversions * other.impressions).cumsum()
        - rate * (one.impressions * other.conversions).cumsum()
        + rate * other_rate * (one.impressions * other.impressions).cumsum()
    )
    return total


def fixed_interval(comparison: Comparison, day: int, alpha: float) -> Interval:
    """Return the interval of the relative effect for one look planned beforehand."""
    import numpy as np  # noqa: PLC0415 - scipy brings it
    from scipy.special import ndtri  # noqa: PLC0415 - the extra

    reach = float(ndtri(1 - alpha / 2)) * comparison.standard_error[day]
    center = comparison.log_ratio[day]
    return float(np.expm1(center - reach)), float(np.expm1(center + reach))
