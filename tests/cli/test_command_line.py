"""Command lines that cannot be understood, and keys that stand where none should."""

from pathlib import Path

import pytest

from tests.cli.runner import Invoke, Service, in_process, process


KEY = "sk-live-0123456789abcdef0123"


PLACE = "OURS_PRIVACY_API_KEY, or use --api-key-env or --api-key-file"
HELP = "--help`"
NAME = "it takes the name of a "


@pytest.mark.parametrize(
    ("arguments", "hint"),
    [
        pytest.param(("--api-key", KEY, "list"), PLACE, id="option"),
        pytest.param(("list", f"--api-key={KEY}"), PLACE, id="equals"),
        pytest.param(("--api_key", KEY, "list"), PLACE, id="underscore"),
        pytest.param(("--apikey", KEY, "list"), PLACE, id="no-dash"),
        pytest.param(("--token", KEY, "list"), PLACE, id="token"),
        pytest.param(
            ("list", "-H", f"Authorization: Bearer {KEY}"), PLACE, id="header"
        ),
        pytest.param((KEY, "list"), HELP, id="command"),
        pytest.param(("list", KEY), HELP, id="argument"),
        pytest.param(("list", f"--kee={KEY}"), HELP, id="unknown-option"),
        pytest.param((f"--kee={KEY}", "list"), HELP, id="unknown-option-before"),
        pytest.param(("--api-key-env", KEY, "list"), NAME, id="instead-of-a-variable"),
        pytest.param(("--api-key-file", KEY, "list"), NAME, id="instead-of-a-file"),
    ],
)
def test_a_key_on_the_command_line_is_not_repeated(
    service: Service, invoke: Invoke, arguments: tuple[str, ...], hint: str
) -> None:
    """A key given by mistake is refused with a hint, shown nowhere, and not sent."""
    ran = invoke(*arguments)
    assert ran.code in {2, 3}
    assert KEY not in ran.out + ran.err
    assert KEY[8:] not in ran.out + ran.err
    assert hint in ran.err.partition("; hint: ")[2]
    assert service.emulator.log.received() == 0


@pytest.mark.parametrize("arguments", [("get", KEY), ("create", f"Hero {KEY}")])
def test_the_key_of_the_environment_is_known(
    service: Service,
    invoke: Invoke,
    monkeypatch: pytest.MonkeyPatch,
    arguments: tuple[str, ...],
) -> None:
    """The key in use is refused as any argument; a short one may be a word."""
    monkeypatch.setenv("OURS_PRIVACY_API_KEY", KEY)
    ran = invoke(*arguments)
    assert ran.code == 2
    assert KEY not in ran.err
    monkeypatch.setenv("OURS_PRIVACY_API_KEY", service.emulator.api_key)
    assert invoke("find", service.emulator.api_key).code == 5


@pytest.mark.parametrize(
    ("arguments", "told", "where"),
    [
        pytest.param(("lst",), 'Did you mean "list"?', "", id="command"),
        pytest.param(("settings", "lst"), '"list"', " settings", id="in-a-group"),
        pytest.param(("list", "--serch", "x"), "--search", " list", id="option"),
        pytest.param(("--serch", "x", "list"), "option: --serch", "", id="before"),
        pytest.param(("get",), "ID is missing", " get", id="missing"),
        pytest.param(("get", "a", "b"), "unexpected argument", " get", id="more"),
        pytest.param(("list", "a", "b"), "too many arguments", " list", id="many"),
        pytest.param(
            ("create", "X", "--key"), "--key needs a value", " create", id="no-value"
        ),
        pytest.param(
            ("list", "--limit", "0"),
            '"0" for --limit. Must be > 0',
            " list",
            id="range",
        ),
    ],
)
def test_the_hint_leads_to_the_right_help(
    arguments: tuple[str, ...],
    told: str,
    where: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """One line says what is wrong, and which help page tells more."""
    assert in_process(*arguments) == 2
    line = capsys.readouterr().err
    assert told in line
    assert line.endswith(f"; hint: try `ours-experiments{where} --help`\n")
    assert ".;" not in line


def test_a_netrc_file_does_not_replace_the_key(
    service: Service, tmp_path: Path
) -> None:
    """A login for the service's host in `~/.netrc` changes no request."""
    service.seed(1)
    netrc = tmp_path / ".netrc"
    netrc.write_text("machine 127.0.0.1 login ann password secret\n", encoding="ascii")
    netrc.chmod(0o600)
    env = {**service.environment, "HOME": str(tmp_path)}
    env.pop("NETRC", None)
    ran = process("list", "--format", "jsonl", env=env)
    assert (ran.code, len(ran.out.splitlines())) == (0, 1), ran.err
