"""The query string, read and checked."""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date

from ours_experiments.emulator.problems import bad_request


_WHOLE = re.compile(r"-?[0-9]+")
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_UUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
MAX_DIGITS = 9


@dataclass(frozen=True, slots=True)
class Query:
    """The parameters of a request; unknown ones are ignored."""

    values: Mapping[str, str]

    def text(self, name: str) -> str | None:
        """Return a parameter as it is, None when it is absent."""
        return self.values.get(name)

    def limit(self, *, default: int, maximum: int) -> int:
        """Return the page size, clamped to 1 and `maximum`."""
        text = self.values.get("limit")
        if text is None:
            return default
        if not _WHOLE.fullmatch(text):
            raise bad_request("limit: must be an integer")
        if len(text.lstrip("-0")) > MAX_DIGITS:
            return 1 if text.startswith("-") else maximum
        return min(max(int(text), 1), maximum)

    def one_of(self, name: str, choices: Collection[str]) -> str | None:
        """Return a documented value, None when it is absent."""
        value = self.values.get(name)
        if value is not None and value not in choices:
            raise bad_request(f"{name}: must be one of {', '.join(sorted(choices))}")
        return value

    def uuid(self, name: str) -> str | None:
        """Return a UUID, None when it is absent."""
        text = self.values.get(name)
        if text is not None and not _UUID.fullmatch(text):
            raise bad_request(f"{name}: must be a UUID")
        return text

    def day(self, name: str) -> date | None:
        """Return a calendar day, None when it is absent."""
        text = self.values.get(name)
        if text is None:
            return None
        if not _DAY.fullmatch(text):
            raise bad_request(f"{name}: must be text YYYY-MM-DD")
        try:
            return date.fromisoformat(text)
        except ValueError:
            raise bad_request(f"{name}: no such day") from None
