"""Where requests go: every check on base URL, path and query."""

import ipaddress
import re
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any, cast
from urllib.parse import quote
from urllib.request import getproxies, proxy_bypass

from yarl import URL

from ours_experiments._text import printable
from ours_experiments.errors import ConfigurationError


SERVICE = "https://app.oursprivacy.com"
"""Where the service answers unless told otherwise."""
ROOT = "/rest/v1"
LONGEST_SEGMENT = 1024
CONTROL_CHARACTERS = re.compile(r"[\x00-\x1f\x7f-\x9f]")
PLAIN = re.compile(r"[A-Za-z0-9/_-]{1,1024}", re.ASCII)
"""What nearly every path looks like: nothing in it to encode or to refuse."""


def is_loopback(host: str) -> bool:
    """Whether a host name or address is this machine's own."""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        address = host.partition("%")[0] if ":" in host else host
        return ipaddress.ip_address(address).is_loopback
    except ValueError:
        return False


def prefix_from(base_url: str | URL | None, *, allow_insecure: bool) -> str:
    """Check the base URL and return the text that every request's URL begins with.

    Raises:
        ConfigurationError: No http(s) URL, no host, something behind the path, or
            plain http to a host that is not this machine.
    """
    try:
        url = URL(SERVICE if base_url is None else base_url)
        host = url.host
    except (TypeError, ValueError) as problem:
        raise ConfigurationError(f"base_url is not a URL: {problem}") from None
    if url.scheme not in {"http", "https"} or not host:
        raise ConfigurationError("base_url must begin with https:// and name a host")
    if url.user is not None or url.password is not None:
        raise ConfigurationError("base_url must not carry credentials")
    if url.query_string or url.fragment:
        raise ConfigurationError("base_url must end with the host or a path")
    if url.scheme == "http" and not allow_insecure and not is_loopback(host):
        raise ConfigurationError(
            f"base_url would send the API key unencrypted to {host}: use https://, "
            "or say allow_insecure=True"
        )
    return str(url).rstrip("/") + ROOT


def proxy_before(prefix: str) -> str | None:
    """Name the environment's proxy that requests in plain http would go through."""
    url = URL(prefix)
    if url.scheme == "https" or proxy_bypass(url.host or ""):
        return None
    return getproxies().get("http")


def url_of(
    root: URL, segments: Sequence[str], params: Mapping[str, object] | None
) -> URL:
    """Put path and query behind the root: that is faster than to parse the whole.

    Raises:
        ConfigurationError: As `path_of` and `query_of` do.
    """
    url = root.with_path(f"{root.raw_path}{path_of(segments)}", encoded=True)
    return URL(f"{url}?{query_of(params)}", encoded=True) if params else url


def path_of(segments: Sequence[Any]) -> str:
    """Join segments to a path, each percent-encoded as a whole.

    Raises:
        ConfigurationError: A segment that would lead to another endpoint or that no
            id can be.
    """
    try:
        path = f"/{'/'.join(segments)}"
    except TypeError:
        return encoded_path(segments)
    if (
        PLAIN.fullmatch(path)
        and path.count("/") == len(segments)
        and "" not in segments
    ):
        return path
    return encoded_path(segments)


def encoded_path(segments: Sequence[object]) -> str:
    """Check each segment, and percent-encode it."""
    parts = [""]
    for segment in segments:
        if not isinstance(segment, str):
            raise ConfigurationError(f"id must be text, not {type(segment).__name__}")
        if segment in {"", ".", ".."}:
            raise ConfigurationError(f"id must not be {segment!r}")
        if len(segment) > LONGEST_SEGMENT:
            raise ConfigurationError(
                f"id must have at most {LONGEST_SEGMENT} characters, not {len(segment)}"
            )
        if CONTROL_CHARACTERS.search(segment):
            raise ConfigurationError(f"id has a control character: {segment!r}")
        try:
            parts.append(quote(segment, safe=""))
        except UnicodeEncodeError:
            raise ConfigurationError(f"id is not valid text: {segment!r}") from None
    return "/".join(parts)


def query_of(params: Mapping[str, object]) -> str:
    """Encode query parameters; None is left out.

    Raises:
        ConfigurationError: A value that is neither text nor number, bool or date, or
            text that cannot be encoded.
    """
    parts: list[str] = []
    for name, value in params.items():
        if value is None:
            continue
        if not isinstance(cast("object", name), str):
            raise ConfigurationError(f"params must be named by text, not {name!r}")
        if isinstance(value, bool):
            text = "true" if value else "false"
        elif isinstance(value, str):
            text = str.__str__(value)  # not what an enum makes of it
        elif isinstance(value, int):
            text = digits_of(name, value)
        elif isinstance(value, date):
            text = value.isoformat()
        else:
            raise ConfigurationError(
                f"{name} must be text, a number or a date, not {type(value).__name__}"
            )
        try:
            parts.append(f"{quote(name, safe='')}={quote(text, safe='')}")
        except UnicodeEncodeError:
            raise ConfigurationError(f"{printable(name)} is not valid text") from None
    return "&".join(parts)


def digits_of(name: str, value: int) -> str:
    """Write a number, refusing what Python would take hours to write."""
    try:
        return int.__repr__(value)
    except ValueError as problem:
        raise ConfigurationError(f"{name} is too large: {problem}") from None
