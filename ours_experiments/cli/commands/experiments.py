"""Commands on single experiments: list, get, find, create, update."""

from pathlib import Path
from typing import Annotated, Literal

import attrs
from cyclopts import Parameter
from cyclopts.types import PositiveInt

import ours_experiments as ours
from ours_experiments.cli.context import Flag, InContext
from ours_experiments.cli.errors import (
    NoSuchKeyError,
    UsageError,
)
from ours_experiments.cli.output.records import record_of
from ours_experiments.cli.output.writers import page_size, write_listing, write_record
from ours_experiments.cli.parser import app, examples
from ours_experiments.cli.selection import NO_FILTERS, Filters
from ours_experiments.errors import ConfigurationError
from ours_experiments.models import (
    Experiment,
    ExperimentType,
    Metric,
    Metrics,
    TargetingRules,
)


COLUMNS = ("id", "name", "status", "key", "updated_at", "type")
DEFAULT_LIMIT = 50

Clearable = Literal["description", "include-query-string", "targeting-rules", "metrics"]


@Parameter(name="*")
@attrs.frozen
class Fields:
    """Fields of an experiment as options."""

    key: str | None = None
    """Stable name for use in code."""
    description: str | None = None
    """Hypothesis or note."""
    traffic_allocation: float | None = None
    """Percent of the eligible traffic to enrol, 0 to 100."""
    include_query_string: Annotated[
        bool | None, Parameter(negative="--no-include-query-string")
    ] = None
    """Whether redirects keep the visitor's query string."""
    url_pattern: Annotated[list[str] | None, Parameter(consume_multiple=True)] = None
    """URLs to run on, as globs; replaces the present ones."""
    audience_id: str | None = None
    """Audience that visitors must belong to."""
    primary_event: str | None = None
    """Event that counts as a conversion."""
    secondary_event: Annotated[list[str] | None, Parameter(consume_multiple=True)] = (
        None
    )
    """More events to track; replaces the present ones."""
    from_file: Annotated[Path | None, Parameter(name="--from")] = None
    """File of fields, .json or .yaml; options override it."""

    def changes_targeting(self) -> bool:
        """Return whether a part of the targeting rules is given."""
        return self.url_pattern is not None or self.audience_id is not None

    def changes_metrics(self) -> bool:
        """Return whether a part of the metrics is given."""
        return self.primary_event is not None or self.secondary_event is not None


NO_FIELDS = Fields()


@app.command(
    name="list",
    help_epilogue=examples(
        "list --status running --search hero",
        "list --all --format jsonl",
        "list --status draft --format csv --all > drafts.csv",
    ),
)
async def list_experiments(
    *,
    filters: Filters = NO_FILTERS,
    limit: PositiveInt = DEFAULT_LIMIT,
    all: Flag = False,
    context: InContext,
) -> int:
    """List experiments, most recently updated first.

    Args:
        filters: Properties of the experiments.
        limit: Experiments at most.
        all: List all; json, jsonl and csv are written as pages arrive.
    """
    maximum = None if all else limit
    async with context.client() as client:
        listing = client.experiments.list(
            limit=page_size(maximum), prefetch=all, **filters.arguments()
        )
        await write_listing(context, listing, Experiment, COLUMNS, maximum)
    return 0


@app.command(
    help_epilogue=examples("get exp_123", "get exp_123 --format json > experiment.json")
)
async def get(id: str, *, context: InContext) -> int:
    """Show one experiment with its variants.

    Args:
        id: Id of the experiment.
    """
    async with context.client() as client:
        write_record(context, record_of(await client.experiments.retrieve(id)))
    return 0


@app.command(help_epilogue=examples("find hero-headline"))
async def find(key: str, *, context: InContext) -> int:
    """Show the experiment with a key.

    Args:
        key: Key of the experiment.
    """
    async with context.client() as client:
        experiment = await client.experiments.find_by_key(key)
    if experiment is None:
        raise NoSuchKeyError(f"no experiment has the key {key!r}")
    write_record(context, record_of(experiment))
    return 0


@app.command(
    help_epilogue=examples(
        "create 'Hero headline' --primary-event signup",
        "create Hero --key hero --url-pattern '/' '/home*'",
        "create --from experiment.yaml --name 'A copy' --key copy",
    )
)
async def create(
    name: str | None = None,
    *,
    settings: str | None = None,
    type: ExperimentType | None = None,
    control_weight: int | None = None,
    allow_duplicate_key: Flag = False,
    fields: Fields = NO_FIELDS,
    context: InContext,
) -> int:
    """Create an experiment in state draft.

    Args:
        name: Name for people.
        settings: Id of its settings; default: the only settings of the account.
        type: Type of the experiment.
        control_weight: Percent of the traffic for the control, 1 to 100.
        allow_duplicate_key: Create it even if an experiment has the same key.
        fields: Fields of the experiment.
    """
    from ours_experiments.cli import creation, input_files  # noqa: PLC0415 - not for help

    kind = ours.NewExperiment
    path = fields.from_file
    payload = input_files.read_object(path)
    input_files.refuse_spec(path, payload)
    control, treatments = input_files.take_variants(path, payload)
    values = input_files.to_fields(context, f"--from {path}", payload, kind, Experiment)
    values |= input_files.given(
        name=name,
        experiment_settings_id=settings,
        type=type,
        control_weight=control_weight,
        **flat_values(fields),
        **nested_values(fields, values.get("targeting_rules"), values.get("metrics")),
    )
    key = values.get("key")
    if isinstance(key, str) and not key.strip():
        raise ConfigurationError("key: blank; leave it out to let the service choose")
    async with context.client() as client:
        if "experiment_settings_id" not in values:
            values["experiment_settings_id"] = await only_settings(client)
        draft = input_files.build_draft(kind, values)
        if draft.key is not None and not allow_duplicate_key:
            await creation.refuse_duplicate(client, draft.key)
        experiment = await client.experiments.create(draft)
        if control or treatments:
            await creation.create_variants(
                context, client, experiment, control, treatments
            )
            experiment = await client.experiments.retrieve(experiment.id)
        write_record(context, record_of(experiment))
    return 0


@app.command(
    help_epilogue=examples(
        "update exp_123 --traffic-allocation 50",
        "update exp_123 --primary-event purchase",
        "update exp_123 --clear description",
    )
)
async def update(
    id: str,
    *,
    name: str | None = None,
    clear: Annotated[tuple[Clearable, ...], Parameter(consume_multiple=True)] = (),
    fields: Fields = NO_FIELDS,
    context: InContext,
) -> int:
    """Change an experiment that is not completed.

    Options for targeting and metrics are values into those of the experiment.

    Args:
        id: Id of the experiment.
        name: Name for people.
        clear: Fields to empty.
        fields: Fields to change.
    """
    from ours_experiments.cli import input_files  # noqa: PLC0415 - not for help

    kind = ours.ExperimentPatch
    values = input_files.read_fields(context, fields.from_file, kind, Experiment)
    values |= {field.replace("-", "_"): None for field in clear}
    values |= input_files.given(name=name, **flat_values(fields))
    async with context.client() as client:
        if fields.changes_targeting() or fields.changes_metrics():
            present = await client.experiments.retrieve(id)
            values |= nested_values(
                fields,
                values.get("targeting_rules", present.targeting_rules),
                values.get("metrics", present.metrics),
            )
        patch = input_files.build_draft(kind, values)
        write_record(context, record_of(await client.experiments.update(id, patch)))
    return 0


def flat_values(fields: Fields) -> dict[str, object]:
    """Return the fields that are options as they are."""
    return {
        "key": fields.key,
        "description": fields.description,
        "traffic_allocation": fields.traffic_allocation,
        "include_query_string": fields.include_query_string,
    }


def nested_values(fields: Fields, rules: object, metrics: object) -> dict[str, object]:
    """Merge options into the present targeting rules and metrics."""
    values: dict[str, object] = {}
    if fields.changes_targeting():
        changed = rules if isinstance(rules, TargetingRules) else TargetingRules()
        if fields.url_pattern is not None:
            changed = attrs.evolve(changed, url_patterns=fields.url_pattern)
        if fields.audience_id is not None:
            changed = attrs.evolve(changed, audience_id=fields.audience_id)
        values["targeting_rules"] = changed
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
        values["metrics"] = measured
    return values


async def only_settings(client: "ours.Client") -> str:
    """Return the id of the only settings of the account.

    Raises:
        UsageError: There are several, or none.
    """
    settings = await client.settings.list()
    if len(settings) == 1:
        return settings[0].id
    raise UsageError(
        f"--settings is required: the account has {len(settings)} settings",
        "`ours-experiments settings list` shows them",
    )
