"""Fixtures: a service behind a thread, and a way to run command lines against it."""

import json
import os
import shlex
import signal
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.documents import SERVE
from tests.cli.runner import (
    PATIENCE,
    Invoke,
    Ran,
    Service,
    environment,
    in_process,
    serving,
)


@pytest.fixture
def service() -> Iterator[Service]:
    """Serve an empty account."""
    running, end = serving()
    yield running
    end()


@pytest.fixture
def invoke(
    service: Service,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> Invoke:
    """Run a command line in this process, with a key for the service."""
    monkeypatch.setenv("OURS_PRIVACY_API_KEY", service.emulator.api_key)
    monkeypatch.setenv("OURS_PRIVACY_PLATFORM_BASE_URL", service.emulator.url)
    monkeypatch.delenv("COLUMNS", raising=False)

    def invoking(*arguments: object) -> Ran:
        capsys.readouterr()
        code = in_process(*arguments)
        captured = capsys.readouterr()
        return Ran(code, captured.out, captured.err)

    return invoking


@pytest.fixture
def shell(tmp_path: Path) -> Iterator[dict[str, str]]:
    """Provide the command, and the emulator that the documents start."""
    command = tmp_path / "bin" / "ours-experiments"
    command.parent.mkdir()
    arguments = shlex.join([sys.executable, "-m", "ours_experiments"])
    command.write_text(f'#!/bin/sh\nexec {arguments} "$@"\n')
    command.chmod(command.stat().st_mode | stat.S_IXUSR)
    path = f"{command.parent}{os.pathsep}{os.environ['PATH']}"
    env = environment(PATH=path, HOME=str(tmp_path), OURS_PRIVACY_API_KEY="test-key")
    with (
        subprocess.Popen(  # noqa: S603 - our own command
            [command, *SERVE.split()[1:], "--port", "0", "--format", "jsonl"],
            env=env,
            stdout=subprocess.PIPE,
            text=True,
        ) as serving
    ):
        assert serving.stdout is not None
        url = json.loads(serving.stdout.readline())["url"]
        yield {**env, "OURS_PRIVACY_PLATFORM_BASE_URL": url}
        serving.send_signal(signal.SIGINT)
        serving.stdout.read()
        assert serving.wait(PATIENCE) == 0
