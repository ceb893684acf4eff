"""The package's models as models of pydantic, or of a library built on it."""

from collections.abc import Callable, Mapping
from datetime import datetime
from enum import StrEnum
from functools import cache, reduce
from importlib import import_module
from operator import or_
from types import UnionType
from typing import Any, get_args, get_origin

import attrs

from ours_experiments._codec.hooks import ADDITIONAL_PROPERTIES, wire_name
from ours_experiments.models import Experiment, Transition


Decode = Callable[[bytes], object]


def pydantic_page() -> Any:
    """Return a frozen pydantic model of a page."""
    library: Any = import_module("pydantic")
    config = library.ConfigDict(alias_generator=camel, frozen=True)
    to_model = translator(library.create_model, {"__config__": config})
    entities: Any = (to_model(tuple[Experiment, ...]), ...)
    return library.create_model("Page", entities=entities)


def stainless_models() -> tuple[Any, Any]:
    """Return models of an experiment and a transition on the vendor's base class."""
    library: Any = import_module("pydantic")
    vendor: Any = import_module("ours_privacy._models")

    class Base(vendor.BaseModel):  # type: ignore[misc]
        model_config = library.ConfigDict(alias_generator=camel, extra="allow")

    to_model = translator(library.create_model, {"__base__": Base}, generated=True)
    return to_model(Experiment), to_model(Transition)


def camel(name: str) -> str:
    """Return the JSON name of a field."""
    return wire_name(name)


def translator(
    create_model: Any, options: Mapping[str, object], *, generated: bool = False
) -> Callable[[Any], Any]:
    """Return a function that turns a type of the package into a pydantic one.

    Args:
        create_model: pydantic's function of that name.
        options: Arguments of `create_model` besides the fields.
        generated: Use the types of the vendor's generator: lists, dictionaries, text
            for timestamps and enums (Literals there, which are not checked), and
            variants that cannot be null.
    """

    def type_of(field: Any) -> Any:
        if generated and field.name == "variants":
            return get_args(field.type)[0]
        return field.type

    @cache
    def translate(kind: Any) -> Any:
        parts = [translate(part) for part in get_args(kind)]
        if attrs.has(kind):
            fields = {
                field.name: (translate(type_of(field)), default_of(field))
                for field in attrs.fields(kind)
                if field.name != ADDITIONAL_PROPERTIES
            }
            return create_model(kind.__name__, **options, **fields)
        if isinstance(kind, UnionType):
            return reduce(or_, parts)
        if generated:
            if isinstance(kind, type) and issubclass(kind, (StrEnum, datetime)):
                return str
            if get_origin(kind) is tuple:
                return list[parts[0]]  # type: ignore[valid-type]
            if get_origin(kind) is Mapping:
                return dict[str, object]
        return get_origin(kind)[tuple(parts)] if parts else kind

    return translate


def default_of(field: Any) -> object:
    """Return a field's default for pydantic."""
    return ... if field.default is attrs.NOTHING else field.default
