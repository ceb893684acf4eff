"""Answers that want to do harm end as typed errors, and in little memory."""

from pathlib import Path

import pytest

from benchmarks.hostile import ALLOWED_GROWTH, ANSWERS, measure


@pytest.mark.skipif(
    not Path("/proc/self/status").exists(), reason="needs Linux's /proc"
)
@pytest.mark.parametrize("name", ANSWERS)
async def test_hostile_answer(name: str) -> None:
    """A process that gets a hostile answer says so, and does not grow by 64 MiB."""
    found = await measure(name)
    assert found.ended == ANSWERS[name].ends_with
    assert found.grown <= ALLOWED_GROWTH
