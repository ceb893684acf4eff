"""How long a journal of a million ids takes to open: `python -m benchmarks.journal`.

The journal is that of a run that has staged everything and published twenty times. It
is opened in a process of its own; the event loop goes on meanwhile.
"""

import argparse
import asyncio
import resource
import tempfile
import time
from multiprocessing import get_context
from pathlib import Path

import orjson

from ours_experiments.bulk.journal import Header, Journal


HEADER = Header("start", "0123456789abcdef", "once", "fedcba9876543210")
PUBLISHES = 20
MIB = 2**20


def write_journal(path: Path, count: int) -> None:
    """Write the journal of a run that has staged so many ids."""
    with path.open("wb") as file:
        file.write(HEADER.to_line())
        for number in range(count):
            name = f"exp_{number:026}"
            staged = {"id": name, "status": "staged", "attempts": 1, "seconds": 0.1234}
            file.write(orjson.dumps({"begun": name, "at": 1.7e9 + number}) + b"\n")
            file.write(orjson.dumps(staged) + b"\n")
            if number % (count // PUBLISHES) == 0:
                token = f"{number:036}"
                file.write(orjson.dumps({"publishing": token}) + b"\n")
                file.write(orjson.dumps({"published": token}) + b"\n")


def resident() -> float:
    """Return the memory of this process, in MiB."""
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * resource.getpagesize() / MIB


def measure(path: Path, count: int) -> tuple[float, float, float]:
    """Return the seconds to open, the peak growth in MiB and the longest pause."""

    async def main() -> tuple[float, float]:
        longest = 0.0
        opening = asyncio.create_task(Journal.open(path, HEADER))
        started_at = last = time.perf_counter()
        while not opening.done():
            await asyncio.sleep(0.001)
            now = time.perf_counter()
            longest, last = max(longest, now - last), now
        journal = await opening
        assert len(journal.states) == count
        journal.close()
        return time.perf_counter() - started_at, longest

    before = resident()
    seconds, longest = asyncio.run(main())
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return seconds, peak - before, longest


def main() -> None:
    """Write a journal, open it and print what that took."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--count", type=int, default=1_000_000)
    count: int = arguments.parse_args().count
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "journal"
        write_journal(path, count)
        with get_context("spawn").Pool(1) as pool:
            seconds, growth, longest = pool.apply(measure, (path, count))
    print(f"journal of {count} ids, {PUBLISHES} publishes: opened in {seconds:.2f} s,")
    print(
        f"{growth:.0f} MiB at most, event loop paused {longest * 1000:.0f} ms at most"
    )


if __name__ == "__main__":
    main()
