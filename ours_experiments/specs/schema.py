"""The JSON Schema of a spec, for editors and checks."""

import ast
import inspect
from collections.abc import Mapping
from itertools import pairwise
from textwrap import dedent
from typing import cast, get_origin

import attrs

from ours_experiments._codec.hooks import wire_name
from ours_experiments.specs.checks import OPTIONAL_RULES, RULES
from ours_experiments.specs.kinds import Kind, item_of, kinds_of
from ours_experiments.specs.parts import TargetingSpec, VariantSpec
from ours_experiments.specs.spec import ExperimentSpec


DIALECT = "https://json-schema.org/draft/2020-12/schema"
TYPES: Mapping[type, str] = {str: "string", bool: "boolean", int: "integer"}
LIMITS: Mapping[tuple[type, str], Mapping[str, object]] = {
    (ExperimentSpec, "key"): {"pattern": r"^\S([\s\S]*\S)?$"},
    (ExperimentSpec, "name"): {"pattern": r"\S"},
    (ExperimentSpec, "traffic_allocation"): {"minimum": 0, "maximum": 100},
    (TargetingSpec, "url_patterns"): {"maxItems": 200},
    (VariantSpec, "name"): {"pattern": r"\S"},
    (VariantSpec, "weight"): {"minimum": 0, "maximum": 99},
    (VariantSpec, "redirect_url"): {
        "pattern": r"^(/(?![/\\])|[Hh][Tt][Tt][Pp][Ss]://)"
    },
}
"""What an annotation does not describe."""


def spec_schema() -> dict[str, object]:
    """Return the JSON Schema (2020-12) of one document of a spec file."""
    definitions: dict[str, object] = {}
    root = object_schema(ExperimentSpec, definitions)
    properties = cast("dict[str, object]", root["properties"])
    properties["rules"] = rules_schema()
    properties["$schema"] = {"type": "string"}
    return {
        "$schema": DIALECT,
        "title": "An experiment of Ours Privacy",
        **root,
        "required": ["key"],
        "$defs": definitions,
    }


def object_schema(cls: type, definitions: dict[str, object]) -> dict[str, object]:
    """Return the schema of a class: fields in snake case, or in camel case."""
    texts = field_texts(cls)
    values = {
        name: kind_schema(kind, definitions) | dict(LIMITS.get((cls, name), {}))
        for name, kind in kinds_of(cls).items()
    }
    described = {
        name: {"description": texts[name], **value} if name in texts else value
        for name, value in values.items()
    }
    schema = {"type": "object", "properties": described, **camel_case(values)}
    required = [
        field.name
        for field in attrs.fields(cast("type[attrs.AttrsInstance]", cls))
        if field.default is attrs.NOTHING
    ]
    if required:
        schema["required"] = required
    if cls is VariantSpec:
        schema["anyOf"] = [{"required": ["name"]}, {"required": ["id"]}]
    return {**schema, "additionalProperties": False}


def camel_case(properties: Mapping[str, object]) -> dict[str, object]:
    """Return the other spelling of properties, where there is one.

    They are patterns, so that an editor completes one spelling only.
    """
    patterns = {
        f"^{wire_name(name)}$": value
        for name, value in properties.items()
        if wire_name(name) != name
    }
    return {"patternProperties": patterns} if patterns else {}


def kind_schema(kind: Kind, definitions: dict[str, object]) -> dict[str, object]:
    """Return the schema of what a field holds."""
    item = item_of(kind)
    if item is not None:
        schema: dict[str, object] = {
            "type": "array",
            "items": kind_schema(item, definitions),
        }
    elif get_origin(kind.type) is Mapping:
        schema = {"type": "object"}
    elif isinstance(kind.type, type) and attrs.has(kind.type):
        name = kind.type.__name__
        if name not in definitions:
            definitions[name] = {}
            definitions[name] = object_schema(kind.type, definitions)
        schema = {"$ref": f"#/$defs/{name}"}
    else:
        schema = {"type": TYPES[cast("type", kind.type)]}
    if kind.words:
        # A word of a later service is accepted, and an editor offers the known ones.
        words: dict[str, object] = {"enum": list(kind.words)}
        schema = {"anyOf": [words, schema]} if kind.open else words
    return nullable(schema) if kind.nullable else schema


def nullable(schema: dict[str, object]) -> dict[str, object]:
    """Let a schema accept null."""
    if isinstance(schema.get("type"), str):
        return {**schema, "type": [schema["type"], "null"]}
    return {"anyOf": [schema, {"type": "null"}]}


def rules_schema() -> dict[str, object]:
    """Return the schema of the rules for an analysis."""
    names = {int: "integer", float: "number"}
    properties: dict[str, object] = {
        name: {"type": [names[kind], "null"] if name in OPTIONAL_RULES else names[kind]}
        for name, kind in RULES.items()
    }
    return {
        "description": "Rules for `analyze`; they stay in the file.",
        "type": "object",
        "properties": properties,
        **camel_case(properties),
        "additionalProperties": False,
    }


def field_texts(cls: type) -> dict[str, str]:
    """Read the text beneath each field of a class; none without its source."""
    try:
        (tree,) = ast.parse(dedent(inspect.getsource(cls))).body
    except (OSError, SyntaxError, TypeError):
        return {}
    body = tree.body if isinstance(tree, ast.ClassDef) else []
    return {
        field.target.id: inspect.cleandoc(text.value.value)
        for field, text in pairwise(body)
        if isinstance(field, ast.AnnAssign)
        and isinstance(field.target, ast.Name)
        and isinstance(text, ast.Expr)
        and isinstance(text.value, ast.Constant)
        and isinstance(text.value.value, str)
    }
