"""Each documented exit code, reached by a command line."""

import re
import signal
import subprocess
from pathlib import Path

import pytest

from ours_experiments.cli.errors import EXIT_CODES
from tests.cli.runner import COMMAND, PATIENCE, Invoke, Service, process


DOCUMENTED = {int(code) for code in re.findall(r"^ +(\d+)  ", EXIT_CODES, re.MULTILINE)}
ENDINGS = {
    "done": 0,
    "refused by the service": 1,
    "no sense": 2,
    "no key": 3,
    "key not accepted": 4,
    "not found": 5,
    "state does not allow it": 6,
    "try again later": 7,
    "no connection": 8,
    "outcome unknown": 9,
    "some of many failed": 10,
    "not what the files say": 11,
    "keep running": 11,
    "do not trust": 12,
    "interrupted": 130,
    "nobody reads": 141,
    "terminated": 143,
}


def test_every_documented_code_has_its_test() -> None:
    """The codes below are the documented ones."""
    assert set(ENDINGS.values()) == DOCUMENTED


@pytest.mark.parametrize(
    "ending", [ending for ending, code in ENDINGS.items() if code < 128]
)
def test_a_command_ends_with_its_code(
    service: Service, invoke: Invoke, ending: str, tmp_path: Path
) -> None:
    """Every kind of error has its exit code, and one line on standard error."""
    [draft] = service.seed(1)
    young, skewed = service.with_traffic(days=2), service.with_traffic()
    control, treatment = service.emulator.state.get(skewed).variants
    control.weight, treatment.weight = 95, 5
    faults = service.emulator.faults
    faults.add("status", code=400, route="settings.list")
    faults.add("status", code=503, retry_after=3600, route="versions.list")
    faults.add("status", code=500, route="experiments.create")
    settings = service.emulator.state.get(draft).settings_id
    spec = tmp_path / "new.json"
    spec.write_text('{"key": "new", "id": "nobody"}', encoding="utf-8")
    commands: dict[str, tuple[str, ...]] = {
        "done": ("get", draft),
        "refused by the service": ("settings", "list"),
        "no sense": ("get",),
        "no key": ("--api-key-env", "NOT_SET", "list"),
        "key not accepted": ("--api-key-env", "HOME", "list"),
        "not found": ("get", "nobody"),
        "state does not allow it": ("winner", draft, "--clear"),
        "try again later": ("versions", "list"),
        "no connection": ("--base-url", "http://127.0.0.1:9", "list"),
        "outcome unknown": ("create", "Hero", "--settings", settings),
        "some of many failed": ("start", draft, "nobody"),
        "not what the files say": ("drift", str(spec)),
        "keep running": ("analyze", young, "--check"),
        "do not trust": ("analyze", skewed, "--check"),
    }
    ran = invoke(*commands[ending])
    assert ran.code == ENDINGS[ending], ran.err
    if ran.code in {0, 10, 11, 12}:
        assert ran.err == ""
    else:
        assert re.fullmatch(r"error: .+\n", ran.err)


def test_a_process_ends_with_the_code(service: Service) -> None:
    """The exit code of a command is that of its process."""
    ran = process("get", "nobody", env=service.environment)
    assert ran.code == ENDINGS["not found"]
    assert re.fullmatch(r"error: .+\n", ran.err)


@pytest.mark.parametrize(
    ("sent", "ending"),
    [(signal.SIGINT, "interrupted"), (signal.SIGTERM, "terminated")],
    ids=["ctrl-c", "sigterm"],
)
def test_a_signal_has_its_code(
    service: Service, sent: signal.Signals, ending: str
) -> None:
    """A command that a signal ends writes one line about it."""
    experiment_id = service.with_traffic()
    with subprocess.Popen(  # noqa: S603 - our own command
        [*COMMAND, "watch", experiment_id, "--format", "jsonl"],
        env=service.environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as watching:
        assert watching.stdout is not None
        watching.stdout.readline()
        watching.send_signal(sent)
        _, err = watching.communicate(timeout=PATIENCE)
    assert watching.returncode == ENDINGS[ending]
    assert err == f"{ending}\n"


@pytest.mark.parametrize(
    "arguments",
    [
        pytest.param(("--help",), id="help"),
        pytest.param(("list", "--all"), id="table"),
        pytest.param(("list", "--all", "--format", "json"), id="json"),
        pytest.param(("list", "--all", "--format", "jsonl"), id="jsonl"),
        pytest.param(("list", "--all", "--format", "csv"), id="csv"),
    ],
)
def test_nobody_reads_to_the_end(service: Service, arguments: tuple[str, ...]) -> None:
    """A pipe that is closed early ends a command quietly."""
    service.seed(300)
    with subprocess.Popen(  # noqa: S603 - our own command
        [*COMMAND, *arguments],
        env=service.environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as ended:
        assert ended.stdout is not None
        assert ended.stderr is not None
        ended.stdout.close()
        assert ended.stderr.read() == b""
        assert ended.wait(PATIENCE) == ENDINGS["nobody reads"]


@pytest.mark.parametrize("style", ["table", "json", "jsonl", "csv"])
def test_a_full_disk(service: Service, style: str) -> None:
    """Output that cannot be written is an error, beside a summary of what was done."""
    [draft] = service.seed(1)
    ran = process(
        *("start", draft, "--format", style),
        env=service.environment,
        command=("bash", "-c", 'exec "$@" > /dev/full', "-", *COMMAND),
    )
    assert ran.code == 1
    assert re.match(r"start: 1 applied in [\d.]+ m?s\n", ran.err)
    assert ran.err.endswith("the output cannot be written: No space left on device\n")
    assert "Traceback" not in ran.err


@pytest.mark.parametrize("style", ["table", "json", "jsonl", "csv", "ids"])
@pytest.mark.parametrize("command", ["list", "settings list"])
def test_a_list_on_a_full_disk_is_one_error(
    service: Service, command: str, style: str
) -> None:
    """A list that cannot be written ends with one line, whatever is left to write."""
    service.seed(3)
    ran = process(
        *(*command.split(), "--format", style),
        env=service.environment,
        command=("bash", "-c", 'exec "$@" > /dev/full', "-", *COMMAND),
    )
    assert ran.code == 1
    assert ran.err == ("error: the output cannot be written: No space left on device\n")


@pytest.mark.parametrize(
    "lost",
    [
        pytest.param('exec "$@" 2> /dev/full', id="full"),
        pytest.param('exec "$@" 2> >(true)', id="broken-pipe"),
    ],
)
@pytest.mark.parametrize(
    ("arguments", "code"),
    [("nonsense", 2), ("get nobody", 5), ("list --format ids", 0), ("list", 0)],
)
def test_a_lost_standard_error_changes_nothing_else(
    service: Service, lost: str, arguments: str, code: int
) -> None:
    """Where standard error cannot be written, output and exit code are as ever."""
    [experiment_id] = service.seed(1)
    ran = process(
        *arguments.split(),
        env=service.environment,
        command=("bash", "-c", f"sleep 0.2; {lost}", "-", *COMMAND),
    )
    assert ran.code == code
    assert (experiment_id in ran.out) is (code == 0)


def test_a_note_that_cannot_be_written(service: Service) -> None:
    """A note for people that is lost does not keep the output back."""
    ids = service.seed(60)
    ran = process(
        *("list", "--limit", "5", "--format", "ids"),
        env=service.environment,
        command=("bash", "-c", 'exec "$@" 2> /dev/full', "-", *COMMAND),
    )
    assert ran.code == 0
    assert len(ran.out.split()) == 5
    assert set(ran.out.split()) <= set(ids)


@pytest.mark.parametrize("closing", [">&-", "2>&-"])
def test_a_closed_output_is_no_traceback(service: Service, closing: str) -> None:
    """Standard output or error may be closed before the start."""
    service.seed(60)
    ran = process(
        "list",
        env=service.environment,
        command=("bash", "-c", f'exec "$@" {closing}', "-", *COMMAND),
    )
    assert ran.code == 0
    assert "Traceback" not in ran.out + ran.err
