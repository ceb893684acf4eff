"""Generated structure hooks: one function for each class, for speed.

`object_hook` is a hook factory of cattrs. Its functions make a page of 100 experiments
take 2.1 times as long as `orjson.loads` alone, where the hooks of `hooks` take 5.8
times. They check types in line, fill the slots of a writable subclass and then assign
the instance its own class, which is several times faster than `__init__`.

They build what `hooks` builds, and refuse what it refuses without saying where. They
also refuse a float that may have been an integer beyond 64 bits, which orjson reads as
one: the hooks of `hooks` then get the exact value.

They first assume that a JSON object has all keys of its class. Where a key is missing,
or a value of an enum is not known, they start again and look for each key.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from textwrap import indent
from types import NoneType, UnionType
from typing import Any, get_args

import attrs
from cattrs import Converter

from ours_experiments._codec.hooks import (
    ADDITIONAL_PROPERTIES,
    MAX_LEVELS,
    Hook,
    Mismatch,
    expect,
    is_open_enum,
    is_tuple,
    members_by_text,
    to_datetime,
    to_integer,
    wire_name,
)


FUNCTION = """
def structure(value, _):
    if type(value) is not dict:
        if type(value) is cls: return value
        raise Mismatch
    if len(value) {compared} {count}:
        try:
            built = writable()
{complete}
            built.__class__ = cls
            return built
        except KeyError:
            pass
    get = value.get
    built = writable()
{partial}
    built.__class__ = cls
    return built
"""

CHECKS: Mapping[Any, str] = {
    str: "if type(v) is not str: raise Mismatch\n",
    bool: "if v is not True and v is not False: raise Mismatch\n",
    int: "if type(v) is not int: v = to_exact_integer(v, int)\n",
    float: "if type(v) is not float and type(v) is not int: raise Mismatch\n",
    datetime: """\
text = v
v = read(text)
if v.tzinfo is not UTC: v = to_datetime(text, datetime)
""",
    tuple[str, ...]: """\
if type(v) is not list: raise Mismatch
join(v)  # raises TypeError for an item that is not text
v = tuple(v)
""",
    Mapping[str, object]: """\
if type(v) is not dict: raise Mismatch
check_free(v)
""",
    Any: "check_free(v)\n",
}

OPEN_ENUM = """\
v = members_{name}.get(v, v)
if not isinstance(v, str): raise Mismatch
"""

# An object takes the place of its JSON in the list: the dict is freed at once, so that
# a page is never held twice.
ITEMS = """\
if type(v) is not list: raise Mismatch
index = 0
for item in v:
    v[index] = hook_{name}(item, kind_{name})
    index += 1
v = tuple(v)
"""

OTHER = "v = hook_{name}(v, kind_{name})\n"

NO_UNKNOWN_KEYS = "built.additional_properties = no_properties"

UNKNOWN_KEYS = """\
if known.issuperset(value): built.additional_properties = no_properties
else:
    v = {k: value[k] for k in value if k not in known}
    check_free(v)
    built.additional_properties = v
"""


WALKED = frozenset({dict, list, float})
MIN_INEXACT = 2.0**63
"""The least absolute value of an integer that orjson may read as a float."""


def check_free(value: Any, levels: int = MAX_LEVELS) -> None:
    """Raise `Mismatch` for JSON that is too deep, or that may not be exact."""
    kind = value.__class__
    if kind is dict:
        value = value.values()
    elif kind is float:
        if abs(value) >= MIN_INEXACT:
            raise Mismatch
        return
    elif kind is not list:
        return
    if not levels:
        raise Mismatch
    for item in value:
        if type(item) in WALKED:
            check_free(item, levels - 1)


def take_json(value: Any, _: Any) -> Any:
    """Return any JSON value as it is, unless it is too deep or may not be exact."""
    check_free(value)
    return value


def to_exact_integer(value: Any, kind: Any) -> Any:
    """Return an integer as `to_integer` does, unless it may not be exact."""
    if type(value) is float and abs(value) >= MIN_INEXACT:
        raise Mismatch
    return to_integer(value, kind)


def is_compilable(cls: Any) -> bool:
    """Return whether instances of a class are no more than what is in their slots."""
    return (
        attrs.has(cls)
        and cls.__dictoffset__ == 0
        and not hasattr(cls, "__attrs_post_init__")
        and not any(field.validator for field in attrs.fields(cls))
    )


def object_hook(cls: Any, using: Converter) -> Hook:
    """Return a generated hook that builds one of the models."""
    fields = [
        field for field in attrs.fields(cls) if field.name != ADDITIONAL_PROPERTIES
    ]
    names: dict[str, Any] = {
        "Mismatch": Mismatch,
        "UTC": UTC,
        "check_free": check_free,
        "cls": cls,
        "datetime": datetime,
        "join": "".join,
        "known": frozenset(wire_name(field.name) for field in fields),
        "read": datetime.fromisoformat,
        "to_datetime": to_datetime,
        "to_exact_integer": to_exact_integer,
        "writable": writable_subclass(cls),
    }
    complete = [field_source(field, names, using, present=True) for field in fields]
    partial = [field_source(field, names, using, present=False) for field in fields]
    additional = attrs.fields_dict(cls).get(ADDITIONAL_PROPERTIES)
    if additional is not None:
        names["no_properties"] = additional.default
        complete.append(NO_UNKNOWN_KEYS)
        partial.append(UNKNOWN_KEYS)
    # Without a place for unknown keys a class ignores them: more keys do not matter.
    source = FUNCTION.format(
        compared=">=" if additional is None else "==",
        count=len(fields),
        complete=indent("".join(complete), " " * 12),
        partial=indent("".join(partial), " " * 4),
    )
    code = compile(source, f"<structure hook of {cls.__name__}>", "exec")
    exec(code, names)  # noqa: S102 - made of the models' own names
    hook: Hook = names["structure"]
    return hook


def writable_subclass(cls: Any) -> type:
    """Return a class of the same layout whose instances start empty."""
    return type(
        cls.__name__,
        (cls,),
        {
            "__slots__": (),
            "__init__": object.__init__,
            "__setattr__": object.__setattr__,
            # Without this one, CPython takes its slow path for both.
            "__delattr__": object.__delattr__,
        },
    )


def field_source(
    field: Any, names: dict[str, Any], using: Converter, *, present: bool
) -> str:
    """Return the lines that read one field, whose key may be known to be there."""
    name, wire, kind = field.name, wire_name(field.name), field.type
    optional = field.default is not attrs.NOTHING
    if is_open_enum(kind):
        none = {None: None} if NoneType in get_args(kind) else {}
        names[f"members_{name}"] = members_by_text(kind) | none
        if present:
            # An unknown value raises KeyError: the second way keeps it as text.
            return f'built.{name} = members_{name}[value["{wire}"]]\n'
        check = OPEN_ENUM.format(name=name)
    else:
        if isinstance(kind, UnionType):
            kind = next(option for option in get_args(kind) if option is not NoneType)
        check = CHECKS.get(kind, "")
    if not check:
        of_items = is_tuple(kind)
        kind = get_args(kind)[0] if of_items else kind
        names[f"kind_{name}"] = kind
        names[f"hook_{name}"] = using.get_structure_hook(kind)
        check = (ITEMS if of_items else OTHER).format(name=name)
    if optional:
        check = f"if v is not None:\n{indent(check, '    ')}"
        if field.default == ():
            check += "else: v = ()\n"
    read = f'get("{wire}")' if optional and not present else f'value["{wire}"]'
    return f"v = {read}\n{check}built.{name} = v\n"


def tuple_hook(kind: Any, using: Converter) -> Hook:
    """Return a hook for an array whose objects take the place of their JSON."""
    item_kind: Any = get_args(kind)[0]
    hook = using.get_structure_hook(item_kind)

    def structure(value: Any, _: Any) -> Any:
        expect(list, "array", value)
        for index, item in enumerate(value):
            value[index] = hook(item, item_kind)
        return tuple(value)

    return structure
