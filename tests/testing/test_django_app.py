"""A Django application, tested with its synchronous test client."""

from collections.abc import Iterator
from http import HTTPStatus

import django  # type: ignore[import-untyped]
import pytest
from asgiref.sync import async_to_sync
from django.conf import settings  # type: ignore[import-untyped]
from django.http import HttpRequest, JsonResponse  # type: ignore[import-untyped]
from django.test import Client as WebClient  # type: ignore[import-untyped]
from django.test.utils import override_settings  # type: ignore[import-untyped]
from django.urls import path  # type: ignore[import-untyped]

from ours_experiments import Client, NotFoundError
from ours_experiments.emulator import Emulator


if not settings.configured:
    settings.configure(SECRET_KEY="only for tests")
    django.setup()


async def running(_request: HttpRequest) -> JsonResponse:
    """List the names of running experiments, in an async view."""
    async with Client() as client:
        listing = client.experiments.list(status="running")
        return JsonResponse({"names": [found.name async for found in listing]})


def stop(_request: HttpRequest, id: str) -> JsonResponse:
    """Stop an experiment, in a synchronous view."""

    async def call() -> str:
        async with Client() as client:
            stopped = await client.experiments.stop(id)
        return str(stopped.experiment.status)

    try:
        return JsonResponse({"status": async_to_sync(call)()})
    except NotFoundError:
        return JsonResponse({"error": "no such experiment"}, status=404)


urlpatterns = [path("running", running), path("experiments/<str:id>/stop", stop)]


@pytest.fixture
def web(
    ours_emulator: Emulator, monkeypatch: pytest.MonkeyPatch
) -> Iterator[WebClient]:
    """Run the application against the emulator."""
    monkeypatch.setenv("OURS_PRIVACY_API_KEY", ours_emulator.api_key)
    monkeypatch.setenv("OURS_PRIVACY_PLATFORM_BASE_URL", ours_emulator.url)
    with override_settings(ALLOWED_HOSTS=["testserver"], ROOT_URLCONF=__name__):
        yield WebClient()


def test_lists_running_experiments(web: WebClient, ours_emulator: Emulator) -> None:
    """The page shows running experiments and no drafts."""
    ours_emulator.seed_experiments(1)
    ours_emulator.seed_experiments(1, status="running")
    assert web.get("/running").json() == {"names": ["Experiment 2"]}


def test_stops_an_experiment(web: WebClient, ours_emulator: Emulator) -> None:
    """A view stops what is running, and says so where there is no experiment."""
    (id_,) = ours_emulator.seed_experiments(1, status="running")
    assert web.post(f"/experiments/{id_}/stop").json() == {"status": "completed"}
    answer = web.post("/experiments/exp_unknown/stop")
    assert answer.status_code == HTTPStatus.NOT_FOUND
    assert ours_emulator.log.applied_ids("experiments.stop") == {id_: 1}
