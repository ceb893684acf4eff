"""Options of the command `emulator` for services that differ."""

from typing import Annotated, Literal, TypeAlias

import attrs
from cyclopts import Parameter
from cyclopts.types import NonNegativeFloat

from ours_experiments.cli.context import Flag


Words: TypeAlias = Annotated[
    tuple[str, ...], Parameter(consume_multiple=True, show_default=False)
]
"""An option that takes the words after it, up to the next option."""


# The names are those of the emulator's arguments, so that one table serves for both.
@Parameter(name="*")
@attrs.frozen
class ServiceOptions:
    """How the service answers where the vendor's documents are silent or differ."""

    api: Literal["current", "initial"] = "current"
    """Version of the API; "initial" has no versions, staging or rollout."""
    scopes: Words = ("all",)
    """What the key may do: "all", "read-only", "list-only", or documented scopes."""
    conflict_status: Literal[409, 400] = 409
    """Status of a conflict; 400 wherever the vendor's document lists no 409."""
    unique_keys: Flag = False
    """Refuse an experiment's key that is in use."""
    normalize_names: Words = ()
    """How names change before they are kept: trim casefold slug cut:40 suffix."""
    normalize_keys: Words = ()
    """The same for keys."""
    list_delay: NonNegativeFloat = 0.0
    """Seconds by which listings lag behind."""
    clock_skew: Annotated[float, Parameter(allow_leading_hyphen=True)] = 0.0
    """Seconds that times run ahead of the Date header; negative: behind."""
    cursor: Literal["keyset", "offset"] = "keyset"
    """How lists are paged; with "offset" rows move under a cursor."""
    id_style: Literal["ulid", "uuid"] = "ulid"
    """Form of ids."""


DEFAULT_OPTIONS = ServiceOptions()
