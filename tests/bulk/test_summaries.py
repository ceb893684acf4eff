"""What a stream keeps of failures: little, and shared by all ids that failed alike."""

import tracemalloc
from collections.abc import Callable

import pytest

from ours_experiments import (
    APITimeoutError,
    ConfigurationError,
    ConflictError,
    DecodeError,
    OursError,
    Outcome,
    OutcomeStatus,
    OutcomeUnknownError,
)
from ours_experiments.bulk.ledger import Ledger


COUNT = 20_000


def conflict(experiment_id: str, reason: str = "It is completed") -> ConflictError:
    """Build the error of a refused start."""
    path = f"/experiments/{experiment_id}/start"
    headers = {"date": experiment_id, "server": "service"}
    return ConflictError(409, reason, method="POST", path=path, headers=headers)


ERRORS: dict[str, Callable[[str], OursError]] = {
    "conflict": conflict,
    "configuration": lambda name: ConfigurationError(f"the id {name} cannot be sent"),
    "timeout": lambda name: APITimeoutError(f"{name}: late", maybe_sent=True),
    "decode": lambda name: DecodeError(f"{name}: no", problems=[f"$.{name}: no"]),
    "unknown": lambda name: OutcomeUnknownError(
        f"start of {name}: unknown", action="start", experiment_id=name
    ),
}


STABLE = {"status", "error", "details", "path", "maybe_sent", "experiment_id"}
"""The attributes that are kept; others would differ from id to id."""


@pytest.mark.parametrize("make", ERRORS.values(), ids=ERRORS)
def test_a_failure_is_reported_as_it_was(make: Callable[[str], OursError]) -> None:
    """The report has each failure's class, text and attributes, with its own id."""
    ledger = Ledger("start", keep=False)
    errors = {name: make(name) for name in ("exp_1", "exp_2")}
    for name, error in errors.items():
        ledger.add(name)
        ledger.record(Outcome(name, "start", OutcomeStatus.FAILED, None, error, 2))
    assert ledger.entries["exp_1"] is ledger.entries["exp_2"]
    for outcome in ledger.outcomes():
        error = errors[outcome.experiment_id]
        assert type(outcome.error) is type(error)
        assert str(outcome.error) == str(error)
        assert outcome.attempts == 2
        kept = vars(outcome.error)
        assert kept.keys() == vars(error).keys()
        assert all(kept[key] == vars(error)[key] for key in STABLE & kept.keys())


@pytest.mark.parametrize("name", ["", "e", "\0"], ids=repr)
def test_ids_that_are_no_ids(name: str) -> None:
    """A text comes back as it was, whatever the id is."""
    ledger = Ledger("start", keep=False)
    error: OursError = ConfigurationError(f"experiment id {name!r} cannot be sent")
    ledger.add(name)
    ledger.record(Outcome(name, "start", OutcomeStatus.FAILED, None, error))
    [outcome] = ledger.outcomes()
    assert str(outcome.error) == str(error)


@pytest.mark.parametrize(
    ("own_reasons", "most"),
    [
        pytest.param(False, 1, id="one reason"),
        pytest.param(True, 200, id="own reasons"),
    ],
)
def test_failures_cost_little_memory(*, own_reasons: bool, most: int) -> None:
    """Beside its id a failure costs nothing, or 200 bytes where no reason repeats."""
    ledger = Ledger("start", keep=False)
    names = [f"exp_{number:026}" for number in range(COUNT)]
    for name in names:
        ledger.add(name)

    def fail(number: int, name: str) -> None:
        reason = f"It is completed by {number:08}" if own_reasons else "It is completed"
        error = conflict(name, reason)
        ledger.record(Outcome(name, "start", OutcomeStatus.FAILED, None, error, 1))

    fail(0, names[0])
    tracemalloc.start()
    for number, name in enumerate(names):
        fail(number, name)
    grown = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    assert grown < most * COUNT
