"""Read JSON into nodes; only syntax errors have their line."""

import json
from collections.abc import Iterator
from typing import NoReturn, cast

from ours_experiments.specs.nodes import MAX_DEPTH, Node, UnreadableError


class Fields(list[tuple[str, object]]):
    """The fields of an object in their order; a name may be there twice."""


def read_json(text: str) -> Iterator[Node]:
    """Read the one value of a JSON text, all of it at line 1.

    Raises:
        UnreadableError: It is not JSON, or goes beyond the bounds.
    """
    if not text.strip():
        return
    try:
        value: object = json.loads(
            text, object_pairs_hook=Fields, parse_constant=refuse_constant
        )
    except json.JSONDecodeError as error:
        raise UnreadableError(error.lineno, f"not JSON: {error.msg}") from None
    except RecursionError:
        raise too_deep() from None
    except ValueError as error:
        reason = str(error).partition(":")[0]
        raise UnreadableError(1, f"not JSON: {reason}") from None
    yield node_of(value)


def refuse_constant(name: str) -> NoReturn:
    """Refuse `NaN` and `Infinity`, which JSON does not have."""
    raise ValueError(f"{name} is not JSON")


def too_deep() -> UnreadableError:
    """Return the error of a value that is nested too deeply."""
    return UnreadableError(1, f"nested deeper than {MAX_DEPTH} levels")


def node_of(value: object, depth: int = 0) -> Node:
    """Return the node of a decoded value.

    Raises:
        UnreadableError: It goes beyond the bounds.
    """
    if not isinstance(value, list):
        return Node(1, value)
    if depth >= MAX_DEPTH:
        raise too_deep()
    if isinstance(value, Fields):
        node = Node(1, fields={})
        for name, item in value:
            node.add(node_of(item, depth + 1), Node(1, name), 1)
        return node
    node = Node(1, items=[])
    for item in cast("list[object]", value):
        node.add(node_of(item, depth + 1), None, 1)
    return node
