"""The command line in a terminal: bars, questions, Ctrl-C, narrow windows."""

import re
from time import sleep

import pytest
from rich.cells import cell_len

from tests.cli.runner import Service, Terminal


NARROW = 60


@pytest.fixture
def slow(service: Service) -> Service:
    """A service that takes its time over every transition."""
    for action in ("start", "stop", "pause"):
        route = f"experiments.{action}"
        service.emulator.faults.add("latency", seconds=0.02, route=route)
    return service


@pytest.mark.parametrize("columns", [46, NARROW, 120])
def test_a_bar_shows_how_far_it_is(slow: Service, columns: int) -> None:
    """The bar tells counts by outcome, rate and time left, on one line."""
    slow.seed(60, "running")
    slow.seed(60)
    terminal = Terminal(
        *("start", "--search", "Experiment", "--concurrency", "4"),
        env=slow.environment,
        columns=columns,
    )
    terminal.wait_for("[y/N]")
    assert "start 120 experiments (60 draft, 60 running)?" in terminal.screen
    terminal.type("y\n")
    assert terminal.end() == 0
    frames = [line for line in terminal.lines if "━" in line]
    under_way = re.compile(r"start [━╸╺ ]+ (\d+)/120 \d+/s, [\d.]+ s left \d+ a")
    shown = {int(found[1]) for frame in frames if (found := under_way.match(frame))}
    assert any(0 < done < 120 for done in shown)
    whole = re.compile(r"start [━╸╺ ]+ \d+(/120)? [\d.]+/s")
    assert all(whole.match(frame) for frame in frames)
    assert max(map(cell_len, frames)) <= columns
    assert "start: 60 applied, 60 already in " in terminal.screen


def test_ctrl_c_in_the_middle_leaves_a_true_report(slow: Service) -> None:
    """After the question and some work, Ctrl-C tells what became of each."""
    ids = slow.seed(80, "running")
    terminal = Terminal(
        *("stop", "--status", "running", "--concurrency", "2"), env=slow.environment
    )
    terminal.wait_for("stop 80 experiments for good (80 running)? [y/N]")
    terminal.type("y\n")
    while slow.emulator.log.applied("experiments.stop") < 5:
        terminal.read(0.02)
    terminal.interrupt()
    assert terminal.end() == 130
    assert "Traceback" not in terminal.screen
    report = re.search(
        r"stop: (\d+) applied, (?:(\d+) unknown, )?(\d+) not attempted in ",
        terminal.screen,
    )
    assert report is not None
    applied, unknown, left = (int(count or 0) for count in report.groups())
    assert applied + unknown + left == 80
    stopped = sum(slow.status(one) == "completed" for one in ids)
    assert applied <= stopped <= applied + unknown
    *_, cut_off, interrupted, _ = terminal.lines
    assert cut_off == (
        f"interrupted: {unknown} may have been applied (unknown), {left} not attempted"
    )
    assert interrupted == "interrupted"


@pytest.mark.parametrize(
    ("answer", "code", "left"), [("yes", 0, 0), ("no", 1, 2)], ids=["yes", "no"]
)
def test_a_deletion_asks(service: Service, answer: str, code: int, left: int) -> None:
    """What cannot be undone is done only after a yes."""
    ids = service.seed(2)
    terminal = Terminal("delete", *ids, env=service.environment)
    terminal.wait_for("delete 2 experiments? [y/N]")
    terminal.type(f"{answer}\n")
    assert terminal.end() == code
    assert len(list(service.emulator.state.experiments())) == left
    assert ("nothing was done" in terminal.screen) is bool(left)


def test_a_question_names_the_one_it_is_about(service: Service) -> None:
    """One id is repeated in the question, so that a slip is seen."""
    [experiment_id] = service.seed(1, "running")
    terminal = Terminal("stop", experiment_id, env=service.environment)
    terminal.wait_for(f"stop the experiment {experiment_id} for good? [y/N]")
    sleep(0.5)  # A signal in the moment before a read blocks does not end it.
    terminal.interrupt()
    assert terminal.end() == 130
    assert service.status(experiment_id) == "running"


@pytest.mark.parametrize(
    ("command", "whole"),
    [
        pytest.param(("list",), ("id", "name", "status"), id="list"),
        pytest.param(("get", "ID"), ("traffic allocation", "weight"), id="get"),
        pytest.param(("results", "ID"), ("impressions", "to be best"), id="results"),
        pytest.param(("series", "ID"), ("Control: ", "Variant 1: "), id="series"),
        pytest.param(("pause", "ID", "nobody"), ("404 Not Found",), id="failures"),
        pytest.param(("get", "nobody"), ("error: ", "experiments list"), id="error"),
        pytest.param(("list", "--search", "?"), ("nothing found",), id="nothing"),
    ],
)
def test_a_narrow_terminal_is_enough(
    service: Service, command: tuple[str, ...], whole: tuple[str, ...]
) -> None:
    """At 60 columns nothing wraps, and no word is cut into pieces."""
    experiment_id = service.with_traffic()
    words = [word.replace("ID", experiment_id) for word in command]
    terminal = Terminal(*words, env=service.environment, columns=NARROW)
    terminal.end()
    assert max(map(cell_len, terminal.lines)) <= NARROW
    for word in whole:
        assert word in terminal.screen
    assert "…" not in terminal.screen


def test_a_watch_says_what_it_waits_for(service: Service) -> None:
    """While it lasts, the condition stands below; at the end, what was found."""
    experiment_id = service.with_traffic()
    condition = ("--until-probability", "1.0", "--min-impressions", "1000")
    terminal = Terminal(
        *("watch", experiment_id, "--interval", "0.05", *condition),
        env=service.environment,
    )
    terminal.wait_for(
        "again every 0.05 s until a variant is best with probability 100.0% and each "
        "has 1,000"
    )
    service.emulator.simulate(
        experiment_id,
        days=14,
        conversion_rates=dict(
            zip(service.variant_ids(experiment_id), (0.01, 0.5), strict=True)
        ),
    )
    assert terminal.end() == 0
    last_look = terminal.screen.rindex("probability to be best")
    assert terminal.screen.rindex("again every") < last_look
    assert terminal.lines[-2].startswith("Variant 1 is best with probability")
