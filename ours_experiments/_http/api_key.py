"""The API key: its checks, its one holder, and how it is kept out of every text."""

import base64
import hashlib
import html
import re
from collections.abc import Iterator
from typing import NoReturn, Self

from ours_experiments.errors import ConfigurationError


VISIBLE_ASCII = re.compile(r"[\x21-\x7e]+", re.ASCII)
MASK = "***"
MAX_SPELLING_LENGTH = 6
"""Characters that one character of a key takes in JSON, a URL or HTML at most."""
MIN_BASE64_LENGTH = 8
"""Characters; a shorter piece of base64 could be part of any word."""


class Authorization(str):
    """The `Authorization` header's value, and the only object that holds the API key.

    It is a plain `str` to aiohttp, which sends it. Its repr is masked, and it cannot
    be pickled, so that the key reaches no file and no other process.
    """

    __slots__ = ("_pattern",)
    _pattern: re.Pattern[str]

    def __repr__(self) -> str:
        return f"'Bearer {MASK}'"

    def __copy__(self) -> Self:
        return self

    def __deepcopy__(self, memo: object) -> Self:
        return self

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        raise TypeError("an API key is not pickled: build the client where it is used")

    @property
    def pattern(self) -> re.Pattern[str]:
        """The pattern of a quoted key, compiled when it is first needed."""
        try:
            return self._pattern
        except AttributeError:
            key = self.removeprefix("Bearer ")
            spelled = "".join(map(spellings, key))
            self._pattern = re.compile("|".join([spelled, *base64_patterns(key)]))
            return self._pattern

    def mask(self, text: str) -> str:
        """Return a text without the key, however it is spelled there."""
        return self.pattern.sub(MASK, text)

    def excerpt(self, text: str, length: int) -> str:
        """Return the first characters of a text, without the key or a part of it."""
        head = text[: length + MAX_SPELLING_LENGTH * len(self)]
        pieces: list[str] = []
        position = 0
        for match in self.pattern.finditer(head):
            if match.start() >= length:
                break
            pieces += [head[position : match.start()], MASK]
            position = match.end()
        pieces.append(head[position:length])
        return "".join(pieces)


def spellings(character: str) -> str:
    """Return a pattern of a key's character as URLs, JSON and HTML spell it."""
    if character.isalnum():
        return character
    code = ord(character)
    forms = {character, html.escape(character), f"&#{code};"}
    forms |= {f"%{code:02x}", f"\\u{code:04x}"}
    if character in "\"'/\\":
        # JSON, and JSON or a repr within JSON; some services escape slashes, too.
        forms |= {f"\\{character}", f"\\\\\\{character}"}
    longest_first = sorted(map(re.escape, forms), key=len, reverse=True)
    return f"(?i:{'|'.join(longest_first)})"


def base64_patterns(key: str) -> Iterator[str]:
    """Yield patterns of a key within a longer text in base64, for each offset."""
    for offset in range(3):
        encoded = base64.b64encode(b"\0" * offset + key.encode()).decode()
        # The characters at both ends also encode bits of the neighbouring text.
        inner = encoded[(0, 2, 3)[offset] : (offset + len(key)) * 8 // 6]
        if len(inner) >= MIN_BASE64_LENGTH:
            yield re.escape(inner).replace(r"\+", "[+-]").replace("/", "[/_]")


def check_api_key(api_key: object) -> Authorization | ConfigurationError:
    """Check an API key and return the header's value.

    An error is returned, not raised: a traceback then has no frame that holds the key.
    Its text never quotes the key.
    """
    if api_key is None:
        return ConfigurationError(
            "api_key is missing: pass it, or set OURS_PRIVACY_API_KEY"
        )
    if not isinstance(api_key, str) or not api_key.strip():
        return ConfigurationError("api_key must be text that is not blank")
    if not VISIBLE_ASCII.fullmatch(api_key):
        return ConfigurationError(
            "api_key must hold visible ASCII characters only: no blanks, no line "
            "breaks, no control characters"
        )
    return Authorization(f"Bearer {api_key}")


def account_fingerprint(prefix: str, secret: str) -> str:
    """Return a hash that distinguishes accounts and reveals neither URL nor key."""
    return hashlib.blake2b(
        f"{prefix}\n{secret}".encode(), digest_size=8, person=b"ours-journal"
    ).hexdigest()
