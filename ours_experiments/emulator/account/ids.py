"""Identifiers, reproducible from a seed."""

import random
import uuid
from typing import Literal


IdStyle = Literal["ulid", "uuid"]
_CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


class Ids:
    """A seeded source of identifiers that never repeats one."""

    def __init__(self, seed: int, style: IdStyle = "ulid") -> None:
        if style not in ("ulid", "uuid"):
            raise ValueError(f"id_style: 'ulid' or 'uuid', not {style!r}")
        self._random = random.Random(f"ids {seed}")  # noqa: S311 (no secret)
        self._style = style

    def new(self, prefix: str) -> str:
        """Make an identifier, led by its kind in the ULID style."""
        if self._style == "uuid":
            return self.uuid()
        return prefix + "_0" + "".join(self._random.choices(_CROCKFORD, k=25))

    def uuid(self) -> str:
        """Make a UUID, whatever the style."""
        return str(uuid.UUID(int=self._random.getrandbits(128), version=4))
