"""Drafts from files and options."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TypeAlias, TypeVar, cast

import attrs

from ours_experiments._codec.converter import decode, decode_entities
from ours_experiments.cli.context import Context
from ours_experiments.cli.field_names import (
    NESTED,
    spellings,
    to_wire_names,
    unknown_field,
)
from ours_experiments.cli.text_input import read_text
from ours_experiments.drafts import NewVariant
from ours_experiments.errors import ConfigurationError, DecodeError
from ours_experiments.models import DomModification, Metrics, TargetingRules, Variant


D = TypeVar("D")
Values: TypeAlias = Mapping[object, object]

YAML_SUFFIXES = frozenset({".yaml", ".yml"})
MAX_VALUES = 100_000
MAX_DEPTH = 50
"""Limits of a file; a draft has a few hundred values, 6 levels deep."""

SPEC_FIELDS = frozenset({"state", "rules", "settings", "control", "winner", "rollout"})
"""Fields of experiments as code that neither a draft nor an answer of the API has."""
NO_EXPERIMENT = "-"
"""In place of the id of an experiment that is not created yet."""
DECODED: Mapping[str, type[TargetingRules] | type[Metrics]] = {
    "targeting_rules": TargetingRules,
    "metrics": Metrics,
}


def read_fields(
    context: Context, path: Path | None, draft: type, model: type
) -> dict[str, object]:
    """Read the fields of a draft from a file, spelled as here or as in the API.

    Args:
        context: For a note about fields that are not sent.
        path: JSON, or YAML by its suffix; `-` is standard input; None: no fields.
        draft: The class of the draft.
        model: The class of the API's answer. Its other fields are skipped, so that
            the output of `get --format json` can be sent back.

    Raises:
        ConfigurationError: The file cannot be read, or has an unknown field.
    """
    payload = read_object(path)
    return to_fields(context, f"--from {path}", payload, draft, model)


def read_object(path: Path | None) -> dict[str, object]:
    """Read a file with one object; None: an empty object.

    Raises:
        ConfigurationError: The file cannot be read, or holds something else.
    """
    if path is None:
        return {}
    payload = parse_file(path)
    if not isinstance(payload, dict):
        raise ConfigurationError(f"--from {path}: expected an object of fields")
    return cast("dict[str, object]", payload)


def refuse_spec(path: Path | None, payload: Mapping[str, object]) -> None:
    """Refuse a file of experiments as code.

    Raises:
        ConfigurationError: It has a field that only such a file has.
    """
    for name in payload:
        if name in SPEC_FIELDS:
            raise ConfigurationError(
                f"--from {path}: {name} belongs to experiments as code: "
                f"ours-experiments apply {path}"
            )


def to_fields(
    context: Context | None,
    source: str,
    payload: Mapping[str, object],
    draft: type,
    model: type,
) -> dict[str, object]:
    """Convert an object from a file to the fields of a draft.

    Args:
        context: For a note about fields that are not sent; None: no note.
        source: The place of the object, for errors.
        payload: The object.
        draft: The class of the draft.
        model: The class of the API's answer, whose other fields are skipped.

    Raises:
        ConfigurationError: A field is unknown, or a value has another shape.
    """
    known = spellings(draft)
    read_only = spellings(model)
    fields: dict[str, object] = {}
    skipped: list[str] = []
    for key, value in payload.items():
        if key in known:
            fields[known[key]] = build_content(source, known[key], value)
        # What `get` writes holds ids and times, which can be read and not sent.
        elif key in read_only:
            skipped.append(key)
        else:
            raise unknown_field(source, key, known)
    if skipped and context is not None:
        context.note(f"not sent, since they cannot be set: {', '.join(skipped)}")
    return fields


def take_variants(
    path: Path | None, payload: dict[str, object]
) -> tuple[Mapping[str, object] | None, list[NewVariant]]:
    """Take the variants out of the object of an experiment.

    Returns:
        The fields of the control, and drafts of the treatments. The drafts still need
        the id of their experiment.

    Raises:
        ConfigurationError: They are no list of objects, or a draft refuses a field.
    """
    variants: object = payload.pop("variants", None) or []
    source = f"--from {path}: variants"
    if not isinstance(variants, list):
        raise ConfigurationError(f"{source}: expected a list")
    control: Mapping[str, object] | None = None
    treatments: list[NewVariant] = []
    for index, variant in enumerate(cast("list[object]", variants)):
        if not isinstance(variant, dict):
            raise ConfigurationError(f"{source}[{index}]: expected an object")
        item = cast("dict[str, object]", variant)
        fields = to_fields(None, f"{source}[{index}]", item, NewVariant, Variant)
        # The service creates the control, and gives it the weight that is left.
        if fields.pop("is_control", None):
            control = fields
        else:
            fields["experiment_id"] = NO_EXPERIMENT
            treatments.append(build_draft(NewVariant, fields))
    return control, treatments


def parse_file(path: Path) -> object:
    """Parse a file.

    Raises:
        ConfigurationError: It has a syntax error, or is larger than any draft.
    """
    source = f"--from {path}"
    text = read_text(path, source)
    try:
        parse = parse_yaml if path.suffix.lower() in YAML_SUFFIXES else json.loads
        loaded = parse(text)
    except ModuleNotFoundError:
        raise ConfigurationError(
            f"{source}: YAML needs PyYAML: install the extra `cli`"
        ) from None
    except ValueError as problem:
        raise ConfigurationError(f"{source}: {problem}") from None
    except RecursionError:
        loaded = None
    if loaded is None or not is_bounded(loaded):
        raise ConfigurationError(
            f"{source}: it is empty, too large or nested too deeply"
        )
    return loaded


def parse_yaml(text: str) -> object:
    """Parse YAML into plain values."""
    import yaml  # noqa: PLC0415 - not for help

    try:
        return cast("object", yaml.safe_load(text))
    except yaml.YAMLError as problem:
        raise ValueError(" ".join(str(problem).split())) from None


def is_bounded(loaded: object) -> bool:
    """Return whether a value is small after its references are expanded.

    A few lines of YAML can contain themselves, or stand for gigabytes.
    """
    pending = [(loaded, 0)]
    for _ in range(MAX_VALUES):
        if not pending:
            return True
        value, depth = pending.pop()
        if depth > MAX_DEPTH:
            return False
        if isinstance(value, dict):
            pending += ((item, depth + 1) for item in cast("Values", value).values())
        elif isinstance(value, list):
            pending += ((item, depth + 1) for item in cast("list[object]", value))
    return False


def build_content(source: str, field: str, value: object) -> object:
    """Build the objects within a draft.

    Raises:
        ConfigurationError: A field is unknown, or the value has another shape.
    """
    at = f"$.{field}"
    if value is None or field not in NESTED:
        return value
    try:
        payload = to_wire_names(value, NESTED[field], f"{source}: {field}")
        if field == "dom_modifications":
            return decode_entities(DomModification, payload, at=at)
        return decode(DECODED[field], payload, at=at)
    except DecodeError as problem:
        reason = "; ".join(problem.problems)
        raise ConfigurationError(f"{source}: {reason}") from None
    except RecursionError:
        raise ConfigurationError(f"{source}: {at}: nested too deeply") from None


def given(**options: object) -> dict[str, object]:
    """Return the options that are on the command line."""
    return {name: value for name, value in options.items() if value is not None}


def build_draft(kind: type[D], fields: Mapping[str, object]) -> D:
    """Build a draft.

    Raises:
        ConfigurationError: A field is missing, or the draft refuses a value.
    """
    # Python would name the parameters of `__init__` in a TypeError.
    missing = [
        field.name
        for field in attrs.fields(cast("type[attrs.AttrsInstance]", kind))
        if field.default is attrs.NOTHING and field.name not in fields
    ]
    if missing:
        raise ConfigurationError(f"{', '.join(missing)}: required")
    return kind(**fields)
