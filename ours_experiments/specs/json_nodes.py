"""Read JSON into nodes; the standard library's parser reports no lines."""

import json
import re
from bisect import bisect_left
from collections.abc import Iterator
from typing import NoReturn

import attrs

from ours_experiments.specs.nodes import MAX_DEPTH, Node, UnreadableError


SPACE = re.compile(r"[ \t\n\r]*")


def refuse_constant(name: str) -> NoReturn:
    """Refuse `NaN` and `Infinity`, which JSON does not have."""
    raise ValueError(f"{name} is not JSON")


SCALARS = json.JSONDecoder(parse_constant=refuse_constant)


@attrs.define
class JsonReader:
    """Read one JSON value."""

    text: str
    position: int = 0
    breaks: list[int] = attrs.field(factory=list[int])
    """Where the lines end."""

    def __attrs_post_init__(self) -> None:
        self.breaks = [match.start() for match in re.finditer("\n", self.text)]

    def line(self) -> int:
        """Return the line of the present position."""
        return bisect_left(self.breaks, self.position) + 1

    def fail(self, message: str) -> NoReturn:
        """Refuse the text at the present position."""
        raise UnreadableError(self.line(), f"not JSON: {message}")

    def peek(self) -> str:
        """Skip white space and return the next character; empty at the end."""
        match = SPACE.match(self.text, self.position)
        self.position = match.end() if match else self.position
        return self.text[self.position : self.position + 1]

    def expect(self, *characters: str) -> str:
        """Take one of these characters."""
        found = self.peek()
        if found not in characters or not found:
            self.fail(f"expected {' or '.join(characters)}")
        self.position += 1
        return found

    def scalar(self) -> Node:
        """Read a text, a number, true, false or null."""
        line = self.line()
        try:
            value, self.position = SCALARS.raw_decode(self.text, self.position)
        except json.JSONDecodeError as error:
            self.fail(error.msg)
        except ValueError as error:
            self.fail(str(error).partition(":")[0])
        return Node(line, value)

    def value(self, depth: int = 0) -> Node:
        """Read a value.

        Raises:
            UnreadableError: It is not JSON, or goes beyond the bounds.
        """
        opening = self.peek()
        if opening not in ("{", "["):
            return self.scalar()
        line = self.line()
        if depth >= MAX_DEPTH:
            raise UnreadableError(line, f"nested deeper than {MAX_DEPTH} levels")
        self.position += 1
        is_list, closing = opening == "[", "]" if opening == "[" else "}"
        node = Node(line, items=[]) if is_list else Node(line, fields={})
        if self.peek() == closing:
            self.position += 1
            return node
        while True:
            key = None
            if not is_list:
                if self.peek() != '"':
                    self.fail("expected the name of a field")
                key = self.scalar()
                self.expect(":")
            node.add(self.value(depth + 1), key, self.line())
            if self.expect(",", closing) == closing:
                return node


def read_json(text: str) -> Iterator[Node]:
    """Read the one value of a JSON text.

    Raises:
        UnreadableError: It is not JSON, or goes beyond the bounds.
    """
    reader = JsonReader(text)
    if not reader.peek():
        return
    node = reader.value()
    if reader.peek():
        reader.fail("more than one value")
    yield node
