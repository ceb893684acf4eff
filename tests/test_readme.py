"""Every python block of the README runs."""

import ast
import asyncio
import inspect
import re
import threading
from collections.abc import Iterator
from pathlib import Path
from types import CodeType

import pytest

from ours_experiments.emulator import Emulator


README = Path(__file__).parent.parent / "README.md"
BLOCK = re.compile(r"^```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)
BLOCKS = BLOCK.findall(README.read_text(encoding="utf-8"))
PROGRAMS = [block for block in BLOCKS if "asyncio.run(" in block]
TOUR = [block for block in BLOCKS if "asyncio.run(" not in block]


@pytest.fixture
def service(monkeypatch: pytest.MonkeyPatch) -> Iterator[Emulator]:
    """Serve from a thread of its own, named in the environment."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    emulator = Emulator()
    asyncio.run_coroutine_threadsafe(emulator.start(), loop).result()
    monkeypatch.setenv("OURS_PRIVACY_API_KEY", emulator.api_key)
    monkeypatch.setenv("OURS_PRIVACY_PLATFORM_BASE_URL", emulator.url)
    yield emulator
    asyncio.run_coroutine_threadsafe(emulator.aclose(), loop).result()
    loop.call_soon_threadsafe(loop.stop)
    thread.join()
    loop.close()


def compiled(block: str) -> CodeType:
    """Compile a block in which `await` may stand at the top level."""
    code = compile(block, README.name, "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
    assert isinstance(code, CodeType)
    return code


@pytest.mark.parametrize("block", PROGRAMS, ids=range(len(PROGRAMS)))
def test_programs_run(block: str) -> None:
    """Each whole program runs by itself."""
    exec(compiled(block), {"__name__": "__main__"})  # noqa: S102 - the README is ours


@pytest.mark.usefixtures("service")
def test_the_tour_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The pieces of the tour run one after the other."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MPLBACKEND", "Agg")
    names: dict[str, object] = {"__name__": "__main__"}

    async def tour() -> None:
        for block in TOUR:
            result = eval(compiled(block), names)  # noqa: S307 - the README is ours
            if inspect.isawaitable(result):
                await result

    asyncio.run(tour())


def test_nothing_was_missed() -> None:
    """There are programs and a tour, so the pattern above still finds them."""
    assert len(PROGRAMS) >= 2
    assert len(TOUR) >= 8
