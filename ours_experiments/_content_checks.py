"""What the objects inside of drafts may hold; see `_checks`."""

from collections.abc import Mapping

from ours_experiments._checks import (
    filled_text,
    json_object,
    kind_of,
    optional_text,
    text,
    texts,
)
from ours_experiments.errors import ConfigurationError
from ours_experiments.models import (
    DomAction,
    DomModification,
    Metric,
    Metrics,
    TargetingRules,
)


MAX_URL_PATTERNS = 200
MAX_URL_PATTERN_LENGTH = 2000
ACTIONS_WITH_VALUE = frozenset[str](DomAction) - {DomAction.REMOVE}
INSTEAD_OF_VALUE: Mapping[str, str] = {
    DomAction.SET_STYLE: "styles",
    DomAction.SET_ATTRIBUTE: "attribute",
}


def targeting_rules(name: str, value: object) -> None:
    """Refuse rules that the service would."""
    if not isinstance(value, TargetingRules):
        raise ConfigurationError(
            f"{name}: expected TargetingRules, got {kind_of(value)}"
        )
    if len(value.url_patterns) > MAX_URL_PATTERNS:
        raise ConfigurationError(
            f"{name}.url_patterns: at most {MAX_URL_PATTERNS} patterns"
        )
    texts(f"{name}.url_patterns", value.url_patterns)
    for index, pattern in enumerate(value.url_patterns):
        if len(pattern) > MAX_URL_PATTERN_LENGTH:
            raise ConfigurationError(
                f"{name}.url_patterns[{index}]: "
                f"at most {MAX_URL_PATTERN_LENGTH} characters"
            )
    optional_text(f"{name}.audience_id", value.audience_id)
    json_object(f"{name}.visitor_properties", value.visitor_properties)
    optional_text(f"{name}.visitor_status", value.visitor_status)
    for index, param in enumerate(value.query_params):
        at = f"{name}.query_params[{index}]"
        text(f"{at}.key", param.key)
        text(f"{at}.operator", param.operator)
        optional_text(f"{at}.value", param.value)
        json_object(f"{at}.additional_properties", param.additional_properties)
    json_object(f"{name}.additional_properties", value.additional_properties)


def metrics(name: str, value: object) -> None:
    """Refuse metrics that the service would."""
    if not isinstance(value, Metrics):
        raise ConfigurationError(f"{name}: expected Metrics, got {kind_of(value)}")
    if value.primary is not None:
        metric(f"{name}.primary", value.primary)
        filled_text(f"{name}.primary.event_name", value.primary.event_name)
    for index, secondary in enumerate(value.secondary):
        metric(f"{name}.secondary[{index}]", secondary)
    json_object(f"{name}.additional_properties", value.additional_properties)


def metric(name: str, value: object) -> None:
    """Refuse a metric that cannot be sent."""
    if not isinstance(value, Metric):
        raise ConfigurationError(f"{name}: expected Metric, got {kind_of(value)}")
    optional_text(f"{name}.event_name", value.event_name)
    optional_text(f"{name}.funnel_id", value.funnel_id)
    json_object(f"{name}.additional_properties", value.additional_properties)


def dom_modifications(name: str, values: tuple[DomModification, ...]) -> None:
    """Refuse modifications that the service would."""
    for index, value in enumerate(values):
        dom_modification(f"{name}[{index}]", value)


def dom_modification(name: str, value: DomModification) -> None:
    """Refuse a modification without what its action needs."""
    text(f"{name}.selector", value.selector)
    text(f"{name}.action", value.action)
    optional_text(f"{name}.value", value.value)
    for index, style in enumerate(value.styles or ()):
        at = f"{name}.styles[{index}]"
        filled_text(f"{at}.property", style.property)
        text(f"{at}.value", style.value)
        json_object(f"{at}.additional_properties", style.additional_properties)
    json_object(f"{name}.attribute", value.attribute)
    json_object(f"{name}.additional_properties", value.additional_properties)
    if value.value is None and value.action in ACTIONS_WITH_VALUE:
        instead = INSTEAD_OF_VALUE.get(value.action)
        if instead is None:
            raise ConfigurationError(f"{name}.value: {value.action} needs one")
        if not getattr(value, instead):
            raise ConfigurationError(
                f"{name}.{instead}: {value.action} needs this or a value"
            )
