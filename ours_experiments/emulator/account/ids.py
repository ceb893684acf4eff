"""Identifiers, reproducible from a seed."""

import random
import uuid
from typing import Literal


IdStyle = Literal["ulid", "uuid"]
_CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


class Ids:
    """A seeded source of unique identifiers."""

    def __init__(self, seed: int, style: IdStyle = "ulid") -> None:
        if style not in ("ulid", "uuid"):
            raise ValueError(f"id_style: 'ulid' or 'uuid', not {style!r}")
        self._random = random.Random(f"ids {seed}")  # noqa: S311 - repeatable, not secret
        self._style = style

    def new(self, prefix: str) -> str:
        """Return a new identifier; in the ULID style it starts with the prefix."""
        if self._style == "uuid":
            return self.uuid()
        return prefix + "_0" + "".join(self._random.choices(_CROCKFORD, k=25))

    def uuid(self) -> str:
        """Return a new UUID, in either style."""
        return str(uuid.UUID(int=self._random.getrandbits(128), version=4))
