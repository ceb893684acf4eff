"""What the fields of a spec have to agree on."""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

import attrs

from ours_experiments._unset import UNSET, Unset
from ours_experiments.drafts import ExperimentPatch
from ours_experiments.errors import ConfigurationError
from ours_experiments.models import (
    ExperimentStatus,
    Metric,
    Metrics,
    TargetingRules,
)
from ours_experiments.specs.errors import Problem, SpecError
from ours_experiments.specs.kinds import suggestion
from ours_experiments.specs.parts import (
    MAX_TREATMENTS,
    ControlSpec,
    MetricSpec,
    MetricsSpec,
    TargetingSpec,
    VariantSpec,
    given,
    managed,
    to_metrics,
    to_new_variant,
    weights_problem,
)


if TYPE_CHECKING:
    from ours_experiments.specs.spec import ExperimentSpec


Variants = tuple[VariantSpec, ...]

REFUSED_FIELD = re.compile(r"(?P<field>[\w.\[\]]+):? ")
"""Where a draft's refusal names its field."""
RULES: Mapping[str, type] = {
    "alpha": float,
    "planned_sample": int,
    "mde": float,
    "min_days": int,
    "min_conversions": int,
    "tuning_sample": int,
    "early_share": float,
    "guardrail_margin": float,
}
"""The fields of `analysis.Rules`, which is imported only where it is used."""
OPTIONAL_RULES = ("planned_sample", "mde")
"""Rules that may be null."""


def draft_problems(fields: Mapping[str, object]) -> Iterator[Problem]:
    """Find what a draft refuses, in fields of an experiment."""
    for name, value in fields.items():
        sent = value
        if isinstance(value, TargetingSpec):
            sent = TargetingRules(**managed(value))
        elif isinstance(value, MetricsSpec):
            # An event that the file leaves out is the service's.
            primary = Metric(event_name="any") if value.primary is not UNSET else None
            sent = to_metrics(value, Metrics(primary=primary))
        yield from refusal(lambda: ExperimentPatch(**{name: sent}))  # type: ignore[arg-type]  # noqa: B023


def refusal(build: Callable[[], object]) -> Iterator[Problem]:
    """Find why a draft cannot be built."""
    try:
        build()
    except ConfigurationError as error:
        match = REFUSED_FIELD.match(str(error))
        yield Problem(
            match["field"] if match else "", str(error)[match.end() if match else 0 :]
        )


def variant_problems(variants: Variants) -> Iterator[Problem]:
    """Find what is wrong with the treatments of an experiment."""
    for index, variant in enumerate(variants):
        path = f"variants[{index}]"
        if variant.name is UNSET and variant.id is UNSET:
            yield Problem(path, "needs a name or an id")
        modifies = isinstance(variant.dom_modifications, tuple)
        if modifies and variant.dom_modifications and given(variant.redirect_url, ""):
            yield Problem(path, "one of redirect_url and dom_modifications, not both")
            continue
        for problem in refusal(lambda: to_new_variant(variant)):  # noqa: B023
            yield Problem(f"{path}.{problem.field}", problem.message)
    yield from repeated("id", dict(enumerate(variants)))
    unnamed = {i: v for i, v in enumerate(variants) if v.id is UNSET}
    for field in ("name", "was"):
        yield from repeated(field, unnamed)
    total = sum(given(variant.weight, 0) for variant in variants)
    if total > MAX_TREATMENTS:
        yield Problem("variants", weights_problem(total))


def repeated(field: str, variants: Mapping[int, VariantSpec]) -> Iterator[Problem]:
    """Find variants with the same value of a field."""
    seen: set[str] = set()
    for index, variant in variants.items():
        value = getattr(variant, field)
        if value is UNSET:
            continue
        if value in seen:
            hint = ": give each its id" if field == "name" else ""
            yield Problem(
                f"variants[{index}].{field}", f"{value!r} is another variant's{hint}"
            )
        seen.add(value)


def state_problems(
    state: ExperimentStatus | Unset, metrics: MetricsSpec | Unset | None
) -> Iterator[Problem]:
    """Find an experiment that is to run without a primary event."""
    if state is ExperimentStatus.RUNNING and metrics is not UNSET:
        primary = UNSET if metrics is None else metrics.primary
        event = primary.event_name if isinstance(primary, MetricSpec) else UNSET
        if event is UNSET:
            yield Problem("metrics", "state: running needs primary.event_name")


def ending_problems(
    state: ExperimentStatus | Unset,
    endings: Mapping[str, str | Unset | None],
    control: ControlSpec | Unset,
    variants: Variants | Unset,
) -> Iterator[Problem]:
    """Find a winner or rollout that cannot be."""
    name_of_control = UNSET if isinstance(control, Unset) else control.name
    for field, value in endings.items():
        if isinstance(value, Unset):
            continue
        if state not in (UNSET, ExperimentStatus.COMPLETED):
            yield Problem(field, "needs state: completed")
        if value is None:
            continue
        if field == "rollout" and value == name_of_control:
            yield Problem(field, "the control cannot be rolled out")
            continue
        if isinstance(variants, Unset) or (
            field == "winner" and name_of_control in (UNSET, value)
        ):
            continue
        yield from reference_problems(field, value, variants)


def reference_problems(field: str, value: str, variants: Variants) -> Iterator[Problem]:
    """Find a reference that is no treatment's, or more than one treatment's."""
    names = Counter(v.name for v in variants if isinstance(v.name, str))
    ids = {v.id for v in variants if isinstance(v.id, str)}
    if value in ids:
        return
    if names[value] > 1:
        yield Problem(field, f"two variants are called {value!r}: give the id")
    elif not names[value] and len(names) == len(variants):
        near = suggestion(value, list(names))
        yield Problem(field, f"no treatment is called {value!r}{near}")


def rules_problems(rules: Mapping[str, object]) -> Iterator[Problem]:
    """Find rules that the analysis does not know, or of another type."""
    for name, value in rules.items():
        path = f"rules.{name}"
        kind = RULES.get(name)
        if kind is None:
            near = suggestion(str(name), list(RULES))
            yield Problem(path, f"unknown rule{near}")
        elif value is None and name in OPTIONAL_RULES:
            continue
        elif isinstance(value, bool) or not isinstance(value, int | float):
            yield Problem(path, "expected a number")
        elif kind is int and value != int(value):
            yield Problem(path, "expected a whole number")


def repeated_identities(
    specs: Iterable[tuple[Problem, str | None, str | None]],
) -> Iterator[Problem]:
    """Find specs that mean one experiment, each with the place of the other.

    Args:
        specs: The place of each spec, as a problem without a message, its key and its
            id; None where it has none.
    """
    by_id: dict[str, Problem] = {}
    by_key: dict[str, list[tuple[Problem, str | None]]] = {}
    for place, key, experiment_id in specs:
        message = None
        if experiment_id is not None:
            other = by_id.setdefault(experiment_id, place)
            if other is not place:
                message = f"the id {experiment_id!r} is also at {other.place}"
        if key is not None:
            same = by_key.setdefault(key, [])
            for other, other_id in same:
                if experiment_id is None or other_id is None:
                    message = f"the key {key!r} is also at {other.place}"
            same.append((place, experiment_id))
        if message is not None:
            yield attrs.evolve(place, message=message)


def refuse_repeated(specs: Sequence["ExperimentSpec"]) -> None:
    """Refuse specs of which two mean one experiment."""
    named = (
        (Problem(f"spec {number}", ""), spec.key, given(spec.id, None))
        for number, spec in enumerate(specs, 1)
    )
    problems = tuple(repeated_identities(named))
    if problems:
        raise SpecError(problems)
