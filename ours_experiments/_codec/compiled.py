"""Structure hooks for speed: one generated function for each class.

`flat_hook` is a hook factory of cattrs. The function that it makes checks types in
line, fills an instance of a writable subclass through its slots and then gives it its
true class: several times faster than calling `__init__` with what hooks returned. It
builds what the hooks of `_hooks` build, out of values that need no converter any
more. What it cannot take it refuses without saying where.

It first supposes that an object has all the keys of its class. Where one is missing,
or the word of an enum is not known, it begins again and asks for each key.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from textwrap import indent
from types import NoneType, UnionType
from typing import Any, get_args

import attrs
from cattrs import Converter

from ours_experiments._codec.hooks import (
    EXTRA,
    Hook,
    Mismatch,
    check_nesting,
    expect,
    is_open_enum,
    is_tuple,
    to_datetime,
    to_integer,
    wire_name,
    words_of,
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
    int: "if type(v) is not int: v = to_integer(v, int)\n",
    float: "if type(v) is not float and type(v) is not int: raise Mismatch\n",
    datetime: """\
text = v
v = read(text)
if v.tzinfo is not UTC: v = to_datetime(text, datetime)
""",
    tuple[str, ...]: """\
if type(v) is not list: raise Mismatch
join(v)  # refuses what is no text
v = tuple(v)
""",
    Mapping[str, object]: """\
if type(v) is not dict: raise Mismatch
check_nesting(v)
""",
}

OPEN_ENUM = """\
v = words_{name}.get(v, v)
if not isinstance(v, str): raise Mismatch
"""

# An item takes the place of its JSON object, which is freed at once.
ITEMS = """\
if type(v) is not list: raise Mismatch
index = 0
for item in v:
    v[index] = hook_{name}(item, kind_{name})
    index += 1
v = tuple(v)
"""

OTHER = "v = hook_{name}(v, kind_{name})\n"

NO_EXTRA_KEYS = "built.additional_properties = no_properties"

EXTRA_KEYS = """\
if known.issuperset(value): built.additional_properties = no_properties
else:
    v = {k: value[k] for k in value if k not in known}
    check_nesting(v)
    built.additional_properties = v
"""


def is_flat(cls: Any) -> bool:
    """Recognise a class whose instances are no more than what is in their slots."""
    return (
        attrs.has(cls)
        and cls.__dictoffset__ == 0
        and not hasattr(cls, "__attrs_post_init__")
        and not any(field.validator for field in attrs.fields(cls))
    )


def flat_hook(cls: Any, using: Converter) -> Hook:
    """Make a hook that builds one of the models fast."""
    fields = [field for field in attrs.fields(cls) if field.name != EXTRA]
    names: dict[str, Any] = {
        "Mismatch": Mismatch,
        "UTC": UTC,
        "check_nesting": check_nesting,
        "cls": cls,
        "datetime": datetime,
        "join": "".join,
        "known": frozenset(wire_name(field.name) for field in fields),
        "read": datetime.fromisoformat,
        "to_datetime": to_datetime,
        "to_integer": to_integer,
        "writable": writable_class(cls),
    }
    complete = [take(field, names, using, present=True) for field in fields]
    partial = [take(field, names, using, present=False) for field in fields]
    extra = attrs.fields_dict(cls).get(EXTRA)
    if extra is not None:
        names["no_properties"] = extra.default
        complete.append(NO_EXTRA_KEYS)
        partial.append(EXTRA_KEYS)
    source = FUNCTION.format(
        compared=">=" if extra is None else "==",
        count=len(fields),
        complete=indent("".join(complete), " " * 12),
        partial=indent("".join(partial), " " * 4),
    )
    code = compile(source, f"<flat hook of {cls.__name__}>", "exec")
    exec(code, names)  # noqa: S102 - made of the models' own names
    hook: Hook = names["structure"]
    return hook


def writable_class(cls: Any) -> type:
    """Derive a class of the same layout whose instances begin empty."""
    return type(
        cls.__name__,
        (cls,),
        {
            "__slots__": (),
            "__init__": object.__init__,
            "__setattr__": object.__setattr__,
            # With this one left out, CPython keeps the slow way for both.
            "__delattr__": object.__delattr__,
        },
    )


def take(field: Any, names: dict[str, Any], using: Converter, *, present: bool) -> str:
    """Write the lines that take one field, which may be known to be there."""
    name, wire, kind = field.name, wire_name(field.name), field.type
    optional = field.default is not attrs.NOTHING
    if is_open_enum(kind):
        none = {None: None} if NoneType in get_args(kind) else {}
        names[f"words_{name}"] = words_of(kind) | none
        if present:
            return f'built.{name} = words_{name}[value["{wire}"]]\n'
        check = OPEN_ENUM.format(name=name)
    else:
        if isinstance(kind, UnionType):
            kind = next(each for each in get_args(kind) if each is not NoneType)
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
    """Make a hook that takes an array; each item takes its JSON object's place."""
    item: Any = get_args(kind)[0]
    hook = using.get_structure_hook(item)

    def structure(value: Any, _: Any) -> Any:
        expect(list, "array", value)
        for index, each in enumerate(value):
            value[index] = hook(each, item)
        return tuple(value)

    return structure
