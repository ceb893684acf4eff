"""The API key leaves the package in a request's header, and in nothing else."""

import subprocess
import sys


def test_the_key_is_found_nowhere() -> None:
    """Nothing printed, logged, warned of, traced or raised holds the key.

    A process of its own hunts: it changes loggers, warnings and the tracer. The full
    hunt is `python -m tests.trials.key_hunt`.
    """
    hunting = [sys.executable, "-m", "tests.trials.key_hunt", "--slice"]
    done = subprocess.run(  # noqa: S603 - our own module
        hunting, capture_output=True, text=True, check=False, timeout=300
    )
    assert done.stdout.endswith("\n0 hits\n"), done.stdout + done.stderr
    for where in ("traceback", "log", "spans", "journal", "report", "command line"):
        assert f"\n{where} " in f"\n{done.stdout}"
