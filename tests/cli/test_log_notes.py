"""What the library logs is told to those who ask, and to nobody else."""

import logging

import pytest

from tests.cli.runner import Invoke, Service, Terminal


@pytest.fixture
def bumpy(service: Service) -> Service:
    """A service in which every start loses its first reply."""
    service.emulator.faults.add(
        "reset", route="experiments.start", applied=True, times=2
    )
    return service


def test_what_is_repeated_is_told_on_request(bumpy: Service, invoke: Invoke) -> None:
    """`--verbose` tells what was read back; the log is left as it was."""
    first, second = bumpy.seed(2)
    logger = logging.getLogger("ours_experiments")
    before = (logger.level, list(logger.handlers))
    silent = invoke("start", first)
    assert (silent.code, silent.err) == (0, "")
    told = invoke("start", second, "--verbose")
    assert told.code == 0
    assert "Connection" in told.err or "reset" in told.err
    assert (logger.level, list(logger.handlers)) == before


def test_notes_leave_the_bar_whole(bumpy: Service) -> None:
    """In a terminal, notes stand above the bar."""
    ids = bumpy.seed(8)
    terminal = Terminal("start", *ids, "--verbose", env=bumpy.environment)
    assert terminal.end() == 0
    notes = [line for line in terminal.lines if line.startswith(("info:", "warning:"))]
    assert notes
    assert not [line for line in notes if "━" in line]
    assert "8 applied" in terminal.screen
