"""Many experiments at once: what is meant, what is asked, what is reported."""

import csv
import io
import json
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path
from time import monotonic, sleep

import pytest

from tests.cli.runner import COMMAND, PATIENCE, Ran, Service, Terminal, process


Invoke = Callable[..., Ran]


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        pytest.param(("start",), "--from-file", id="nothing"),
        pytest.param(("start", "a", "--search", "x"), "exclude", id="ids-and-filters"),
        pytest.param(("stop", "--winner", "a"), "ID=VARIANT", id="no-equals"),
        pytest.param(("stop", "--winner", "=v"), "ID=VARIANT", id="no-id"),
        pytest.param(("stop", "--winner", "a=v", "a=w"), "twice", id="twice"),
        pytest.param(("stop", "a"), "--yes", id="stop-unasked"),
        pytest.param(("delete", "a"), "--yes", id="delete-unasked"),
        pytest.param(("start", "a", "--concurrency", "0"), "concurrency", id="zero"),
    ],
)
def test_what_cannot_be_meant_is_refused(
    service: Service, invoke: Invoke, arguments: tuple[str, ...], told: str
) -> None:
    """A bulk command that makes no sense sends nothing."""
    ran = invoke(*arguments)
    assert ran.code == 2
    assert told in ran.err
    assert service.emulator.log.received() == 0


def test_a_file_without_ids_is_nothing_to_do(
    service: Service, invoke: Invoke, tmp_path: Path
) -> None:
    """An empty file starts nothing, and asks nothing."""
    path = tmp_path / "ids"
    path.write_text("\n# none\n")
    ran = invoke("stop", "--from-file", path)
    assert (ran.code, service.emulator.log.received()) == (0, 0)
    assert ran.out.startswith("stop: nothing to do")


def test_a_filter_that_matches_nothing_is_nothing_to_do(invoke: Invoke) -> None:
    """Where nothing matches, nobody is asked."""
    ran = invoke("start", "--search", "hero")
    assert ran.code == 0
    assert "nothing to do" in ran.out


def test_winners_are_recorded(service: Service, invoke: Invoke) -> None:
    """`--winner` names both what is stopped and what won; others have no winner."""
    first, second = service.seed(2, "running")
    variant = service.variant_ids(first)[1]
    ran = invoke("stop", second, "--winner", f"{first}={variant}", "--yes")
    assert ran.code == 0, ran.err
    state = service.emulator.state
    assert state.get(first).winner_variant_id == variant
    assert state.get(second).winner_variant_id is None


def test_a_dry_run_changes_nothing(service: Service, invoke: Invoke) -> None:
    """A dry run needs no yes, tells what would happen, and writes nothing."""
    (good,) = service.seed(1)
    (single,) = service.seed(1, variants=1)
    ran = invoke("start", "--status", "draft", "--dry-run")
    assert ran.code == 10
    assert "1 would be applied" in ran.out
    assert "1 would fail" in ran.out
    assert {service.status(good), service.status(single)} == {"draft"}


@pytest.mark.parametrize(
    ("state", "action", "after"),
    [
        ("running", "pause", "paused"),
        ("paused", "resume", "running"),
        ("running", "stop", "completed"),
    ],
)
def test_every_action_does_what_it_says(
    service: Service, invoke: Invoke, state: str, action: str, after: str
) -> None:
    """Each action brings the experiments where they should be."""
    ids = service.seed(3, state)
    assert invoke(action, *ids, "--yes").code == 0
    assert {service.status(one) for one in ids} == {after}


def test_one_failure_has_its_own_code(service: Service, invoke: Invoke) -> None:
    """Where everything fails in the same way, that way is the exit code."""
    (done,) = service.seed(1, "completed")
    assert invoke("pause", done).code == 6
    assert invoke("pause", "none", "nil").code == 5
    assert invoke("pause", done, "none").code == 10


def test_long_failures_are_cut_short(invoke: Invoke) -> None:
    """The table has the first failures, and says where the others are."""
    ran = invoke("start", *(f"none-{number}" for number in range(25)))
    assert "none-19" in ran.out
    assert "none-20" not in ran.out
    assert "and 5 more" in ran.out


def test_a_json_report_is_one_object(service: Service, invoke: Invoke) -> None:
    """A report for programs counts, and lists every outcome in order."""
    ids = [*service.seed(2), "none"]
    report = invoke("start", *ids, "--format", "json").json
    assert report["action"] == "start"
    assert report["counts"]["applied"] == 2
    assert report["counts"]["failed"] == 1
    assert [each["experiment_id"] for each in report["outcomes"]] == ids
    assert "404" in report["outcomes"][2]["error"]


def test_json_lines_are_outcomes(service: Service, invoke: Invoke) -> None:
    """Each outcome is one line, none twice."""
    ids = service.seed(5)
    lines = invoke("start", *ids, "--format", "jsonl").lines
    assert sorted(each["experiment_id"] for each in lines) == sorted(ids)
    assert {each["status"] for each in lines} == {"applied"}


def test_csv_is_a_row_for_each_outcome(service: Service, invoke: Invoke) -> None:
    """Outcomes in CSV have a heading and the order of the input."""
    ids = service.seed(3)
    ran = invoke("start", *ids, "--format", "csv")
    heading, *rows = csv.reader(io.StringIO(ran.out))
    assert heading[0] == "experiment_id"
    assert [row[0] for row in rows] == ids


@pytest.mark.parametrize("style", ["table", "json", "jsonl", "csv"])
def test_one_publish_is_reported(service: Service, invoke: Invoke, style: str) -> None:
    """`--publish once` tells the version, and that the outcomes are applied."""
    ids = service.seed(3)
    ran = invoke("start", *ids, "--publish", "once", "--format", style)
    assert ran.code == 0, ran.err
    assert "staged" not in ran.out.replace('"staged": 0', "")
    assert "version" in ran.out + ran.err


def test_a_publish_of_others_changes_needs_a_word(
    service: Service, invoke: Invoke
) -> None:
    """What others have staged is shipped only with `--ship-others`."""
    other, mine = service.seed(2)
    assert invoke("start", other, "--publish", "none").code == 0
    refused = invoke("start", mine, "--publish", "once")
    assert refused.code == 3
    assert "--ship-others" in refused.err
    assert service.status(mine) == "draft"
    assert invoke("start", mine, "--publish", "once", "--ship-others").code == 0


def test_a_publish_that_fails_is_the_exit_code(
    service: Service, invoke: Invoke
) -> None:
    """What was staged but could not be published is no success."""
    ids = service.seed(2)
    service.emulator.faults.add("status", code=400, route="versions.publish")
    ran = invoke("start", *ids, "--publish", "once", "--format", "json")
    assert ran.code == 1
    assert "400" in ran.json["publish_error"]
    assert ran.json["counts"]["staged"] == 2


def test_a_journal_goes_on(service: Service, invoke: Invoke, tmp_path: Path) -> None:
    """The same command with the same journal sends nothing again."""
    ids = service.seed(4)
    journal = tmp_path / "journal"
    assert invoke("start", *ids[:2], "--journal", journal).code == 0
    assert invoke("start", *ids, "--journal", journal).code == 0
    sent = service.emulator.log.applied_ids("experiments.start")
    assert set(sent.values()) == {1}
    assert len(sent) == 4


def test_a_journal_of_another_action_is_refused(
    service: Service, invoke: Invoke, tmp_path: Path
) -> None:
    """A journal goes with one action only."""
    ids = service.seed(1)
    journal = tmp_path / "journal"
    assert invoke("start", *ids, "--journal", journal).code == 0
    refused = invoke("pause", *ids, "--journal", journal)
    assert refused.code == 3
    assert "--journal" in refused.err


def test_a_journal_that_cannot_be_written_ends_the_run(
    service: Service, tmp_path: Path
) -> None:
    """When the disk is full, what was done is reported, and the run ends."""
    ids = service.seed(60)
    journal = tmp_path / "journal"
    ran = process(
        *("start", *ids, "--journal", str(journal), "--format", "json"),
        env=service.environment,
        command=("bash", "-c", 'ulimit -f 4; exec "$@"', "-", *COMMAND),
    )
    assert ran.code == 3
    assert str(journal) in ran.err
    assert len(ran.json["outcomes"]) == 60
    assert 0 < ran.json["counts"]["applied"] < 60


def test_more_concurrency_than_usual_is_possible(
    service: Service, invoke: Invoke
) -> None:
    """So many run at the same time as were asked for."""
    ids = service.seed(60)
    service.emulator.faults.add("latency", seconds=0.2, route="experiments.start")
    assert invoke("start", *ids, "--concurrency", "60").code == 0
    assert service.emulator.log.peak_in_flight("experiments.start") == 60


@pytest.mark.parametrize(
    ("ending", "code", "style"),
    [
        pytest.param(signal.SIGINT, 130, "json", id="ctrl-c"),
        pytest.param(signal.SIGTERM, 143, "json", id="sigterm"),
        pytest.param(signal.SIGINT, 130, "jsonl", id="lines"),
    ],
)
def test_being_cut_off_leaves_a_true_report(
    service: Service, tmp_path: Path, ending: signal.Signals, code: int, style: str
) -> None:
    """After a signal the report agrees with the service, and nothing is missing."""
    ids = service.seed(80)
    service.emulator.faults.add("latency", seconds=0.05, route="experiments.start")
    journal = str(tmp_path / "journal")
    with subprocess.Popen(  # noqa: S603 - our own command
        [*COMMAND, "start", "-", "--format", style, "--journal", journal],
        env=service.environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as running:
        assert running.stdin is not None
        running.stdin.write("\n".join(ids))
        running.stdin.close()
        running.stdin = None
        deadline = monotonic() + PATIENCE
        while service.emulator.log.applied("experiments.start") < 10:
            assert monotonic() < deadline
            sleep(0.01)
        running.send_signal(ending)
        out, err = running.communicate(timeout=PATIENCE)
    assert running.returncode == code
    assert "not attempted" in err
    assert journal in err
    outcomes = (
        json.loads(out)["outcomes"]
        if style == "json"
        else [json.loads(line) for line in out.splitlines()]
    )
    found = {each["experiment_id"]: each["status"] for each in outcomes}
    assert len(outcomes) == len(found) == 80
    assert "applied" in found.values()
    for experiment_id, status in found.items():
        if status == "applied":
            assert service.status(experiment_id) == "running"
        elif status == "not_attempted":
            assert service.status(experiment_id) == "draft"
        else:
            assert status == "unknown"


@pytest.mark.parametrize(
    ("answer", "code", "after"),
    [("y", 0, "running"), ("n", 1, "draft"), ("", 1, "draft")],
    ids=["yes", "no", "nothing"],
)
def test_the_question_is_answered(
    service: Service, answer: str, code: int, after: str
) -> None:
    """Only a yes goes on; the question tells what is meant."""
    (experiment_id,) = service.seed(1)
    service.rename(experiment_id, "Evil \x1b[2J name")
    terminal = Terminal("start", "--status", "draft", env=service.environment)
    terminal.wait_for("[y/N]")
    assert "start 1 experiment (Evil \\x1b[2J name)?" in terminal.screen
    terminal.type(f"{answer}\n")
    assert terminal.end() == code
    assert service.status(experiment_id) == after


def test_ctrl_c_at_the_question_does_nothing(service: Service) -> None:
    """Being interrupted at the question ends with 130 and without a traceback."""
    (experiment_id,) = service.seed(1)
    terminal = Terminal("delete", experiment_id, env=service.environment)
    terminal.wait_for("[y/N]")
    terminal.interrupt()
    assert terminal.end() == 130
    assert "Traceback" not in terminal.screen
    assert service.status(experiment_id) == "draft"


def test_no_colour_means_no_colour(service: Service) -> None:
    """With NO_COLOR a terminal gets no colours."""
    ids = service.seed(3)
    env = {**service.environment, "NO_COLOR": "1"}
    terminal = Terminal("start", *ids, env=env)
    assert terminal.end() == 0
    assert "\x1b[3" not in terminal.screen
    assert "3 applied" in terminal.screen


def test_ids_that_cannot_be_ids_cost_one_outcome(
    service: Service, invoke: Invoke
) -> None:
    """A bad id fails by itself."""
    (good,) = service.seed(1)
    ran = invoke("start", good, "..", "--format", "json")
    assert ran.code == 10
    assert [each["status"] for each in ran.json["outcomes"]] == ["applied", "failed"]


def test_a_listing_piped_into_a_start(service: Service) -> None:
    """Ids come from standard input, in which order ever."""
    ids = service.seed(3)
    ran = process("start", "-", env=service.environment, stdin="\n".join(ids))
    assert ran.code == 0, ran.err
    assert {service.status(one) for one in ids} == {"running"}
