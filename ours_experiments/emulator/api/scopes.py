"""API keys and their scopes."""

from collections.abc import Iterable, Mapping
from typing import TypeAlias, cast


Scopes: TypeAlias = str | Iterable[str]
"""`all`, `read-only`, `list-only`, or a set of the documented scopes."""

READ_SCOPES = frozenset(
    {
        "experiment:list",
        "experiment:find",
        "experimentSettings:list",
        "experimentSettings:find",
        "version:list",
        "version:find",
    }
)
LIST_SCOPES = frozenset(scope for scope in READ_SCOPES if scope.endswith(":list"))
ALL_SCOPES = READ_SCOPES | {
    "experiment:create",
    "experiment:update",
    "experiment:delete",
    "experiment:start",
    "experiment:stop",
    "experimentSettings:create",
    "experimentSettings:update",
    "experimentSettings:delete",
    "version:publish",
    "version:update",
}
_NAMED = {"all": ALL_SCOPES, "read-only": READ_SCOPES, "list-only": LIST_SCOPES}


def scopes_by_key(
    api_keys: Iterable[str] | Mapping[str, Scopes],
) -> dict[str, frozenset[str]]:
    """Return the scopes of each key.

    Raises:
        TypeError: `api_keys` is one string.
        ValueError: A key or a scope is not valid; the text quotes no key.
    """
    if isinstance(api_keys, str):
        raise TypeError("api_keys: a collection of keys, not one string")
    scopes_of: Mapping[str, Scopes]
    if isinstance(api_keys, Mapping):
        scopes_of = cast("Mapping[str, Scopes]", api_keys)
    else:
        scopes_of = dict.fromkeys(api_keys, "all")
    keys: dict[str, frozenset[str]] = {}
    for number, (key, scopes) in enumerate(scopes_of.items(), start=1):
        if not key or not key.isascii() or not key.isprintable() or " " in key:
            raise ValueError(f"api_keys: key {number} is blank or not printable ASCII")
        chosen = _NAMED.get(scopes) if isinstance(scopes, str) else frozenset(scopes)
        if chosen is None or not chosen <= ALL_SCOPES:
            raise ValueError(f"api_keys: the scopes of key {number} are unknown")
        keys[key] = chosen
    if not keys:
        raise ValueError("api_keys: at least one is needed")
    return keys
