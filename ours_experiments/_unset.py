"""The value of what is left out, which is not the same as None."""

from enum import Enum
from typing import Final


class Unset(Enum):
    """The type of `UNSET`."""

    UNSET = "unset"
    """Leave the field as it is."""


UNSET: Final = Unset.UNSET
"""The value of a patch's field that is not to be sent."""
