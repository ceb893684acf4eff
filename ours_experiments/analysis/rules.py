"""The settings of a decision, checked when they are made."""

import math

import attrs

from ours_experiments._validation import at_least
from ours_experiments.errors import ConfigurationError


FEWEST_CONVERSIONS = 5
"""Below it the logarithm of a ratio of rates is not close to normal."""


def check_number(
    name: str,
    value: object,
    low: float,
    high: float = math.inf,
    *,
    low_allowed: bool = False,
    high_allowed: bool = False,
) -> float:
    """Return a finite number between `low` and `high`; refuse all else.

    Args:
        name: The argument's name, for the error.
        value: What was given.
        low: The lower end of the range.
        high: The upper end of the range.
        low_allowed: Whether the lower end is allowed itself.
        high_allowed: Whether the upper end is allowed itself.
    """
    if (
        isinstance(value, bool)
        or not isinstance(value, int | float)
        or not math.isfinite(value)
        or not (low <= value if low_allowed else low < value)
        or not (value <= high if high_allowed else value < high)
    ):
        above = f"at least {low:g}" if low_allowed else f"above {low:g}"
        below = f" and at most {high:g}" if high_allowed else f" and below {high:g}"
        if high == math.inf:
            below = ""
        raise ConfigurationError(
            f"{name} must be a number {above}{below}, not {value!r:.40}"
        )
    return value


def is_share(_: object, attribute: "attrs.Attribute[float]", value: float) -> None:
    """Validate a field as a number above 0 and below 1."""
    check_number(attribute.name, value, 0, 1)


def is_margin(_: object, attribute: "attrs.Attribute[float]", value: float) -> None:
    """Validate a field as a number from 0 to below 1."""
    check_number(attribute.name, value, 0, 1, low_allowed=True)


def is_effect(_: object, attribute: "attrs.Attribute[float]", value: float) -> None:
    """Validate a field as a positive number."""
    check_number(attribute.name, value, 0)


@attrs.frozen(kw_only=True)
class Rules:
    """What has to hold before an experiment is decided.

    Fix them before the experiment starts. Rules that are changed after a look at the
    results no longer keep the error rate `alpha`.
    """

    alpha: float = attrs.field(default=0.05, validator=is_share)
    """The accepted rate of false winners, 0 to 1, over all looks and treatments."""
    planned_sample: int | None = attrs.field(
        default=None, validator=attrs.validators.optional(at_least(1))
    )
    """Impressions of each arm at which the run ends; None: no end is planned."""
    mde: float | None = attrs.field(
        default=None, validator=attrs.validators.optional(is_effect)
    )
    """A relative effect, such as 0.05; a run ends when every effect is smaller."""
    min_days: int = attrs.field(default=7, validator=at_least(1))
    """Days with traffic before a treatment ships; every weekday must be among them."""
    min_conversions: int = attrs.field(
        default=FEWEST_CONVERSIONS, validator=at_least(FEWEST_CONVERSIONS)
    )
    """Conversions in each arm, and impressions without one; at least 5."""
    tuning_sample: int = attrs.field(default=5_000, validator=at_least(1))
    """Impressions of two arms together at which the sequence is tightest.

    With a planned sample it is twice that, and this field is not used.
    """
    early_share: float = attrs.field(default=0.2, validator=is_share)
    """The part of `alpha` for looks before the planned sample, 0 to 1."""
    guardrail_margin: float = attrs.field(default=0.0, validator=is_margin)
    """The relative loss that a guardrail metric may have, 0 to 1."""

    def sequence_alpha(self, treatments: int) -> float:
        """Return the error rate of the sequence of one of so many treatments."""
        share = 1.0 if self.planned_sample is None else self.early_share
        return self.alpha * share / treatments

    def fixed_alpha(self, treatments: int) -> float:
        """Return the error rate of the look at the planned sample, for one of them."""
        return self.alpha * (1 - self.early_share) / treatments

    @property
    def tightest_at(self) -> int:
        """Impressions of two arms together at which the sequence is tightest."""
        planned = self.planned_sample
        return self.tuning_sample if planned is None else 2 * planned


def check_rules(rules: object) -> None:
    """Refuse what is not `Rules`."""
    if not isinstance(rules, Rules):
        raise ConfigurationError(f"rules must be Rules, not {type(rules).__name__}")
