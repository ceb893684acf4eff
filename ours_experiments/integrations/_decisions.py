"""The task that stops what is decided: its options, and its record."""

from collections.abc import Mapping
from typing import Any, TypeAlias, TypedDict

import attrs

from ours_experiments import (
    Client,
    ConfigurationError,
    OursError,
    OutcomeUnknownError,
    to_dict,
)
from ours_experiments._validation import check_bool
from ours_experiments._watching import to_events
from ours_experiments.analysis import Rules, UntrustworthyResultsError
from ours_experiments.integrations._records import error_record_of
from ours_experiments.models import ExperimentStatus


class DecisionOptions(TypedDict, total=False):
    """The options of the task that stops what is decided.

    Attributes:
        planned_sample: As in `Rules`, like the next six.
        mde: A relative effect; the run ends when every effect is smaller.
        alpha: The accepted rate of false winners, 0 to 1.
        min_days: Days with traffic before a treatment ships.
        min_conversions: Conversions that each arm needs.
        early_share: The part of `alpha` for looks before the planned sample.
        guardrail_margin: The relative loss that a guardrail may have.
        guardrails: Names of events that a treatment must not harm.
        rollout: Whether to serve the winner to all visitors.
        ship_others: Whether other unpublished changes may be published.
    """

    planned_sample: int | None
    mde: float | None
    alpha: float
    min_days: int
    min_conversions: int
    early_share: float
    guardrail_margin: float
    guardrails: list[str]
    rollout: bool
    ship_others: bool


DecisionRecord: TypeAlias = dict[str, object]
"""What became of the task, in plain JSON.

Keys: `experiment_id`; `status`: "applied", "already" (it was completed before),
"undecided", "failed", or "unknown"; `analysis`: as by `to_dict`, or None where there
was no decision; `publish_status`; and `error`: a dict or None.
"""

RULES = {field.name for field in attrs.fields(Rules)}


async def stop_when_decided(
    client: Client, experiment_id: str, options: Mapping[str, Any]
) -> DecisionRecord:
    """Stop an experiment if it is decided; return what became of it.

    Raises:
        ConfigurationError: An option is unknown or cannot be used.
    """
    unknown = options.keys() - DecisionOptions.__annotations__.keys()
    if unknown:
        raise ConfigurationError(f"options are unknown: {', '.join(sorted(unknown))}")
    rules = Rules(**{name: options[name] for name in options.keys() & RULES})
    guardrails = to_events(options.get("guardrails", ()))
    for name in ("rollout", "ship_others"):
        check_bool(name, options.get(name, False))
    record: DecisionRecord = {
        "experiment_id": experiment_id,
        "status": "undecided",
        "analysis": None,
        "publish_status": None,
        "error": None,
    }
    try:
        experiment = await client.experiments.retrieve(experiment_id)
        if experiment.status == ExperimentStatus.COMPLETED:
            # A task that is delivered again finds its work done.
            return record | {"status": "already"}
        decision = await client.experiments.stop_when_decided(
            experiment_id,
            rules=rules,
            guardrails=guardrails,
            rollout=options.get("rollout", False),
            ship_others=options.get("ship_others", False),
        )
    except ConfigurationError:
        raise
    except OursError as problem:
        return record | failure_record(problem)
    if decision is None:
        return record
    return record | {
        "status": "applied",
        "analysis": to_dict(decision.analysis),
        "publish_status": decision.transition.publish_status,
    }


def failure_record(problem: OursError) -> DecisionRecord:
    """Return what an error changes in the record."""
    status = "unknown" if isinstance(problem, OutcomeUnknownError) else "failed"
    record: DecisionRecord = {"status": status, "error": error_record_of(problem)}
    if isinstance(problem, UntrustworthyResultsError):
        record["analysis"] = to_dict(problem.analysis)
    return record
