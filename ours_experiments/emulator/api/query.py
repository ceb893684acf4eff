"""The query string, read and checked."""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date

from ours_experiments.emulator.problems import bad_request


_WHOLE = re.compile(r"-?[0-9]+")
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_UUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_MOST_DIGITS = 9


@dataclass(frozen=True, slots=True)
class Query:
    """The parameters of a request; unknown ones are ignored."""

    values: Mapping[str, str]

    def text(self, name: str) -> str | None:
        """Give a parameter as it is, None when it is absent."""
        return self.values.get(name)

    def limit(self, *, default: int, most: int) -> int:
        """Give the page size, clamped to 1 and `most`."""
        written = self.values.get("limit")
        if written is None:
            return default
        if not _WHOLE.fullmatch(written):
            raise bad_request("limit: must be an integer")
        if len(written.lstrip("-0")) > _MOST_DIGITS:
            return 1 if written.startswith("-") else most
        return min(max(int(written), 1), most)

    def one_of(self, name: str, choices: Collection[str]) -> str | None:
        """Give one of the documented words, None when it is absent."""
        value = self.values.get(name)
        if value is not None and value not in choices:
            raise bad_request(f"{name}: must be one of {', '.join(sorted(choices))}")
        return value

    def uuid(self, name: str) -> str | None:
        """Give a UUID, None when it is absent."""
        written = self.values.get(name)
        if written is not None and not _UUID.fullmatch(written):
            raise bad_request(f"{name}: must be a UUID")
        return written

    def day(self, name: str) -> date | None:
        """Give a calendar day, None when it is absent."""
        written = self.values.get(name)
        if written is None:
            return None
        if not _DAY.fullmatch(written):
            raise bad_request(f"{name}: must be written YYYY-MM-DD")
        try:
            return date.fromisoformat(written)
        except ValueError:
            raise bad_request(f"{name}: no such day") from None
