"""How models and drafts look as JSON: every name spelled by hand, no codec used."""

from collections.abc import Callable, Iterable
from datetime import datetime
from functools import partial
from typing import TypeVar

from ours_experiments import drafts, models
from ours_experiments._unset import UNSET, Unset


Json = dict[str, object]
Finish = Callable[[Json], Json]
T = TypeVar("T")


def has_large_float(value: object) -> bool:
    """Return whether a float in a payload is beyond 64 bits."""
    if isinstance(value, dict):
        return any(map(has_large_float, value.values()))
    if isinstance(value, list):
        return any(map(has_large_float, value))
    return isinstance(value, float) and abs(value) >= 2**63


def keep(spelled: Json) -> Json:
    """Leave the nulls in, as the service does."""
    return spelled


def without_null(spelled: Json) -> Json:
    """Leave the nulls out, as the service may do and the client does."""
    return {name: value for name, value in spelled.items() if value is not None}


def without_unset(spelled: Json) -> Json:
    """Leave out what is not given."""
    return {name: value for name, value in spelled.items() if value is not UNSET}


def stamp(moment: datetime | None) -> str | None:
    """Spell a time as the service does."""
    return None if moment is None else moment.isoformat().replace("+00:00", "Z")


def array(spell: Callable[[T], object], values: Iterable[T] | None) -> object:
    """Spell a list, if there is one."""
    return None if values is None else [spell(value) for value in values]


def nullable(spell: Callable[[T], object], value: T | None) -> object:
    """Spell an object, if there is one."""
    return None if value is None else spell(value)


def query_param(value: models.QueryParam, finish: Finish = keep) -> Json:
    """Spell a condition on the query string."""
    known: Json = {
        "key": value.key,
        "operator": str(value.operator),
        "value": value.value,
    }
    return {**value.additional_properties, **finish(known)}


def targeting_rules(value: models.TargetingRules, finish: Finish = keep) -> Json:
    """Spell the rules of eligibility."""
    known: Json = {
        "urlPatterns": list(value.url_patterns),
        "audienceId": value.audience_id,
        "visitorProperties": value.visitor_properties,
        "visitorStatus": value.visitor_status,
        "queryParams": array(partial(query_param, finish=finish), value.query_params),
    }
    return {**value.additional_properties, **finish(known)}


def metric(value: models.Metric, finish: Finish = keep) -> Json:
    """Spell one metric."""
    known: Json = {"eventName": value.event_name, "funnelId": value.funnel_id}
    return {**value.additional_properties, **finish(known)}


def metrics(value: models.Metrics, finish: Finish = keep) -> Json:
    """Spell the metrics of an experiment."""
    known: Json = {
        "primary": nullable(partial(metric, finish=finish), value.primary),
        "secondary": array(partial(metric, finish=finish), value.secondary),
    }
    return {**value.additional_properties, **finish(known)}


def style(value: models.Style) -> Json:
    """Spell a CSS declaration."""
    known: Json = {"property": value.property, "value": value.value}
    return {**value.additional_properties, **known}


def modification(value: models.DomModification, finish: Finish = keep) -> Json:
    """Spell a change to the page."""
    known: Json = {
        "selector": value.selector,
        "action": str(value.action),
        "value": value.value,
        "styles": array(style, value.styles),
        "attribute": value.attribute,
    }
    return {**value.additional_properties, **finish(known)}


def variant(value: models.Variant, finish: Finish = keep) -> Json:
    """Spell a variant."""
    modifications = value.dom_modifications
    return finish(
        {
            "id": value.id,
            "experimentId": value.experiment_id,
            "name": value.name,
            "isControl": value.is_control,
            "weight": value.weight,
            "variantType": nullable(str, value.variant_type),
            "redirectUrl": value.redirect_url,
            "domModifications": array(
                partial(modification, finish=finish), modifications
            ),
        }
    )


def experiment(value: models.Experiment, finish: Finish = keep) -> Json:
    """Spell an experiment."""
    rules = partial(targeting_rules, finish=finish)
    return finish(
        {
            "id": value.id,
            "key": value.key,
            "name": value.name,
            "description": value.description,
            "type": nullable(str, value.type),
            "status": str(value.status),
            "createdAt": stamp(value.created_at),
            "updatedAt": stamp(value.updated_at),
            "startedAt": stamp(value.started_at),
            "stoppedAt": stamp(value.stopped_at),
            "trafficAllocation": value.traffic_allocation,
            "includeQueryString": value.include_query_string,
            "winnerVariantId": value.winner_variant_id,
            "rolloutVariantId": value.rollout_variant_id,
            "targetingRules": nullable(rules, value.targeting_rules),
            "metrics": nullable(partial(metrics, finish=finish), value.metrics),
            "variants": array(partial(variant, finish=finish), value.variants),
        }
    )


def transition(value: models.Transition, finish: Finish = keep) -> Json:
    """Spell the answer to a lifecycle call."""
    return finish(
        {
            "publishStatus": nullable(str, value.publish_status),
            "concurrentVersionChanges": value.concurrent_version_changes,
            "experiment": experiment(value.experiment, finish),
        }
    )


def results(value: models.Results, finish: Finish = keep) -> Json:
    """Spell the results of an experiment."""
    return finish(
        {
            "variants": [
                {
                    "id": row.id,
                    "name": row.name,
                    "isControl": row.is_control,
                    "impressions": row.impressions,
                    "conversions": row.conversions,
                    "conversionRate": row.conversion_rate,
                    "probabilityToBeBest": row.probability_to_be_best,
                }
                for row in value.variants
            ]
        }
    )


def time_series(value: models.TimeSeries, finish: Finish = keep) -> Json:
    """Spell the results by day."""
    return finish(
        {
            "days": [
                {
                    "date": day.date.isoformat(),
                    "variants": [
                        {
                            "id": row.id,
                            "impressions": row.impressions,
                            "conversions": row.conversions,
                            "conversionRate": row.conversion_rate,
                        }
                        for row in day.variants
                    ],
                }
                for day in value.days
            ]
        }
    )


def session_replay(value: models.SessionReplay, finish: Finish = keep) -> Json:
    """Spell a recorded session."""
    return finish(
        {
            "sessionId": value.session_id,
            "visitorId": value.visitor_id,
            "variantName": value.variant_name,
            "startTime": stamp(value.start_time),
            "durationSeconds": value.duration_seconds,
            "pageCount": value.page_count,
            "replayUrl": value.replay_url,
        }
    )


def settings(value: models.Settings, finish: Finish = keep) -> Json:
    """Spell settings."""
    return finish(
        {
            "id": value.id,
            "accountId": value.account_id,
            "name": value.name,
            "pixel": value.pixel,
            "cookieName": value.cookie_name,
            "whitelistDomains": array(str, value.whitelist_domains),
            "createdAt": stamp(value.created_at),
            "updatedAt": stamp(value.updated_at),
            "createdByUserId": value.created_by_user_id,
            "updatedByUserId": value.updated_by_user_id,
        }
    )


def version(value: models.Version, finish: Finish = keep) -> Json:
    """Spell a version."""
    return finish(
        {
            "id": value.id,
            "name": value.name,
            "versionNumber": value.version_number,
            "isPublished": value.is_published,
            "notes": value.notes,
            "createdAt": stamp(value.created_at),
            "publishedAt": stamp(value.published_at),
            "publishedByUserId": value.published_by_user_id,
            "publishedByUserName": value.published_by_user_name,
        }
    )


def changed_entity(value: models.ChangedEntity, finish: Finish = keep) -> Json:
    """Spell one side of a difference."""
    return finish(
        {
            "id": value.id,
            "name": value.name,
            "type": value.type,
            "summary": value.summary,
            "tagManagerId": value.tag_manager_id,
        }
    )


def draft_changes(value: models.DraftChanges, finish: Finish = keep) -> Json:
    """Spell the difference between the draft and what is live."""
    entity = partial(changed_entity, finish=finish)
    return {
        "count": value.count,
        "differences": {
            name: {
                "added": array(entity, changes.added),
                "removed": array(entity, changes.removed),
                "modified": [
                    {"old": entity(row.old), "new": entity(row.new)}
                    for row in changes.modified
                ],
            }
            for name, changes in value.differences.items()
        },
    }


def new_experiment(value: drafts.NewExperiment) -> Json:
    """Spell the body of a create."""
    rules = partial(targeting_rules, finish=without_null)
    return without_null(
        {
            "experimentSettingsId": value.experiment_settings_id,
            "name": value.name,
            "key": value.key,
            "description": value.description,
            "type": nullable(str, value.type),
            "trafficAllocation": value.traffic_allocation,
            "includeQueryString": value.include_query_string,
            "controlWeight": value.control_weight,
            "targetingRules": nullable(rules, value.targeting_rules),
            "metrics": nullable(partial(metrics, finish=without_null), value.metrics),
        }
    )


def given(spell: Callable[[T], object], value: T | Unset | None) -> object:
    """Spell a field of a patch; None and UNSET stay."""
    return value if value is None or value is UNSET else spell(value)


def experiment_patch(value: drafts.ExperimentPatch) -> Json:
    """Spell the body of an update."""
    rules = partial(targeting_rules, finish=without_null)
    return without_unset(
        {
            "key": value.key,
            "name": value.name,
            "description": value.description,
            "trafficAllocation": value.traffic_allocation,
            "includeQueryString": value.include_query_string,
            "targetingRules": given(rules, value.targeting_rules),
            "metrics": given(partial(metrics, finish=without_null), value.metrics),
        }
    )


def new_variant(value: drafts.NewVariant) -> Json:
    """Spell the body of a variant's create."""
    spell = partial(modification, finish=without_null)
    return without_null(
        {
            "experimentId": value.experiment_id,
            "name": value.name,
            "weight": value.weight,
            "variantType": nullable(str, value.variant_type),
            "redirectUrl": value.redirect_url,
            "domModifications": array(spell, value.dom_modifications),
            "isControl": value.is_control,
        }
    )


def variant_patch(value: drafts.VariantPatch) -> Json:
    """Spell the body of a variant's update."""
    spell = partial(array, partial(modification, finish=without_null))
    return without_unset(
        {
            "name": value.name,
            "weight": value.weight,
            "variantType": given(str, value.variant_type),
            "redirectUrl": value.redirect_url,
            "domModifications": given(spell, value.dom_modifications),
            "isControl": value.is_control,
        }
    )


def new_settings(value: drafts.NewSettings) -> Json:
    """Spell the body of a create of settings."""
    return without_null(
        {
            "name": value.name,
            "cookieName": value.cookie_name,
            "whitelistDomains": array(str, value.whitelist_domains),
        }
    )


def settings_patch(value: drafts.SettingsPatch) -> Json:
    """Spell the body of an update of settings."""
    return without_unset(
        {
            "name": value.name,
            "cookieName": value.cookie_name,
            "whitelistDomains": given(list[object], value.whitelist_domains),
        }
    )
