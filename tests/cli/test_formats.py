"""`--format` on every command, also on those that serve or play."""

import csv
import io
import json
import signal
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.cli.runner import (
    COMMAND,
    PATIENCE,
    Invoke,
    Service,
    environment,
    in_process,
    process,
)


SERVE = ("emulator", "--port", "0", "--experiments", "4")


def served(style: str) -> list[dict[str, Any]]:
    """Serve, list once, end it, and read what was told."""
    with subprocess.Popen(  # noqa: S603 - our own command
        [*COMMAND, *SERVE, "--format", style],
        env=environment(),
        stdout=subprocess.PIPE,
        text=True,
    ) as serving:
        assert serving.stdout is not None
        told = serving.stdout.readline()
        if style == "csv":
            told += serving.stdout.readline()
        [url] = [word for word in told.replace('"', ",").split(",") if "://" in word]
        listed = process(
            "list",
            env=environment(
                OURS_PRIVACY_API_KEY="test-key", OURS_PRIVACY_PLATFORM_BASE_URL=url
            ),
        )
        assert listed.code == 0
        serving.send_signal(signal.SIGINT)
        told += serving.stdout.read()
        assert serving.wait(PATIENCE) == 0
    if style == "csv":
        return list(csv.DictReader(io.StringIO(told)))
    return [json.loads(line) for line in told.splitlines()]


@pytest.mark.parametrize("style", ["json", "jsonl", "csv"])
def test_the_emulator_tells_programs_where_it_is(style: str) -> None:
    """Its address, each request and its end are records, one a line."""
    first, request, last = served(style)
    assert first["event"] == "listening"
    assert first["api_key"] == "test-key"
    assert (request["event"], request["method"]) == ("request", "GET")
    assert request["path"].startswith("/rest/v1/experiments")
    assert int(request["status"]) == 200
    assert (last["event"], int(last["requests"])) == ("stopped", 1)


@pytest.mark.parametrize("style", ["json", "jsonl", "csv"])
def test_the_demo_gives_programs_the_figures(
    style: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Programs get one record and nothing else."""
    assert in_process("demo", "--experiments", "6", "--format", style) == 0
    captured = capsys.readouterr()
    assert captured.err == ""
    if style == "csv":
        [record] = csv.DictReader(io.StringIO(captured.out))
        counts, stopped = json.loads(record["counts"]), json.loads(record["stopped"])
    else:
        told = json.loads(captured.out)
        counts, stopped = told["counts"], told["stopped"]
    assert counts["applied"] == 6
    assert stopped["winner"] == "Bold headline"
    assert len(stopped["results"]) == 3


@pytest.mark.parametrize("style", ["json", "jsonl", "csv"])
def test_replays_are_records(service: Service, invoke: Invoke, style: str) -> None:
    """Recorded sessions are listed, of one variant on request, up to a limit."""
    experiment_id = service.with_traffic()
    _, variant = service.variant_ids(experiment_id)
    ran = invoke(
        *("replays", experiment_id, "--variant", variant),
        *("--limit", "2", "--format", style),
    )
    assert ran.code == 0, ran.err
    assert ran.out.count("Variant 1") == 2
    assert ran.out.count("https://") == 2
    assert "--all" in ran.err
    everything = invoke("replays", experiment_id, "--all", "--format", style)
    assert everything.out.count("https://") > 2
    assert everything.err == ""


def test_a_version_is_renamed(service: Service, invoke: Invoke) -> None:
    """`versions update` changes name and notes, and empties them."""
    invoke("start", *service.seed(1))
    [version] = invoke("versions", "list", "--format", "json").json
    changed = invoke(
        *("versions", "update", version["id"], "--name", "Week 32"),
        *("--notes", "Quiet", "--format", "json"),
    ).json
    assert (changed["name"], changed["notes"]) == ("Week 32", "Quiet")
    cleared = invoke(
        *("versions", "update", version["id"], "--clear", "notes"),
        *("--format", "json"),
    ).json
    assert (cleared["name"], cleared["notes"]) == ("Week 32", None)
    assert invoke("versions", "update", version["id"]).code == 3


def test_nothing_staged_is_one_sentence(invoke: Invoke) -> None:
    """Where there is nothing to publish, people get no empty table."""
    ran = invoke("versions", "changes")
    assert (ran.code, ran.out, ran.err) == (0, "", "nothing is staged\n")


LARGE = "it is empty, too large or nested too deeply"
DOUBLED = "".join(f"  a{n}: &a{n} [*a{n - 1}, *a{n - 1}]\n" for n in range(1, 18))


@pytest.mark.parametrize(
    ("content", "told"),
    [
        pytest.param("", LARGE, id="empty"),
        pytest.param("metrics: &a {primary: *a}", LARGE, id="within-itself"),
        pytest.param("metrics: " + "[" * 5000, LARGE, id="deep"),
        pytest.param(f"metrics:\n  a0: &a0 [x, x]\n{DOUBLED}", LARGE, id="bomb"),
        pytest.param("name: !!python/object/apply:os.getcwd []", "tag", id="code"),
        pytest.param("name: [1", "expected ',' or ']'", id="broken"),
    ],
)
def test_yaml_is_only_data(
    service: Service, invoke: Invoke, tmp_path: Path, content: str, told: str
) -> None:
    """YAML that runs code, refers to itself or swells is refused, and not sent."""
    path = tmp_path / "fields.yaml"
    path.write_text(content)
    ran = invoke("update", "exp_1", "--from", path)
    assert ran.code == 3
    assert ran.err.startswith(f"error: --from {path}: ")
    assert told in ran.err
    assert ran.err.count("\n") == 1
    assert service.emulator.log.received() == 0
