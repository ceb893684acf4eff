"""Decide what the data of an experiment allow to do."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import cast

import attrs

from ours_experiments._validation import to_day
from ours_experiments.analysis.counts import (
    Counts,
    check_source,
    check_weights,
    read_counts,
)
from ours_experiments.analysis.decision import (
    Metric,
    Stop,
    compare_metric,
    days_left,
    find_stop,
)
from ours_experiments.analysis.figures import (
    analyze_variants,
    answered_names,
    bare_variants,
    largest_dispersion,
)
from ours_experiments.analysis.reasons import Evidence, explain_stop, explain_waiting
from ours_experiments.analysis.records import (
    Analysis,
    Reason,
    ReasonCode,
    Verdict,
)
from ours_experiments.analysis.rules import Rules, check_rules
from ours_experiments.analysis.sample_ratio import measure_sample_ratio
from ours_experiments.analysis.trust import (
    find_broken_counts,
    find_doubts,
    find_warnings,
)
from ours_experiments.errors import ConfigurationError
from ours_experiments.models import (
    Experiment,
    ExperimentStatus,
    ExperimentType,
    Results,
    TimeSeries,
    Variant,
)


DEFAULT_RULES = Rules()
DECIDED = {
    Verdict.SHIP,
    Verdict.ROLL_BACK,
    Verdict.INCONCLUSIVE,
    Verdict.DO_NOT_TRUST,
}

NOT_COMPARED = Reason(
    ReasonCode.TREATMENTS_NOT_COMPARED,
    "The treatments were compared with the control, not with each other.",
)

Guardrails = Mapping[str, tuple[Results, TimeSeries]]


def decided(analysis: Analysis) -> bool:
    """Return whether there is nothing more to wait for.

    True for SHIP, ROLL_BACK, INCONCLUSIVE and DO_NOT_TRUST.
    """
    return analysis.verdict in DECIDED


def analyze(
    experiment: Experiment,
    results: Results,
    series: TimeSeries | None = None,
    *,
    rules: Rules = DEFAULT_RULES,
    as_of: date | None = None,
    guardrails: Guardrails | None = None,
) -> Analysis:
    """Decide what the data of an experiment allow to do.

    The function is pure: the same arguments give the same analysis, whenever it runs
    and however often. All days up to `as_of` are taken to be complete.

    Args:
        experiment: The experiment, with its variants.
        results: Its results, which give names and, without a series, the counts.
        series: Its results by day. Without it nothing is ever decided but that the
            data must not be trusted.
        rules: What has to hold. Fix them before the experiment starts.
        as_of: The last day that counts, UTC; by default the last day of the series.
        guardrails: Results and time series by the name of an event that a treatment
            must not harm.

    Raises:
        ConfigurationError: An argument has a wrong type, an experiment lacks its
            weights, or results and series are those of another experiment.
    """
    check_arguments(experiment, results, series, rules)
    guarded: Guardrails = {} if guardrails is None else guardrails
    check_guardrails(experiment, guarded)
    day = to_day("as_of", as_of)
    if day is None and series is not None:
        day = max((day.date for day in series.days), default=None)
    refusal = find_refusal(experiment)
    if refusal is not None:
        return Analysis(
            verdict=Verdict.NOT_APPLICABLE, reasons=(refusal,), rules=rules, as_of=day
        )
    return decide(
        experiment, results, series, rules=rules, as_of=day, guardrails=guarded
    )


def check_arguments(
    experiment: object, results: object, series: object, rules: object
) -> None:
    """Refuse arguments of a wrong type, and results of another experiment."""
    if not isinstance(experiment, Experiment):
        raise ConfigurationError(
            f"experiment must be an Experiment, not {type(experiment).__name__}"
        )
    check_rules(rules)
    check_source("", experiment, results, series)


def check_guardrails(experiment: Experiment, guardrails: object) -> None:
    """Refuse guardrails that are not results and series by event name."""
    if not isinstance(guardrails, Mapping):
        raise ConfigurationError("guardrails must be a mapping by event name")
    for event, pair in cast("Mapping[object, object]", guardrails).items():
        name = f"guardrails[{event!r:.60}]"
        if not isinstance(event, str) or not isinstance(pair, tuple):
            raise ConfigurationError(
                f"{name} must be results and series, by event name"
            )
        values = cast("tuple[object, ...]", pair)
        if len(values) != 2 or values[1] is None:
            raise ConfigurationError(f"{name} must be results and a series")
        check_source(f"{name}: ", experiment, *values)


def find_refusal(experiment: Experiment) -> Reason | None:
    """Return why an experiment has no comparison; None where it has one."""
    if experiment.status == ExperimentStatus.DRAFT:
        return Reason(ReasonCode.DRAFT, "The experiment has not started.")
    if experiment.type == ExperimentType.PERSONALIZATION:
        text = "A personalization has nothing to compare with."
        return Reason(ReasonCode.PERSONALIZATION, text)
    variants = check_weights(experiment)
    if sum(variant.weight > 0 for variant in variants) < 2:
        text = "Fewer than two variants have a weight above 0."
        return Reason(ReasonCode.TOO_FEW_ARMS, text)
    return None


def decide(
    experiment: Experiment,
    results: Results,
    series: TimeSeries | None,
    *,
    rules: Rules,
    as_of: date | None,
    guardrails: Guardrails,
) -> Analysis:
    """Decide on an experiment that has at least two variants with a weight."""
    variants = experiment.variants or ()
    arms = [variant for variant in variants if variant.weight]
    counts = read_counts(variants, results, series, as_of)
    guarded = {
        event: read_counts(variants, *pair, as_of) for event, pair in guardrails.items()
    }
    broken = list(find_broken_counts(variants, results, series, counts))
    for event, pair in guardrails.items():
        source = f"Guardrail {event!r:.60}: "
        broken += find_broken_counts(variants, *pair, guarded[event], source)
    if broken:
        return Analysis(
            verdict=Verdict.DO_NOT_TRUST,
            reasons=tuple(broken),
            days=len(counts.days),
            weekdays=count_weekdays(counts.days),
            variants=bare_variants(arms, results, counts),
            rules=rules,
            as_of=as_of,
        )
    names = answered_names(arms, results)
    evidence = Evidence(
        compare_arms(arms, counts, rules),
        {event: compare_arms(arms, guarded[event], rules) for event in guarded},
        {variant_id: format(repr(name), ".60") for variant_id, name in names.items()},
        rules,
        None if series is None else as_of,
    )
    figures = {
        event: analyze_variants(
            arms, guardrails[event][0], guarded[event], evidence.guardrails[event]
        )
        for event in guarded
    }
    judged = judge(experiment, results, counts, evidence)
    return attrs.evolve(judged, guardrails=figures, as_of=as_of)


def judge(
    experiment: Experiment, results: Results, counts: Counts, evidence: Evidence
) -> Analysis:
    """Return the analysis of counts that figures can be computed from."""
    arms = [variant for variant in experiment.variants or () if variant.weight]
    ratio = measure_sample_ratio(
        counts,
        {arm.id: arm.weight for arm in arms},
        {
            variant.id: counts.total(variant.id)[0]
            for variant in experiment.variants or ()
            if not variant.weight
        },
    )
    figures = analyze_variants(arms, results, counts, evidence.primary)
    doubts = tuple(find_doubts(ratio, evidence.primary, evidence.names))
    stop = None if doubts else first_stop(evidence)
    verdict, reasons = conclude(doubts, stop, evidence)
    warnings = find_warnings(
        experiment,
        results,
        counts,
        as_of=evidence.as_of,
        ratio=ratio,
        primary=evidence.primary,
        variants=figures,
    )
    alone = verdict is not Verdict.SHIP or len(arms) == 2
    left = None
    if verdict is Verdict.KEEP_RUNNING and evidence.as_of is not None:
        left = days_left(evidence.primary, evidence.rules, evidence.as_of)
    return Analysis(
        verdict=verdict,
        variant_id=None if stop is None else stop.variant_id,
        reasons=reasons,
        warnings=(*warnings, *(() if alone else (NOT_COMPARED,))),
        decided_on=None if stop is None else stop.day,
        days=len(counts.days),
        weekdays=count_weekdays(counts.days),
        days_left=left,
        dispersion=largest_dispersion(evidence.primary),
        sample_ratio=ratio,
        variants=figures,
        rules=evidence.rules,
    )


def compare_arms(arms: Sequence[Variant], counts: Counts, rules: Rules) -> Metric:
    """Compare each treatment with the control, day by day."""
    control = next(arm.id for arm in arms if arm.is_control)
    treatments = {arm.id: counts.daily(arm.id) for arm in arms if arm.id != control}
    return compare_metric(counts.days, counts.daily(control), treatments, rules)


def first_stop(evidence: Evidence) -> Stop | None:
    """Return the first decision of the rules; None while there is none."""
    if evidence.as_of is None:
        return None
    return find_stop(
        evidence.primary,
        list(evidence.guardrails.values()),
        evidence.rules,
        evidence.as_of,
    )


def conclude(
    doubts: tuple[Reason, ...], stop: Stop | None, evidence: Evidence
) -> tuple[Verdict, tuple[Reason, ...]]:
    """Return the verdict and its reasons."""
    if doubts:
        return Verdict.DO_NOT_TRUST, doubts
    if stop is None:
        return Verdict.KEEP_RUNNING, explain_waiting(evidence)
    return stop.verdict, explain_stop(stop, evidence)


def count_weekdays(days: Sequence[date]) -> int:
    """Return how many different weekdays there are, 0 to 7."""
    return len({day.weekday() for day in days})
