"""The recipes of the guide to integrations, each run as it stands there."""

import asyncio
import importlib
import json
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import attrs
import django  # type: ignore[import-untyped]
import httpx
import pytest
from aiohttp.test_utils import TestClient, TestServer
from asgi_lifespan import LifespanManager
from django.conf import settings  # type: ignore[import-untyped]
from django.test.utils import override_settings  # type: ignore[import-untyped]
from django.urls import path as django_path  # type: ignore[import-untyped]
from redis.asyncio import Redis
from taskiq.api import run_receiver_task

from ours_experiments import Client, ConfigurationError, Results
from ours_experiments.emulator import Emulator
from tests.support.blocks import README, ROOT, Page, run_pieces
from tests.support.redis import Server


pytest_plugins = ["pytester"]

GUIDE = Page(ROOT / "ours_experiments" / "integrations" / "README.md")
FILES = {block.file: block for block in GUIDE.blocks if block.file}
CELLS = [block for block in GUIDE.blocks if block.text.startswith("# in a notebook\n")]
TESTED = {
    "aiohttp_app.py",
    "asgi.py",
    "drafts.py",
    "fastapi_app.py",
    "frames.py",
    "launch.py",
    "send.py",
    "stop_decided.py",
    "tasks.py",
    "views.py",
}


@pytest.fixture(autouse=True)
def project(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, emulator: Emulator
) -> Path:
    """A folder with the recipes as files, and the emulator in the environment."""
    for name, block in FILES.items():
        assert name is not None
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
    return lambda: [path.name for path in project.glob("*.png")]


def recipe(name: str) -> ModuleType:
    """Import a recipe afresh."""
    sys.modules.pop(name, None)
    return importlib.import_module(name)


def test_every_recipe_is_run() -> None:
    """The guide has these files, and one notebook's cell."""
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
    output, errors = await script.communicate()
    assert (script.returncode, errors) == (0, b"")
    assert b"start: 5 applied" in output
    assert [row async for row in client.experiments.list(status="draft")] == []
    assert pictures() == [f"{running}.png"]


async def test_a_script_without_a_key(monkeypatch: pytest.MonkeyPatch) -> None:
    """What goes wrong is printed in one line, and the exit code is 1."""
    monkeypatch.delenv("OURS_PRIVACY_API_KEY")
    script = await run_script("launch.py", "anything")
    output, errors = await script.communicate()
    assert (script.returncode, output) == (1, b"")
    assert errors.startswith(b"api_key is missing")
    assert errors.count(b"\n") == 1


async def test_fastapi(emulator: Emulator) -> None:
    """A request is served by the one client, which is closed in the end."""
    (running,) = emulator.seed_experiments(1, status="running")
    module = recipe("fastapi_app")
    async with LifespanManager(module.app) as manager:
        transport = httpx.ASGITransport(app=manager.app)
        async with httpx.AsyncClient(transport=transport, base_url="http://a") as http:
            shown = await http.get(f"/experiments/{running}")
            assert shown.json()["status"] == "running"
            assert (await http.get("/experiments/exp_missing")).status_code == 404
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
    if not settings.configured:
        # Once in a process, and other tests may have been first.
        settings.configure(SECRET_KEY="test")
        django.setup()
    with override_settings(
        ALLOWED_HOSTS=["a"], ROOT_URLCONF=urls.__name__, MIDDLEWARE=[]
    ):
        module = recipe("asgi")
        views = sys.modules["views"]
        vars(urls)["urlpatterns"] = [
            django_path("experiments/<str:experiment_id>/pause", views.pause)
        ]
        transport = httpx.ASGITransport(app=module.application)
        async with (
            LifespanManager(module.application),
            httpx.AsyncClient(transport=transport, base_url="http://a") as http,
        ):
            answer = await http.post(f"/experiments/{running}/pause")
            assert (answer.status_code, answer.json()) == (200, {"status": "paused"})
    with pytest.raises(ConfigurationError, match="closed"):
        await views.client.experiments.list_page()


async def test_a_notebook(emulator: Emulator) -> None:
    """The cell runs, and what it ends with shows as a table."""
    (running,) = emulator.seed_experiments(1, status="running")
    emulator.simulate(running, days=2)
    names: dict[str, object] = {}
    await eval(CELLS[0].compiled(), names)  # noqa: S307 - the guide is ours
    results = eval(CELLS[0].text.splitlines()[-1], names)  # noqa: S307
    assert isinstance(results, Results)
    assert results._repr_html_().startswith("<table>")
    client = names["client"]
    assert isinstance(client, Client)
    await client.close()


def visit(
    emulator: Emulator, experiment_id: str, *rates: float, per_day: int = 2000
) -> None:
    """Let visitors come for four weeks, who convert at these rates."""
    variants = [variant.id for variant in emulator.state.get(experiment_id).variants]
    emulator.simulate(
        experiment_id,
        days=28,
        visitors_per_day=per_day,
        conversion_rates=dict(zip(variants, rates, strict=True)),
        seed=2,
    )


async def test_stop_what_is_decided(emulator: Emulator, client: Client) -> None:
    """What is decided is stopped with its winner, once; what is not goes on."""
    won, undecided = emulator.seed_experiments(2, status="running")
    visit(emulator, won, 0.05, 0.15)
    visit(emulator, undecided, 0.1, 0.1, per_day=400)
    for _ in range(2):
        script = await run_script("stop_decided.py")
        output, errors = await script.communicate()
        assert (script.returncode, errors) == (0, b"")
        assert b"keeps running" in output
    assert emulator.log.received("experiments.stop") == 1
    stopped = await client.experiments.retrieve(won)
    assert stopped.status == "completed"
    assert stopped.winner_variant_id == emulator.state.get(won).variants[1].id
    assert emulator.state.get(undecided).status == "running"


async def test_stopping_that_fails(emulator: Emulator) -> None:
    """What could not be stopped makes the exit code 1."""
    (won,) = emulator.seed_experiments(1, status="running")
    visit(emulator, won, 0.05, 0.15)
    emulator.faults.add("status", route="experiments.stop", code=403)
    script = await run_script("stop_decided.py")
    output, errors = await script.communicate()
    assert (script.returncode, errors) == (1, b"")
    assert b"403" in output


async def test_a_frame_of_all_running_experiments(emulator: Emulator) -> None:
    """Each row has the experiment's id and the variant's name."""
    ids = emulator.seed_experiments(3, status="running")
    rows = await recipe("frames").records()
    assert {row["experiment_id"] for row in rows} == set(ids)
    assert {row["name"] for row in rows} == {"Control", "Variant 1"}


async def test_drafts_from_yaml(
    emulator: Emulator, client: Client, project: Path
) -> None:
    """Each document of a file becomes an experiment."""
    emulator.seed_experiments(1)
    page = "name: One\nkey: one\n---\nname: Two\nkey: two\n"
    (project / "two.yaml").write_text(page)
    script = await run_script("drafts.py", "two.yaml")
    output, errors = await script.communicate()
    assert (script.returncode, errors) == (0, b"")
    assert b"2 applied" in output
    assert await client.experiments.find_by_key("two")


async def test_workers(
    redis: Server,
    emulator: Emulator,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Tasks start experiments, one and several, and keep a stop for later."""
    definitions, calls = FILES["tasks.py"].text, FILES["send.py"].text
    ids = emulator.seed_experiments(3)
    for number, experiment_id in enumerate(ids, 123):
        calls = calls.replace(f"exp_{number}", experiment_id)
    definitions = definitions.replace("redis://localhost", redis.url)
    worker, sender = module_of(definitions), module_of(definitions)
    monkeypatch.setitem(sys.modules, "tasks", sender)
    worker.broker.is_worker_process = True
    working = asyncio.create_task(run_receiver_task(worker.broker, run_startup=True))
    async with asyncio.timeout(30):
        await run_pieces([attrs.evolve(FILES["send.py"], text=calls)])
    working.cancel()
    await asyncio.wait([working])
    await worker.broker.shutdown()
    await sender.later._connection_pool.disconnect()
    async with Redis.from_url(redis.url) as reader:
        keys = [key async for key in reader.scan_iter("experiments_schedule:data:*")]
        (stop,) = [json.loads(value or "") for value in await reader.mget(keys)]
    assert (stop["task_name"], stop["args"]) == ("ours_experiments:stop", [ids[0]])
    first, second = capsys.readouterr().out.splitlines()
    assert first == "applied"
    assert second.startswith("start: 2 applied")
    assert {emulator.state.get(experiment_id).status for experiment_id in ids} == {
        "running"
    }


def module_of(text: str) -> ModuleType:
    """Run a block as the module that its first line names."""
    module = ModuleType("tasks")
    exec(text, vars(module))  # noqa: S102 - the guide is ours
    return module


def test_the_plugin(pytester: pytest.Pytester) -> None:
    """The test in the README passes as it stands there."""
    pytester.makeini(
        "[pytest]\nasyncio_mode = auto\nasyncio_default_fixture_loop_scope = function"
    )
    pytester.makepyfile(test_launch=README.file("test_launch.py").text)
    pytester.runpytest_subprocess().assert_outcomes(passed=1)
