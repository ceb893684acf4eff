"""Beta posteriors of conversion rates after a flat prior.

Everything here is for one look: neither an interval nor a probability controls how
often a rule that looks every night names a false winner.
"""

from collections.abc import Sequence
from functools import cache
from typing import TYPE_CHECKING

import attrs


if TYPE_CHECKING:
    from ours_experiments.analysis.counts import Floats

LEFT_OUT = 0.05
"""The probability that a rate lies outside of its 95 % interval."""
CUTS = (0.3, 0.1, 0.01, 1e-4, 1e-7, 1e-10, 1e-14)
"""Tail probabilities between which an integral is taken piece by piece."""
QUANTILE_CUTS = CUTS[:5]
"""What is beyond them does not move a quantile of 2.5 %; it took a third longer."""
NODES = 12
"""Points of each piece; with 16 no figure changes in its tenth digit."""


@attrs.frozen
class Beta:
    """The posterior of a conversion rate."""

    successes: float
    """Conversions plus 1; not always whole, as dispersion divides them."""
    failures: float
    """Impressions without a conversion plus 1."""

    @property
    def mean(self) -> float:
        """The expected rate."""
        return self.successes / (self.successes + self.failures)


def posterior(impressions: float, conversions: float) -> Beta:
    """Return the posterior of a rate; needs 0 <= conversions <= impressions."""
    return Beta(1 + conversions, 1 + impressions - conversions)


def rate_interval(impressions: int, conversions: int) -> tuple[float, float] | None:
    """Return the 95 % credible interval of a conversion rate, 0 to 1.

    Half of the rest lies on each side. Where nobody or everybody converted, all of it
    lies on the one side there is, so that the observed rate is always inside.

    Returns:
        The bounds; None without impressions, for negative counts, and where
        conversions exceed impressions.
    """
    if not 0 <= conversions <= impressions or impressions == 0:
        return None
    return credible_interval(posterior(impressions, conversions))


def credible_interval(rate: Beta) -> tuple[float, float]:
    """Return the 95 % interval of a rate, one-sided at the ends of the range."""
    from scipy.special import betaincinv  # noqa: PLC0415 - the extra

    a, b = rate.successes, rate.failures
    if a == 1 and b > 1:
        return 0.0, float(betaincinv(a, b, 1 - LEFT_OUT))
    if b == 1 and a > 1:
        return float(betaincinv(a, b, LEFT_OUT)), 1.0
    low, high = betaincinv(a, b, (LEFT_OUT / 2, 1 - LEFT_OUT / 2))
    return float(low), float(high)


def lift_intervals(
    control: Sequence[Beta], treatments: Sequence[Beta]
) -> list[tuple[float, float]]:
    """Return the 95 % intervals of treatment / control - 1, pair by pair."""
    import numpy as np  # noqa: PLC0415 - scipy brings it
    from scipy.optimize import elementwise  # noqa: PLC0415 - the extra
    from scipy.special import betainc, betaincinv  # noqa: PLC0415

    if not treatments:
        return []
    # A pair has two rows: its lower and its upper quantile.
    shares = np.array([LEFT_OUT / 2, 1 - LEFT_OUT / 2] * len(treatments))
    grids = [grid([rate], QUANTILE_CUTS) for rate in control]
    points = np.repeat([nodes for nodes, _ in grids], 2, axis=0)
    masses = np.repeat(
        [
            weights * density(rate, nodes)
            for rate, (nodes, weights) in zip(control, grids, strict=True)
        ],
        2,
        axis=0,
    )
    masses /= masses.sum(axis=1, keepdims=True)
    a = np.repeat([rate.successes for rate in treatments], 2)
    b = np.repeat([rate.failures for rate in treatments], 2)
    control_a = np.repeat([rate.successes for rate in control], 2)
    control_b = np.repeat([rate.failures for rate in control], 2)

    def excess(log_ratio: "Floats", row: "Floats") -> "Floats":
        rows = row.astype(int)
        scaled = np.minimum(points[rows] * np.exp(log_ratio)[:, None], 1.0)
        below = betainc(a[rows, None], b[rows, None], scaled)
        return np.asarray((below * masses[rows]).sum(axis=1) - shares[rows])

    # Each tail has 1 %, so that 2 % at most lie outside of the bracket.
    low = np.log(betaincinv(a, b, 0.01) / betaincinv(control_a, control_b, 0.99))
    high = np.log(betaincinv(a, b, 0.99) / betaincinv(control_a, control_b, 0.01))
    found = elementwise.find_root(
        excess,
        (low, high),
        args=(np.arange(len(shares), dtype=float),),
        tolerances={"xatol": 1e-8, "fatol": 1e-11},
    )
    lifts = np.expm1(found.x).tolist()
    return list(zip(lifts[::2], lifts[1::2], strict=True))


@attrs.frozen
class Chances:
    """How one rate compares with the others."""

    best: float
    """The probability that no other rate is higher."""
    loss: float
    """The mean of what the best rate has more; 0 where this one is the best."""
    beats_control: float
    """The probability to be higher than the control's rate."""


def chances(rates: Sequence[Beta], control: int = 0) -> list[Chances]:
    """Compare each rate with the others; `control` is the index of the control."""
    import numpy as np  # noqa: PLC0415 - scipy brings it
    from scipy.special import betainc  # noqa: PLC0415 - the extra

    nodes, weights = grid(rates)
    below = np.array([betainc(rate.successes, rate.failures, nodes) for rate in rates])
    found: list[Chances] = []
    for index, rate in enumerate(rates):
        others = np.delete(below, index, axis=0).prod(axis=0)
        masses = weights * density(rate, nodes)
        best = (masses * others).sum()
        loss = (weights * (1 - others) * below[index]).sum()
        beats_control = (masses * below[control]).sum()
        found.append(Chances(float(best), float(loss), float(beats_control)))
    return found


def grid(
    rates: Sequence[Beta], cuts: Sequence[float] = CUTS
) -> tuple["Floats", "Floats"]:
    """Return the nodes and weights of a Gauss-Legendre rule over all rates.

    The pieces end at quantiles of each rate, so that a narrow posterior beside a wide
    one is not stepped over.
    """
    import numpy as np  # noqa: PLC0415 - scipy brings it
    from scipy.special import betainccinv, betaincinv  # noqa: PLC0415 - the extra

    a = np.array([rate.successes for rate in rates])[:, None]
    b = np.array([rate.failures for rate in rates])[:, None]
    tails = np.array(cuts)
    ends = np.concatenate(
        [betaincinv(a, b, tails), betainccinv(a, b, tails)], axis=None
    )
    ends.sort()
    nodes, weights = gauss_legendre()
    half = np.diff(ends)[:, None] / 2
    middle = (ends[1:] + ends[:-1])[:, None] / 2
    return (middle + half * nodes).ravel(), (half * weights).ravel()


@cache
def gauss_legendre() -> tuple["Floats", "Floats"]:
    """Return nodes and weights between -1 and 1; computed once, 0.2 ms each time."""
    from numpy.polynomial.legendre import leggauss  # noqa: PLC0415 - scipy brings it

    nodes, weights = leggauss(NODES)
    return nodes, weights


def density(rate: Beta, points: "Floats") -> "Floats":
    """Return the posterior's density at points between 0 and 1."""
    import numpy as np  # noqa: PLC0415 - scipy brings it
    from scipy.special import betaln, xlog1py, xlogy  # noqa: PLC0415 - the extra

    a, b = rate.successes, rate.failures
    logs = xlogy(a - 1, points) + xlog1py(b - 1, -points) - betaln(a, b)
    return np.asarray(np.exp(logs), dtype=np.float64)
