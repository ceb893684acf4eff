"""Read YAML into nodes, within bounds, and refuse what two YAML versions differ on."""

import re
from collections.abc import Iterator, Mapping
from datetime import date
from typing import Any

import attrs

from ours_experiments.errors import ConfigurationError
from ours_experiments.specs.nodes import (
    MAX_ALIASES,
    MAX_DEPTH,
    TOO_DEEP,
    Node,
    UnreadableError,
)


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


def import_yaml() -> Any:
    """Import PyYAML.

    Raises:
        ConfigurationError: It is not installed.
    """
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
        """Read a plain scalar, and note its text where the versions differ.

        Raises:
            UnreadableError: A number has too many digits.
        """
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

    scalars: ScalarReader
    documents: list[Node] = attrs.field(factory=list[Node])
    stack: list[tuple[Node, str | None]] = attrs.field(
        factory=list[tuple[Node, "str | None"]]
    )
    """The lists and objects that are open, with their anchors."""
    keys: list[Node | None] = attrs.field(factory=list["Node | None"])
    """For each open object the name that waits for its value."""
    anchors: dict[str, Node] = attrs.field(factory=dict[str, Node])
    aliases: int = 0
    started: int = 1
    """The line where the document begins."""

    def take(self, event: Any) -> None:
        """Take the next event.

        Raises:
            UnreadableError: The document goes beyond the bounds.
        """
        yaml, line = self.scalars.yaml, event.start_mark.line + 1
        if isinstance(event, yaml.DocumentStartEvent):
            self.anchors.clear()
            self.started = line
        elif isinstance(event, yaml.AliasEvent):
            self.put(self.aliased(event.anchor, line), line)
        elif isinstance(event, yaml.ScalarEvent):
            node = self.scalar(event, line)
            if event.anchor:
                self.anchors[event.anchor] = node
            self.put(node, line)
        elif isinstance(event, yaml.CollectionStartEvent):
            self.open(event, line)
        elif isinstance(event, yaml.CollectionEndEvent):
            node, anchor = self.stack.pop()
            self.keys.pop()
            if anchor:
                self.anchors[anchor] = node
            self.put(node, node.line)

    def scalar(self, event: Any, line: int) -> Node:
        """Read a scalar."""
        tag = event.tag
        if tag not in (None, "!", f"{TAG}str"):
            raise UnreadableError(line, f"the tag {tag} is not supported")
        is_name = self.stack and self.stack[-1][0].fields is not None
        if is_name and self.keys[-1] is None:
            return Node(line, event.value)
        if tag is None and event.implicit[0] and event.style in (None, ""):
            return self.scalars.node(event.value, line)
        return Node(line, event.value)

    def open(self, event: Any, line: int) -> None:
        """Begin a list or an object."""
        if event.tag not in (None, "!", f"{TAG}map", f"{TAG}seq"):
            raise UnreadableError(line, f"the tag {event.tag} is not supported")
        if len(self.stack) >= MAX_DEPTH:
            raise UnreadableError(line, TOO_DEEP)
        is_list = isinstance(event, self.scalars.yaml.SequenceStartEvent)
        node = Node(line, items=[]) if is_list else Node(line, fields={})
        self.stack.append((node, event.anchor))
        self.keys.append(None)

    def aliased(self, anchor: str, line: int) -> Node:
        """Find what an alias repeats."""
        self.aliases += 1
        if self.aliases > MAX_ALIASES:
            raise UnreadableError(line, f"a file has at most {MAX_ALIASES} aliases")
        if any(open_anchor == anchor for _, open_anchor in self.stack):
            raise UnreadableError(line, f"cyclic alias: *{anchor} is inside of itself")
        if anchor not in self.anchors:
            raise UnreadableError(line, f"the alias *{anchor} has no anchor")
        return self.anchors[anchor]

    def put(self, node: Node, line: int) -> None:
        """Put a value where it belongs."""
        if not self.stack:
            # The parser places an empty document where the next one begins.
            node.line = self.started if node.is_null else node.line
            self.documents.append(node)
            return
        parent, _ = self.stack[-1]
        if parent.fields is None:
            parent.add(node, None, line)
        elif self.keys[-1] is None:
            if not isinstance(node.value, str):
                raise UnreadableError(line, "the name of a field has to be text")
            self.keys[-1] = node
        else:
            parent.add(node, self.keys[-1], line)
            self.keys[-1] = None


def read_yaml(text: str) -> Iterator[Node]:
    """Read the documents of a YAML stream one by one.

    Raises:
        UnreadableError: It is not YAML, or goes beyond the bounds.
        ConfigurationError: PyYAML is not installed.
    """
    yaml = import_yaml()
    reader = YamlReader(ScalarReader(yaml))
    # The parser in C is 8 times as fast where PyYAML was built with it.
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        for event in yaml.parse(text, Loader=loader):
            reader.take(event)
            if isinstance(event, yaml.DocumentEndEvent):
                yield reader.documents[-1]
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = mark.line + 1 if mark else 1
        reason = error.problem or error.context
        raise UnreadableError(line, f"not YAML: {reason}") from None
    except yaml.YAMLError:
        raise UnreadableError(1, "not YAML: a character that YAML forbids") from None
