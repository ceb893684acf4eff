"""What an experiment is to be like: the contents of one document of a file."""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, cast

import attrs

from ours_experiments._unset import UNSET, Unset
from ours_experiments.models import ExperimentStatus, ExperimentType
from ours_experiments.specs.checks import (
    draft_problems,
    ending_problems,
    rules_problems,
    state_problems,
    variant_problems,
)
from ours_experiments.specs.errors import Problem, SpecError
from ours_experiments.specs.kinds import field_problems
from ours_experiments.specs.parts import (
    ControlSpec,
    MetricsSpec,
    TargetingSpec,
    VariantSpec,
    to_variants,
)


if TYPE_CHECKING:
    from ours_experiments.analysis import Rules


DRAFT_FIELDS = (
    "name",
    "description",
    "traffic_allocation",
    "include_query_string",
    "targeting_rules",
    "metrics",
)


def to_whole(value: object) -> Any:
    """Turn 50.0 into 50; leave other values to the checks."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


def to_state(value: object) -> Any:
    """Turn the text of a known state into the member of the enum."""
    try:
        return ExperimentStatus(cast("str", value))
    except ValueError:
        return value


@attrs.frozen
class ExperimentSpec:
    """What an experiment is to be like; a field that is UNSET is not managed.

    Raises:
        SpecError: A value is refused; the error has every problem.
    """

    key: str
    """The identity, unless there is an `id`; one experiment has this key."""
    id: str | Unset = attrs.field(default=UNSET, kw_only=True)
    """The identifier; then another `key` renames the experiment."""
    name: str | Unset = attrs.field(default=UNSET, kw_only=True)
    """The name for people; a new experiment needs it."""
    description: str | Unset | None = attrs.field(default=UNSET, kw_only=True)
    """The hypothesis or a note; None clears it."""
    type: ExperimentType | str | Unset = attrs.field(default=UNSET, kw_only=True)
    """The kind; it cannot be changed after creation."""
    traffic_allocation: int | Unset = attrs.field(
        default=UNSET, kw_only=True, converter=to_whole
    )
    """Percent of the eligible traffic to enrol, 0 to 100."""
    include_query_string: bool | Unset | None = attrs.field(default=UNSET, kw_only=True)
    """Whether redirects keep the visitor's query string; None clears it."""
    targeting_rules: TargetingSpec | Unset | None = attrs.field(
        default=UNSET, kw_only=True
    )
    """Who is eligible; None clears the rules."""
    metrics: MetricsSpec | Unset | None = attrs.field(default=UNSET, kw_only=True)
    """What is measured; None clears the metrics."""
    settings: str | Unset = attrs.field(default=UNSET, kw_only=True)
    """Name or id of the settings to create it with; not compared afterwards."""
    control: ControlSpec | Unset = attrs.field(default=UNSET, kw_only=True)
    """The baseline."""
    variants: tuple[VariantSpec, ...] | Unset = attrs.field(
        default=UNSET, kw_only=True, converter=to_variants
    )
    """All treatments; while a draft, others are deleted."""
    state: ExperimentStatus | Unset = attrs.field(
        default=UNSET, kw_only=True, converter=to_state
    )
    """The state to bring it to."""
    winner: str | Unset | None = attrs.field(default=UNSET, kw_only=True)
    """Name or id of the winning variant; None clears it."""
    rollout: str | Unset | None = attrs.field(default=UNSET, kw_only=True)
    """Name or id of the treatment that everybody gets; None ends the rollout."""
    rules: Mapping[str, object] | Unset = attrs.field(
        default=UNSET, kw_only=True, hash=False
    )
    """Arguments of `analysis.Rules`; not sent to the service."""

    def __attrs_post_init__(self) -> None:
        problems = tuple(problems_in(self))
        if problems:
            raise SpecError(problems)

    def analysis_rules(self) -> "Rules":
        """Build the rules that `analyze` decides by.

        Raises:
            ConfigurationError: A rule is out of its range.
        """
        from ours_experiments.analysis import Rules  # noqa: PLC0415 - not for files

        given: dict[str, Any] = {}
        if not isinstance(self.rules, Unset):
            given.update(self.rules)
        return Rules(**given)


def problems_in(spec: ExperimentSpec) -> Iterator[Problem]:
    """Find everything that is wrong with a spec."""
    problems = tuple(field_problems(spec))
    yield from problems
    wrong = {problem.top_field for problem in problems}
    fine: dict[str, Any] = {
        field.name: UNSET if field.name in wrong else getattr(spec, field.name)
        for field in attrs.fields(ExperimentSpec)
    }
    state, control, variants = fine["state"], fine["control"], fine["variants"]
    if isinstance(key := fine["key"], str):
        if not key.strip():
            yield Problem("key", "must not be blank")
        elif key != key.strip():
            yield Problem("key", "has white space around it")
    yield from draft_problems(
        {name: fine[name] for name in DRAFT_FIELDS if fine[name] is not UNSET}
    )
    name = control if isinstance(control, Unset) else control.name
    if isinstance(name, str) and not name.strip():
        yield Problem("control.name", "must not be blank")
    if not isinstance(variants, Unset):
        yield from variant_problems(variants)
    yield from state_problems(state, fine["metrics"])
    endings = {name: fine[name] for name in ("winner", "rollout")}
    yield from ending_problems(state, endings, control, variants)
    if not isinstance(rules := fine["rules"], Unset):
        yield from rules_problems(rules)
