"""What drafts leave out, which is not the same as None."""

from enum import Enum
from typing import Final


class Unset(Enum):
    """The type of `UNSET`."""

    UNSET = "unset"
    """The field is left unchanged."""


UNSET: Final = Unset.UNSET
"""The value of a patch's field that is not sent."""


class Draft:
    """The base of what the API is sent: an object whose empty fields are left out."""

    __slots__ = ()
