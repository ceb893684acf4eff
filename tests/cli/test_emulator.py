"""The emulator's command: who may reach it, what it begins with, what it prints."""

import socket
from collections.abc import Iterator

import pytest

from ours_experiments.cli.context import Context
from ours_experiments.cli.emulator_server import RequestLog, build, populate
from ours_experiments.cli.errors import UsageError
from ours_experiments.cli.output.terminal import open_console
from ours_experiments.emulator import Emulator
from ours_experiments.emulator.connections import is_loopback
from tests.cli.runner import Terminal, in_process


def built(host: str, key: str | None, *, allow_remote: bool = False) -> Emulator:
    """Build an emulator that is not served."""
    return build(host, 0, key, seed=0, publish_seconds=0, allow_remote=allow_remote)


@pytest.fixture
def taken() -> Iterator[int]:
    """A port that something listens on."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield listening.getsockname()[1]


@pytest.mark.parametrize(
    ("host", "own"),
    [
        ("127.0.0.1", True),
        ("127.9.9.9", True),
        ("::1", True),
        ("localhost", True),
        ("0.0.0.0", False),  # noqa: S104 - not bound
        ("example.com", False),
    ],
)
def test_knows_what_only_this_machine_reaches(host: str, *, own: bool) -> None:
    """Loopback addresses and localhost are this machine's own."""
    assert is_loopback(host) is own


def test_on_loopback_the_key_is_well_known() -> None:
    """Nobody else can use it, so it may be easy to type."""
    assert built("127.0.0.1", None).api_key == "test-key"


def test_beyond_loopback_the_key_is_made_up() -> None:
    """Other machines need a key that cannot be guessed."""
    keys = {built("192.0.2.1", None, allow_remote=True).api_key for _ in range(3)}
    assert len(keys) == 3
    assert all(len(key) >= 32 for key in keys)


def test_a_key_of_ones_own_is_taken_anywhere() -> None:
    """A key that is given is the one that is accepted."""
    assert built("192.0.2.1", "mine", allow_remote=True).api_key == "mine"


@pytest.mark.parametrize(
    "arguments",
    [
        pytest.param(("--host", "192.0.2.1"), id="remote"),
        pytest.param(("--key", ""), id="blank-key"),
        pytest.param(("--port", "65536"), id="port"),
        pytest.param(("--experiments", "-1"), id="experiments"),
        pytest.param(("--faults", "explode"), id="fault"),
        pytest.param(("--api", "future"), id="api"),
        pytest.param(("--conflict-status", "418"), id="conflict-status"),
        pytest.param(("--normalize-names", "shout"), id="normalize-names"),
        pytest.param(("--normalize-keys", "cut:0"), id="normalize-keys"),
        pytest.param(("--list-delay", "-1"), id="list-delay"),
        pytest.param(("--list-delay", "nan"), id="list-delay-nan"),
        pytest.param(("--clock-skew", "1e12"), id="clock-skew"),
        pytest.param(("--scopes", "root"), id="scopes"),
        pytest.param(
            ("--experiments", "8", "--unique-keys", "--normalize-keys", "cut:4"),
            id="equal-keys",
        ),
        pytest.param(("--cursor", "page"), id="cursor"),
        pytest.param(("--id-style", "int"), id="id-style"),
    ],
)
def test_what_it_cannot_do_is_a_usage_error(
    arguments: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    """A bad option ends at once with code 2 and one line, which names the option."""
    assert in_process("emulator", "--port", "0", *arguments) == 2
    line = capsys.readouterr().err
    assert line.count("\n") == 1
    assert arguments[0] in line


def test_a_taken_port_is_told(taken: int, capsys: pytest.CaptureFixture[str]) -> None:
    """A port that is in use is told with what to do."""
    assert in_process("emulator", "--port", taken) == 2
    assert "--port" in capsys.readouterr().err


def test_it_begins_with_drafts_and_running_experiments() -> None:
    """Every fourth experiment is running and has had visitors."""
    service = built("127.0.0.1", None)
    populate(service, 9)
    states = [str(each["status"]) for each in service.state.experiments()]
    assert sorted(states) == ["draft"] * 7 + ["running"] * 2


@pytest.mark.parametrize("shown", ["test-key", "YOUR_KEY"])
async def test_it_says_how_to_speak_to_it(
    shown: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """The lines to copy have the key that may be shown."""
    async with built("127.0.0.1", None) as service:
        context = Context(open_console(), open_console(stderr=True))
        RequestLog(context).begin(service, shown)
    printed = capsys.readouterr().out
    assert f"export OURS_PRIVACY_API_KEY={shown}\n" in printed
    assert f"curl -H 'Authorization: Bearer {shown}'" in printed


def test_the_demo_in_a_terminal_has_a_live_bar() -> None:
    """In a terminal the demo draws a bar and a chart."""
    terminal = Terminal("demo", "--experiments", "40")
    assert terminal.end() == 0
    assert "━" in terminal.screen
    assert "40 applied" in terminal.screen
    assert "●" in terminal.screen


def test_the_demo_tells_failures(capsys: pytest.CaptureFixture[str]) -> None:
    """What the emulator is told to refuse is counted and named."""
    fault = "status:code=409,route=experiments.start,times=2"
    assert in_process("demo", "--experiments", "10", "--faults", fault) == 0
    told = capsys.readouterr().out
    assert "started 10: 8 applied, 2 failed\n" in told
    assert told.count(": 409 Conflict") == 2


def test_the_demo_ends_well_when_nothing_can_be_started(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Without a running experiment there is no chart, and no traceback."""
    fault = "status:code=400,route=experiments.start"
    assert in_process("demo", "--experiments", "3", "--faults", fault) == 0
    told = capsys.readouterr().out
    assert "started 3: 3 failed\n" in told
    assert "export OURS_PRIVACY_API_KEY" in told


def test_a_bad_fault_of_the_demo_is_refused(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """The demo checks its faults as the emulator does."""
    assert in_process("demo", "--experiments", "1", "--faults", "explode") == 2
    assert "explode" in capsys.readouterr().err


def test_remote_is_refused_unless_it_is_meant() -> None:
    """Other machines are let in only by `--allow-remote`."""
    with pytest.raises(UsageError, match="other machines"):
        built("192.0.2.1", None)
