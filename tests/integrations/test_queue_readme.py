"""What the README says about workers on a queue is run."""

import ast
import asyncio
import inspect
import json
import re
import sys
from collections.abc import Awaitable
from pathlib import Path
from types import CodeType, ModuleType

import pytest
from redis.asyncio import Redis
from taskiq.api import run_receiver_task

from ours_experiments.emulator import Emulator
from tests.support.redis import Server


README = Path(__file__).parents[2] / "README.md"
SECTION = re.compile(r"^### Workers on a queue\n(.*?)^##", re.MULTILINE | re.DOTALL)
BLOCK = re.compile(r"^```py\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def blocks() -> list[str]:
    """Take the code out of the section."""
    section = SECTION.search(README.read_text(encoding="utf-8"))
    assert section is not None
    return BLOCK.findall(section[1])


def compiled(block: str) -> CodeType:
    """Compile a block in which `await` may stand at the top level."""
    code = compile(block, README.name, "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
    assert isinstance(code, CodeType)
    return code


def module_of(block: str) -> ModuleType:
    """Run a block as the module that its first line names."""
    module = ModuleType("tasks")
    exec(compiled(block), vars(module))  # noqa: S102 - the README is ours
    return module


async def test_the_section_runs(
    redis: Server,
    emulator: Emulator,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Its tasks start experiments, one and several, and keep a stop for later."""
    definitions, calls = blocks()
    ids = emulator.seed_experiments(3)
    for number, experiment_id in enumerate(ids, 123):
        calls = calls.replace(f"exp_{number}", experiment_id)
    definitions = definitions.replace("redis://localhost", redis.url)
    monkeypatch.setenv("OURS_PRIVACY_API_KEY", emulator.api_key)
    monkeypatch.setenv("OURS_PRIVACY_PLATFORM_BASE_URL", emulator.url)
    worker, sender = module_of(definitions), module_of(definitions)
    monkeypatch.setitem(sys.modules, "tasks", sender)
    worker.broker.is_worker_process = True
    working = asyncio.create_task(run_receiver_task(worker.broker, run_startup=True))
    async with asyncio.timeout(30):
        running = eval(compiled(calls), {})  # noqa: S307 - the README is ours
        assert inspect.isawaitable(running)
        await awaited(running)
    working.cancel()
    await asyncio.wait([working])
    await worker.broker.shutdown()
    await sender.later._connection_pool.disconnect()
    (stop,) = await kept_in(redis.url)
    assert isinstance(stop, dict)
    assert (stop["task_name"], stop["args"]) == ("ours_experiments:stop", [ids[0]])
    first, second = capsys.readouterr().out.splitlines()
    assert first == "applied"
    assert second.startswith("start: 2 applied")
    assert {emulator.state.get(one).status for one in ids} == {"running"}


async def awaited(running: Awaitable[object]) -> None:
    """Await a block."""
    await running


async def kept_in(url: str) -> list[object]:
    """Read what is kept for later."""
    async with Redis.from_url(url) as redis:
        keys = [
            key async for key in redis.scan_iter("ours_experiments_schedule:data:*")
        ]
        return [json.loads(value or "") for value in await redis.mget(keys)]
