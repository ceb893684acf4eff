"""Experiments, their variants and the sessions of their visitors."""

from datetime import datetime

import attrs

from ours_experiments.models._content import DomModification, Metrics, TargetingRules
from ours_experiments.models._enums import (
    ExperimentStatus,
    ExperimentType,
    PublishStatus,
    VariantType,
)


@attrs.frozen(kw_only=True)
class Variant:
    """A variant of an experiment."""

    id: str
    """The variant's identifier."""
    experiment_id: str
    """The identifier of the variant's experiment."""
    name: str
    """The name, as shown in results."""
    is_control: bool
    """Whether this is the control; an experiment has exactly one."""
    weight: int
    """Percent of the enrolled traffic, 0 to 100; the control gets the remainder."""
    variant_type: VariantType | str | None = None
    """How the variant changes the page; None: not at all, as for a control."""
    redirect_url: str | None = None
    """The path or https URL that visitors are redirected to; None: no redirect."""
    dom_modifications: tuple[DomModification, ...] | None = None
    """The changes to the page, in order; None for a redirect."""


@attrs.frozen(kw_only=True)
class Experiment:
    """An experiment."""

    id: str
    """The experiment's identifier."""
    key: str
    """The name for use in code; the API does not promise that it is unique."""
    name: str
    """The display name."""
    description: str | None = None
    """The hypothesis, or other text; None: no description."""
    type: ExperimentType | str | None = None
    """The type of experiment; None where the service names none."""
    status: ExperimentStatus | str
    """The state: draft, running, paused or completed."""
    created_at: datetime
    """The time of creation, in UTC."""
    updated_at: datetime | None = None
    """The time of the last change, in UTC; None: never changed."""
    started_at: datetime | None = None
    """The time of the last start or resume, in UTC; None: never started."""
    stopped_at: datetime | None = None
    """The time it was stopped, in UTC; None: not stopped."""
    traffic_allocation: float
    """Percent of the eligible traffic that is enrolled, 0 to 100."""
    include_query_string: bool | None = None
    """Whether redirects keep the query string of the page; None: not set."""
    winner_variant_id: str | None = None
    """The identifier of the declared winner, for reports only; None: no winner."""
    rollout_variant_id: str | None = None
    """The id of the variant that all visitors are served; None: no rollout."""
    targeting_rules: TargetingRules | None = None
    """The rules for which visitors and pages it runs; None: no rules."""
    metrics: Metrics | None = None
    """The metrics; None: none are set."""
    variants: tuple[Variant, ...] | None = None
    """The variants with the control.

    None where the answer carries none, as in lists. Empty where the API key lacks the
    scope `experiment:find`: an empty tuple means unknown, since every experiment has a
    control.
    """


@attrs.frozen
class Transition:
    """The result of a call that changes the state of an experiment."""

    experiment: Experiment
    """The experiment in its new state; its `variants` are None."""
    publish_status: PublishStatus | str | None = None
    """Whether the new state is live; None: unknown."""
    concurrent_version_changes: int | None = None
    """The unpublished changes of the account, with this one; None: unknown."""


@attrs.frozen(kw_only=True)
class SessionReplay:
    """A recorded session of a visitor who was assigned a variant."""

    session_id: str
    """The session's identifier."""
    visitor_id: str
    """The visitor's identifier."""
    variant_name: str
    """The name of the variant; may be empty once the variant is deleted."""
    start_time: datetime
    """The time of the first event, in UTC."""
    duration_seconds: int
    """Seconds between the first and the last event."""
    page_count: int
    """The number of different paths visited."""
    replay_url: str
    """The URL of the recording; it requires a login."""
