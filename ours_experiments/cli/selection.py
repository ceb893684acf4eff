"""Which experiments are meant: ids, a file of them, or filters."""

import sys
from pathlib import Path
from typing import Annotated, TypedDict

import attrs
from cyclopts import Parameter

from ours_experiments.cli.context import Flag, read_text
from ours_experiments.models import ExperimentStatus, ExperimentType


class FilterArguments(TypedDict):
    """The arguments of `client.experiments.list` that filter."""

    status: ExperimentStatus | None
    type: ExperimentType | None
    search: str | None


@Parameter(name="*")
@attrs.frozen
class Filters:
    """Properties of experiments."""

    status: ExperimentStatus | None = None
    """Only experiments in this state."""
    type: ExperimentType | None = None
    """Only experiments of this type."""
    search: str | None = None
    """Only experiments with this text in id, name or description."""

    def arguments(self) -> FilterArguments:
        """Give the filters as arguments."""
        return {"status": self.status, "type": self.type, "search": self.search}

    def any(self) -> bool:
        """Tell whether a filter is set."""
        return self != NO_FILTERS


NO_FILTERS = Filters()


@Parameter(name="*")
@attrs.frozen
class Source:
    """Where ids come from beside the command line."""

    from_file: Path | None = None
    """A file with one id a line; blank lines and those with # are skipped."""
    stdin: Annotated[Flag, Parameter(name="--stdin")] = False
    """Read ids from standard input; a single - says the same."""

    def ids(self) -> list[str]:
        """Read the ids."""
        written: list[str] = []
        if self.from_file is not None:
            written += read_text(
                self.from_file, f"--from-file {self.from_file}"
            ).splitlines()
        if self.stdin:
            written += sys.stdin.read().splitlines()
        lines = (line.strip() for line in written)
        return [line for line in lines if line and not line.startswith("#")]

    def given(self) -> bool:
        """Tell whether there is such a source."""
        return self.from_file is not None or self.stdin


NO_SOURCE = Source()
