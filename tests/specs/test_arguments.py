"""What `plan`, `apply`, `export` and `plan_from` refuse before anything is sent."""

from typing import Any

import pytest

from ours_experiments import Client, ConfigurationError, Plan
from ours_experiments.emulator import Emulator
from tests.specs.account import new_spec


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        pytest.param({"specs": 5}, "specs", id="number"),
        pytest.param({"specs": "a.yaml"}, "specs", id="text"),
        pytest.param({"specs": new_spec("a")}, "specs", id="single"),
        pytest.param({"specs": [{"key": "a"}]}, r"specs\[0\].*dict", id="dict"),
        pytest.param({"owns": "web-*"}, "owns", id="one-pattern"),
        pytest.param({"owns": [5]}, "owns", id="no-text"),
        pytest.param({"owns": [" "]}, "owns", id="blank"),
        pytest.param({"limits": 0.5}, "limits", id="limits"),
        pytest.param({"prune": True}, "owns", id="prune"),
        pytest.param({"specs": [new_spec("a"), new_spec("a")]}, "key", id="twice"),
    ],
)
async def test_arguments_of_a_plan(
    shop: Emulator, client: Client, arguments: dict[str, Any], text: str
) -> None:
    """Each argument that makes no sense is named."""
    with pytest.raises(ConfigurationError, match=text):
        await client.plan(**({"specs": [new_spec("a")]} | arguments))
    assert shop.log.received() == 0


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        pytest.param({"concurrency": 0}, "concurrency", id="none-at-a-time"),
        pytest.param({"journal": 5}, "journal", id="journal"),
        pytest.param({"journal": "/nowhere/journal"}, "journal", id="no-folder"),
    ],
)
async def test_arguments_of_apply(
    shop: Emulator, client: Client, arguments: dict[str, Any], text: str
) -> None:
    """Each argument that makes no sense is named, and nothing is sent."""
    plan = await client.plan([new_spec("a")])
    shop.log.clear()
    with pytest.raises(ConfigurationError, match=text):
        await plan.apply(**arguments)
    assert shop.log.received() == 0


async def test_a_plan_without_a_client(shop: Emulator, client: Client) -> None:
    """A plan that was only read says how to apply it."""
    text = (await client.plan([new_spec("a")])).to_json()
    shop.log.clear()
    with pytest.raises(ConfigurationError, match="plan_from"):
        await Plan.from_json(text).apply()
    for broken in ("", "[]", "{}", '{"plan": 2}', '{"plan": 1}'):
        with pytest.raises(ConfigurationError, match="plan"):
            client.plan_from(broken)
    assert shop.log.received() == 0


async def test_the_key_is_in_no_plan(shop: Emulator, client: Client) -> None:
    """Neither a plan's repr nor its JSON has the API key."""
    plan = await client.plan([new_spec("a")])
    for text in (repr(plan), plan.to_json(), plan.to_markdown(), str(plan)):
        assert shop.api_key not in text
