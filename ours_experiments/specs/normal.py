"""Normal forms: two spellings that mean the same to the service compare equal."""

import re
from collections.abc import Mapping
from typing import cast

import attrs
import orjson

from ours_experiments.models import (
    DomAction,
    DomModification,
    Metric,
    Metrics,
    QueryParam,
    TargetingRules,
)


CAPITAL = re.compile(r"[A-Z]")


def normal(value: object) -> object:
    """Return the normal form of a field's value."""
    if isinstance(value, DomModification):
        return normal_modification(value)
    if isinstance(value, QueryParam):
        return {
            "key": value.key,
            "operator": str(value.operator),
            "value": value.value,
        }
    if isinstance(value, Metric):
        return {"event_name": value.event_name or None, "funnel_id": value.funnel_id}
    if isinstance(value, tuple):
        return [normal(element) for element in cast("tuple[object, ...]", value)]
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return str(value) if isinstance(value, str) else value


def is_empty(value: TargetingRules | Metrics | Metric | None) -> bool:
    """Return whether an object means the same as null: it has only empty fields."""
    if value is None:
        return True
    contents = (getattr(value, field.name) for field in attrs.fields(type(value)))
    return all(
        is_empty(content) if isinstance(content, Metric) else not content
        for content in contents
    )


def normal_modification(value: DomModification) -> dict[str, object]:
    """Return the normal form of a change to the page.

    The service answers declarations and attributes beside the JSON text that it keeps.
    """
    normalized: dict[str, object] = {
        "selector": value.selector,
        "action": str(value.action),
    }
    if value.action == DomAction.SET_STYLE:
        styles = styles_of(value)
        if styles is not None:
            return normalized | {"styles": [list(style) for style in styles]}
    elif value.action == DomAction.SET_ATTRIBUTE:
        attribute = attribute_of(value)
        if attribute is not None:
            return normalized | {"attribute": attribute}
    elif value.action == DomAction.REMOVE:
        return normalized
    return normalized | {"value": value.value or ""}


def styles_of(value: DomModification) -> tuple[tuple[str, str], ...] | None:
    """Return declarations as pairs, names in kebab case; None where there are none."""
    if value.styles:
        pairs = [(style.property, style.value) for style in value.styles]
    else:
        parsed = parsed_object(value.value)
        if parsed is None:
            return None
        pairs = [(name, css_text(content)) for name, content in parsed.items()]
    # The service keeps one declaration for a property: the last one counts.
    return tuple({kebab(name): content for name, content in pairs if name}.items())


def attribute_of(value: DomModification) -> Mapping[str, object] | None:
    """Return attributes by name; None where there are none."""
    return (
        value.attribute if value.attribute is not None else parsed_object(value.value)
    )


def parsed_object(text: str | None) -> Mapping[str, object] | None:
    """Parse the text of a JSON object; None where it is something else."""
    try:
        parsed: object = orjson.loads(text or "")
    except ValueError:
        return None
    return cast("dict[str, object]", parsed) if isinstance(parsed, dict) else None


def css_text(value: object) -> str:
    """Return a CSS value as text; JSON may hold it as a number."""
    return value if isinstance(value, str) else orjson.dumps(value).decode()


def kebab(name: str) -> str:
    """Spell a CSS property in kebab case; those of the page's own keep their case."""
    if name.startswith("--"):
        return name
    return CAPITAL.sub(lambda match: f"-{match[0].lower()}", name)
