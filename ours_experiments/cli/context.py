"""What every command needs: the options that come before it, and the terminal."""

import os
import sys
from pathlib import Path
from typing import Annotated, Literal, TypeAlias

import attrs
from cyclopts import Parameter
from rich.console import Console
from rich.text import Text

import ours_experiments as ours
from ours_experiments.cli.errors import DeclinedError, OutputError, UsageError
from ours_experiments.cli.output.text import text
from ours_experiments.errors import ConfigurationError


Format = Literal["table", "json", "jsonl", "csv"]

KEY_VARIABLE = "OURS_PRIVACY_API_KEY"


@attrs.frozen
class Context:
    """The global options and the terminal."""

    out: Console
    """For what was asked for."""
    err: Console
    """For everything else: progress, notes, questions, errors."""
    format: Format = "table"
    """How records are written."""
    api_key_env: str = KEY_VARIABLE
    """The environment variable that holds the key."""
    api_key_file: Path | None = None
    """A file that holds the key; None: the environment does."""
    base_url: str | None = None
    """Where the service answers; None: as the environment says, or the service."""

    def client(self, requests: int = 32) -> "ours.Client":
        """Build the client; this is what loads the HTTP library.

        Args:
            requests: How many at the same time at most.
        """
        return ours.Client(
            self.api_key(), base_url=self.base_url, max_in_flight=requests
        )

    def with_csv(self, wanted: bool) -> "Context":  # noqa: FBT001 - an option's value
        """Give a context that writes CSV, if that is wanted."""
        return attrs.evolve(self, format="csv") if wanted else self

    def api_key(self) -> str:
        """Read the key from the file or the environment.

        Raises:
            ConfigurationError: There is none; the text says where it was looked for.
        """
        if self.api_key_file is not None:
            # Neither name is repeated: a key may stand there by mistake.
            key = read_text(self.api_key_file, "the file of --api-key-file").strip()
            if not key:
                raise ConfigurationError("the file of --api-key-file is empty")
            return key
        key = os.environ.get(self.api_key_env, "").strip()
        if not key and self.api_key_env != KEY_VARIABLE:
            raise ConfigurationError("the variable of --api-key-env is not set")
        if not key:
            raise ConfigurationError(
                f"there is no API key in the environment variable {KEY_VARIABLE}"
            )
        return key

    def write(self, written: str, *, flush: bool = False) -> None:
        """Write for programs, as it is.

        Raises:
            OutputError: It cannot be written.
        """
        try:
            self.out.file.write(written)
            if flush:
                self.out.file.flush()
        except BrokenPipeError:
            raise
        except OSError as problem:
            raise OutputError(problem) from None

    def note(self, told: object) -> None:
        """Tell people something beside the output."""
        tell(self.err, text(told))

    def confirm(self, question: str, *, yes: bool) -> None:
        """Ask before something that cannot be undone.

        Raises:
            UsageError: Nobody is there to be asked, and `yes` is not given.
            DeclinedError: The answer was not yes.
        """
        if yes:
            return
        if not (sys.stdin.isatty() and self.err.is_terminal):
            raise UsageError(
                f"refused without a terminal to ask: {question}", "say --yes"
            )
        self.err.print(text(f"{question} [y/N] "), end="", soft_wrap=True)
        if sys.stdin.readline().strip().casefold() not in {"y", "yes"}:
            raise DeclinedError


Flag: TypeAlias = Annotated[bool, Parameter(show_default=False)]
"""An option that is said or not."""
InContext: TypeAlias = Annotated[Context, Parameter(parse=False)]
"""A command's parameter that is not on the command line."""


def tell(console: Console, told: Text) -> None:
    """Print one line; a terminal that is narrow folds it between words."""
    console.print(told, soft_wrap=not console.is_terminal)


def read_text(path: Path, told: str) -> str:
    """Read a file; `-` is standard input.

    Args:
        path: The file.
        told: What it is called in an error.

    Raises:
        ConfigurationError: It cannot be read.
    """
    try:
        if str(path) == "-":
            return sys.stdin.read()
        return path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as problem:
        reason = getattr(problem, "strerror", None) or "it is not UTF-8 text"
        raise ConfigurationError(f"{told} cannot be read: {reason}") from None
