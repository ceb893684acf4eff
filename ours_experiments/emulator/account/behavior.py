"""How simulated visitors behave: their events are drawn day by day."""

import random
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from ours_experiments.emulator.account.records import Experiment


Counts: TypeAlias = tuple[int, int]
"""Impressions and conversions."""

MAX_DAYS = 3660
MAX_VISITORS = 10_000_000
MAX_EVENTS = 1000
"""Most events that a visitor causes on average."""


@dataclass(frozen=True, slots=True)
class Behavior:
    """What the visitors of an experiment do; variants are named by their ids."""

    days: int
    visitors_per_day: int
    conversion_rates: Mapping[str, float] = field(default_factory=dict[str, float])
    """Share of visitors that convert, 0-1; drawn where none is given."""
    impressions_per_visitor: float = 1.0
    """Mean for each visitor and day, at least 1."""
    conversions_per_converter: float = 1.0
    """Mean for each visitor who converts, at least 1."""
    loses: Mapping[str, float] = field(default_factory=dict[str, float])
    """Share of a variant's impressions that is never recorded, 0-1."""

    def check(self, experiment: Experiment) -> None:
        """Raise ValueError for a value that is out of range."""
        _check_range("days", self.days, 1, MAX_DAYS)
        _check_range("visitors_per_day", self.visitors_per_day, 0, MAX_VISITORS)
        for name in ("impressions_per_visitor", "conversions_per_converter"):
            _check_range(name, getattr(self, name), 1, MAX_EVENTS)
        variants = {variant.id for variant in experiment.variants}
        _check_shares("conversion_rates", self.conversion_rates, variants)
        _check_shares("loses", self.loses, variants)

    def rates(self, experiment: Experiment, dice: random.Random) -> dict[str, float]:
        """Return a conversion rate for each variant."""
        rates = dict(self.conversion_rates)
        for variant in experiment.variants:
            drawn = 0.1 if variant.is_control else dice.uniform(0.09, 0.13)
            rates.setdefault(variant.id, drawn)
        return rates

    def repeat(self, variant_id: str, counts: Counts, dice: random.Random) -> Counts:
        """Return the events that visitors and converters of one day cause."""
        visitors, converters = counts
        seen = _events(visitors, self.impressions_per_visitor, dice)
        converted = _events(converters, self.conversions_per_converter, dice)
        lost = self.loses.get(variant_id, 0.0)
        if lost:
            spread = (seen * lost * (1 - lost)) ** 0.5
            seen -= min(seen, max(0, round(dice.gauss(seen * lost, spread))))
        return seen, converted


def visitors_and_converters(
    dice: random.Random, expected: float, rate: float
) -> Counts:
    """Draw how many visitors come on a day, and how many of them convert."""
    visitors = max(0, round(dice.gauss(expected, expected**0.5)))
    spread = (visitors * rate * (1 - rate)) ** 0.5
    converters = round(dice.gauss(visitors * rate, spread))
    return visitors, min(visitors, max(0, converters))


def _events(people: int, mean: float, dice: random.Random) -> int:
    """Draw the sum of geometric counts, each at least 1: variance m (m - 1)."""
    if mean == 1 or not people:
        return people
    spread = (people * mean * (mean - 1)) ** 0.5
    return max(people, round(dice.gauss(people * mean, spread)))


def _check_range(name: str, value: float, least: float, most: float) -> None:
    if not least <= value <= most:
        raise ValueError(f"{name}: {least} to {most}, not {value}")


def _check_shares(
    name: str, shares: Mapping[str, float], variants: Iterable[str]
) -> None:
    for variant_id, share in shares.items():
        if variant_id not in variants:
            raise ValueError(f"{name}: no variant has the id {variant_id}")
        _check_range(name, share, 0, 1)
