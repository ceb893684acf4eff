"""From the content of a document to a spec; every problem with its line."""

import re
from collections.abc import Mapping, Sequence
from typing import cast, get_origin

import attrs

from ours_experiments._codec.hooks import wire_name
from ours_experiments._unset import UNSET
from ours_experiments.specs.checks import RULES
from ours_experiments.specs.errors import Problem, SpecError
from ours_experiments.specs.kinds import (
    NULL_REFUSED,
    Kind,
    describe,
    item_of,
    kinds_of,
    spellings_of,
    suggestion,
)
from ours_experiments.specs.nodes import Field, Node, walk
from ours_experiments.specs.parts import ControlSpec, VariantSpec
from ours_experiments.specs.spec import ExperimentSpec


LAST_STEP = re.compile(r"(\.[^.\[]*|\[\d+\])$")
SCHEMA = "$schema"
"""A field for editors, at the top of a JSON file."""
CONTROL_WEIGHT = "the control has the weight that the treatments leave"
HINTS: Mapping[tuple[type, str], str] = {
    (ExperimentSpec, "control_weight"): CONTROL_WEIGHT,
    (ExperimentSpec, "controlWeight"): CONTROL_WEIGHT,
    (ControlSpec, "weight"): CONTROL_WEIGHT,
    (VariantSpec, "variant_type"): "the payload decides the type",
    (VariantSpec, "variantType"): "the payload decides the type",
    (VariantSpec, "is_control"): "the control has a field of its own, `control`",
    (VariantSpec, "isControl"): "the control has a field of its own, `control`",
}
"""Fields of the API that a spec leaves out, with the reason."""


@attrs.define
class DocumentReader:
    """Read one document."""

    file: str
    lines: dict[str, int] = attrs.field(factory=dict[str, int])
    """The line of each field, by its path."""
    problems: list[Problem] = attrs.field(factory=list[Problem])

    def read(self, node: Node) -> ExperimentSpec | None:
        """Return the spec of a document; None where it has problems."""
        self.lines[""] = node.line
        if node.fields is None:
            found = describe(node.plain())
            self.report("", f"expected the fields of an experiment, not {found}")
            return None
        for repeated in (field for inner in walk(node) for field in inner.repeated):
            self.report_line(repeated.line, f"{repeated.name} is given twice")
        values = self.values_of(ExperimentSpec, node, "")
        if "key" not in values:
            if "key" not in self.lines:
                self.report("key", "is missing")
            values["key"] = "missing"
        try:
            spec = ExperimentSpec(**values)  # type: ignore[arg-type]
        except SpecError as error:
            for problem in error.problems:
                self.report(problem.field, problem.message)
            return None
        return None if self.problems else spec

    def report(self, path: str, message: str) -> None:
        """Note a problem of a field."""
        line = self.line_of(path)
        self.problems.append(Problem(path, message, file=self.file, line=line))

    def report_line(self, line: int, message: str) -> None:
        """Note a problem of a line."""
        self.problems.append(Problem("", message, file=self.file, line=line))

    def line_of(self, path: str) -> int:
        """Return the line of a field, or of the nearest that it is in."""
        while path not in self.lines:
            path = LAST_STEP.sub("", path) if LAST_STEP.search(path) else ""
        return self.lines[path]

    def values_of(self, cls: type, node: Node, path: str) -> dict[str, object]:
        """Read the fields of an object; those with problems are left out."""
        names, kinds = spellings_of(cls), kinds_of(cls)
        values: dict[str, object] = {}
        prefix = f"{path}." if path else ""
        for field in (node.fields or {}).values():
            name = names.get(field.name)
            if name is None:
                self.unknown(cls, field, prefix)
                continue
            here = f"{prefix}{name}"
            if here in self.lines:
                self.report_line(field.line, f"{here} is given in both spellings")
                continue
            self.lines[here] = field.line
            value = self.value_of(kinds[name], field.node, here)
            if value is not UNSET:
                values[name] = value
        return values

    def unknown(self, cls: type, field: Field, prefix: str) -> None:
        """Report a field that the class does not have."""
        if cls is ExperimentSpec and field.name == SCHEMA:
            return
        hint = HINTS.get((cls, field.name))
        if hint is None:
            snake = field.name.islower()
            near = suggestion(
                field.name, list((kinds_of if snake else spellings_of)(cls))
            )
            hint = f"unknown field{near}"
        self.lines[f"{prefix}{field.name}"] = field.line
        self.report(f"{prefix}{field.name}", hint)

    def value_of(self, kind: Kind, node: Node, path: str) -> object:
        """Read a value; UNSET where it has a problem that is reported here.

        A value of another type is returned as it is: the spec refuses it.
        """
        item = item_of(kind)
        if node.is_null and not kind.nullable:
            self.report(path, NULL_REFUSED)
            return UNSET
        if item is not None and node.items is not None:
            return self.list_of(item, node.items, path)
        if node.fields is not None and get_origin(kind.type) is Mapping:
            return self.mapping_of(node, node.fields, path)
        if node.fields is not None and attrs.has(cast("type", kind.type)):
            return self.object_of(cast("type", kind.type), node, path)
        if node.written is not None and kind.type is not str:
            self.report(path, ambiguity(node))
            return UNSET
        return node.plain()

    def list_of(self, kind: Kind, items: Sequence[Node], path: str) -> object:
        """Read a list; UNSET where one of its elements has a problem."""
        values: list[object] = []
        for index, element in enumerate(items):
            here = f"{path}[{index}]"
            self.lines[here] = element.line
            values.append(self.value_of(kind, element, here))
        return UNSET if UNSET in values else tuple(values)

    def object_of(self, cls: type, node: Node, path: str) -> object:
        """Read an object; UNSET where a field that it needs is missing."""
        values = self.values_of(cls, node, path)
        complete = True
        for field in attrs.fields(cast("type[attrs.AttrsInstance]", cls)):
            if field.default is attrs.NOTHING and field.name not in values:
                complete = False
                if f"{path}.{field.name}" not in self.lines:
                    self.report(f"{path}.{field.name}", "is missing")
        return cls(**values) if complete else UNSET

    def mapping_of(self, node: Node, fields: Mapping[str, Field], path: str) -> object:
        """Read an object of any content."""
        doubtful = [inner for inner in walk(node) if inner.written is not None]
        for inner in doubtful:
            self.report_line(inner.line, f"{path}: {ambiguity(inner)}")
        for name, field in fields.items():
            self.lines[f"{path}.{name}"] = field.line
        value = cast("dict[str, object]", node.plain())
        if path == "rules":
            names = {wire_name(snake): snake for snake in RULES}
            value = {names.get(name, name): value[name] for name in value}
        return UNSET if doubtful else value


def ambiguity(node: Node) -> str:
    """Explain a scalar that two versions of YAML read as different values."""
    meaning = describe(node.value)
    return f"{node.written} may be text or {meaning}: quote it" + (
        "" if meaning == "a date" else f", or write {meaning}"
    )
