"""Watching results: when it ends, and what programs get."""

import csv
import io
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Thread
from time import sleep

import pytest

from tests.cli.runner import Invoke, Service, process


@pytest.mark.parametrize("style", ["table", "jsonl", "csv"])
def test_a_watch_of_a_completed_experiment_ends(
    service: Service, invoke: Invoke, style: str
) -> None:
    """The results of a completed experiment do not change: they are shown once."""
    [experiment_id] = service.seed(1, "completed")
    service.emulator.faults.add(
        "status", code=404, route="experiments.results", after=9
    )
    ran = invoke("watch", experiment_id, "--interval", "0.01", "--format", style)
    assert ran.code == 0, ran.err
    assert service.emulator.log.received("experiments.results") == 1
    assert "completed" in ran.err


def test_a_watch_ends_when_the_experiment_is_completed(
    service: Service, invoke: Invoke
) -> None:
    """What is stopped while it is watched is shown once more, and the watch ends."""
    experiment_id = service.with_traffic()
    with stopping(service, experiment_id, looks=3):
        ran = invoke("watch", experiment_id, "--interval", "0.01", "--format", "jsonl")
    assert ran.code == 0, ran.err
    assert len(ran.lines) >= 3
    assert "completed" in ran.err


@contextmanager
def stopping(service: Service, experiment_id: str, looks: int) -> Iterator[None]:
    """Stop an experiment once its results were requested so often."""
    route = "experiments.results"
    # A watch that does not end by itself ends here, so that the test fails.
    service.emulator.faults.add("status", code=404, route=route, after=500)

    def stop() -> None:
        while service.emulator.log.received(route) < looks:
            sleep(0.01)
        process("stop", experiment_id, "--yes", env=service.environment)

    thread = Thread(target=stop)
    thread.start()
    yield
    thread.join()


def test_csv_of_a_watch_is_one_table(service: Service, invoke: Invoke) -> None:
    """One heading for all looks, and a column with the time of each."""
    experiment_id = service.with_traffic()
    with stopping(service, experiment_id, looks=3):
        ran = invoke("watch", experiment_id, "--interval", "0.01", "--format", "csv")
    assert ran.code == 0, ran.err
    rows = list(csv.DictReader(io.StringIO(ran.out)))
    assert ran.out.count("impressions") == 1
    assert len(rows) >= 6
    assert all(row["at"].endswith("Z") and row["name"] for row in rows)
