"""The recipes of the README, each run as it stands there."""

import asyncio
import importlib
import signal
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import django  # type: ignore[import-untyped]
import httpx
import pytest
from aiohttp.test_utils import TestClient, TestServer
from asgi_lifespan import LifespanManager
from django.conf import settings  # type: ignore[import-untyped]
from django.urls import path as django_path  # type: ignore[import-untyped]

from ours_experiments import Client, ConfigurationError, Results
from ours_experiments.emulator import Emulator
from tests.support.blocks import CELLS, FILES


pytest_plugins = ["pytester"]

TESTED = {
    "aiohttp_app.py",
    "asgi.py",
    "fastapi_app.py",
    "launch.py",
    "stop_winners.py",
    "test_my_code.py",
    "views.py",
}


@pytest.fixture(autouse=True)
def project(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, emulator: Emulator
) -> Path:
    """A folder with the recipes as files, and the emulator in the environment."""
    for name, block in FILES.items():
        (tmp_path / name).write_text(block.text, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setenv("OURS_PRIVACY_API_KEY", emulator.api_key)
    monkeypatch.setenv("OURS_PRIVACY_PLATFORM_BASE_URL", emulator.url)
    monkeypatch.setenv("MPLBACKEND", "Agg")
    return tmp_path


@pytest.fixture
def pictures(project: Path) -> Callable[[], list[str]]:
    """List the pictures that a recipe saved."""
    return lambda: [one.name for one in project.glob("*.png")]


def recipe(name: str) -> ModuleType:
    """Import a recipe afresh."""
    sys.modules.pop(name, None)
    return importlib.import_module(name)


def test_every_recipe_is_run() -> None:
    """The README has these files, and one notebook's cell."""
    assert set(FILES) == TESTED
    assert len(CELLS) == 1


async def run_script(name: str, *arguments: str) -> asyncio.subprocess.Process:
    """Start a recipe as a program of its own."""
    return await asyncio.create_subprocess_exec(
        sys.executable,
        "-W",
        "error",
        name,
        *arguments,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )


async def test_a_script(
    emulator: Emulator, client: Client, pictures: Callable[[], list[str]]
) -> None:
    """What matches is started, what runs already is plotted, nothing else is."""
    (running,) = emulator.seed_experiments(1, status="running")
    emulator.simulate(running, days=7)
    emulator.seed_experiments(5)
    name = (await client.experiments.retrieve(running)).name
    script = await run_script("launch.py", name.split()[0])
    said, errors = await script.communicate()
    assert (script.returncode, errors) == (0, b"")
    assert b"start: 5 applied" in said
    assert [one async for one in client.experiments.list(status="draft")] == []
    assert pictures() == [f"{running}.png"]


async def test_a_script_without_a_key(monkeypatch: pytest.MonkeyPatch) -> None:
    """What goes wrong is told in one line, and the exit code is 1."""
    monkeypatch.delenv("OURS_PRIVACY_API_KEY")
    script = await run_script("launch.py", "anything")
    said, errors = await script.communicate()
    assert (script.returncode, said) == (1, b"")
    assert errors.startswith(b"api_key is missing")
    assert errors.count(b"\n") == 1


async def test_fastapi(emulator: Emulator) -> None:
    """A request is served by the one client, which is closed in the end."""
    (running,) = emulator.seed_experiments(1, status="running")
    module = recipe("fastapi_app")
    async with LifespanManager(module.app) as manager:
        transport = httpx.ASGITransport(app=manager.app)
        async with httpx.AsyncClient(transport=transport, base_url="http://a") as http:
            answer = await http.post(f"/experiments/{running}/pause")
            assert (answer.status_code, answer.json()) == (200, {"status": "paused"})
            again = await http.post(f"/experiments/{running}/pause")
            assert again.status_code == 409
    assert len({entry.connection for entry in emulator.log.entries}) == 1


async def test_aiohttp(emulator: Emulator) -> None:
    """A request starts what can be started, over the application's client."""
    emulator.seed_experiments(3)
    app = recipe("aiohttp_app").make_app()
    async with TestClient(TestServer(app)) as http:
        answer = await http.post("/start")
        assert await answer.json() == {"started": 3}
        client = app[sys.modules["aiohttp_app"].CLIENT]
    with pytest.raises(ConfigurationError, match="closed"):
        await client.experiments.list_page()


async def test_django(emulator: Emulator, monkeypatch: pytest.MonkeyPatch) -> None:
    """A view is served through Django's own application; the end closes the client."""
    (running,) = emulator.seed_experiments(1, status="running")
    urls = ModuleType("recipe_urls")
    monkeypatch.setitem(sys.modules, urls.__name__, urls)
    settings.configure(
        ALLOWED_HOSTS=["a"],
        ROOT_URLCONF=urls.__name__,
        SECRET_KEY="test",
        MIDDLEWARE=[],
    )
    django.setup()
    module = recipe("asgi")
    views = sys.modules["views"]
    vars(urls)["urlpatterns"] = [
        django_path("experiments/<str:experiment_id>/pause", views.pause)
    ]
    async with LifespanManager(module.application):
        transport = httpx.ASGITransport(app=module.application)
        async with httpx.AsyncClient(transport=transport, base_url="http://a") as http:
            answer = await http.post(f"/experiments/{running}/pause")
            assert (answer.status_code, answer.json()) == (200, {"status": "paused"})
    with pytest.raises(ConfigurationError, match="closed"):
        await views.client.experiments.list_page()


async def test_a_notebook(emulator: Emulator) -> None:
    """The cell runs, and what it ends with shows as a table."""
    (running,) = emulator.seed_experiments(1, status="running")
    emulator.simulate(running, days=2)
    names: dict[str, object] = {}
    await eval(CELLS[0].compiled(), names)  # noqa: S307 - the README is ours
    results = eval(CELLS[0].text.splitlines()[-1], names)  # noqa: S307
    assert isinstance(results, Results)
    assert results._repr_html_().startswith("<table>")
    client = names["client"]
    assert isinstance(client, Client)
    await client.close()


async def visit(
    emulator: Emulator, client: Client, experiment_id: str, *rates: float
) -> None:
    """Let visitors come for five days, and convert at these rates."""
    variants = [one.id async for one in client.variants.list(experiment_id)]
    emulator.simulate(
        experiment_id,
        days=5,
        conversion_rates=dict(zip(variants, rates, strict=True)),
        seed=2,
    )


async def test_a_cron_job(emulator: Emulator, client: Client) -> None:
    """Killed in the middle and run again, it stops each winner's experiment once."""
    chosen = emulator.seed_experiments(12, status="running")
    for experiment_id in chosen:
        await visit(emulator, client, experiment_id, 0.05, 0.15)
    undecided = emulator.seed_experiments(1, status="running")
    await visit(emulator, client, undecided[0], 0.1, 0.1)
    stops = "experiments.stop"
    emulator.faults.add("hang", route=stops, after=4, times=3, applied=True)
    emulator.faults.add("hang", route=stops, after=4)
    script = await run_script("stop_winners.py")
    while emulator.log.received(stops) < 12:  # noqa: ASYNC110 - it tells nobody
        await asyncio.sleep(0.01)
    script.send_signal(signal.SIGKILL)
    await script.communicate()
    assert script.returncode == -signal.SIGKILL
    emulator.faults.clear()
    again = await run_script("stop_winners.py")
    said, errors = await again.communicate()
    assert (again.returncode, errors) == (0, b"")
    assert b"failed" not in said
    assert emulator.log.applied_ids(stops) == Counter(chosen)
    (left,) = [one.id async for one in client.experiments.list(status="running")]
    assert [left] == undecided


async def test_a_cron_job_that_fails(emulator: Emulator, client: Client) -> None:
    """What could not be stopped makes the exit code 1."""
    (chosen,) = emulator.seed_experiments(1, status="running")
    await visit(emulator, client, chosen, 0.05, 0.15)
    emulator.faults.add("status", route="experiments.stop", code=403)
    script = await run_script("stop_winners.py")
    said, errors = await script.communicate()
    assert (script.returncode, errors) == (1, b"")
    assert b"1 failed" in said


def test_the_plugin(pytester: pytest.Pytester) -> None:
    """The test in the README passes as it stands there."""
    pytester.makeini(
        "[pytest]\nasyncio_mode = auto\nasyncio_default_fixture_loop_scope = function"
    )
    pytester.makepyfile(test_my_code=FILES["test_my_code.py"].text)
    pytester.runpytest_subprocess().assert_outcomes(passed=1)
