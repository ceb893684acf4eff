"""Options that select experiments: filters, and files of ids."""

from pathlib import Path
from typing import Annotated, TypedDict

import attrs
from cyclopts import Parameter

from ours_experiments.cli.context import Flag
from ours_experiments.cli.text_input import read_standard_input, read_text
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
        """Return the filters as keyword arguments."""
        return {"status": self.status, "type": self.type, "search": self.search}

    def any(self) -> bool:
        """Return whether a filter is set."""
        return self != NO_FILTERS


NO_FILTERS = Filters()


@Parameter(name="*")
@attrs.frozen
class IdSource:
    """Where ids come from, apart from the command line."""

    from_file: Path | None = None
    """File with one id per line; blank lines and lines with # are skipped."""
    stdin: Annotated[Flag, Parameter(name="--stdin")] = False
    """Read ids from standard input; a single - does the same."""

    def read(self) -> list[str]:
        """Read the ids."""
        lines: list[str] = []
        if self.from_file is not None:
            lines += read_text(
                self.from_file, f"--from-file {self.from_file}"
            ).splitlines()
        if self.stdin:
            lines += read_standard_input().splitlines()
        stripped = (line.strip() for line in lines)
        return [line for line in stripped if line and not line.startswith("#")]

    def given(self) -> bool:
        """Return whether there is such a source."""
        return self.from_file is not None or self.stdin


NO_SOURCE = IdSource()
