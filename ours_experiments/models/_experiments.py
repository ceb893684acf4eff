"""Experiments, their variants, and what can be seen of their visitors."""

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
    """One of the experiences that an experiment compares."""

    id: str
    """The variant's identifier."""
    experiment_id: str
    """The experiment that it belongs to."""
    name: str
    """The name shown in results."""
    is_control: bool
    """Whether this is the baseline; an experiment has exactly one."""
    weight: int
    """Percent of the enrolled traffic, 0 to 100; the control has what is left."""
    variant_type: VariantType | str | None = None
    """How it changes the page; None where it does not, as for a control."""
    redirect_url: str | None = None
    """The path or https URL of a redirect; None for other variants."""
    dom_modifications: tuple[DomModification, ...] | None = None
    """The changes to the page, in order; None for redirects."""


@attrs.frozen(kw_only=True)
class Experiment:
    """An experiment as the service knows it."""

    id: str
    """The experiment's identifier."""
    key: str
    """The stable name for use in code; not promised to be unique."""
    name: str
    """The name for people."""
    description: str | None = None
    """The hypothesis or a note."""
    type: ExperimentType | str | None = None
    """The kind; None where the service has none."""
    status: ExperimentStatus | str
    """Where it is in its life."""
    created_at: datetime
    """When it was created, UTC."""
    updated_at: datetime | None = None
    """When it was last changed, UTC; None until the first change."""
    started_at: datetime | None = None
    """When it last began to run, UTC; None before."""
    stopped_at: datetime | None = None
    """When it was completed, UTC; None before."""
    traffic_allocation: float
    """Percent of the eligible traffic that is enrolled, 0 to 100; mostly an int."""
    include_query_string: bool | None = None
    """Whether redirects keep the visitor's query string; None: not set."""
    winner_variant_id: str | None = None
    """The declared winner; for reports only."""
    rollout_variant_id: str | None = None
    """The variant that everyone is served after completion; None: nobody is."""
    targeting_rules: TargetingRules | None = None
    """Who is eligible; None: no rules were set."""
    metrics: Metrics | None = None
    """What is measured; None: nothing was set."""
    variants: tuple[Variant, ...] | None = None
    """The variants, control included; None where the answer carried none."""


@attrs.frozen
class Transition:
    """The outcome of a call that moves an experiment through its life."""

    experiment: Experiment
    """The experiment in its new state, mostly without `variants`."""
    publish_status: PublishStatus | str | None = None
    """Whether the new state is live; None: not known."""
    concurrent_version_changes: int | None = None
    """Unpublished changes of the account, this one included; None: not known."""


@attrs.frozen(kw_only=True)
class SessionReplay:
    """A recorded session of a visitor who saw an experiment."""

    session_id: str
    """The session's identifier."""
    visitor_id: str
    """The visitor's identifier."""
    variant_name: str
    """The variant that was served; may be empty once it is deleted."""
    start_time: datetime
    """When the session began, UTC."""
    duration_seconds: int
    """Seconds between its first and its last event."""
    page_count: int
    """How many different paths were visited."""
    replay_url: str
    """Where to watch it; needs a sign-in."""
