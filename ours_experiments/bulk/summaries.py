"""What a stream keeps of outcomes that its consumer has taken."""

import sys
from typing import TypeVar

import attrs

from ours_experiments.bulk.outcomes import Outcome, OutcomeStatus
from ours_experiments.errors import APIStatusError, OursError, restore


T = TypeVar("T")

ID = "\ufdd0"
"""Stands for the experiment's id in a text that ids share: no character at all."""
MAX_SHARED = 4096
"""Summaries that are shared; beyond that, texts hardly ever repeat."""
STATUS_FIELDS = ("status", "details", "method", "path", "retry_after")
"""The arguments that an `APIStatusError` is built from again, beside its text."""


@attrs.frozen(weakref_slot=False, cache_hash=True)
class Kind:
    """An outcome without its id, its answer, its cause and its error's text."""

    status: OutcomeStatus
    attempts: int
    note: str = ""
    error_type: type[OursError] | None = None
    names: tuple[str, ...] = ()
    """The attributes of the error that are plain values."""
    values: tuple[object, ...] = ()


@attrs.frozen(weakref_slot=False)
class Summary:
    """What is kept of an outcome; ids share it.

    Two objects, since failures differ in little more than their text: 160 bytes for one
    with a text of its own, where one object takes 300.
    """

    kind: Kind
    text: str = ""

    @property
    def status(self) -> OutcomeStatus:
        """The result for the experiment."""
        return self.kind.status

    def to_outcome(self, experiment_id: str, action: str) -> Outcome:
        """Build the outcome of one id."""
        kind = self.kind
        error = None
        if kind.error_type is not None:
            error = self.to_error(experiment_id, kind.error_type)
        return Outcome(
            experiment_id,
            action,
            kind.status,
            error=error,
            attempts=kind.attempts,
            note=kind.note,
        )

    def to_error(self, experiment_id: str, error_type: type[OursError]) -> OursError:
        """Build the error again, without its cause, its traceback and its headers."""
        fields = {
            name: value.replace(ID, experiment_id) if isinstance(value, str) else value
            for name, value in zip(self.kind.names, self.kind.values, strict=True)
        }
        text = self.text.replace(ID, experiment_id)
        if issubclass(error_type, APIStatusError):
            return error_type(error=text, **fields)  # type: ignore[arg-type]
        error = restore(error_type, (text,))
        error.__dict__.update(fields)
        return error


@attrs.define
class Summaries:
    """Summaries of outcomes, one object for all that are equal."""

    plain: dict[tuple[OutcomeStatus, int], Summary] = attrs.field(
        init=False, factory=dict[tuple[OutcomeStatus, int], Summary]
    )
    """Those without an error and a note, by status and attempts."""
    kinds: dict[Kind, Kind] = attrs.field(init=False, factory=dict[Kind, Kind])
    shared: dict[Summary, Summary] = attrs.field(
        init=False, factory=dict[Summary, Summary]
    )

    def summarize(self, outcome: Outcome) -> Summary:
        """Return the summary of an outcome: a failure as it is raised takes 1.6 kB."""
        if outcome.error is not None or outcome.note:
            return self.share(kind_of(outcome), text_of(outcome))
        # Most outcomes: 3 us less than with an object to look it up by.
        key = outcome.status, outcome.attempts
        summary = self.plain.get(key)
        if summary is None:
            summary = self.plain[key] = Summary(Kind(*key))
        return summary

    def share(self, kind: Kind, text: str = "") -> Summary:
        """Return the summary of a kind and a text, one object while there are few."""
        kind = shared(self.kinds, kind)
        return shared(self.shared, Summary(kind, text))


def shared(known: dict[T, T], item: T) -> T:
    """Return the object that is equal to an item and known, or the item itself."""
    found = known.get(item)
    if found is None and len(known) < MAX_SHARED:
        known[item] = item
    return item if found is None else found


def kind_of(outcome: Outcome) -> Kind:
    """Return what an outcome has in common with others."""
    error, experiment_id = outcome.error, outcome.experiment_id
    if error is None:
        return Kind(outcome.status, outcome.attempts, outcome.note)
    names = STATUS_FIELDS if isinstance(error, APIStatusError) else tuple(vars(error))
    values: list[object] = []
    for name in names:
        value = getattr(error, name)
        if isinstance(value, str):
            value = without_id(value, experiment_id)
            if name != "details":
                # The method, the path and the action are the same for all ids.
                value = sys.intern(value)
        elif value is not None and not isinstance(value, int | float):
            value = () if isinstance(value, tuple) else None
        values.append(value)
    return Kind(
        outcome.status,
        outcome.attempts,
        outcome.note,
        type(error),
        names,
        tuple(values),
    )


def text_of(outcome: Outcome) -> str:
    """Return the text of an outcome's error, empty without one."""
    error = outcome.error
    if error is None:
        return ""
    # The text of an error status is made of its fields.
    text = error.error if isinstance(error, APIStatusError) else str(error)
    return without_id(text, outcome.experiment_id)


def without_id(text: str, experiment_id: str) -> str:
    """Replace the id in a text, so that ids can share it."""
    return text.replace(experiment_id, ID) if experiment_id else text
