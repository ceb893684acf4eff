"""Hypothesis strategies for models and drafts, and for their JSON."""

from collections.abc import Callable
from datetime import UTC
from enum import StrEnum
from typing import Any, TypeVar

import attrs
from hypothesis import strategies as st

from ours_experiments import drafts, models
from tests.support import wire


Json = wire.Json
T = TypeVar("T")
E = TypeVar("E", bound=StrEnum)

text = st.text(max_size=12)
filled_text = text.filter(lambda value: bool(value.strip()))
whole = st.integers(0, 2**53)
ratio = st.floats(0, 1) | st.integers(0, 1)
times = st.datetimes(timezones=st.just(UTC))

finite = st.floats(allow_nan=False, allow_infinity=False)
integers = st.integers(-(2**63), 2**64 - 1)
json_values = st.recursive(
    st.none() | st.booleans() | integers | finite | text,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(text, inner, max_size=3)
    ),
    max_leaves=8,
)
json_objects = st.dictionaries(text, json_values, max_size=2)
unknown_keys = st.dictionaries(
    text.map(lambda name: f"x{name}"), json_values, max_size=2
)


def word(enum: type[E]) -> st.SearchStrategy[E | str]:
    """Draw a member of an enum, or a word that it does not know."""
    return st.sampled_from(enum) | text.map(lambda value: f"new {value}")


def tuples(items: st.SearchStrategy[T]) -> st.SearchStrategy[tuple[T, ...]]:
    """Draw a short tuple."""
    return st.lists(items, max_size=3).map(tuple)


query_params = st.builds(
    models.QueryParam,
    text,
    word(models.QueryOperator),
    st.none() | text,
    additional_properties=unknown_keys,
)
targeting_rules = st.builds(
    models.TargetingRules,
    tuples(text),
    st.none() | text,
    json_values,
    st.none() | text,
    tuples(query_params),
    additional_properties=unknown_keys,
)
metric = st.builds(
    models.Metric,
    st.none() | text,
    st.none() | text,
    additional_properties=unknown_keys,
)
metrics = st.builds(
    models.Metrics,
    st.none() | metric,
    tuples(metric),
    additional_properties=unknown_keys,
)
styles = st.builds(models.Style, text, text, additional_properties=unknown_keys)
dom_modifications = st.builds(
    models.DomModification,
    text,
    word(models.DomAction),
    st.none() | text,
    st.none() | tuples(styles),
    json_values,
    additional_properties=unknown_keys,
)
variants = st.builds(
    models.Variant,
    id=text,
    experiment_id=text,
    name=text,
    is_control=st.booleans(),
    weight=whole,
    variant_type=st.none() | word(models.VariantType),
    redirect_url=st.none() | text,
    dom_modifications=st.none() | tuples(dom_modifications),
)
experiments = st.builds(
    models.Experiment,
    id=text,
    key=text,
    name=text,
    description=st.none() | text,
    type=st.none() | word(models.ExperimentType),
    status=word(models.ExperimentStatus),
    created_at=times,
    updated_at=st.none() | times,
    started_at=st.none() | times,
    stopped_at=st.none() | times,
    traffic_allocation=whole | st.floats(0, 100),
    include_query_string=st.none() | st.booleans(),
    winner_variant_id=st.none() | text,
    rollout_variant_id=st.none() | text,
    targeting_rules=st.none() | targeting_rules,
    metrics=st.none() | metrics,
    variants=st.none() | tuples(variants),
)
transitions = st.builds(
    models.Transition,
    experiments,
    st.none() | word(models.PublishStatus),
    st.none() | whole,
)
variant_results = st.builds(
    models.VariantResult,
    id=text,
    name=text,
    is_control=st.booleans(),
    impressions=whole,
    conversions=whole,
    conversion_rate=st.none() | ratio,
    probability_to_be_best=st.none() | ratio,
)
results = st.builds(models.Results, tuples(variant_results))
day_variants = st.builds(
    models.DayVariant,
    id=st.sampled_from("abc"),
    impressions=whole,
    conversions=whole,
    conversion_rate=st.none() | ratio,
)
days = st.builds(models.Day, st.dates(), tuples(day_variants))
time_series = st.builds(models.TimeSeries, tuples(days))
session_replays = st.builds(
    models.SessionReplay,
    session_id=text,
    visitor_id=text,
    variant_name=text,
    start_time=times,
    duration_seconds=whole,
    page_count=whole,
    replay_url=text,
)
settings = st.builds(
    models.Settings,
    id=text,
    account_id=text,
    name=text,
    pixel=text,
    cookie_name=st.none() | text,
    whitelist_domains=st.none() | tuples(text),
    created_at=times,
    updated_at=st.none() | times,
    created_by_user_id=st.none() | text,
    updated_by_user_id=st.none() | text,
)
versions = st.builds(
    models.Version,
    id=text,
    name=st.none() | text,
    version_number=whole,
    is_published=st.booleans(),
    notes=st.none() | text,
    created_at=times,
    published_at=st.none() | times,
    published_by_user_id=st.none() | text,
    published_by_user_name=st.none() | text,
)
changed_entities = st.builds(
    models.ChangedEntity,
    id=text,
    name=st.none() | text,
    type=st.none() | text,
    summary=st.none() | text,
    tag_manager_id=st.none() | text,
)
collection_changes = st.builds(
    models.CollectionChanges,
    tuples(changed_entities),
    tuples(changed_entities),
    tuples(st.builds(models.ModifiedEntity, changed_entities, changed_entities)),
)
draft_changes = st.builds(
    models.DraftChanges, whole, st.dictionaries(text, collection_changes, max_size=2)
)


def spelled(
    values: st.SearchStrategy[T], spell: Callable[[T, wire.Finish], Json]
) -> st.SearchStrategy[tuple[T, Json]]:
    """Draw a model with its JSON, nulls in it or left out."""
    finishes = st.sampled_from((wire.keep, wire.without_null))
    return st.tuples(values, finishes).map(lambda pair: (pair[0], spell(*pair)))


answers: st.SearchStrategy[tuple[object, Json]] = st.one_of(
    spelled(experiments, wire.experiment),
    spelled(variants, wire.variant),
    spelled(transitions, wire.transition),
    spelled(results, wire.results),
    spelled(time_series, wire.time_series),
    spelled(session_replays, wire.session_replay),
    spelled(settings, wire.settings),
    spelled(versions, wire.version),
    spelled(draft_changes, wire.draft_changes),
)
"""Everything that a call decodes, with its JSON."""

sent_params = query_params.filter(
    lambda value: (
        value.operator != "regex"
        and (value.value is not None or value.operator in {"exists", "not_exists"})
    )
)
sent_rules = st.builds(attrs.evolve, targeting_rules, query_params=tuples(sent_params))
sent_metrics = metrics.filter(
    lambda value: (
        value.primary is None
        or (value.primary.event_name is not None and value.primary.event_name.strip())
    )
)
sent_modifications = tuples(
    st.builds(
        attrs.evolve,
        dom_modifications.filter(
            lambda modification: (
                modification.value is not None
                and modification.action not in {"setStyle", "setAttribute"}
                and all(style.property.strip() for style in modification.styles or ())
            )
        ),
        attribute=st.none() | json_objects | st.lists(json_values, max_size=2),
    )
)
percent = st.integers(0, 100)
urls = text.map(lambda path: f"/x{path}") | st.just("https://www.example.com/x")


def patches(kind: type[T], **fields: st.SearchStrategy[object]) -> st.SearchStrategy[T]:
    """Draw a patch with at least one field."""
    return (
        st.fixed_dictionaries({}, optional=fields)
        .filter(bool)
        .map(lambda given: kind(**given))
    )


new_experiments = st.builds(
    drafts.NewExperiment,
    filled_text,
    filled_text,
    key=st.none() | text,
    description=st.none() | text,
    type=st.none() | st.sampled_from(models.ExperimentType),
    traffic_allocation=st.none() | percent | st.floats(0, 100),
    include_query_string=st.none() | st.booleans(),
    control_weight=st.none() | st.integers(1, 100),
    targeting_rules=st.none() | sent_rules,
    metrics=st.none() | sent_metrics,
)
experiment_patches = patches(
    drafts.ExperimentPatch,
    key=text,
    name=filled_text,
    description=st.none() | text,
    traffic_allocation=percent,
    include_query_string=st.none() | st.booleans(),
    targeting_rules=st.none() | sent_rules,
    metrics=st.none() | sent_metrics,
)
payloads: st.SearchStrategy[dict[str, Any]] = st.one_of(
    st.just({}),
    st.fixed_dictionaries({"redirect_url": urls}),
    st.fixed_dictionaries({"dom_modifications": sent_modifications}),
)


@st.composite
def new_variants(draw: st.DrawFn) -> drafts.NewVariant:
    """Draw a variant to create, with one payload or none."""
    return drafts.NewVariant(
        draw(filled_text),
        draw(filled_text),
        draw(percent),
        is_control=draw(st.none() | st.booleans()),
        **draw(payloads),
    )


variant_patches = st.one_of(
    patches(
        drafts.VariantPatch,
        name=filled_text,
        weight=percent,
        redirect_url=st.none() | urls,
        is_control=st.booleans(),
    ),
    patches(
        drafts.VariantPatch,
        dom_modifications=st.none() | sent_modifications,
        redirect_url=st.none(),
    ),
    st.builds(
        drafts.VariantPatch,
        variant_type=st.just(models.VariantType.REDIRECT),
        redirect_url=urls,
        dom_modifications=st.none(),
    ),
)
new_settings = st.builds(
    drafts.NewSettings,
    name=st.none() | filled_text,
    cookie_name=st.none() | text,
    whitelist_domains=st.none() | tuples(text),
)
settings_patches = patches(
    drafts.SettingsPatch,
    name=filled_text,
    cookie_name=st.none() | text,
    whitelist_domains=st.none() | tuples(text),
)


def sent(
    values: st.SearchStrategy[T], spell: Callable[[T], Json]
) -> st.SearchStrategy[tuple[T, Json]]:
    """Draw a draft with its JSON."""
    return values.map(lambda value: (value, spell(value)))


bodies: st.SearchStrategy[tuple[object, Json]] = st.one_of(
    sent(new_experiments, wire.new_experiment),
    sent(experiment_patches, wire.experiment_patch),
    sent(new_variants(), wire.new_variant),
    sent(variant_patches, wire.variant_patch),
    sent(new_settings, wire.new_settings),
    sent(settings_patches, wire.settings_patch),
)
"""Everything that a call encodes, with its JSON."""
