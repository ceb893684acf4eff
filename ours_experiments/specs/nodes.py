"""Read YAML and JSON, within bounds, into values that know their lines.

What YAML 1.1 and 1.2 read as different values is kept with its text, so that it can be
refused where the difference matters.
"""

import json
import re
from collections.abc import Iterator, Mapping
from datetime import date
from typing import Any, NoReturn, cast

import attrs

from ours_experiments.errors import ConfigurationError


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


CORE_WORDS: Mapping[str, bool | None] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL"), None),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}
CORE_INT = re.compile(r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+")
CORE_FLOAT = re.compile(
    r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?"
    r"|[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)"
)
TAG = "tag:yaml.org,2002:"
OLD_KINDS = frozenset(f"{TAG}{kind}" for kind in ("null", "bool", "int", "float"))


class UnreadableError(ValueError):
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

    def text_of(self, name: str) -> str | None:
        """Return the text of a field; None where it has none."""
        field = (self.fields or {}).get(name)
        value = None if field is None else field.node.value
        return value if isinstance(value, str) else None

    def plain(self) -> object:
        """Return the value without its lines."""
        if self.fields is not None:
            return {name: field.node.plain() for name, field in self.fields.items()}
        if self.items is not None:
            return [item.plain() for item in self.items]
        return self.value

    def add(self, node: "Node", key: "Node | None", line: int) -> None:
        """Add an element or a field."""
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
    """Read the one value of a JSON text, all of it at line 1."""
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
    """Return the node of a decoded value."""
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


def import_yaml() -> Any:
    """Import PyYAML."""
    try:
        import yaml  # noqa: PLC0415 - of an extra
    except ModuleNotFoundError:
        raise ConfigurationError(
            "YAML needs PyYAML: pip install 'ours-experiments[yaml]'"
        ) from None
    return yaml


def core_value(text: str) -> object:
    """Read a plain scalar as YAML 1.2 does."""
    if text in CORE_WORDS:
        return CORE_WORDS[text]
    if CORE_INT.fullmatch(text):
        base = {"0o": 8, "0x": 16}.get(text[:2], 10)
        return int(text, base)
    if CORE_FLOAT.fullmatch(text):
        return float(text.replace(".inf", "inf").replace(".nan", "nan").lower())
    return text


@attrs.define
class ScalarReader:
    """Read plain scalars by both versions of YAML."""

    yaml: Any
    loader: Any = attrs.field(
        default=attrs.Factory(lambda self: self.yaml.SafeLoader(""), takes_self=True)
    )

    def old_value(self, text: str) -> object:
        """Read a plain scalar as YAML 1.1 does."""
        tag = self.loader.resolve(self.yaml.ScalarNode, text, (True, False))
        if tag == f"{TAG}timestamp":
            return date.min
        if tag not in OLD_KINDS:
            return text
        return self.loader.construct_object(self.yaml.ScalarNode(tag, text))

    def is_text(self, text: str) -> bool:
        """Return whether a plain scalar is text in both versions."""
        try:
            return self.old_value(text) == text == core_value(text)
        except (ValueError, OverflowError):
            return False

    def node(self, text: str, line: int) -> Node:
        """Read a plain scalar, and note its text where the versions differ."""
        try:
            old, core = self.old_value(text), core_value(text)
        except (ValueError, OverflowError):
            raise UnreadableError(line, "a number with too many digits") from None
        if repr(old) == repr(core):
            return Node(line, core)
        return Node(line, core if isinstance(old, str) else old, written=text)


@attrs.define
class YamlReader:
    """Build nodes of the events of a YAML stream."""

    yaml: Any
    events: Iterator[Any]
    scalars: ScalarReader
    anchors: dict[str, Node | None] = attrs.field(factory=dict[str, "Node | None"])
    """What aliases repeat; None while it is being read."""
    aliases: int = 0

    def documents(self) -> Iterator[Node]:
        """Read the documents one by one."""
        for event in self.events:
            if isinstance(event, self.yaml.DocumentStartEvent):
                self.anchors.clear()
                node = self.node(next(self.events), 0)
                # The parser places an empty document where the next one begins.
                if node.is_null:
                    node.line = event.start_mark.line + 1
                yield node

    def node(self, event: Any, depth: int) -> Node:
        """Read the value that begins with an event."""
        line = event.start_mark.line + 1
        if isinstance(event, self.yaml.AliasEvent):
            return self.aliased(event.anchor, line)
        if event.anchor:
            self.anchors[event.anchor] = None
        if isinstance(event, self.yaml.ScalarEvent):
            self.check_tag(event, "str")
            is_plain = event.implicit[0] and not event.style and event.tag is None
            node = Node(line, event.value)
            if is_plain:
                node = self.scalars.node(event.value, line)
        else:
            self.check_tag(event, "map", "seq")
            if depth >= MAX_DEPTH:
                raise UnreadableError(line, TOO_DEEP)
            is_list = isinstance(event, self.yaml.SequenceStartEvent)
            node = (self.items if is_list else self.fields)(line, depth + 1)
        if event.anchor:
            self.anchors[event.anchor] = node
        return node

    def check_tag(self, event: Any, *kinds: str) -> None:
        """Refuse tags that YAML would build other objects of."""
        if event.tag not in (None, "!", *(f"{TAG}{kind}" for kind in kinds)):
            line = event.start_mark.line + 1
            raise UnreadableError(line, f"the tag {event.tag} is not supported")

    def items(self, line: int, depth: int) -> Node:
        """Read a list after its first event."""
        node = Node(line, items=[])
        while not isinstance(event := next(self.events), self.yaml.SequenceEndEvent):
            node.add(self.node(event, depth), None, event.start_mark.line + 1)
        return node

    def fields(self, line: int, depth: int) -> Node:
        """Read an object after its first event."""
        node = Node(line, fields={})
        while not isinstance(event := next(self.events), self.yaml.MappingEndEvent):
            key = self.node(event, depth)
            if isinstance(event, self.yaml.ScalarEvent):
                key = Node(key.line, event.value)
            if not isinstance(key.value, str):
                place = event.start_mark.line + 1
                raise UnreadableError(place, "the name of a field has to be text")
            event = next(self.events)
            node.add(self.node(event, depth), key, event.start_mark.line + 1)
        return node

    def aliased(self, anchor: str, line: int) -> Node:
        """Find what an alias repeats."""
        self.aliases += 1
        if self.aliases > MAX_ALIASES:
            raise UnreadableError(line, f"a file has at most {MAX_ALIASES} aliases")
        if anchor not in self.anchors:
            raise UnreadableError(line, f"the alias *{anchor} has no anchor")
        node = self.anchors[anchor]
        if node is None:
            raise UnreadableError(line, f"cyclic alias: *{anchor} is inside of itself")
        return node


def read_yaml(text: str) -> Iterator[Node]:
    """Read the documents of a YAML stream one by one."""
    yaml = import_yaml()
    # The parser in C is 8 times as fast where PyYAML was built with it.
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        events = yaml.parse(text, Loader=loader)
        yield from YamlReader(yaml, events, ScalarReader(yaml)).documents()
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = mark.line + 1 if mark else 1
        reason = error.problem or error.context
        raise UnreadableError(line, f"not YAML: {reason}") from None
    except yaml.YAMLError:
        raise UnreadableError(1, "not YAML: a character that YAML forbids") from None
