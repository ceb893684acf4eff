"""A FastAPI application, tested with its synchronous test client."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import TypedDict

import pytest
from fastapi import FastAPI, HTTPException, Request
from fastapi.testclient import TestClient

from ours_experiments import Client, ConflictError
from ours_experiments.emulator import Emulator


class State(TypedDict):
    """What the application keeps while it runs."""

    experiments: Client


@asynccontextmanager
async def lifespan(_app: FastAPI) -> AsyncIterator[State]:
    """Open one client for the life of the application."""
    async with Client() as client:
        yield {"experiments": client}


app = FastAPI(lifespan=lifespan)


@app.get("/running")
async def running(request: Request) -> list[str]:
    """List the names of running experiments."""
    client: Client = request.state.experiments
    return [found.name async for found in client.experiments.list(status="running")]


@app.post("/experiments/{id}/start")
async def start(id: str, request: Request) -> dict[str, str]:
    """Start an experiment."""
    client: Client = request.state.experiments
    try:
        started = await client.experiments.start(id)
    except ConflictError as error:
        raise HTTPException(409, error.error) from None
    return {"status": started.experiment.status}


@pytest.fixture
def web(
    ours_emulator: Emulator, monkeypatch: pytest.MonkeyPatch
) -> Iterator[TestClient]:
    """Run the application against the emulator."""
    monkeypatch.setenv("OURS_PRIVACY_API_KEY", ours_emulator.api_key)
    monkeypatch.setenv("OURS_PRIVACY_PLATFORM_BASE_URL", ours_emulator.url)
    with TestClient(app) as client:
        yield client


def test_lists_running_experiments(web: TestClient, ours_emulator: Emulator) -> None:
    """The page shows running experiments and no drafts."""
    ours_emulator.seed_experiments(1)
    ours_emulator.seed_experiments(2, status="running")
    assert web.get("/running").json() == ["Experiment 3", "Experiment 2"]


def test_starts_an_experiment_once(web: TestClient, ours_emulator: Emulator) -> None:
    """The first request starts an experiment, the second is a conflict."""
    (id_,) = ours_emulator.seed_experiments(1)
    assert web.post(f"/experiments/{id_}/start").json() == {"status": "running"}
    assert web.post(f"/experiments/{id_}/start").status_code == 409
    assert ours_emulator.log.applied("experiments.start") == 1


@pytest.mark.ours_emulator(
    faults=["reset:route=experiments.start,applied=true,times=1"]
)
def test_survives_a_lost_reply(web: TestClient, ours_emulator: Emulator) -> None:
    """A start whose reply is lost is reported as done."""
    (id_,) = ours_emulator.seed_experiments(1)
    assert web.post(f"/experiments/{id_}/start").json() == {"status": "running"}
