"""The API key: its checks, its one carrier, and how it is kept out of all text."""

import base64
import hashlib
import re
from collections.abc import Iterator
from html import escape
from typing import NoReturn, Self

from ours_experiments.errors import ConfigurationError


KEY_CHARACTERS = re.compile(r"[\x21-\x7e]+", re.ASCII)
MASK = "***"
LONGEST_SPELLING = 9
"""Characters that one character of a key takes at most where a text quotes it."""
SHORTEST_BASE64 = 8


class Authorization(str):
    """The `Authorization` header's value; nothing else holds the API key.

    A plain text to aiohttp, which writes it; masked wherever it is displayed. It is
    never pickled, so that the key gets into no file and into no other process.
    """

    __slots__ = ("_quotations",)
    _quotations: re.Pattern[str]

    def __repr__(self) -> str:
        return f"'Bearer {MASK}'"

    def __copy__(self) -> Self:
        return self

    def __deepcopy__(self, memo: object) -> Self:
        return self

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        raise TypeError("an API key is not pickled: build the client where it is used")

    @property
    def quotations(self) -> re.Pattern[str]:
        """What a text that quotes the key may look like; made when first needed."""
        try:
            return self._quotations
        except AttributeError:
            key = self.removeprefix("Bearer ")
            spelled = "".join(map(spellings_of, key))
            self._quotations = re.compile("|".join([spelled, *base64_of(key)]))
            return self._quotations

    def mask(self, text: str) -> str:
        """Return a text without the key, however it is spelled there."""
        return self.quotations.sub(MASK, text)

    def excerpt(self, text: str, length: int) -> str:
        """Return the first characters of a text, without the key or a part of it."""
        head = text[: length + LONGEST_SPELLING * len(self)]
        pieces: list[str] = []
        position = 0
        for quotation in self.quotations.finditer(head):
            if quotation.start() >= length:
                break
            pieces += [head[position : quotation.start()], MASK]
            position = quotation.end()
        pieces.append(head[position:length])
        return "".join(pieces)


def spellings_of(character: str) -> str:
    """Make a pattern of what URLs, JSON and HTML turn a key's character into."""
    if character.isalnum():
        return character
    point = ord(character)
    encoded = rf"(?i:%{point:02x}|\\u{point:04x}|&#{point};|&#x{point:x};)"
    # No two of these match the same text: matching takes no time to speak of.
    others = [character]
    if character in "\"'&<>":
        others.insert(0, escape(character))
    if character in "\"'/\\":
        others[:0] = [rf"\\\{character}", rf"\{character}"]
    return "|".join([f"(?:{encoded}", *map(re.escape, others)]) + ")"


def base64_of(key: str) -> Iterator[str]:
    """Make patterns of a key inside a longer text in base64, at each offset."""
    for offset in range(3):
        encoded = base64.b64encode(b"\0" * offset + key.encode()).decode()
        # At both ends a character is shared with what stands beside the key.
        inner = encoded[(0, 2, 3)[offset] : (offset + len(key)) * 8 // 6]
        if len(inner) >= SHORTEST_BASE64:
            yield re.escape(inner).replace(r"\+", "[+-]").replace("/", "[/_]")


def authorization_from(api_key: object) -> Authorization | ConfigurationError:
    """Check an API key and make the header's value of it.

    What is wrong is returned, not raised: no frame of a traceback then holds the key,
    if the caller lets go of it too. The text never shows it.
    """
    if api_key is None:
        return ConfigurationError(
            "api_key is missing: pass it, or set OURS_PRIVACY_API_KEY"
        )
    if not isinstance(api_key, str) or not api_key.strip():
        return ConfigurationError("api_key must be text that is not blank")
    if not KEY_CHARACTERS.fullmatch(api_key):
        return ConfigurationError(
            "api_key must hold visible ASCII characters only: no blanks, no line "
            "breaks, no control characters"
        )
    return Authorization(f"Bearer {api_key}")


def fingerprint_of(prefix: str, secret: str) -> str:
    """Tell accounts apart without naming them."""
    return hashlib.blake2b(
        f"{prefix}\n{secret}".encode(), digest_size=8, person=b"ours-journal"
    ).hexdigest()
