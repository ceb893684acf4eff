"""Answers that want to do harm end as typed errors, and in little memory."""

from pathlib import Path

import pytest

from tests.trials.hostile import ANSWERS, measure


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="needs /proc")
@pytest.mark.parametrize(
    "name",
    [
        "300 MiB in gzip",
        "300 MiB in 300 gzips",
        "300 MiB in raw deflate",
        "31 MiB in gzip",
        "300 MiB announced",
        "endless chunks",
        "chunks that are none",
        "31 million arrays deep",
        "ten million objects",
        "fifteen million numbers",
        "half a million wrong entities",
        "31 MiB of an error",
        "a head without an end",
        "a header without an end",
    ],
)
async def test_hostile_answer(name: str) -> None:
    """A process that gets a hostile answer says so, and does not grow by 64 MiB.

    All of them, and what each takes: `python -m tests.trials.hostile`.
    """
    found = await measure(name)
    assert ANSWERS[name].allows(found), found
