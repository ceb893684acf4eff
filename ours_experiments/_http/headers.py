"""The headers that a client's user may add to every request."""

import re
from collections.abc import Mapping
from typing import cast

from ours_experiments.errors import ConfigurationError


TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+", re.ASCII)
"""A header's name, as RFC 9110 defines it."""
VISIBLE = re.compile(r"[\x20-\x7e]+", re.ASCII)
RESERVED = {
    "accept": "the API answers JSON alone",
    "accept-encoding": "others could exceed max_response_bytes while they are decoded",
    "authorization": "it carries api_key",
    "connection": "aiohttp sets it",
    "content-encoding": "aiohttp sets it",
    "content-length": "aiohttp sets it",
    "content-type": "bodies are JSON",
    "expect": "aiohttp sets it",
    "host": "base_url names it",
    "transfer-encoding": "aiohttp sets it",
    "user-agent": "pass user_agent",
}
"""Headers that nobody may set, by name, with the reason."""


def check_headers(headers: object) -> dict[str, str]:
    """Check the headers that are to be added to every request, and return them."""
    if not isinstance(headers, Mapping):
        raise ConfigurationError("headers must be a mapping of names to text")
    checked: dict[str, str] = {}
    for name, value in cast("Mapping[object, object]", headers).items():
        if not isinstance(name, str) or not TOKEN.fullmatch(name):
            raise ConfigurationError(f"headers has a name that is none: {name!r:.60}")
        if reason := RESERVED.get(name.lower()):
            raise ConfigurationError(f"headers must not hold {name}: {reason}")
        # The value may be a secret of a gateway's: no text quotes it.
        if not isinstance(value, str) or not VISIBLE.fullmatch(value):
            raise ConfigurationError(f"headers[{name!r}] must be visible ASCII text")
        checked[name] = value
    return checked


def check_user_agent(user_agent: object) -> str:
    """Check the application's part of `User-Agent`, and return it."""
    if (
        not isinstance(user_agent, str)
        or not user_agent.strip()
        or not VISIBLE.fullmatch(user_agent)
    ):
        raise ConfigurationError("user_agent must be visible ASCII text, as app/1.0")
    return user_agent.strip()
