"""Check the parts of drafts before they are sent.

Refused is what cannot be sent, and what the service accepts and then ignores. Actions
and operators that this version does not know pass: they may be newer. Answers of the
service are not checked here, since they have to be read as they come.
"""

import json
import re
import warnings
from collections.abc import Mapping, Sequence
from typing import cast

from ours_experiments._validation import (
    check_filled_text,
    check_json,
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
    QueryParam,
    TargetingRules,
)
from ours_experiments.models._enums import DomAction, QueryOperator


ACTIONS_WITH_VALUE = frozenset[str](DomAction) - {DomAction.REMOVE}
INSTEAD_OF_VALUE: Mapping[str, str] = {
    DomAction.SET_STYLE: "styles",
    DomAction.SET_ATTRIBUTE: "attribute",
}
"""Fields of actions that take an object, which may stand as JSON text in `value`."""
OPERATORS_WITH_VALUE = frozenset[str](QueryOperator) - {
    QueryOperator.EXISTS,
    QueryOperator.NOT_EXISTS,
}
JAVASCRIPT_SYNTAX = re.compile(
    r"\\.|\[\^?\]|\[\^?(?:\\.|[^\]\\])+\]|\(\?<(?![=!])", re.DOTALL
)
"""Escapes, character sets (`[]` is empty), and named groups, written without a P."""
REGEX_ERRORS = re.compile(
    r"unbalanced|unterminated|nothing to repeat|multiple repeat|end of pattern"
    r"|greater than max|bad character range"
)
"""Messages of `re` about patterns that JavaScript refuses as well."""


def check_targeting_rules(name: str, value: object) -> None:
    """Check for targeting rules that can be sent."""
    rules = to_instance(TargetingRules, name, value)
    check_texts(f"{name}.url_patterns", rules.url_patterns)
    check_optional_text(f"{name}.audience_id", rules.audience_id)
    check_json(f"{name}.visitor_properties", rules.visitor_properties)
    check_optional_text(f"{name}.visitor_status", rules.visitor_status)
    for index, param in enumerate(rules.query_params):
        check_query_param(f"{name}.query_params[{index}]", param)
    check_mapping(f"{name}.additional_properties", rules.additional_properties)


def check_query_param(name: str, param: QueryParam) -> None:
    """Check a condition for the value that its operator needs."""
    check_text(f"{name}.key", param.key)
    check_text(f"{name}.operator", param.operator)
    check_optional_text(f"{name}.value", param.value)
    check_mapping(f"{name}.additional_properties", param.additional_properties)
    if param.value is None:
        if param.operator in OPERATORS_WITH_VALUE:
            raise ConfigurationError(
                f"{name}.value must be given for {param.operator}: without one the "
                "condition matches no visitor"
            )
    elif param.operator == QueryOperator.REGEX:
        check_regex(f"{name}.value", param.value)


def to_python_syntax(match: re.Match[str]) -> str:
    """Return what Python writes for a part of a JavaScript pattern."""
    return {"(?<": "(?P<", "[]": "(?!)", "[^]": "."}.get(match[0], match[0])


def check_regex(name: str, pattern: str) -> None:
    """Check a regular expression, as far as Python and JavaScript agree."""
    try:
        with warnings.catch_warnings(action="ignore"):
            re.compile(JAVASCRIPT_SYNTAX.sub(to_python_syntax, pattern))
    except re.error as error:
        if REGEX_ERRORS.search(error.msg) and "\\" not in error.msg:
            raise ConfigurationError(
                f"{name} must be a regular expression: {error.msg}"
            ) from None
    except (OverflowError, RecursionError):
        pass  # A limit of Python's, not a mistake in the pattern.


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
    check_attribute(f"{name}.attribute", value.attribute)
    check_mapping(f"{name}.additional_properties", value.additional_properties)
    instead = INSTEAD_OF_VALUE.get(value.action)
    if instead is not None:
        if not getattr(value, instead):
            check_object_value(name, value, instead)
    elif value.value is None and value.action in ACTIONS_WITH_VALUE:
        raise ConfigurationError(f"{name}.value must be given for {value.action}")


def check_attribute(name: str, value: object) -> None:
    """Check attributes: a mapping, or an array where the service answered one."""
    if isinstance(value, list):
        check_json(name, cast("object", value))
    else:
        check_mapping(name, value)


def check_object_value(name: str, value: DomModification, instead: str) -> None:
    """Check the value of an action that takes a JSON object."""
    if value.value is None:
        raise ConfigurationError(
            f"{name}.{instead} or value must be given for {value.action}"
        )
    try:
        is_object = isinstance(json.loads(value.value), dict)
    except (ValueError, RecursionError):
        is_object = False
    if not is_object:
        raise ConfigurationError(
            f"{name}.value must be a JSON object for {value.action}, which ignores "
            f"plain text; or use {instead}"
        )
