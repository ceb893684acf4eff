"""The table of fault kinds, and how their parameters are read and checked."""

import dataclasses
import types
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Literal, Union, get_args, get_origin

from ours_experiments.emulator.faults import bodies, delivery, payloads, status
from ours_experiments.emulator.faults.exchange import FaultKind


# The order is that of nesting, whatever the order in which faults are added: one
# further up acts on what those further down make of the answer.
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
PHRASES: Mapping[object, str] = {
    bool: "true or false",
    float: "a number",
    int: "a whole number",
    str: "text",
}
FLAGS: Mapping[str, object] = {"true": True, "false": False}
NO_WORDS: Mapping[str, object] = {}


def build(name: str, parameters: Mapping[str, object]) -> FaultKind:
    """Make a fault kind of its name and parameters."""
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
    """Give the parameters of a kind."""
    if name not in KINDS:
        raise ValueError(f"Unknown fault kind {name!r}; known are {', '.join(KINDS)}")
    fields = dataclasses.fields(KINDS[name])  # type: ignore[arg-type]
    return {field.name: field for field in fields if field.init}


def is_required(parameter: dataclasses.Field[object]) -> bool:
    """Tell whether a parameter has no default."""
    return parameter.default is dataclasses.MISSING


def unknown_parameter(name: str, parameter: str, known: Mapping[str, object]) -> str:
    """Say what would have been right."""
    choice = f"known are {', '.join(known)}" if known else "it takes none of its own"
    return f"{name}: unknown parameter {parameter!r}; {choice}"


def arms_of(annotation: object) -> list[object]:
    """Give the types of a union; one type stands for itself."""
    if get_origin(annotation) in {Union, types.UnionType}:
        return list(get_args(annotation))
    return [annotation]


def accepts(annotation: object, value: object) -> bool:
    """Tell whether a value is of the type that a parameter is annotated with."""
    for arm in arms_of(annotation):
        if get_origin(arm) is Literal:
            fits = value in get_args(arm)
        elif arm is int or arm is float:
            wanted = int | float if arm is float else int
            fits = isinstance(value, wanted) and not isinstance(value, bool)
        else:
            kind = get_origin(arm) or arm
            fits = isinstance(kind, type) and isinstance(value, kind)
        if fits:
            return True
    return False


def read(annotation: object, text: str) -> object:
    """Read a parameter's value from text, by the type it is annotated with."""
    for arm in arms_of(annotation):
        if get_origin(arm) is Literal:
            words: Mapping[str, object] = {str(word): word for word in get_args(arm)}
        else:
            words = FLAGS if arm is bool else NO_WORDS
        if text in words:
            return words[text]
        if arm is str:
            return text
        if arm is int or arm is float:
            with suppress(ValueError):
                return int(text) if arm is int else float(text)
    raise ValueError(f"cannot be {text!r}; it takes {expected(annotation)}")


def expected(annotation: object) -> str:
    """Say in words what a parameter takes."""
    phrases: list[str] = []
    for arm in arms_of(annotation):
        if get_origin(arm) is Literal:
            phrases += map(str, get_args(arm))
        elif arm is not types.NoneType:
            phrases.append(PHRASES.get(arm, str(arm)))
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
