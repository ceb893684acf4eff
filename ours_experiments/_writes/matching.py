"""Whether a name or a key may be the one that was sent, however it is spelled."""

import re
import unicodedata


MIN_CUT = 8
"""Characters that a service leaves of a text at least when it shortens it."""
MIN_CUT_OF_SERIES = 16
"""The same where digits are cut off: `greeting-1` is not made from `greeting-10`."""
MAX_SUFFIX = 8
"""Characters of what a service appends to a text that is in use."""
WORD = re.compile(r"[^\W_]+")
NUMBERED = re.compile(r"(.*\D)\d{1,8}")


def is_real_text(text: str | None) -> bool:
    """Return whether a text has a letter or a digit by which it can be found."""
    return text is not None and WORD.search(text) is not None


def is_form_of(found: str, wanted: str) -> bool:
    """Return whether a service could have made one text from another.

    Services trim, change the case, replace blanks and punctuation, drop accents, cut
    a text short, and append a number to what is in use.
    """
    if found.strip() == wanted.strip():
        return True
    return any(
        is_plain_form(WORD.findall(plain(found)), WORD.findall(plain(wanted)))
        for plain in (without_accents, ascii_only)
    )


def without_accents(text: str) -> str:
    """Return a text without case and accents."""
    decomposed = unicodedata.normalize("NFKD", text.casefold())
    return "".join(char for char in decomposed if not unicodedata.combining(char))


def ascii_only(text: str) -> str:
    """Return what is left of a text where only ASCII letters are kept."""
    decomposed = unicodedata.normalize("NFKD", text.lower())
    return decomposed.encode("ascii", "ignore").decode()


def is_plain_form(found: list[str], wanted: list[str]) -> bool:
    """Compare the words of two texts, with and without a suffix of the first."""
    text, target = "".join(found), "".join(wanted)
    if not text or not target:
        return False
    *others, last = found
    has_suffix = len(last) <= MAX_SUFFIX and any(map(str.isdigit, last))
    numbered = NUMBERED.fullmatch(text)
    return (
        is_beginning(text, target)
        or (has_suffix and is_beginning("".join(others), target))
        or (numbered is not None and is_beginning(numbered[1], target))
    )


def is_beginning(text: str, target: str) -> bool:
    """Return whether a text is another one, or what a service has cut it to."""
    if text == target:
        return True
    size = len(text)
    if size < MIN_CUT or not target.startswith(text):
        return False
    rest = target[size:]
    is_series = rest.isdigit() or (text[-1].isdigit() and rest[0].isdigit())
    return size >= MIN_CUT_OF_SERIES or not is_series
