"""The objects that the API answers.

Every class is frozen. Times are aware and in UTC. A field of an enum holds a member of
it or, for a value that this version does not know, the plain string.
"""

from ours_experiments.models._account import (
    ChangedEntity,
    CollectionChanges,
    DraftChanges,
    ModifiedEntity,
    Settings,
    Version,
    VersionSnapshot,
)
from ours_experiments.models._content import (
    DomModification,
    Metric,
    Metrics,
    QueryParam,
    Style,
    TargetingRules,
)
from ours_experiments.models._enums import (
    DomAction,
    ExperimentStatus,
    ExperimentType,
    PublishStatus,
    QueryOperator,
    VariantType,
)
from ours_experiments.models._experiments import (
    Experiment,
    SessionReplay,
    Transition,
    Variant,
)
from ours_experiments.models._pages import (
    Page,
)
from ours_experiments.models._results import (
    Day,
    DayVariant,
    Results,
    TimeSeries,
    VariantResult,
    VariantTotals,
)


__all__ = [
    "ChangedEntity",
    "CollectionChanges",
    "Day",
    "DayVariant",
    "DomAction",
    "DomModification",
    "DraftChanges",
    "Experiment",
    "ExperimentStatus",
    "ExperimentType",
    "Metric",
    "Metrics",
    "ModifiedEntity",
    "Page",
    "PublishStatus",
    "QueryOperator",
    "QueryParam",
    "Results",
    "SessionReplay",
    "Settings",
    "Style",
    "TargetingRules",
    "TimeSeries",
    "Transition",
    "Variant",
    "VariantResult",
    "VariantTotals",
    "VariantType",
    "Version",
    "VersionSnapshot",
]
