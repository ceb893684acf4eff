"""The kinds of faults, and the parsing and checking of their parameters."""

import dataclasses
import types
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Literal, Union, get_args, get_origin

from ours_experiments.emulator.faults import bodies, delivery, payloads, status
from ours_experiments.emulator.faults.exchange import FaultKind


# The order is that of nesting, whatever the order in which faults are added: a kind
# further up changes the answer of those further down.
KINDS: Mapping[str, type[FaultKind]] = {
    "latency": delivery.Latency,
    "refuse": delivery.Refuse,
    "stale": delivery.Stale,
    "reset": delivery.Reset,
    "close": delivery.Close,
    "hang": delivery.Hang,
    "late": delivery.Late,
    "drip": delivery.Drip,
    "partial_reply": delivery.PartialReply,
    "content_type": bodies.ContentType,
    "body": bodies.Body,
    "gzip_bomb": bodies.GzipBomb,
    "huge_body": bodies.HugeBody,
    "truncated_json": bodies.TruncatedJson,
    "malformed_json": bodies.MalformedJson,
    "deep_body": bodies.DeepBody,
    "rate_limit": status.RateLimit,
    "status": status.Status,
    "html": status.Html,
    "redirect": status.Redirect,
    "empty": status.Empty,
    "wrong_shape": payloads.WrongShape,
    "unknown_fields": payloads.UnknownFields,
    "unknown_enums": payloads.UnknownEnums,
    "cursor_loop": payloads.CursorLoop,
    "missing_cursor": payloads.MissingCursor,
    "spare_cursor": payloads.SpareCursor,
    "empty_pages": payloads.EmptyPages,
}
NESTING: Mapping[type, int] = {kind: depth for depth, kind in enumerate(KINDS.values())}
TYPE_NAMES: Mapping[object, str] = {
    bool: "true or false",
    float: "a number",
    int: "a whole number",
    str: "text",
}
FLAGS: Mapping[str, object] = {"true": True, "false": False}
NO_VALUES: Mapping[str, object] = {}


def build(name: str, parameters: Mapping[str, object]) -> FaultKind:
    """Create a fault kind from its name and parameters."""
    known = parameters_of(name)
    for parameter, value in parameters.items():
        if parameter not in known:
            raise ValueError(unknown_parameter(name, parameter, known))
        if not accepts(known[parameter].type, value):
            takes = expected(known[parameter].type)
            raise ValueError(
                f"{name}: {parameter} cannot be {value!r}; it takes {takes}"
            )
    missing = [
        parameter.name
        for parameter in known.values()
        if is_required(parameter) and parameter.name not in parameters
    ]
    if missing:
        raise ValueError(f"{name}: {missing[0]} is missing")
    make: Callable[..., FaultKind] = KINDS[name]
    try:
        return make(**parameters)
    except ValueError as error:
        raise ValueError(f"{name}: {error}") from None


def parameters_of(name: str) -> dict[str, dataclasses.Field[object]]:
    """Return the parameters of a kind."""
    if name not in KINDS:
        raise ValueError(f"Unknown fault kind {name!r}; known are {', '.join(KINDS)}")
    fields = dataclasses.fields(KINDS[name])  # type: ignore[arg-type]
    return {field.name: field for field in fields if field.init}


def is_required(parameter: dataclasses.Field[object]) -> bool:
    """Return whether a parameter has no default."""
    return parameter.default is dataclasses.MISSING


def unknown_parameter(name: str, parameter: str, known: Mapping[str, object]) -> str:
    """Format an error for a parameter that a kind does not take."""
    choice = f"known are {', '.join(known)}" if known else "it takes none of its own"
    return f"{name}: unknown parameter {parameter!r}; {choice}"


def members_of(annotation: object) -> list[object]:
    """Return the members of a union, or the type itself."""
    if get_origin(annotation) in {Union, types.UnionType}:
        return list(get_args(annotation))
    return [annotation]


def accepts(annotation: object, value: object) -> bool:
    """Return whether a value is of the type that a parameter is annotated with."""
    for member in members_of(annotation):
        if get_origin(member) is Literal:
            fits = value in get_args(member)
        elif member is int or member is float:
            wanted = int | float if member is float else int
            fits = isinstance(value, wanted) and not isinstance(value, bool)
        else:
            kind = get_origin(member) or member
            fits = isinstance(kind, type) and isinstance(value, kind)
        if fits:
            return True
    return False


def read(annotation: object, text: str) -> object:
    """Parse the value of a parameter, by the type of its annotation."""
    for member in members_of(annotation):
        if get_origin(member) is Literal:
            values: Mapping[str, object] = {
                str(value): value for value in get_args(member)
            }
        else:
            values = FLAGS if member is bool else NO_VALUES
        if text in values:
            return values[text]
        if member is str:
            return text
        if member is int or member is float:
            with suppress(ValueError):
                return int(text) if member is int else float(text)
    raise ValueError(f"cannot be {text!r}; it takes {expected(annotation)}")


def expected(annotation: object) -> str:
    """Describe what a parameter takes."""
    phrases: list[str] = []
    for member in members_of(annotation):
        if get_origin(member) is Literal:
            phrases += map(str, get_args(member))
        elif member is not types.NoneType:
            phrases.append(TYPE_NAMES.get(member, str(member)))
    return " or ".join(phrases)


def describe() -> str:
    """List all kinds, their parameters with defaults, and what they do."""
    lines: list[str] = []
    for name, kind in KINDS.items():
        parameters = [
            parameter.name
            if is_required(parameter)
            else f"{parameter.name}={parameter.default}"
            for parameter in parameters_of(name).values()
        ]
        summary = (kind.__doc__ or "").partition("\n")[0]
        lines.append(f"{':'.join(filter(None, [name, ','.join(parameters)]))}")
        lines.append(f"    {summary}")
    return "\n".join(lines)
