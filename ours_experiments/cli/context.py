"""What every command gets: the global options and the terminal."""

import os
import sys
from pathlib import Path
from typing import Annotated, Literal, TypeAlias

import attrs
from cyclopts import Parameter
from rich.console import Console

import ours_experiments as ours
from ours_experiments.cli.errors import DeclinedError, OutputError, UsageError
from ours_experiments.cli.output.terminal import print_line, safe_text
from ours_experiments.cli.text_input import read_text
from ours_experiments.errors import ConfigurationError


Format = Literal["table", "json", "jsonl", "csv", "ids", "markdown"]

KEY_VARIABLE = "OURS_PRIVACY_API_KEY"


@attrs.frozen
class Context:
    """The global options and the terminal."""

    out: Console
    """Standard output: what was asked for."""
    err: Console
    """Standard error: progress, notes, questions, errors."""
    format: Format = "table"
    """How records are written."""
    api_key_env: str = KEY_VARIABLE
    """Name of the environment variable that holds the key."""
    api_key_file: Path | None = None
    """File that holds the key; None: read the environment variable."""
    base_url: str | None = None
    """Address of the service; None: the client's default."""

    def client(self, max_in_flight: int = 32) -> "ours.Client":
        """Create the client; this loads the HTTP library.

        Args:
            max_in_flight: Limit of requests at the same time.
        """
        return ours.Client(
            self.api_key(),
            base_url=self.base_url,
            max_in_flight=max_in_flight,
            # HTTPS_PROXY and NO_PROXY count, as they do for curl.
            trust_env=True,
        )

    def with_csv(self, wanted: bool) -> "Context":  # noqa: FBT001 - an option's value
        """Return a context that writes CSV if wanted, else this one."""
        return attrs.evolve(self, format="csv") if wanted else self

    def api_key(self) -> str:
        """Read the key from the file or the environment.

        Raises:
            ConfigurationError: There is none. The text names the place, not its
                content.
        """
        if self.api_key_file is not None:
            # The name is not repeated: people pass the key itself by mistake.
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

    def write(self, content: str, *, flush: bool = False) -> None:
        """Write to standard output for programs, without formatting.

        Raises:
            OutputError: The output cannot be written.
        """
        try:
            self.out.file.write(content)
            if flush:
                self.out.file.flush()
        # Nobody reads on: `run` ends without a word, with the code 141.
        except BrokenPipeError:
            raise
        except OSError as problem:
            raise OutputError(problem) from None

    def note(self, message: object) -> None:
        """Print a message for people on standard error."""
        print_line(self.err, safe_text(message))

    def confirm(self, question: str, *, yes: bool) -> None:
        """Ask before something that cannot be undone.

        Args:
            question: What to ask.
            yes: Whether `--yes` was given, so that nobody is asked.

        Raises:
            UsageError: There is no terminal to ask at.
            DeclinedError: The answer was not yes.
        """
        if yes:
            return
        # Python sets standard input to None if it was closed before the start.
        if not (sys.stdin and sys.stdin.isatty() and self.err.is_terminal):
            raise UsageError(
                f"refused without a terminal to ask: {question}", "add --yes"
            )
        self.err.print(safe_text(f"{question} [y/N] "), end="", soft_wrap=True)
        if sys.stdin.readline().strip().casefold() not in {"y", "yes"}:
            raise DeclinedError


Flag: TypeAlias = Annotated[bool, Parameter(show_default=False)]
"""An option without a value."""
InContext: TypeAlias = Annotated[Context, Parameter(parse=False)]
"""The parameter of a command that is not on the command line."""
