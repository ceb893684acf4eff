"""The content of a file before it is a spec: values with the lines they stand on."""

import json
from collections.abc import Iterator
from typing import NoReturn, cast

import attrs


MAX_BYTES = 16 * 2**20
"""Of a file."""
MAX_DEPTH = 50
TOO_DEEP = f"nested deeper than {MAX_DEPTH} levels"
MAX_VALUES = 100_000
"""Of a document, once what aliases repeat is written out."""
MAX_ALIASES = 1_000
"""Of a file."""
MAX_DOCUMENTS = 10_000
"""Of all files together."""


class UnreadableError(Exception):
    """A file cannot be read any further."""

    def __init__(self, line: int, message: str) -> None:
        super().__init__(message)
        self.line = line
        self.message = message


@attrs.define(eq=False)
class Node:
    """A value of a file."""

    line: int
    """Where it begins, from 1."""
    value: object = None
    """A scalar; None where there is an `items` or `fields`."""
    written: str | None = None
    """The text of a scalar that YAML 1.1 and 1.2 read as different values."""
    items: list["Node"] | None = None
    """The elements of a list."""
    fields: dict[str, "Field"] | None = None
    """The fields of an object."""
    repeated: list["Field"] = attrs.field(factory=list["Field"])
    """Fields of an object whose names were there before."""
    size: int = 1
    """How many values it is made of, itself included."""

    @property
    def is_null(self) -> bool:
        """Return whether it is null."""
        return self.items is None and self.fields is None and self.value is None

    def plain(self) -> object:
        """Return the value without its lines."""
        if self.fields is not None:
            return {name: field.node.plain() for name, field in self.fields.items()}
        if self.items is not None:
            return [item.plain() for item in self.items]
        return self.value

    def add(self, node: "Node", key: "Node | None", line: int) -> None:
        """Add an element or a field.

        Raises:
            UnreadableError: The document is too large.
        """
        self.size += node.size
        if self.size > MAX_VALUES:
            raise UnreadableError(line, f"a document has at most {MAX_VALUES} values")
        if self.items is not None:
            self.items.append(node)
        elif self.fields is not None and key is not None:
            field = Field(name=str(key.value), line=key.line, node=node)
            if field.name in self.fields:
                self.repeated.append(field)
            else:
                self.fields[field.name] = field


@attrs.frozen(eq=False)
class Field:
    """A field of an object."""

    name: str
    """Its name, as it is written."""
    line: int
    """Where the name stands."""
    node: Node
    """Its value."""


def walk(node: Node) -> Iterator[Node]:
    """Visit a value and all that is in it; what aliases repeat only once."""
    pending, seen = [node], {id(node)}
    while pending:
        current = pending.pop()
        yield current
        inside = list(current.items or ())
        inside += [field.node for field in (current.fields or {}).values()]
        for child in inside:
            if id(child) not in seen:
                seen.add(id(child))
                pending.append(child)


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
        raise UnreadableError(1, TOO_DEEP) from None
    except ValueError as error:
        reason = str(error).partition(":")[0]
        raise UnreadableError(1, f"not JSON: {reason}") from None
    yield node_of(value)


def refuse_constant(name: str) -> NoReturn:
    """Refuse `NaN` and `Infinity`, which JSON does not have."""
    raise ValueError(f"{name} is not JSON")


def node_of(value: object, depth: int = 0) -> Node:
    """Return the node of a decoded value.

    Raises:
        UnreadableError: It goes beyond the bounds.
    """
    if not isinstance(value, list):
        return Node(1, value)
    if depth >= MAX_DEPTH:
        raise UnreadableError(1, TOO_DEEP)
    if isinstance(value, Fields):
        node = Node(1, fields={})
        for name, item in value:
            node.add(node_of(item, depth + 1), Node(1, name), 1)
        return node
    node = Node(1, items=[])
    for item in cast("list[object]", value):
        node.add(node_of(item, depth + 1), None, 1)
    return node
