"""What a stream keeps of outcomes that its consumer has taken."""

import sys

import attrs

from ours_experiments.bulk.outcomes import Outcome, OutcomeStatus
from ours_experiments.errors import APIStatusError, OursError, restore


ID = "\ufdd0"
"""Stands for the experiment's id in a text that ids share: no character at all."""
MAX_SHARED = 4096
"""Distinct failures that are shared; texts that never repeat are not looked up."""


@attrs.frozen
class ErrorSummary:
    """The class, the text and the plain attributes of an error."""

    kind: type[OursError]
    text: str
    names: tuple[str, ...]
    values: tuple[object, ...]

    def to_error(self, experiment_id: str) -> OursError:
        """Build the error again, without its cause, its traceback and headers."""
        fields = {
            name: value.replace(ID, experiment_id) if isinstance(value, str) else value
            for name, value in zip(self.names, self.values, strict=True)
        }
        if issubclass(self.kind, APIStatusError):
            return self.kind(**fields)  # type: ignore[arg-type]
        error = restore(self.kind, (self.text.replace(ID, experiment_id),))
        error.__dict__.update(fields)
        return error


@attrs.frozen
class Summary:
    """An outcome without the id, so that many ids share one."""

    status: OutcomeStatus
    attempts: int
    error: ErrorSummary | None = None

    def to_outcome(self, experiment_id: str, action: str) -> Outcome:
        """Build the outcome of one id."""
        error = self.error.to_error(experiment_id) if self.error else None
        return Outcome(
            experiment_id, action, self.status, error=error, attempts=self.attempts
        )


SharedKey = tuple[OutcomeStatus, int, ErrorSummary | None]


@attrs.define
class Summaries:
    """Summaries of outcomes, one object for all that are equal."""

    shared: dict[SharedKey, Summary] = attrs.field(
        init=False, factory=dict[SharedKey, Summary]
    )

    def summarize(self, outcome: Outcome) -> Summary:
        """Return the summary of an outcome.

        A failure costs 1.6 kB as it is raised; its summary costs a pointer where the
        text is another's but for the id, and 300 bytes where no text repeats.
        """
        error = outcome.error
        summary_of_error = (
            summarize_error(error, outcome.experiment_id) if error else None
        )
        key = (outcome.status, outcome.attempts, summary_of_error)
        summary = self.shared.get(key)
        if summary is None:
            summary = Summary(*key)
            if len(self.shared) < MAX_SHARED:
                self.shared[key] = summary
        return summary


STATUS_FIELDS = ("status", "error", "details", "method", "path", "retry_after")
"""What an `APIStatusError` is built from again."""


def summarize_error(error: OursError, experiment_id: str) -> ErrorSummary:
    """Return what is kept of an error."""
    names = STATUS_FIELDS if isinstance(error, APIStatusError) else tuple(vars(error))
    # The text of an error status is made of its fields.
    text = "" if names is STATUS_FIELDS else without_id(str(error), experiment_id)
    values: list[object] = []
    for name in names:
        value = getattr(error, name)
        if isinstance(value, str):
            value = without_id(value, experiment_id)
            if name not in {"error", "details"}:
                # The method, the path and the action are the same for all ids.
                value = sys.intern(value)
        elif value is not None and not isinstance(value, int | float):
            value = () if isinstance(value, tuple) else None
        values.append(value)
    return ErrorSummary(type(error), text, names, tuple(values))


def without_id(text: str, experiment_id: str) -> str:
    """Replace the id in a text, so that ids can share it."""
    return text.replace(experiment_id, ID) if experiment_id else text
