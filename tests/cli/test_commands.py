"""The commands against a service: what they do, print and return."""

import json
import signal
from pathlib import Path

import pytest

from tests.cli.runner import COMMAND, Invoke, Service, Terminal, environment, process


def test_the_main_job_by_hand(service: Service, invoke: Invoke) -> None:
    """From an empty account to a stopped experiment with its winner rolled out."""
    assert invoke("settings", "create", "Shop", "--domain", "shop.example").code == 0
    made = invoke(
        "create",
        "Hero headline",
        "--primary-event",
        "signup",
        "--url-pattern",
        "/home*",
        "--format",
        "json",
    )
    experiment_id = made.json["id"]
    made = invoke(
        *("variants", "create", experiment_id, "Short", "--weight", 40),
        *("--redirect-url", "/short", "--format", "json"),
    )
    assert made.code == 0
    variant_id = made.json["id"]
    changed = invoke("variants", "update", variant_id, "--weight", 50)
    assert changed.code == 0, changed.err
    changed = invoke(
        "update", experiment_id, "--description", "Benefit first", "--format", "json"
    )
    assert changed.json["description"] == "Benefit first"
    assert invoke("start", experiment_id).code == 0
    assert service.status(experiment_id) == "running"
    assert invoke("pause", experiment_id).code == 0
    assert invoke("resume", experiment_id).code == 0
    stopped = invoke("stop", "--winner", f"{experiment_id}={variant_id}", "--yes")
    assert stopped.code == 0, stopped.err
    assert invoke("rollout", experiment_id, variant_id, "--yes").code == 0
    assert invoke("end-rollout", experiment_id, "--yes").code == 0
    assert invoke("winner", experiment_id, "--clear").code == 0
    found = invoke("get", experiment_id, "--format", "json").json
    assert found["status"] == "completed"
    assert found["winner_variant_id"] is None
    assert invoke("find", "hero-headline", "--format", "json").json["id"] == found["id"]
    assert invoke("find", "none").code == 5


@pytest.mark.parametrize("style", ["table", "json", "jsonl", "csv"])
def test_listing(service: Service, invoke: Invoke, style: str) -> None:
    """Every format lists what the filters let through."""
    drafts = service.seed(3)
    service.seed(2, "running")
    ran = invoke("list", "--status", "draft", "--all", "--format", style)
    assert ran.code == 0, ran.err
    match style:
        case "json":
            assert sorted(one["id"] for one in ran.json) == sorted(drafts)
        case "jsonl":
            assert sorted(one["id"] for one in ran.lines) == sorted(drafts)
        case "csv":
            assert len(ran.out.splitlines()) == 4
        case _:
            assert all(one in ran.out for one in drafts)


def test_ids_from_a_file_and_from_stdin(service: Service, tmp_path: Path) -> None:
    """Ids are read where they are, comments and blank lines skipped."""
    ids = service.seed(4)
    listed = tmp_path / "ids.txt"
    listed.write_text(f"# two of them\n{ids[0]}\n\n{ids[1]}\n")
    ran = process("start", "--from-file", str(listed), env=service.environment)
    assert ran.code == 0, ran.err
    ran = process("start", "-", env=service.environment, stdin=f"{ids[2]}\n")
    assert ran.code == 0, ran.err
    assert [service.status(one) for one in ids] == ["running"] * 3 + ["draft"]


def test_a_filter_needs_a_yes_where_nobody_can_be_asked(
    service: Service, invoke: Invoke
) -> None:
    """What would change many at once is refused without a terminal and --yes."""
    ids = service.seed(3)
    refused = invoke("start", "--status", "draft")
    assert refused.code == 2
    assert "--yes" in refused.err
    assert {service.status(one) for one in ids} == {"draft"}
    dry = invoke("start", "--status", "draft", "--dry-run")
    assert "3 would be applied" in dry.out + dry.err
    assert {service.status(one) for one in ids} == {"draft"}
    done = invoke("start", "--status", "draft", "--publish", "once", "--yes")
    assert done.code == 0, done.err
    assert {service.status(one) for one in ids} == {"running"}


def test_failures_are_told_and_format_counts(service: Service, invoke: Invoke) -> None:
    """What failed is listed with its reason, and the exit code says so."""
    (good,) = service.seed(1)
    (done,) = service.seed(1, "completed")
    ran = invoke("start", good, done, "none")
    assert ran.code == 10
    told = ran.out + ran.err
    assert done in told
    assert "409" in told


def test_results_and_series(service: Service, invoke: Invoke, tmp_path: Path) -> None:
    """Figures come as a table, a chart, records and pictures."""
    experiment_id = service.with_traffic()
    table = invoke("results", experiment_id)
    assert "Control" in table.out
    assert "%" in table.out
    records = invoke("results", experiment_id, "--format", "json").json
    assert sum(one["probability_to_be_best"] for one in records) == pytest.approx(1)
    series = invoke("series", experiment_id, "--csv")
    assert len(series.out.splitlines()) == 1 + 14 * 2
    chart = invoke("series", experiment_id, "--plot", tmp_path / "series.png")
    assert "│" in chart.out
    assert (tmp_path / "series.png").read_bytes().startswith(b"\x89PNG")
    invoke("results", experiment_id, "--plot", tmp_path / "results.svg")
    assert "<svg" in (tmp_path / "results.svg").read_text()


def test_watching_until_it_is_clear(service: Service, invoke: Invoke) -> None:
    """Watching ends as soon as the winner is likely enough."""
    experiment_id = service.with_traffic()
    ran = invoke(
        *("watch", experiment_id, "--interval", 0.01),
        *("--until-probability", 0.01, "--min-impressions", 10),
    )
    assert ran.code == 0, ran.err
    assert "Control" in ran.out


def test_versions(service: Service, invoke: Invoke) -> None:
    """Staged changes are shown, published, listed and found."""
    ids = service.seed(2)
    assert invoke("start", *ids, "--publish", "none").code == 0
    changes = invoke("versions", "changes")
    assert ids[0] in changes.out
    made = invoke(
        *("versions", "publish", "--name", "Week 32", "--yes"), *("--format", "json")
    )
    assert made.code == 0, made.err
    version_id = made.json["id"]
    assert version_id in invoke("versions", "list", "--format", "jsonl").out
    assert invoke("versions", "get", version_id).code == 0
    again = invoke("versions", "publish", "--yes")
    assert again.code == 6
    assert len(again.err.splitlines()) <= 2
    assert invoke("versions", "republish", version_id, "--yes").code == 6


def test_variants_and_settings(service: Service, invoke: Invoke) -> None:
    """Resources are listed, shown, changed and deleted."""
    (experiment_id,) = service.seed(1, variants=3)
    listed = invoke("variants", "list", experiment_id, "--format", "json").json
    assert len(listed) == 3
    last = listed[-1]["id"]
    assert invoke("variants", "get", last).code == 0
    assert invoke("variants", "delete", last).code == 2
    assert invoke("variants", "delete", last, "--yes").code == 0
    (settings,) = invoke("settings", "list", "--format", "json").json
    assert invoke("settings", "get", settings["id"]).code == 0
    assert invoke("settings", "update", settings["id"], "--name", "Renamed").code == 0
    assert invoke("settings", "delete", settings["id"]).code == 2
    gone = invoke("settings", "delete", settings["id"], "--yes")
    assert gone.code == 0, gone.err
    assert invoke("delete", experiment_id, "--yes").code == 0


def test_drafts_from_files(service: Service, invoke: Invoke, tmp_path: Path) -> None:
    """Fields may come from a file; options go before it."""
    service.seed(1)
    source = tmp_path / "experiment.json"
    source.write_text(json.dumps({"name": "From a file", "key": "filed"}))
    made = invoke("create", "--from", source, "--name", "Named", "--format", "json")
    assert made.code == 0, made.err
    assert (made.json["name"], made.json["key"]) == ("Named", "filed")
    source.write_text("{")
    assert invoke("create", "--from", source).code in {2, 3}


@pytest.mark.parametrize(
    ("variables", "code"),
    [
        pytest.param({"OURS_PRIVACY_API_KEY": ""}, 3, id="no key"),
        pytest.param({"OURS_PRIVACY_API_KEY": "wrong"}, 4, id="wrong key"),
        pytest.param(
            {"OURS_PRIVACY_PLATFORM_BASE_URL": "http://example.com"}, 3, id="insecure"
        ),
    ],
)
def test_exit_codes(
    invoke: Invoke,
    monkeypatch: pytest.MonkeyPatch,
    variables: dict[str, str],
    code: int,
) -> None:
    """Each kind of error has its exit code, and one line with a hint."""
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    ran = invoke("list")
    assert ran.code == code
    assert ran.out == ""
    assert "Traceback" not in ran.err


def test_a_live_bar_in_a_terminal(service: Service) -> None:
    """In a terminal a bulk start asks, shows a bar, and reports."""
    service.seed(30)
    terminal = Terminal("start", "--status", "draft", env=service.environment)
    terminal.wait_for("30")
    terminal.type("y\n")
    assert terminal.end() == 0
    assert "30 applied" in terminal.screen


def test_interrupting_leaves_an_honest_report(service: Service) -> None:
    """Ctrl-C in the middle tells what was applied and what was not attempted."""
    ids = service.seed(60)
    service.emulator.faults.add("latency", seconds=0.1)
    terminal = Terminal(
        "start", *ids, "--concurrency", "2", "--yes", env=service.environment
    )
    terminal.wait_for("applied")
    terminal.interrupt()
    assert terminal.end() == 130
    assert "not attempted" in terminal.screen
    applied = service.emulator.log.applied("experiments.start")
    assert 0 < applied < 60


def test_control_characters_never_reach_the_terminal(
    service: Service, invoke: Invoke
) -> None:
    """What the service calls an experiment cannot steer the terminal."""
    (experiment_id,) = service.seed(1)
    service.rename(experiment_id, "evil \x1b[2J\u202e [bold]name")
    ran = invoke("list")
    assert "\x1b[2J" not in ran.out
    assert "\u202e" not in ran.out
    assert "[bold]" in ran.out


def test_the_demo_runs_without_a_terminal() -> None:
    """The demo prints plain lines, and says what to do next."""
    ran = process("demo", "--experiments", "20", env=environment())
    assert ran.code == 0, ran.err
    assert "started 20: 20 applied" in ran.out
    assert "stopped it with its winner" in ran.out
    assert "export OURS_PRIVACY_API_KEY" in ran.out
    assert "\x1b[" not in ran.out


@pytest.mark.parametrize("ending", [signal.SIGINT, signal.SIGTERM])
def test_the_emulator_serves_until_it_is_ended(ending: signal.Signals) -> None:
    """It prints how to reach it, logs each request without a key, and ends cleanly."""
    terminal = Terminal(
        "emulator", "--port", "0", "--experiments", "4", "--key", "very-secret"
    )
    terminal.wait_for("http://127.0.0.1:")
    url = terminal.screen.split("http://127.0.0.1:")[1].split("/")[0].split()[0]
    variables = environment(
        OURS_PRIVACY_API_KEY="very-secret",
        OURS_PRIVACY_PLATFORM_BASE_URL=f"http://127.0.0.1:{url}",
    )
    listed = process("list", "--format", "jsonl", env=variables)
    assert len(listed.lines) == 4, listed.err
    terminal.wait_for("/rest/v1/experiments")
    terminal.process.send_signal(ending)
    assert terminal.end() == 0
    log = terminal.screen.split("/rest/v1/experiments", 1)[1]
    assert "very-secret" not in log


def test_a_bad_fault_is_refused() -> None:
    """What the emulator cannot do is said in one line."""
    ran = process("emulator", "--port", "0", "--faults", "explode", env=environment())
    assert ran.code == 2
    assert "explode" in ran.err
    assert COMMAND[-1] == "ours_experiments"
