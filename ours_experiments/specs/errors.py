"""The errors of experiments as code."""

from collections.abc import Sequence

import attrs

from ours_experiments.errors import ConfigurationError


@attrs.frozen
class Problem:
    """One thing that is wrong with a spec or its file."""

    field: str
    """Where in the spec, such as `variants[0].weight`; empty: the whole of it."""
    message: str
    """What is wrong, and what is expected instead."""
    file: str | None = None
    """The file; None for a spec that was made in Python."""
    line: int | None = None
    """The line in the file, from 1; None without a file."""

    @property
    def top_field(self) -> str:
        """Return the field of the spec that it is in."""
        return self.field.partition(".")[0].partition("[")[0]

    @property
    def place(self) -> str:
        """Return `file:line`; without a file the field."""
        return self.field if self.file is None else f"{self.file}:{self.line}"

    def __str__(self) -> str:
        """Format as `file:line: field: message`."""
        text = f"{self.field}: {self.message}" if self.field else self.message
        return text if self.file is None else f"{self.place}: {text}"


class SpecError(ConfigurationError):
    """A spec, or a file of specs, is refused; the text has a line per problem."""

    problems: tuple[Problem, ...]
    """All that is wrong, by file and line."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__("\n".join(str(problem) for problem in problems))
        self.problems = tuple(problems)
