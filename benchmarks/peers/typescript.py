"""The vendor's TypeScript SDK, run by node in a process of its own.

It returns parsed JSON under static types: nothing is checked, and no object built.
"""

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import attrs
import orjson

from benchmarks.peers import KEY, PAGE


SCRIPT = Path(__file__).with_suffix(".js")
SDK = "@oursprivacy/platform-sdk"


@attrs.frozen
class TypeScript:
    """The pipes to and from the process."""

    requests: IO[bytes]
    results: IO[bytes]

    def cost(self, unit: str, expected: int, work: dict[str, object]) -> float:
        """Have some work done; return its seconds, `s` or `s CPU`."""
        self.requests.write(orjson.dumps(work) + b"\n")
        self.requests.flush()
        result = orjson.loads(self.results.readline())
        assert result["done"] == expected, result
        seconds: float = result[unit]
        return seconds

    def list_all(self, expected: int, unit: str) -> float:
        """List all experiments."""
        return self.cost(unit, expected, {"work": "list", "limit": PAGE})

    def start(self, count: int, in_flight: int, unit: str) -> float:
        """Start experiments."""
        work = {"work": "start", "count": count, "inFlight": in_flight}
        return self.cost(unit, count, work)


@contextmanager
def connected(modules: Path, url: str) -> Iterator[TypeScript]:
    """Run node on the core of this process."""
    node = shutil.which("node")
    assert node is not None
    process = subprocess.Popen(  # noqa: S603 - node, as it is installed here
        [node, str(SCRIPT), url, KEY],
        env={**os.environ, "NODE_PATH": str(modules)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    with process:
        yield TypeScript(process.stdin, process.stdout)
        process.stdin.close()
