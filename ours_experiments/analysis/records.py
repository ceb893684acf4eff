"""What an analysis returns."""

from collections.abc import Mapping
from datetime import date
from enum import StrEnum
from typing import Literal

import attrs

from ours_experiments._html import html_table
from ours_experiments.analysis.rules import Rules
from ours_experiments.errors import OursError
from ours_experiments.models import Transition


Interval = tuple[float, float]
"""The lower and the upper bound."""


class Verdict(StrEnum):
    """Name what the data allow to do."""

    SHIP = "ship"
    """A treatment is better than the control; `Analysis.variant_id` names it."""
    ROLL_BACK = "roll_back"
    """Every treatment is worse than the control: stop, and keep the control."""
    INCONCLUSIVE = "inconclusive"
    """The planned sample is reached, or every effect is smaller than `Rules.mde`."""
    KEEP_RUNNING = "keep_running"
    """Nothing is decided yet."""
    DO_NOT_TRUST = "do_not_trust"
    """The counts contradict themselves or the experiment's setup."""
    NOT_APPLICABLE = "not_applicable"
    """A draft, a personalization, or fewer than two arms with traffic."""


class ReasonCode(StrEnum):
    """Name a reason or a warning; codes are stable, texts are not."""

    BETTER_THAN_CONTROL = "better_than_control"
    WORSE_THAN_CONTROL = "worse_than_control"
    PLANNED_SAMPLE_REACHED = "planned_sample_reached"
    SMALLER_THAN_MDE = "smaller_than_mde"
    TOO_FEW_DAYS = "too_few_days"
    TOO_FEW_CONVERSIONS = "too_few_conversions"
    PLANNED_SAMPLE_NOT_REACHED = "planned_sample_not_reached"
    NOT_DECIDED = "not_decided"
    NO_SERIES = "no_series"
    GUARDRAIL_HARMED = "guardrail_harmed"
    NEGATIVE_COUNTS = "negative_counts"
    CONVERSIONS_EXCEED_IMPRESSIONS = "conversions_exceed_impressions"
    SAMPLE_RATIO_MISMATCH = "sample_ratio_mismatch"
    LEAK = "leak"
    SERIES_CONTRADICTS_RESULTS = "series_contradicts_results"
    UNKNOWN_VARIANT = "unknown_variant"
    NO_CONTROL = "no_control"
    EFFECT_CHANGED = "effect_changed"
    DRAFT = "draft"
    PERSONALIZATION = "personalization"
    TOO_FEW_ARMS = "too_few_arms"
    SAMPLE_RATIO_WARNING = "sample_ratio_warning"
    OVERDISPERSED = "overdispersed"
    CHANGED_WHILE_RUNNING = "changed_while_running"
    PROBABILITY_DIFFERS = "probability_differs"
    NO_RECENT_DAYS = "no_recent_days"
    MISSING_DAYS = "missing_days"
    LOW_VOLUME = "low_volume"
    TREATMENTS_NOT_COMPARED = "treatments_not_compared"


@attrs.frozen
class Reason:
    """Why a verdict is what it is, or what to look at."""

    code: ReasonCode
    """The kind of reason, for programs."""
    text: str
    """A sentence for people; it may change between versions."""

    def __str__(self) -> str:
        return self.text


@attrs.frozen(kw_only=True)
class SampleRatio:
    """Whether impressions are divided among the arms as the weights say.

    A status of `ok` does not show that the experiment is sound.
    """

    status: Literal["ok", "warning", "mismatch", "too_few"]
    """The finding; `too_few`: under 100 impressions, or under 5 expected in an arm."""
    p_value: float | None
    """Of the chi-square test on the totals, 0 to 1; None for `too_few`."""
    p_value_by_day: float | None
    """Of the totals against the scatter of the days, 0 to 1; None under 4 days."""
    sequential_p_value: float
    """Valid however often it is looked at, 0 to 1; for information."""
    deviation: float
    """The largest difference between an arm's share and its weight, 0 to 1."""
    observed: Mapping[str, int] = attrs.field(hash=False)
    """Impressions by variant id."""
    expected: Mapping[str, float] = attrs.field(hash=False)
    """Impressions by variant id as the weights divide the same total."""
    leaked_variant_ids: tuple[str, ...]
    """Variants of weight 0 that were served all the same."""


@attrs.frozen
class DailyEffect:
    """The effect of a treatment, relative to the control, as known after a day."""

    date: date
    """The last day that counts, UTC."""
    lift: float
    """The observed relative effect."""
    low: float
    """The lower bound of the running confidence sequence."""
    high: float
    """The upper bound of the running confidence sequence."""


@attrs.frozen(kw_only=True)
class VariantAnalysis:
    """The figures of one variant.

    Effects are relative to the control: 0.1 is ten percent more. What cannot be
    computed, or does not apply to a control, is None.
    """

    id: str
    """The variant's identifier."""
    name: str
    """The variant's name."""
    is_control: bool
    """Whether this is the baseline."""
    impressions: int
    """Impressions up to the day of the analysis; not visitors."""
    conversions: int
    """Conversions up to the day of the analysis."""
    rate: float | None
    """Conversions per impression; None without impressions."""
    rate_interval: Interval | None = None
    """The 95 % credible interval of the rate, for one look."""
    lift: float | None = None
    """The observed relative effect; overstated where a run stopped early."""
    lift_interval: Interval | None = None
    """The 95 % credible interval of the relative effect, for one look."""
    confidence_sequence: Interval | None = None
    """The interval of the relative effect that holds at every look."""
    sequential_p_value: float | None = None
    """The p-value that goes with `confidence_sequence`, 0 to 1."""
    effect_by_day: tuple[DailyEffect, ...] = attrs.field(default=(), repr=False)
    """How lift and sequence came about; without days that have too few conversions."""
    probability_to_beat_control: float | None = None
    """By flat priors, 0 to 1; no rule to stop by."""
    probability_to_be_best: float | None = None
    """By flat priors, 0 to 1; not the service's figure, and no rule to stop by."""
    expected_loss: float | None = None
    """The rate given away on average if this variant is chosen, 0 to 1."""
    expected_loss_relative: float | None = None
    """The same in parts of the control's rate; None where that is 0."""


@attrs.frozen(kw_only=True, repr=False)
class Analysis:
    """The verdict on an experiment, with its reasons and figures."""

    verdict: Verdict
    """What the data allow to do."""
    variant_id: str | None = None
    """The treatment to ship; None for all other verdicts."""
    reasons: tuple[Reason, ...]
    """Why the verdict is what it is; never empty."""
    warnings: tuple[Reason, ...] = ()
    """What to look at; warnings never change the verdict."""
    decided_on: date | None = None
    """The first day on which the rules decided, UTC."""
    days: int = 0
    """Days with impressions."""
    weekdays: int = 0
    """Weekdays among them, 0 to 7."""
    days_left: int | None = None
    """An estimate of the days to the planned end; None without one."""
    dispersion: float | None = None
    """How much more daily counts scatter than independent ones, 1 or more."""
    sample_ratio: SampleRatio | None = None
    """How impressions are divided; None where it could not be tested."""
    variants: tuple[VariantAnalysis, ...] = ()
    """The variants with traffic, in the experiment's order."""
    guardrails: Mapping[str, tuple[VariantAnalysis, ...]] = attrs.field(
        factory=dict[str, tuple[VariantAnalysis, ...]], hash=False
    )
    """The same variants by the guardrail's event name."""
    rules: Rules
    """The rules that were applied."""
    as_of: date | None = None
    """The last day that counts, UTC; None without a series."""

    def __str__(self) -> str:
        chosen = "" if self.variant_id is None else f" {self.variant_id}"
        return f"{self.verdict}{chosen}: {' '.join(map(str, self.reasons))}"

    def __repr__(self) -> str:
        parts = [f"Analysis({self.verdict.value}"]
        if self.variant_id is not None:
            parts.append(f"variant_id={self.variant_id!r}")
        if self.decided_on is not None:
            parts.append(f"decided_on={self.decided_on}")
        parts.append(f"days={self.days}")
        parts.append(f"reasons={[reason.code.value for reason in self.reasons]})")
        return ", ".join(parts)

    def to_records(self) -> list[dict[str, object]]:
        """List one flat dict for each variant, for pandas, polars or csv.

        Keys: those of `VariantAnalysis` but `effect_by_day`, with an interval in two
        columns: rate_low and rate_high, lift_low and lift_high, sequence_low and
        sequence_high.
        """
        return [record_of(variant) for variant in self.variants]

    def _repr_html_(self) -> str:
        """Show a table, in notebooks."""
        headings = (
            *("variant", "impressions", "conversions", "rate", "lift"),
            *("at every look", "to be best", "expected loss"),
        )
        rows = (
            (
                f"{variant.name} (control)" if variant.is_control else variant.name,
                f"{variant.impressions:,}",
                f"{variant.conversions:,}",
                percent(variant.rate, ".2%"),
                percent(variant.lift),
                percent_range(variant.confidence_sequence),
                percent(variant.probability_to_be_best, ".1%"),
                percent(variant.expected_loss, ".3%"),
            )
            for variant in self.variants
        )
        return html_table(self, headings, rows, len(self.variants))


@attrs.frozen
class Decision:
    """An analysis that stopped an experiment, and the answer to the stop."""

    analysis: Analysis
    """What the decision stands on."""
    transition: Transition
    """The experiment as it was stopped."""


class UntrustworthyResultsError(OursError):
    """The verdict is DO_NOT_TRUST, so that nothing was decided."""

    analysis: Analysis
    """The analysis, whose reasons list what to look at."""

    def __init__(self, message: str, *, analysis: Analysis) -> None:
        super().__init__(message)
        self.analysis = analysis


def record_of(variant: VariantAnalysis) -> dict[str, object]:
    """Return the fields of a variant as a flat dict."""
    record: dict[str, object] = {}
    for name, value in attrs.asdict(variant, recurse=False).items():
        if name in INTERVAL_COLUMNS:
            low, high = value if value is not None else (None, None)
            column = INTERVAL_COLUMNS[name]
            record[f"{column}_low"], record[f"{column}_high"] = low, high
        elif name != "effect_by_day":
            record[name] = value
    return record


INTERVAL_COLUMNS = {
    "rate_interval": "rate",
    "lift_interval": "lift",
    "confidence_sequence": "sequence",
}


def percent(value: float | None, spec: str = "+.1%") -> str:
    """Format a share as percent; a dash where there is none."""
    return "–" if value is None else format(value, spec)  # noqa: RUF001 - a dash


def percent_range(interval: Interval | None, spec: str = "+.1%") -> str:
    """Format an interval as percent; a dash where there is none."""
    if interval is None:
        return percent(None)
    return f"{percent(interval[0], spec)} to {percent(interval[1], spec)}"
