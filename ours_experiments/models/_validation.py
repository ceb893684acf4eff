"""Check that what stands inside of drafts can be sent.

What the service answers is never checked by these: it has to be read as it comes.
"""

from collections.abc import Mapping, Sequence

from ours_experiments._validation import (
    check_filled_text,
    check_mapping,
    check_optional_text,
    check_text,
    check_texts,
    to_instance,
)
from ours_experiments.errors import ConfigurationError
from ours_experiments.models._content import (
    DomModification,
    Metric,
    Metrics,
    TargetingRules,
)
from ours_experiments.models._enums import DomAction


ACTIONS_WITH_VALUE = frozenset[str](DomAction) - {DomAction.REMOVE}
INSTEAD_OF_VALUE: Mapping[str, str] = {
    DomAction.SET_STYLE: "styles",
    DomAction.SET_ATTRIBUTE: "attribute",
}


def check_targeting_rules(name: str, value: object) -> None:
    """Check for targeting rules that can be sent."""
    rules = to_instance(TargetingRules, name, value)
    check_texts(f"{name}.url_patterns", rules.url_patterns)
    check_optional_text(f"{name}.audience_id", rules.audience_id)
    check_mapping(f"{name}.visitor_properties", rules.visitor_properties)
    check_optional_text(f"{name}.visitor_status", rules.visitor_status)
    for index, param in enumerate(rules.query_params):
        at = f"{name}.query_params[{index}]"
        check_text(f"{at}.key", param.key)
        check_text(f"{at}.operator", param.operator)
        check_optional_text(f"{at}.value", param.value)
        check_mapping(f"{at}.additional_properties", param.additional_properties)
    check_mapping(f"{name}.additional_properties", rules.additional_properties)


def check_metrics(name: str, value: object) -> None:
    """Check for metrics that can be sent; a primary one needs its event's name."""
    metrics = to_instance(Metrics, name, value)
    if metrics.primary is not None:
        check_metric(f"{name}.primary", metrics.primary)
        check_filled_text(f"{name}.primary.event_name", metrics.primary.event_name)
    for index, secondary in enumerate(metrics.secondary):
        check_metric(f"{name}.secondary[{index}]", secondary)
    check_mapping(f"{name}.additional_properties", metrics.additional_properties)


def check_metric(name: str, value: object) -> None:
    """Check for a metric that can be sent."""
    metric = to_instance(Metric, name, value)
    check_optional_text(f"{name}.event_name", metric.event_name)
    check_optional_text(f"{name}.funnel_id", metric.funnel_id)
    check_mapping(f"{name}.additional_properties", metric.additional_properties)


def check_modifications(name: str, values: Sequence[DomModification]) -> None:
    """Check each modification for what its action needs."""
    for index, value in enumerate(values):
        check_modification(f"{name}[{index}]", value)


def check_modification(name: str, value: DomModification) -> None:
    """Check a modification for what its action needs."""
    check_text(f"{name}.selector", value.selector)
    check_text(f"{name}.action", value.action)
    check_optional_text(f"{name}.value", value.value)
    for index, style in enumerate(value.styles or ()):
        at = f"{name}.styles[{index}]"
        check_filled_text(f"{at}.property", style.property)
        check_text(f"{at}.value", style.value)
        check_mapping(f"{at}.additional_properties", style.additional_properties)
    check_mapping(f"{name}.attribute", value.attribute)
    check_mapping(f"{name}.additional_properties", value.additional_properties)
    if value.value is None and value.action in ACTIONS_WITH_VALUE:
        instead = INSTEAD_OF_VALUE.get(value.action)
        if instead is None:
            raise ConfigurationError(f"{name}.value must be given for {value.action}")
        if not getattr(value, instead):
            raise ConfigurationError(
                f"{name}.{instead} or value must be given for {value.action}"
            )
