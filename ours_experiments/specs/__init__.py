"""Experiments as code: specs in files, compared with the account and applied to it."""

from ours_experiments.errors import (
    PlanConflictsError,
    PlanRefusedError,
    StalePlanError,
    UnpublishedChangesError,
    UnsafePlanError,
)
from ours_experiments.specs.changes import (
    Action,
    ApplyReport,
    Change,
    ChangeOutcome,
    Conflict,
    FieldChange,
    PlanWarning,
)
from ours_experiments.specs.dump import dump_specs
from ours_experiments.specs.errors import Problem, SpecError
from ours_experiments.specs.files import Limits, Specs, load_specs
from ours_experiments.specs.parts import (
    ControlSpec,
    MetricSpec,
    MetricsSpec,
    TargetingSpec,
    VariantSpec,
)
from ours_experiments.specs.plan import Plan
from ours_experiments.specs.schema import spec_schema
from ours_experiments.specs.spec import ExperimentSpec


__all__ = [
    "Action",
    "ApplyReport",
    "Change",
    "ChangeOutcome",
    "Conflict",
    "ControlSpec",
    "ExperimentSpec",
    "FieldChange",
    "Limits",
    "MetricSpec",
    "MetricsSpec",
    "Plan",
    "PlanConflictsError",
    "PlanRefusedError",
    "PlanWarning",
    "Problem",
    "SpecError",
    "Specs",
    "StalePlanError",
    "TargetingSpec",
    "UnpublishedChangesError",
    "UnsafePlanError",
    "VariantSpec",
    "dump_specs",
    "load_specs",
    "spec_schema",
]
