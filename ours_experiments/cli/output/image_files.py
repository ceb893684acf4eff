"""Plots in image files, drawn with matplotlib."""

from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

from ours_experiments.cli.errors import UsageError
from ours_experiments.errors import ConfigurationError


SUFFIXES = (".pdf", ".png", ".svg")
INCHES = (8.0, 4.5)
DOTS_PER_INCH = 150


def check_image_path(path: Path) -> None:
    """Refuse an image that cannot be saved, before anything is requested.

    Raises:
        UsageError: The suffix is of no known format.
        ConfigurationError: The folder does not exist, or matplotlib is missing.
    """
    if path.suffix.lower() not in SUFFIXES:
        raise UsageError(f"--plot {path}: it must end with {', '.join(SUFFIXES)}")
    if not path.absolute().parent.is_dir():
        raise ConfigurationError(f"--plot {path}: there is no such folder")
    # Looked for, not loaded: that takes half a second, before the first request.
    if find_spec("matplotlib") is None:
        raise ConfigurationError("--plot needs matplotlib: install the extra `plot`")


def save_image(path: Path, draw: Callable[..., object]) -> None:
    """Draw a plot and save it.

    Args:
        path: The file; its suffix decides the format.
        draw: Draws on the `axes` that it gets.

    Raises:
        ConfigurationError: The file cannot be written.
    """
    from matplotlib.figure import Figure  # noqa: PLC0415 - the extra

    # Not pyplot, which chooses a backend that may want a display.
    figure = Figure(figsize=INCHES, dpi=DOTS_PER_INCH, layout="constrained")
    draw(axes=figure.subplots())
    try:
        figure.savefig(path)  # pyright: ignore[reportUnknownMemberType]
    except OSError as problem:
        raise ConfigurationError(
            f"--plot {path} cannot be written: {problem.strerror}"
        ) from None
