"""The names and keys of the account, and how a service may change them."""

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable
from itertools import count


RULES = ("trim", "casefold", "slug", "cut:N", "suffix")
"""How a service may change a text before it keeps it; N counts characters."""

_CUT = re.compile(r"cut:([1-9][0-9]{0,5})")


class Texts:
    """The texts of one kind that are in use, and the rules for keeping another.

    The rules apply in the order given. "suffix" appends -2, or the next free
    number, to a text that is in use.
    """

    def __init__(self, rules: Iterable[str] = ()) -> None:
        if isinstance(rules, str):
            raise TypeError("a collection of rules is needed, not one string")
        self._rules = tuple(rules)
        for rule in self._rules:
            if rule == "cut:N" or not (rule in RULES or _CUT.fullmatch(rule)):
                raise ValueError(f"{rule!r} is not one of {', '.join(RULES)}")
        self._in_use: Counter[str] = Counter()

    def __contains__(self, text: str) -> bool:
        return self._in_use[text] > 0

    def add(self, text: str) -> None:
        """Count a text as in use once more."""
        self._in_use[text] += 1

    def remove(self, text: str) -> None:
        """Count a text as in use once less."""
        self._in_use[text] -= 1

    def normalize(self, text: str, present: str | None = None) -> str:
        """Return a text as the rules change it.

        Args:
            text: What was sent.
            present: What the owner of the text has now, which it may keep.
        """
        for rule in self._rules:
            if rule == "suffix":
                text = self._with_suffix(text, present)
            else:
                text = _apply(rule, text)
        return text

    def rewrite(self, text: str) -> str:
        """Return a text as the rules change it, without a suffix."""
        for rule in self._rules:
            if rule != "suffix":
                text = _apply(rule, text)
        return text

    def _with_suffix(self, text: str, present: str | None) -> str:
        numbered = text
        for number in count(2):
            if numbered == present or numbered not in self:
                break
            numbered = f"{text}-{number}"
        return numbered


def _apply(rule: str, text: str) -> str:
    if rule == "trim":
        return text.strip()
    if rule == "casefold":
        return text.casefold()
    if rule == "slug":
        return slug(text)
    return text[: int(rule.removeprefix("cut:"))]


def slug(name: str) -> str:
    """Return a key made from a name: lower-case ASCII words joined by hyphens."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    return re.sub(r"[^a-z0-9]+", "-", plain.lower()).strip("-") or "experiment"
