"""Completion in shells, asked for as the shells do."""

import shutil
import subprocess
from pathlib import Path

import pytest

from tests.cli.runner import PATIENCE, environment, in_process, process


IN_BASH = """
source {script}
COMP_WORDS=(ours-experiments {words} "{begun}")
COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1))
_ours_experiments
printf '%s\\n' "${{COMPREPLY[@]}}"
"""

CASES = [
    pytest.param("", "st", {"start", "stop"}, id="command"),
    pytest.param("versions", "re", {"republish"}, id="in-a-group"),
    pytest.param("start", "--pub", {"--publish"}, id="option"),
    pytest.param("start --publish", "", {"each", "once", "none"}, id="choice"),
    pytest.param("list --status", "p", {"paused"}, id="state"),
    pytest.param("list", "--form", {"--format"}, id="global-option"),
    pytest.param("completion", "", {"bash", "zsh", "fish"}, id="argument"),
]


def shell(name: str, *arguments: str) -> str:
    """Run a shell without its start files."""
    ended = subprocess.run(  # noqa: S603 - our own script
        [name, *arguments],
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=True,
    )
    return ended.stdout


@pytest.fixture(scope="module")
def script(
    tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest
) -> Path:
    """The script for a shell, as it is printed."""
    name = str(request.param)
    if shutil.which(name) is None:
        pytest.skip(f"there is no {name} here")
    path = tmp_path_factory.mktemp("completion") / name
    path.write_text(process("completion", name).out)
    return path


@pytest.mark.parametrize("script", ["bash"], indirect=True)
@pytest.mark.parametrize(("words", "begun", "offered"), CASES)
def test_bash_completes(
    script: Path, words: str, begun: str, offered: set[str]
) -> None:
    """What has been begun is completed by what the command knows."""
    typed = IN_BASH.format(script=script, words=words, begun=begun)
    assert set(shell("bash", "--norc", "-c", typed).split()) == offered


@pytest.mark.parametrize("script", ["fish"], indirect=True)
@pytest.mark.parametrize(("words", "begun", "offered"), CASES)
def test_fish_completes(
    script: Path, words: str, begun: str, offered: set[str]
) -> None:
    """The same in fish, each with its description."""
    typed = f"source {script}; complete -C 'ours-experiments {words} {begun}'"
    typed = f"cd {script.parent}; {typed}"
    found = shell("fish", "--no-config", "-c", typed).splitlines()
    assert {line.partition("\t")[0] for line in found} == offered


@pytest.mark.parametrize("script", ["zsh"], indirect=True)
def test_zsh_loads_the_script(script: Path) -> None:
    """Sourced, the script registers itself; its function is the one it names."""
    typed = f"autoload -U compinit; compinit -D -u; source {script}; "
    typed += "print $_comps[ours-experiments]; whence -w $_comps[ours-experiments]"
    name, kind = shell("zsh", "-f", "-c", typed).splitlines()
    assert kind == f"{name}: function"


@pytest.mark.parametrize(
    ("name", "start_file"), [("bash", ".bashrc"), ("zsh", ".zshrc"), ("fish", None)]
)
def test_completion_is_installed(
    tmp_path: Path, name: str, start_file: str | None
) -> None:
    """`--install` writes the script, names it once in the start file, and says so."""
    env = environment(HOME=str(tmp_path))
    process("completion", name, "--install", env=env)
    ran = process("completion", name, "--install", env=env)
    assert (ran.code, ran.out) == (0, "")
    path = Path(ran.err.removeprefix("wrote ").partition(";")[0])
    assert path.is_relative_to(tmp_path)
    assert "end-rollout" in path.read_text()
    if start_file is not None:
        started = (tmp_path / start_file).read_text().splitlines()
        assert len(started) == len(set(started))


def test_a_shell_that_is_not_known_is_refused(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """There are scripts for three shells."""
    assert in_process("completion", "tcsh") == 2
    assert '"bash", "zsh", "fish"' in capsys.readouterr().err
