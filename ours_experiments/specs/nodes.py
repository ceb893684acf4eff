"""The content of a file before it is a spec: values with the lines they stand on."""

from collections.abc import Iterator

import attrs


MAX_BYTES = 16 * 2**20
"""Of a file."""
MAX_DEPTH = 50
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
