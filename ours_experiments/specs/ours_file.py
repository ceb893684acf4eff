"""Read `ours.yaml`, which is for all the specs of a directory."""

from typing import cast

import attrs

from ours_experiments.specs.kinds import describe, suggestion
from ours_experiments.specs.nodes import Node


OURS = "ours.yaml"


@attrs.frozen
class Limits:
    """How much a plan may change of what visitors see."""

    changed: float = 0.3
    """The largest share of managed experiments, 0 to 1."""
    from_: int = 10
    """How many have to exist for the share to count."""


def read_ours(node: Node) -> tuple[dict[str, object], list[tuple[int, str]]]:
    """Read the fields of an `ours.yaml`, and find what is wrong with them."""
    values: dict[str, object] = {}
    problems = [(field.line, f"{field.name} is given twice") for field in node.repeated]
    readers = {"settings": read_settings, "owns": read_owns, "limits": read_limits}
    for name, field in (node.fields or {}).items():
        reader = readers.get(name)
        if reader is None:
            near = suggestion(name, list(readers))
            problems.append((field.line, f"{name}: unknown field{near}"))
            continue
        try:
            values[name] = reader(field.node)
        except ValueError as error:
            problems.append((field.line, f"{name}{error}"))
    return values, problems


def read_settings(node: Node) -> str:
    """Read the default settings' name or id."""
    if not isinstance(node.value, str) or not node.value.strip():
        raise ValueError(f": expected text, not {describe(node.plain())}")
    return node.value


def read_owns(node: Node) -> tuple[str, ...]:
    """Read the patterns of the keys that are owned."""
    if node.items is None:
        raise ValueError(f": expected a list of patterns, not {describe(node.plain())}")
    for item in node.items:
        if not isinstance(item.value, str) or not item.value.strip():
            raise ValueError(f": expected text, not {describe(item.plain())}: quote it")
    return tuple(str(item.value) for item in node.items)


def read_limits(node: Node) -> Limits:
    """Read the limits of a plan."""
    if node.fields is None:
        raise ValueError(f": expected fields, not {describe(node.plain())}")
    values = {name: field.node.value for name, field in node.fields.items()}
    unknown = [name for name in values if name not in ("changed", "from")]
    if unknown:
        near = suggestion(unknown[0], ["changed", "from"])
        raise ValueError(f".{unknown[0]}: unknown field{near}")
    changed, least = values.get("changed", 0.3), values.get("from", 10)
    is_share = type(changed) in (int, float) and 0 <= cast("float", changed) <= 1
    if not is_share:
        raise ValueError(f".changed: expected 0 to 1, not {describe(changed)}")
    if type(least) is not int or least < 0:
        raise ValueError(f".from: expected 0 or more, not {describe(least)}")
    return Limits(changed=float(cast("float", changed)), from_=least)
