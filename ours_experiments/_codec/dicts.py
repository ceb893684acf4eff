"""Convert objects to dicts of plain JSON values, and back."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, date, datetime
from difflib import get_close_matches
from enum import Enum, StrEnum
from math import isfinite
from types import NoneType, UnionType
from typing import Any, TypeGuard, TypeVar, cast, get_args

import attrs

from ours_experiments._codec.converter import converter, encode
from ours_experiments._codec.hooks import (
    ADDITIONAL_PROPERTIES,
    Mismatch,
    is_mapping,
    is_open_enum,
    is_tuple,
    members_by_text,
    wire_name,
)
from ours_experiments._unset import UNSET, Draft, Unset
from ours_experiments._validation import check_text, to_member, type_name
from ours_experiments.errors import ConfigurationError, OursError


T = TypeVar("T")


def to_dict(value: object, *, wire: bool = False) -> dict[str, Any]:
    """Return a model, draft, report or analysis as a dict that JSON can hold.

    Times are ISO 8601 text, enums their text, errors dicts with `type` and `message`.
    Fields of a patch that are not set are left out.

    Args:
        value: The object.
        wire: Whether names are spelled as by the API, in camel case. Keys that this
            version does not know then stand beside the others, instead of in
            `additional_properties`; a draft is as it would be sent.

    Raises:
        ConfigurationError: The value is no such object.
    """
    if not is_plain_object(value):
        raise ConfigurationError(
            f"value must be a model, draft, report or analysis, not {type_name(value)}"
        )
    if wire and isinstance(value, Draft):
        return cast("dict[str, Any]", to_plain(encode(value), wire=wire))
    return fields_to_plain(value, wire=wire)


def to_plain(value: object, *, wire: bool) -> Any:
    """Return a value as JSON can hold it; a number that is not finite as None."""
    # Before the check for text, which a StrEnum would pass as it is.
    if isinstance(value, Enum):
        value = value.value
    if isinstance(value, float):
        return value if isfinite(value) else None
    if value is None or isinstance(value, str | int):
        return value
    if isinstance(value, date):
        return format_time(value)
    if isinstance(value, OursError):
        return error_to_plain(value, wire=wire)
    return container_to_plain(value, wire=wire)


def container_to_plain(value: object, *, wire: bool) -> Any:
    """Return an object, a mapping or a sequence as JSON can hold it."""
    if is_plain_object(value):
        return fields_to_plain(value, wire=wire)
    if isinstance(value, Mapping):
        items = cast("Mapping[object, object]", value).items()
        return {str(key): to_plain(item, wire=wire) for key, item in items}
    if isinstance(value, Iterable):
        return [to_plain(item, wire=wire) for item in cast("Iterable[object]", value)]
    return str(value)


def is_plain_object(value: object) -> TypeGuard[attrs.AttrsInstance]:
    """Return whether a value is an object of which no field is private."""
    kind: Any = type(value)
    return attrs.has(kind) and not any(
        field.name.startswith("_") for field in attrs.fields(kind)
    )


def fields_to_plain(value: attrs.AttrsInstance, *, wire: bool) -> dict[str, Any]:
    """Return the fields of an object that are set."""
    plain: dict[str, Any] = {}
    for field in attrs.fields(type(value)):
        item = getattr(value, field.name)
        if field.name == ADDITIONAL_PROPERTIES:
            if wire:
                plain = to_plain(item, wire=wire) | plain
            elif item:
                plain[field.name] = to_plain(item, wire=wire)
        elif item is not UNSET:
            name = wire_name(field.name) if wire else field.name
            plain[name] = to_plain(item, wire=wire)
    return plain


def error_to_plain(error: OursError, *, wire: bool) -> dict[str, Any]:
    """Return an error's class, text and attributes."""
    attributes = {
        name: to_plain(value, wire=wire)
        for name, value in vars(error).items()
        if not name.startswith("_")
    }
    return {"type": type_name(error), "message": str(error), **attributes}


def format_time(value: date) -> str:
    """Format a time as the API does, in UTC; or a day."""
    if not isinstance(value, datetime) or value.tzinfo is None:
        return value.isoformat()
    # The API writes milliseconds; only what they cannot hold is longer.
    precision = "microseconds" if value.microsecond % 1000 else "milliseconds"
    text = value.astimezone(UTC).isoformat(timespec=precision)
    return text.replace("+00:00", "Z")


def from_dict(cls: type[T], data: Mapping[str, object]) -> T:
    """Return a model or draft from a dict, as from a JSON or YAML file.

    Names may be spelled as here or as by the API.

    Args:
        cls: The class, such as `NewExperiment`.
        data: The fields of an instance, as `to_dict` returns them.

    Raises:
        ConfigurationError: A field is unknown, missing or of another type; the text
            names it with its path, such as `targeting_rules.url_patterns[0]`.
    """
    if not attrs.has(cls):
        raise ConfigurationError("cls must be the class of a model or draft")
    made: T = build(cls, data, "")
    return made


def build(kind: Any, value: Any, path: str) -> Any:
    """Build what a field of some type holds."""
    kind = without_none(kind)
    if value is None or kind in (Any, object):
        return value
    for applies, build_one in BUILDERS:
        if applies(kind):
            return build_one(kind, value, path)
    return build_scalar(kind, value, path)


def without_none(kind: Any) -> Any:
    """Return the one type of a union with None or UNSET; Any for other unions."""
    if not isinstance(kind, UnionType) or is_open_enum(kind):
        return kind
    options = [option for option in get_args(kind) if option not in EMPTY_TYPES]
    return options[0] if len(options) == 1 else Any


def build_object(cls: Any, value: Any, path: str) -> Any:
    """Build an object from a mapping with its fields."""
    if isinstance(value, cls):
        return value
    check_is_mapping(value, path)
    prefix = f"{path}." if path else ""
    fields = attrs.fields_dict(cls)
    names = {spelling: name for name in fields for spelling in spellings(name)}
    given: dict[str, Any] = {}
    for key, item in value.items():
        name = names.get(key)
        if name is None:
            raise ConfigurationError(unknown_field(cls, key, names, prefix))
        if name in given:
            raise ConfigurationError(f"{prefix}{name} must be given once only")
        given[name] = build(fields[name].type, item, f"{prefix}{name}")
    for name, field in fields.items():
        if field.default is attrs.NOTHING and name not in given:
            raise ConfigurationError(f"{prefix}{name} must be given")
    try:
        return cls(**given)
    except ConfigurationError as error:
        raise ConfigurationError(f"{prefix}{error}") from None


def build_member(kind: Any, value: Any, path: str) -> Any:
    """Build a member of an enum, or text where it is not known."""
    check_text(path, value)
    return members_by_text(kind).get(value, value)


def build_tuple(kind: Any, value: Any, path: str) -> Any:
    """Build a tuple from a list."""
    if not isinstance(value, list | tuple):
        raise ConfigurationError(f"{path} must be a list, not {type_name(value)}")
    items = enumerate(cast("Iterable[object]", value))
    item_kind = get_args(kind)[0]
    return tuple(build(item_kind, item, f"{path}[{at}]") for at, item in items)


def build_mapping(kind: Any, value: Any, path: str) -> Any:
    """Build a mapping with arbitrary keys."""
    check_is_mapping(value, path)
    item_kind = get_args(kind)[1]
    return {key: build(item_kind, value[key], f"{path}.{key}") for key in value}


def build_scalar(kind: Any, value: Any, path: str) -> Any:
    """Build text, a number, a time or a member of an enum."""
    if isinstance(value, kind) and not isinstance(value, bool):
        return value
    if issubclass(kind, StrEnum):
        return to_member(kind, path, str(value))
    try:
        return converter().structure(value, kind)
    except Mismatch as error:
        problem = str(error).removeprefix("expected ").replace(", got ", ", not ")
        raise ConfigurationError(f"{path} must be {problem}") from None


def check_is_mapping(value: object, path: str) -> None:
    """Check for a mapping where an object is described."""
    if not isinstance(value, Mapping):
        name = path or "data"
        raise ConfigurationError(f"{name} must be a mapping, not {type_name(value)}")


EMPTY_TYPES = (NoneType, Unset)
BUILDERS = (
    (is_open_enum, build_member),
    (attrs.has, build_object),
    (is_tuple, build_tuple),
    (is_mapping, build_mapping),
)


def spellings(name: str) -> Iterator[str]:
    """Yield the spellings of a field's name."""
    yield name
    yield wire_name(name)


def unknown_field(cls: type, key: object, names: Mapping[str, str], prefix: str) -> str:
    """Return the message for a key that is no field, with a similar one."""
    similar = get_close_matches(str(key), names, n=1)
    hint = f"did you mean {names[similar[0]]}?" if similar else ""
    hint = hint or f"it has {', '.join(dict.fromkeys(names.values()))}"
    return f"{prefix}{key} is not a field of {cls.__name__}; {hint}"
