"""Every answer of the emulator against the vendor's OpenAPI document.

The document is found by the environment variable OURS_OPENAPI.
"""

import json
import os
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientSession

from ours_experiments.emulator import Emulator
from ours_experiments.emulator.api.scopes import ALL_SCOPES
from tests.emulator.calls import Calls
from tests.emulator.contract_document import OUTSIDE, Contract
from tests.emulator.contract_walk import Walk


DOCUMENT = os.environ.get("OURS_OPENAPI")
STEPS = 1500

pytestmark = pytest.mark.skipif(
    not DOCUMENT, reason="OURS_OPENAPI does not name the vendor's document"
)


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    """Read the vendor's document."""
    loaded: dict[str, Any] = json.loads(Path(DOCUMENT or "").read_text("utf-8"))
    return loaded


@pytest.fixture
def contract(document: dict[str, Any]) -> Contract:
    """Validate against the vendor's document."""
    return Contract(document)


class CheckedCalls(Calls):
    """Calls whose answers are checked against the document."""

    def __init__(self, emulator: Emulator, contract: Contract) -> None:
        super().__init__(emulator)
        self.contract = contract

    async def __call__(self, method: str, path: str, *args: Any, **options: Any) -> Any:
        """Make a call and have its answer checked."""
        payload = await super().__call__(method, path, *args, **options)
        status = options.get("expect", 200)
        self.contract.check(method, f"/rest/v1/{path}", status, payload)
        return payload


async def use_everything(call: Calls) -> None:
    """Call each operation once so that it succeeds."""
    settings = f"experiment-settings/{await call.settings_id()}"
    experiment = await call.running(treatments=2, description="Why")
    path = f"experiments/{experiment['id']}"
    treatment = experiment["variants"][1]["id"]
    call.emulator.simulate(experiment["id"])
    await call("GET", settings)
    await call("PATCH", path, {"name": "New"})
    await call("GET", "versions/draft/diff")
    await call("GET", "experiments", query={"limit": "1", "status": "running"})
    for report in ("results", "results-time-series", "session-replays"):
        await call("GET", f"{path}/{report}")
    await call("POST", f"{path}/pause", {"publishAfterPause": False})
    version = await call("POST", "versions", {"notes": "marker"})
    await call("POST", f"{path}/resume")
    await call("POST", f"{path}/stop", {"winnerVariantId": treatment})
    await call("POST", f"{path}/winner")
    await call("POST", f"{path}/rollout", {"variantId": treatment})
    await call("POST", f"{path}/end-rollout")
    await call("GET", "versions", query={"notesContains": "marker"})
    await call("GET", f"versions/{version['id']}")
    await call("PATCH", f"versions/{version['id']}", {"name": "Old"})
    await call("GET", f"versions/{version['id']}/snapshot")
    await call("POST", f"versions/{version['id']}/publish")
    draft = await call.draft(treatments=0)
    variant = await call.treatment(draft["id"])
    await call("GET", "experiment-variants", query={"experimentId": draft["id"]})
    await call("GET", f"experiment-variants/{variant['id']}")
    await call("PATCH", f"experiment-variants/{variant['id']}", {"weight": 1})
    await call("DELETE", f"experiment-variants/{variant['id']}")
    await call("DELETE", f"experiments/{draft['id']}")
    await call("PATCH", settings, {"name": "New"})
    await call("DELETE", settings)


@pytest.mark.parametrize("cursor", ["keyset", "offset"])
async def test_answers_every_operation_as_documented(
    contract: Contract, cursor: Any
) -> None:
    """Each operation that is served answers what its schema allows, and no more."""
    async with (
        Emulator(cursor=cursor) as emulator,
        CheckedCalls(emulator, contract) as call,
    ):
        await use_everything(call)
    assert contract.visited == contract.operations - OUTSIDE


async def test_answers_as_documented_wherever_a_walk_leads(contract: Contract) -> None:
    """A long random walk gets only answers that the document has."""
    async with Emulator(("test-key",)) as emulator:
        headers = {"Authorization": f"Bearer {emulator.api_key}"}
        async with ClientSession(emulator.url, headers=headers) as http:
            walk = Walk(emulator, http, contract, seed=20)
            for _ in range(STEPS):
                await walk.step()
    assert contract.visited == contract.operations - OUTSIDE
    assert contract.answers.total() > STEPS
    assert {status for _, _, status in contract.answers} >= {200, 400, 401, 404, 409}


def test_knows_the_documented_scopes(document: dict[str, Any]) -> None:
    """The scopes of the emulator are those that the document names."""
    named = {
        operation["description"].rpartition("Requires scope: ")[2].strip()
        for methods in document["paths"].values()
        for operation in methods.values()
    }
    assert named == ALL_SCOPES


async def test_asks_for_the_documented_scope(document: dict[str, Any]) -> None:
    """Each operation is refused to a key that has all scopes but the documented."""
    async with ClientSession() as http:
        for path, methods in document["paths"].items():
            for method, operation in methods.items():
                if (method.upper(), path) in OUTSIDE:
                    continue
                scope = operation["description"].rpartition("Requires scope: ")[2]
                async with Emulator({"k": ALL_SCOPES - {scope.strip()}}) as emulator:
                    url = emulator.url + path.replace("{id}", "draft")
                    headers = {"Authorization": "Bearer k"}
                    async with http.request(method, url, headers=headers) as response:
                        assert response.status == 403, (method, path)
