"""An asyncio client library for the Ours Privacy Experiments API.

>>> import asyncio
>>> from ours_experiments import Client
>>> from ours_experiments.emulator import Emulator
>>> async def main() -> None:
...     async with Emulator() as emulator:
...         emulator.seed_experiments(3)
...         async with Client(emulator.api_key, base_url=emulator.url) as client:
...             report = await client.bulk.start(client.experiments.list())
...             print(len(report.succeeded), "of", len(report.outcomes), "started")
>>> asyncio.run(main())
3 of 3 started

Where to read on, here and with `python -m pydoc NAME`:

- `ours_experiments.Client`, and what is reached through it:
  `ours_experiments.experiments.Experiments`, `ours_experiments.variants.Variants`,
  `ours_experiments.settings.SettingsRecords`, `ours_experiments.versions.Versions` and
  `ours_experiments.bulk.Bulk`;
- `ours_experiments.models`, what the service answers, and `ours_experiments.drafts`,
  what it is sent;
- `ours_experiments.to_dict` and `ours_experiments.from_dict`, objects as plain dicts;
- `ours_experiments.errors`, the tree of errors; `ours_experiments.bulk.outcomes`, what
  bulk calls report; `ours_experiments.RetryPolicy`, what is repeated;
- `ours_experiments.specs`, experiments kept in files, planned and applied;
- `ours_experiments.emulator`, a stand-in for the service; `ours_experiments.testing`,
  the pytest plugin; `ours_experiments.plotting`, pictures.
"""

from collections.abc import Mapping
from importlib import import_module
from typing import TYPE_CHECKING


__docformat__ = "google"

if TYPE_CHECKING:
    from ours_experiments._codec.dicts import from_dict, to_dict
    from ours_experiments._http.pacing import SharedPacing
    from ours_experiments._http.retry import RetryPolicy
    from ours_experiments._pagination import Listing
    from ours_experiments._unset import UNSET, Unset
    from ours_experiments._version import __version__
    from ours_experiments.bulk.outcomes import BulkReport, Outcome, OutcomeStatus
    from ours_experiments.bulk.run import BulkRun
    from ours_experiments.client import Client
    from ours_experiments.drafts import (
        ExperimentPatch,
        NewExperiment,
        NewSettings,
        NewVariant,
        SettingsPatch,
        VariantPatch,
    )
    from ours_experiments.errors import (
        APIConnectionError,
        APIStatusError,
        APITimeoutError,
        AuthenticationError,
        BadRequestError,
        ConfigurationError,
        ConflictError,
        DecodeError,
        InternalServerError,
        NotFoundError,
        OursError,
        OutcomeUnknownError,
        PaginationError,
        PermissionDeniedError,
        PlanConflictsError,
        PlanRefusedError,
        RateLimitError,
        StalePlanError,
        UnexpectedResponseError,
        UnpublishedChangesError,
        UnsafePlanError,
    )
    from ours_experiments.models import (
        ChangedEntity,
        CollectionChanges,
        Day,
        DayVariant,
        DomAction,
        DomModification,
        DraftChanges,
        Experiment,
        ExperimentStatus,
        ExperimentType,
        Metric,
        Metrics,
        ModifiedEntity,
        Page,
        PublishStatus,
        QueryOperator,
        QueryParam,
        Results,
        SessionReplay,
        Settings,
        Style,
        TargetingRules,
        TimeSeries,
        Transition,
        Variant,
        VariantResult,
        VariantTotals,
        VariantType,
        Version,
        VersionSnapshot,
    )
    from ours_experiments.specs import (
        ApplyReport,
        Change,
        ChangeOutcome,
        ControlSpec,
        ExperimentSpec,
        FieldChange,
        Limits,
        MetricSpec,
        MetricsSpec,
        Plan,
        SpecError,
        TargetingSpec,
        VariantSpec,
        dump_specs,
        load_specs,
    )


__all__ = [
    "UNSET",
    "APIConnectionError",
    "APIStatusError",
    "APITimeoutError",
    "ApplyReport",
    "AuthenticationError",
    "BadRequestError",
    "BulkReport",
    "BulkRun",
    "Change",
    "ChangeOutcome",
    "ChangedEntity",
    "Client",
    "CollectionChanges",
    "ConfigurationError",
    "ConflictError",
    "ControlSpec",
    "Day",
    "DayVariant",
    "DecodeError",
    "DomAction",
    "DomModification",
    "DraftChanges",
    "Experiment",
    "ExperimentPatch",
    "ExperimentSpec",
    "ExperimentStatus",
    "ExperimentType",
    "FieldChange",
    "InternalServerError",
    "Limits",
    "Listing",
    "Metric",
    "MetricSpec",
    "Metrics",
    "MetricsSpec",
    "ModifiedEntity",
    "NewExperiment",
    "NewSettings",
    "NewVariant",
    "NotFoundError",
    "OursError",
    "Outcome",
    "OutcomeStatus",
    "OutcomeUnknownError",
    "Page",
    "PaginationError",
    "PermissionDeniedError",
    "Plan",
    "PlanConflictsError",
    "PlanRefusedError",
    "PublishStatus",
    "QueryOperator",
    "QueryParam",
    "RateLimitError",
    "Results",
    "RetryPolicy",
    "SessionReplay",
    "Settings",
    "SettingsPatch",
    "SharedPacing",
    "SpecError",
    "StalePlanError",
    "Style",
    "TargetingRules",
    "TargetingSpec",
    "TimeSeries",
    "Transition",
    "UnexpectedResponseError",
    "UnpublishedChangesError",
    "UnsafePlanError",
    "Unset",
    "Variant",
    "VariantPatch",
    "VariantResult",
    "VariantSpec",
    "VariantTotals",
    "VariantType",
    "Version",
    "VersionSnapshot",
    "__version__",
    "dump_specs",
    "from_dict",
    "load_specs",
    "to_dict",
]

MODULES: Mapping[str, tuple[str, ...]] = {
    "_codec.dicts": (
        "from_dict",
        "to_dict",
    ),
    "_http.pacing": ("SharedPacing",),
    "_http.retry": ("RetryPolicy",),
    "_pagination": ("Listing",),
    "_unset": (
        "UNSET",
        "Unset",
    ),
    "_version": ("__version__",),
    "bulk.outcomes": (
        "BulkReport",
        "Outcome",
        "OutcomeStatus",
    ),
    "bulk.run": ("BulkRun",),
    "client": ("Client",),
    "drafts": (
        "ExperimentPatch",
        "NewExperiment",
        "NewSettings",
        "NewVariant",
        "SettingsPatch",
        "VariantPatch",
    ),
    "errors": (
        "APIConnectionError",
        "APIStatusError",
        "APITimeoutError",
        "AuthenticationError",
        "BadRequestError",
        "ConfigurationError",
        "ConflictError",
        "DecodeError",
        "InternalServerError",
        "NotFoundError",
        "OursError",
        "OutcomeUnknownError",
        "PaginationError",
        "PermissionDeniedError",
        "PlanConflictsError",
        "PlanRefusedError",
        "RateLimitError",
        "StalePlanError",
        "UnexpectedResponseError",
        "UnpublishedChangesError",
        "UnsafePlanError",
    ),
    "models": (
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
    ),
    "specs": (
        "ApplyReport",
        "Change",
        "ChangeOutcome",
        "ControlSpec",
        "ExperimentSpec",
        "FieldChange",
        "Limits",
        "MetricSpec",
        "MetricsSpec",
        "Plan",
        "SpecError",
        "TargetingSpec",
        "VariantSpec",
        "dump_specs",
        "load_specs",
    ),
}
"""Where the public names are defined; a module loads when a name of it is used."""


def __getattr__(name: str) -> object:
    """Load a public name when it is first asked for.

    The pytest plugin and the command line's help live in this package, and neither
    should have to load an HTTP library.
    """
    for module, names in MODULES.items():
        if name in names:
            value = getattr(import_module(f"{__name__}.{module}"), name)
            globals()[name] = value
            return value
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    """Name what there is, loaded or not, for completion and `help()`."""
    return sorted({*globals(), *__all__})
