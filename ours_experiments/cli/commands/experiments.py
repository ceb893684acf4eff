"""Commands on single experiments: list, get, find, create, update."""

from pathlib import Path
from typing import Annotated, Literal

import attrs
from cyclopts import Parameter
from cyclopts.types import PositiveInt

import ours_experiments as ours
from ours_experiments.cli.context import Flag, InContext
from ours_experiments.cli.errors import NoSuchKeyError, UsageError
from ours_experiments.cli.output.formats import page_size, write_listing, write_one
from ours_experiments.cli.output.records import record_of
from ours_experiments.cli.selection import NO_FILTERS, Filters
from ours_experiments.models import (
    Experiment,
    ExperimentType,
    Metric,
    Metrics,
    TargetingRules,
)


COLUMNS = ("id", "name", "status", "key", "updated_at", "type")
SHOWN = 50

Clearable = Literal["description", "include-query-string", "targeting-rules", "metrics"]


@Parameter(name="*")
@attrs.frozen
class Fields:
    """What an experiment is made of, as options."""

    key: str | None = None
    """The stable name for use in code."""
    description: str | None = None
    """The hypothesis or a note."""
    traffic_allocation: float | None = None
    """Percent of the eligible traffic to enrol, 0 to 100."""
    include_query_string: Annotated[
        bool | None, Parameter(negative="--no-include-query-string")
    ] = None
    """Whether redirects keep the visitor's query string."""
    url_pattern: Annotated[list[str] | None, Parameter(consume_multiple=True)] = None
    """URLs to run on, as globs; replaces the former ones."""
    audience_id: str | None = None
    """An audience that visitors must belong to."""
    primary_event: str | None = None
    """The event that counts as a conversion."""
    secondary_event: Annotated[list[str] | None, Parameter(consume_multiple=True)] = (
        None
    )
    """Further events to track; replaces the former ones."""
    from_file: Annotated[Path | None, Parameter(name="--from")] = None
    """A file of fields, .json or .yaml; what options say counts more."""

    def changes_targeting(self) -> bool:
        """Tell whether a part of the targeting rules is given."""
        return self.url_pattern is not None or self.audience_id is not None

    def changes_metrics(self) -> bool:
        """Tell whether a part of the metrics is given."""
        return self.primary_event is not None or self.secondary_event is not None


NO_FIELDS = Fields()


async def list_experiments(
    *,
    filters: Filters = NO_FILTERS,
    limit: PositiveInt = SHOWN,
    all: Flag = False,
    context: InContext,
) -> int:
    """List experiments, most recently updated first.

    Args:
        filters: Which.
        limit: How many at most.
        all: Everything; json, jsonl and csv are written row by row as pages come.
    """
    cut = None if all else limit
    async with context.client() as client:
        listing = client.experiments.list(
            limit=page_size(cut), prefetch=all, **filters.arguments()
        )
        await write_listing(context, listing, Experiment, COLUMNS, cut)
    return 0


async def get(id: str, *, context: InContext) -> int:
    """Show one experiment with its variants.

    Args:
        id: The experiment.
    """
    async with context.client() as client:
        write_one(context, record_of(await client.experiments.retrieve(id)))
    return 0


async def find(key: str, *, context: InContext) -> int:
    """Show the experiment with a key.

    Args:
        key: The experiment's key.
    """
    async with context.client() as client:
        experiment = await client.experiments.find_by_key(key)
    if experiment is None:
        raise NoSuchKeyError(f"no experiment has the key {key!r}")
    write_one(context, record_of(experiment))
    return 0


async def create(
    name: str | None = None,
    *,
    settings: str | None = None,
    type: ExperimentType | None = None,
    control_weight: int | None = None,
    fields: Fields = NO_FIELDS,
    context: InContext,
) -> int:
    """Create an experiment in state draft.

    Args:
        name: The name for people.
        settings: The id of its settings; not needed where the account has just one.
        type: The kind.
        control_weight: Percent for the control, 1 to 100.
        fields: What it is made of.
    """
    from ours_experiments.cli import input_files as _drafts  # noqa: PLC0415 - not for help

    kind = ours.NewExperiment
    merged = _drafts.fields_from(context, fields.from_file, kind, Experiment)
    merged |= _drafts.given(
        name=name,
        experiment_settings_id=settings,
        type=type,
        control_weight=control_weight,
        **simple(fields),
        **nested(fields, merged.get("targeting_rules"), merged.get("metrics")),
    )
    async with context.client() as client:
        if "experiment_settings_id" not in merged:
            merged["experiment_settings_id"] = await only_settings(client)
        draft = _drafts.build(kind, merged)
        write_one(context, record_of(await client.experiments.create(draft)))
    return 0


async def update(
    id: str,
    *,
    name: str | None = None,
    clear: Annotated[tuple[Clearable, ...], Parameter(consume_multiple=True)] = (),
    fields: Fields = NO_FIELDS,
    context: InContext,
) -> int:
    """Change an experiment that is not completed.

    What is said of targeting and metrics is merged into what the experiment has.

    Args:
        id: The experiment.
        name: The name for people.
        clear: Fields to empty.
        fields: What to change.
    """
    from ours_experiments.cli import input_files as _drafts  # noqa: PLC0415 - not for help

    kind = ours.ExperimentPatch
    merged = _drafts.fields_from(context, fields.from_file, kind, Experiment)
    merged |= {field.replace("-", "_"): None for field in clear}
    merged |= _drafts.given(name=name, **simple(fields))
    async with context.client() as client:
        if fields.changes_targeting() or fields.changes_metrics():
            present = await client.experiments.retrieve(id)
            merged |= nested(
                fields,
                merged.get("targeting_rules", present.targeting_rules),
                merged.get("metrics", present.metrics),
            )
        patch = _drafts.build(kind, merged)
        write_one(context, record_of(await client.experiments.update(id, patch)))
    return 0


def simple(fields: Fields) -> dict[str, object]:
    """Give the fields that are options as they are."""
    return {
        "key": fields.key,
        "description": fields.description,
        "traffic_allocation": fields.traffic_allocation,
        "include_query_string": fields.include_query_string,
    }


def nested(fields: Fields, rules: object, metrics: object) -> dict[str, object]:
    """Merge options into the targeting rules and the metrics that there are."""
    merged: dict[str, object] = {}
    if fields.changes_targeting():
        changed = rules if isinstance(rules, TargetingRules) else TargetingRules()
        if fields.url_pattern is not None:
            changed = attrs.evolve(changed, url_patterns=fields.url_pattern)
        if fields.audience_id is not None:
            changed = attrs.evolve(changed, audience_id=fields.audience_id)
        merged["targeting_rules"] = changed
    if fields.changes_metrics():
        measured = metrics if isinstance(metrics, Metrics) else Metrics()
        if fields.primary_event is not None:
            primary = attrs.evolve(
                measured.primary or Metric(), event_name=fields.primary_event
            )
            measured = attrs.evolve(measured, primary=primary)
        if fields.secondary_event is not None:
            secondary = [Metric(event) for event in fields.secondary_event]
            measured = attrs.evolve(measured, secondary=secondary)
        merged["metrics"] = measured
    return merged


async def only_settings(client: "ours.Client") -> str:
    """Find the account's settings, where there is no choice.

    Raises:
        UsageError: There are several, or none.
    """
    settings = await client.settings.list()
    if len(settings) == 1:
        return settings[0].id
    raise UsageError(
        f"--settings is needed: the account has {len(settings)} of them",
        "`ours-experiments settings list` shows them",
    )
