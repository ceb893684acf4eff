"""The log that the environment switches on: one line for each request."""

import asyncio
import logging
import os
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from ours_experiments import APIStatusError, Client, ConfigurationError, RetryPolicy
from tests.support.scripted import LOST, answer, api_error, scripted


KEY = "key-of-the-log"
VARIABLE = "OURS_PRIVACY_PLATFORM_LOG"
PAGE = answer(200, {"entities": []}, headers="X-Request-Id: req-1\r\n")
QUICK = RetryPolicy(initial=0.001)


@pytest.fixture(autouse=True)
def own_logger() -> Iterator[logging.Logger]:
    """Leave the package's logger as it was."""
    logger = logging.getLogger("ours_experiments")
    handlers, level, propagate = [*logger.handlers], logger.level, logger.propagate
    yield logger
    logger.handlers[:] = handlers
    logger.setLevel(level)
    logger.propagate = propagate


async def test_one_line_for_each_request(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A line has method, path, status, time, attempt and request id, and no body."""
    monkeypatch.setenv(VARIABLE, "info")
    missing = api_error(400, f"secret {KEY}", CF_Ray="ray-2")
    async with (
        scripted(PAGE, LOST, LOST, then=missing) as script,
        Client(KEY, base_url=script.url, retry=QUICK) as client,
    ):
        await client.settings.list()
        with pytest.raises(APIStatusError):
            await client.request(
                "GET", "things", KEY, params={"token": "secret"}, json={"a": "secret"}
            )
    lines = [
        line for line in capsys.readouterr().err.splitlines() if " attempt " in line
    ]
    found = [
        re.sub(r"^.*?ours_experiments: |[0-9.]+ ms|call \d+", "", s) for s in lines
    ]
    assert found == [
        "GET /rest/v1/experiment-settings: 200 (request req-1) in , attempt 1 of ",
        "GET /rest/v1/things/***: no response (APIConnectionError) in , attempt 1 of ",
        "GET /rest/v1/things/***: 400 (request ray-2) in , attempt 2 of ",
    ]
    assert "secret" not in "".join(lines)
    assert KEY not in "".join(lines)


@pytest.mark.parametrize("level", ["warn", "error", "off", "OFF", "", " "])
async def test_quiet_levels(
    level: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Above info, and without the variable, no request is logged."""
    monkeypatch.setenv(VARIABLE, level)
    async with (
        scripted(then=PAGE) as script,
        Client(KEY, base_url=script.url) as client,
    ):
        await client.settings.list()
    assert not capsys.readouterr().err


def test_level_that_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    """Another value is refused by the variable's name."""
    monkeypatch.setenv(VARIABLE, "loud")
    with pytest.raises(ConfigurationError, match=VARIABLE):
        Client(KEY)


def test_many_clients_write_each_line_once(
    monkeypatch: pytest.MonkeyPatch, own_logger: logging.Logger
) -> None:
    """A second client in a process adds no second handler."""
    monkeypatch.setenv(VARIABLE, "debug")
    before = len(own_logger.handlers)
    for _ in range(3):
        Client(KEY)
    assert len(own_logger.handlers) <= before + 1
    assert own_logger.level == logging.DEBUG


async def test_logging_of_the_application(caplog: pytest.LogCaptureFixture) -> None:
    """Without the variable the lines go to the application's own logging."""
    caplog.set_level(logging.INFO, "ours_experiments")
    async with (
        scripted(then=PAGE) as script,
        Client(KEY, base_url=script.url) as client,
    ):
        await client.settings.list()
    [record] = [entry for entry in caplog.records if entry.name == "ours_experiments"]
    assert record.getMessage().startswith("GET /rest/v1/experiment-settings: 200")


async def test_level_of_a_new_process() -> None:
    """The variable alone is enough: nothing has to be set up."""
    source = f"""
import asyncio, sys
from ours_experiments import Client

async def main():
    async with Client("{KEY}", base_url=sys.argv[1]) as client:
        await client.settings.list()

asyncio.run(main())
"""
    async with scripted(then=PAGE) as script:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-c",
            source,
            script.url,
            env={**os.environ, VARIABLE: "info"},
            cwd=Path(__file__).parents[2],
            stderr=asyncio.subprocess.PIPE,
        )
        _, complaints = await process.communicate()
    [line] = complaints.decode().splitlines()
    assert "INFO ours_experiments: GET /rest/v1/experiment-settings: 200" in line
