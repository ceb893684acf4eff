"""What importing the package costs, against `import aiohttp`.

`python -m benchmarks.imports` measures processor time in fresh processes, in turns.
The names of the package load when they are first asked for, so one row builds a
client, with which everything that a request needs is loaded. Nothing optional may be
among it.
"""

import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator

import orjson

from benchmarks.measuring import (
    Comparison,
    Goal,
    Options,
    compared,
    run_alone,
    take_turns,
)


AIOHTTP = "import aiohttp"
STATEMENTS = {
    AIOHTTP: "import aiohttp",
    "import ours_experiments": "import ours_experiments",
    "and build a Client": "import ours_experiments; ours_experiments.Client('key')",
}
PEERS = {
    "import pydantic, httpx": "import pydantic, httpx; pydantic.BaseModel",
    "Stainless, client built": "import ours_privacy; ours_privacy.AsyncOursPrivacy()",
}
OPTIONAL = {
    *("cyclopts", "httpx", "hypothesis", "matplotlib", "pydantic", "pytest", "rich"),
    *("numpy", "opentelemetry.sdk", "scipy", "uvloop", "yaml"),
}
PROGRAM = """
import sys, time
before = time.process_time()
{statement}
taken = time.process_time() - before
import json
print(json.dumps([taken, sorted(sys.modules)]))
"""
GOALS = {
    "import ours_experiments": Goal(0.15),
    "and build a Client": Goal(1.15),
}


def turn(statement: str, compiled: str) -> Callable[[], float]:
    """Make the work of one statement in a fresh process; it tells milliseconds.

    Args:
        statement: What is imported.
        compiled: The folder for compiled modules, which the first turn fills.
    """
    program = PROGRAM.format(statement=statement)
    environment = {**os.environ, "PYTHONPYCACHEPREFIX": compiled}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)

    def run() -> float:
        told = subprocess.run(  # noqa: S603 - this very interpreter
            [sys.executable, "-c", program],
            check=True,
            capture_output=True,
            env=environment,
        )
        seconds, modules = orjson.loads(told.stdout)
        if "ours_experiments" in modules:
            assert not OPTIONAL.intersection(modules), OPTIONAL.intersection(modules)
        taken: float = seconds * 1000
        return taken

    return run


def works(statement: str) -> bool:
    """Whether everything that a statement imports is installed."""
    program = [sys.executable, "-c", statement]
    return subprocess.run(program, check=False, capture_output=True).returncode == 0  # noqa: S603


def compare(options: Options) -> Iterator[Comparison]:
    """Compare with what aiohttp alone takes."""
    found = {name: PEERS[name] for name in PEERS if works(PEERS[name])}
    with tempfile.TemporaryDirectory() as compiled:
        turns = {
            name: turn(each, compiled) for name, each in (STATEMENTS | found).items()
        }
        costs = take_turns(turns, options.rounds(21))
    for name in turns:
        if name != AIOHTTP:
            yield compared(
                "import",
                costs,
                AIOHTTP,
                ours=name,
                unit="ms CPU",
                goal=GOALS.get(name),
            )


if __name__ == "__main__":
    run_alone(compare, __doc__)
