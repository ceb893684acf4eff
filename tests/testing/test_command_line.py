"""The command line as a subprocess, tested against the emulator."""

import json
import os
import subprocess
import sys

from ours_experiments.emulator import Emulator


def run(emulator: Emulator, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run `ours-experiments` as a shell script does."""
    environment = {
        **os.environ,
        "OURS_PRIVACY_API_KEY": emulator.api_key,
        "OURS_PRIVACY_PLATFORM_BASE_URL": emulator.url,
    }
    program = "import sys; from ours_experiments.cli import main; sys.exit(main())"
    return subprocess.run(  # noqa: S603 - our own program
        [sys.executable, "-c", program, *arguments],
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_lists_experiments(ours_emulator: Emulator) -> None:
    """`list --format json` prints every experiment."""
    ids = ours_emulator.seed_experiments(3)
    done = run(ours_emulator, "list", "--format", "json")
    assert done.returncode == 0, done.stderr
    assert {row["id"] for row in json.loads(done.stdout)} == set(ids)


def test_starts_an_experiment(ours_emulator: Emulator) -> None:
    """`start` starts an experiment, and the emulator has seen it."""
    (id_,) = ours_emulator.seed_experiments(1)
    done = run(ours_emulator, "start", id_)
    assert done.returncode == 0, done.stderr
    assert ours_emulator.state.experiment(id_)["status"] == "running"


def test_reports_an_unknown_experiment(ours_emulator: Emulator) -> None:
    """An unknown id ends with an exit code that is not 0."""
    done = run(ours_emulator, "get", "exp_unknown")
    assert done.returncode != 0
    assert ours_emulator.log.received("experiments.retrieve") == 1
