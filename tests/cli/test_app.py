"""The options before a command, usage errors, and broken surroundings."""

import io
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cli.runner import Ran, Service, in_process, process


Invoke = Callable[..., Ran]


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        pytest.param(("lst",), 'Did you mean "list"', id="command"),
        pytest.param(("list", "--stats", "x"), "--stats", id="option"),
        pytest.param(("list", "--status", "odd"), "running", id="choice"),
        pytest.param(("list", "--limit", "0"), "limit", id="range"),
        pytest.param(("list", "--limit", "x"), "limit", id="number"),
        pytest.param(("get",), "ID is missing", id="missing"),
        pytest.param(("get", "a", "b"), "unexpected argument", id="too-many"),
        pytest.param(("--format", "xml", "list"), "jsonl", id="format"),
        pytest.param(("start", "--from-file"), "--from-file", id="no-value"),
    ],
)
def test_a_command_line_without_sense_is_a_usage_error(
    arguments: tuple[str, ...], told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """What is not understood ends with code 2 and one line that names it."""
    assert in_process(*arguments) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.count("\n") == 1
    assert captured.err.startswith("error: ")
    assert told in captured.err


def test_what_is_not_understood_is_escaped(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Control characters of the command line are spelled out in the error."""
    assert in_process("li\x1b[31mst") == 2
    assert "\x1b" not in capsys.readouterr().err


@pytest.mark.parametrize(
    "arguments",
    [("list", "--api-key", "sk-secret"), ("--api-key=sk-secret", "list")],
    ids=["two-words", "one-word"],
)
def test_a_key_is_never_an_argument(
    arguments: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    """A key on the command line is refused, and not repeated."""
    assert in_process(*arguments) == 2
    captured = capsys.readouterr()
    assert "sk-secret" not in captured.out + captured.err
    assert "--api-key-file" in captured.err


def test_without_a_key_nothing_is_asked(
    invoke: Invoke, service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A missing key is told with the name of the variable, and code 3."""
    monkeypatch.delenv("OURS_PRIVACY_API_KEY")
    ran = invoke("list")
    assert ran.code == 3
    assert "OURS_PRIVACY_API_KEY" in ran.err
    assert service.emulator.log.received() == 0


def test_the_key_comes_from_another_variable(
    invoke: Invoke, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`--api-key-env` names the variable to read."""
    monkeypatch.delenv("OURS_PRIVACY_API_KEY")
    monkeypatch.setenv("SHOP_KEY", "test-key")
    assert invoke("--api-key-env", "SHOP_KEY", "list").code == 0


def test_the_key_comes_from_a_file(
    invoke: Invoke, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """`--api-key-file` names a file with the key alone, also after the command."""
    monkeypatch.delenv("OURS_PRIVACY_API_KEY")
    path = tmp_path / "key"
    path.write_text("test-key\n")
    assert invoke("list", "--api-key-file", path).code == 0


@pytest.mark.parametrize(
    ("content", "told"),
    [
        pytest.param(None, "No such file", id="missing"),
        pytest.param(b"\n", "is empty", id="empty"),
        pytest.param(b"\xff\xfe\x00", "not UTF-8", id="binary"),
    ],
)
def test_a_bad_key_file_is_told(
    invoke: Invoke, tmp_path: Path, content: bytes | None, told: str
) -> None:
    """A key file that gives no key is a matter of configuration."""
    path = tmp_path / "key"
    if content is not None:
        path.write_bytes(content)
    ran = invoke("list", "--api-key-file", path)
    assert ran.code == 3
    assert told in ran.err


def test_the_service_is_where_the_option_says(
    invoke: Invoke, service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`--base-url` wins over the environment."""
    monkeypatch.setenv("OURS_PRIVACY_PLATFORM_BASE_URL", "http://127.0.0.1:1")
    assert invoke("list").code == 8
    assert invoke("list", "--base-url", service.emulator.url).code == 0


@pytest.mark.parametrize("url", ["ftp://x", "http://example.com"])
def test_a_bad_address_is_refused(invoke: Invoke, url: str) -> None:
    """An address that the key must not be sent to is a matter of configuration."""
    ran = invoke("list", "--base-url", url)
    assert ran.code == 3
    assert "https://" in ran.err


def test_a_wrong_key_is_told(invoke: Invoke, monkeypatch: pytest.MonkeyPatch) -> None:
    """A key that the service does not accept ends with code 4, without the key."""
    monkeypatch.setenv("OURS_PRIVACY_API_KEY", "sk-wrong")
    ran = invoke("list")
    assert ran.code == 4
    assert ran.out == ""
    assert "sk-wrong" not in ran.err


def test_nothing_goes_wrong_without_a_terminal(service: Service) -> None:
    """Piped output has no colours, no bar, and nothing cut off."""
    service.rename(service.seed(3)[0], "N" * 300)
    ran = process("start", "--status", "draft", "--yes", env=service.environment)
    assert ran.code == 0
    assert ran.err == ""
    assert "\x1b" not in ran.out
    listed = process("list", env=service.environment)
    assert "N" * 300 in listed.out


def test_an_output_that_is_not_unicode_gets_ascii(service: Service) -> None:
    """What the output cannot encode is spelled, and charts are drawn in ASCII."""
    experiment_id = service.with_traffic()
    env = {**service.environment, "PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"}
    service.rename(experiment_id, "Überschrift")
    assert "\\xdcberschrift" in process("get", experiment_id, env=env).out
    drawn = process("series", experiment_id, env=env)
    assert drawn.code == 0
    assert "o Control" in drawn.out


def test_a_stream_that_cannot_be_set_up_is_left_alone(
    invoke: Invoke, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Output that is caught in memory works as well."""
    caught = io.StringIO()
    monkeypatch.setattr("sys.stdout", caught)
    assert invoke("settings", "list", "--format", "json").code == 0
    assert caught.getvalue() == "[]\n"
