"""Outcomes as plain JSON, and back."""

from collections.abc import Mapping
from datetime import datetime
from typing import TypeAlias, cast

import orjson

from ours_experiments import errors
from ours_experiments.bulk.outcomes import Outcome, OutcomeStatus
from ours_experiments.errors import OursError, restore


OutcomeRecord: TypeAlias = dict[str, object]
"""As `Outcome.to_record()`, with all fields of the error in place of its text."""


def record_of(outcome: Outcome) -> OutcomeRecord:
    """Spell an outcome in plain values; of the transition only `publish_status`."""
    return {**outcome.to_record(), "error": error_record_of(outcome.error)}


def outcome_of(record: Mapping[str, object]) -> Outcome:
    """Read an outcome; its error has the class and the attributes that it had."""
    return Outcome(
        cast("str", record["experiment_id"]),
        cast("str", record["action"]),
        OutcomeStatus(cast("str", record["status"])),
        error=error_of(cast("Mapping[str, object] | None", record["error"])),
        attempts=cast("int", record["attempts"]),
        seconds=cast("float", record["seconds"]),
    )


def error_record_of(error: BaseException | None) -> dict[str, object] | None:
    """Spell an error in plain values, with what caused it."""
    if not isinstance(error, OursError):
        return None
    return {
        "type": type(error).__name__,
        "message": str(error),
        **orjson.loads(orjson.dumps(vars(error), default=str)),
        "cause": error_record_of(error.__cause__),
    }


def error_of(record: Mapping[str, object] | None) -> OursError | None:
    """Read an error."""
    if record is None:
        return None
    kind: object = getattr(errors, str(record["type"]), OursError)
    if not (isinstance(kind, type) and issubclass(kind, OursError)):
        kind = OursError
    error = restore(kind, (record["message"],))
    for name, value in record.items():
        if name == "cause":
            error.__cause__ = error_of(cast("Mapping[str, object] | None", value))
        elif name not in {"type", "message"}:
            error.__dict__[name] = field_of(name, value)
    return error


def field_of(name: str, value: object) -> object:
    """Read one attribute of an error."""
    if name == "sent_at" and isinstance(value, str):
        return datetime.fromisoformat(value)
    if isinstance(value, list):
        return tuple(cast("list[object]", value))
    return value
