"""Many experiments at once, with one outcome for each; `Bulk` is `client.bulk`."""

from typing import TYPE_CHECKING


if TYPE_CHECKING:
    from ours_experiments.bulk.bulk import Bulk


__all__ = ["Bulk"]


def __getattr__(name: str) -> object:
    """Load `Bulk` on first use: the command line's help needs outcomes only."""
    if name == "Bulk":
        from ours_experiments.bulk.bulk import Bulk  # noqa: PLC0415 - loads aiohttp

        return Bulk
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
