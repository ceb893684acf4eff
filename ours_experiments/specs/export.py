"""From what the service has to a spec that manages all of it."""

import logging
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Any

import attrs

from ours_experiments._unset import UNSET, Unset
from ours_experiments.models import (
    DomAction,
    DomModification,
    Experiment,
    ExperimentStatus,
    Metric,
    Metrics,
    QueryParam,
    Style,
    TargetingRules,
    Variant,
)
from ours_experiments.specs.errors import SpecError
from ours_experiments.specs.fields import (
    TARGETING,
    attribute_of,
    is_empty,
    styles_of,
)
from ours_experiments.specs.parts import (
    ControlSpec,
    MetricSpec,
    MetricsSpec,
    TargetingSpec,
    VariantSpec,
)
from ours_experiments.specs.spec import ExperimentSpec


logger: logging.Logger = logging.getLogger("ours_experiments")
OnLeftOut = Callable[[Experiment, str], object]


def export_specs(
    experiments: Sequence[Experiment],
    variants: Mapping[str, Iterable[Variant]] | None = None,
    *,
    wanted: Collection[str] | None = None,
    on_left_out: OnLeftOut | None = None,
) -> tuple[ExperimentSpec, ...]:
    """Return a spec for each experiment; repeated keys get an `id`.

    Args:
        experiments: All experiments of the account, so that repeated keys are seen.
        variants: The variants by experiment id, for experiments without their own.
        wanted: The ids of the experiments to export; None: all.
        on_left_out: Called with each experiment that no file can hold, and the reason;
            by default a warning is logged.
    """
    keys = Counter(experiment.key for experiment in experiments)
    specs: list[ExperimentSpec] = []
    for experiment in experiments:
        if wanted is not None and experiment.id not in wanted:
            continue
        own = (variants or {}).get(experiment.id, experiment.variants or ())
        with_id = keys[experiment.key] > 1
        try:
            specs.append(export_spec(experiment, tuple(own), with_id=with_id))
        except SpecError as error:
            if on_left_out is None:
                logger.warning("left out of the export: %s: %s", experiment.id, error)
            else:
                on_left_out(experiment, str(error))
    return tuple(specs)


def export_spec(
    experiment: Experiment, variants: tuple[Variant, ...], *, with_id: bool = False
) -> ExperimentSpec:
    """Return the spec of one experiment; what a file cannot hold is left out."""
    treatments = tuple(variant for variant in variants if not variant.is_control)
    names = Counter(variant.name for variant in variants)
    controls = [v for v in variants if v.is_control and v.name.strip()]
    status = experiment.status
    values = filled(experiment, "description", "include_query_string")
    values |= {
        "key": experiment.key,
        "name": experiment.name,
        "traffic_allocation": experiment.traffic_allocation,
        "targeting_rules": targeting_spec(experiment.targeting_rules),
        "metrics": metrics_spec(experiment.metrics),
        "variants": tuple(variant_spec(v, names) for v in treatments),
    }
    if experiment.type is not None:
        values["type"] = str(experiment.type)
    if with_id:
        values["id"] = experiment.id
    if controls:
        values["control"] = ControlSpec(name=controls[0].name)
    # A state that this version does not know is not managed.
    if isinstance(status, ExperimentStatus):
        values["state"] = status
    if status == ExperimentStatus.COMPLETED:
        values["winner"] = reference(experiment.winner_variant_id, variants, names)
        values["rollout"] = reference(experiment.rollout_variant_id, treatments, names)
    return acceptable(values)


def acceptable(values: dict[str, object]) -> ExperimentSpec:
    """Build a spec without the fields that it refuses, unless that is the key."""
    try:
        return ExperimentSpec(**values)  # type: ignore[arg-type]
    except SpecError as error:
        refused = {problem.top_field for problem in error.problems}
        if "key" in refused:
            problems = [p for p in error.problems if p.top_field == "key"]
            raise SpecError(problems) from None
        kept = {name: value for name, value in values.items() if name not in refused}
        return acceptable(kept)


def filled(found: object, *names: str) -> dict[str, Any]:
    """Return the fields of an object that are not empty."""
    values = {name: getattr(found, name) for name in names}
    return {name: value for name, value in values.items() if value}


def targeting_spec(rules: TargetingRules | None) -> TargetingSpec | Unset:
    """Return the spec of targeting rules."""
    if rules is None or is_empty(rules):
        return UNSET
    values = filled(rules, *(name for name in TARGETING if name != "query_params"))
    if rules.query_params:
        values["query_params"] = tuple(
            QueryParam(param.key, str(param.operator), param.value)
            for param in rules.query_params
        )
    return TargetingSpec(**values)


def metrics_spec(metrics: Metrics | None) -> MetricsSpec | Unset:
    """Return the spec of metrics."""
    if metrics is None or is_empty(metrics):
        return UNSET
    primary = filled(metrics.primary or Metric(), "event_name", "funnel_id")
    secondary = tuple(Metric(m.event_name, m.funnel_id) for m in metrics.secondary)
    return MetricsSpec(
        primary=MetricSpec(**primary) if primary else UNSET,
        secondary=secondary or UNSET,
    )


def variant_spec(variant: Variant, names: Counter[str]) -> VariantSpec:
    """Return the spec of a treatment."""
    values = filled(variant, "redirect_url")
    if names[variant.name] > 1:
        values["id"] = variant.id
    if variant.dom_modifications:
        values["dom_modifications"] = tuple(
            plain_change(modification) for modification in variant.dom_modifications
        )
    return VariantSpec(name=variant.name, weight=variant.weight, **values)


def plain_change(value: DomModification) -> DomModification:
    """Return a change to the page with one payload, and only keys that are known."""
    action = str(value.action)
    change = DomModification(value.selector, action, value.value or "")
    if action == DomAction.REMOVE:
        return attrs.evolve(change, value=None)
    if action == DomAction.SET_STYLE and (styles := styles_of(value)):
        declarations = tuple(Style(name, content) for name, content in styles)
        return attrs.evolve(change, value=None, styles=declarations)
    if action == DomAction.SET_ATTRIBUTE and (attribute := attribute_of(value)):
        return attrs.evolve(change, value=None, attribute=dict(attribute))
    return change


def reference(
    variant_id: str | None, variants: tuple[Variant, ...], names: Counter[str]
) -> str | Unset:
    """Return the name of a variant, or its id where the name is not its own."""
    for variant in variants:
        if variant.id == variant_id:
            return variant.name if names[variant.name] == 1 else variant.id
    return UNSET
