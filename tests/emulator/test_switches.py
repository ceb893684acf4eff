"""The switches of the emulator: where a real service may differ, and fast filling."""

import re
from typing import Any

import pytest

from ours_experiments.emulator import Emulator
from tests.emulator.calls import Calls


UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


async def test_keeps_keys_unique() -> None:
    """With unique keys, a key that is in use is a 409, given or slugged."""
    async with Emulator(unique_keys=True) as emulator, Calls(emulator) as call:
        first = await call.draft(name="Hero")
        other = await call.draft(name="Footer", key="mine")
        path = f"experiments/{other['id']}"
        body = {"experimentSettingsId": await call.settings_id(), "name": "Hero"}
        refusal = (409, "An experiment with the key hero already exists", None)
        assert await call.refusal("POST", "experiments", body) == refusal
        assert await call.refusal("PATCH", path, {"key": "hero"}) == refusal
        await call("PATCH", path, {"key": "mine"})
        await call("DELETE", f"experiments/{first['id']}")
        await call("PATCH", path, {"key": "hero"})
        await call("POST", "experiments", {**body, "key": "mine"})


async def test_writes_ids_as_uuids() -> None:
    """With UUIDs, every id has that form."""
    async with Emulator(id_style="uuid") as emulator, Calls(emulator) as call:
        experiment = await call.running()
        version = emulator.state.versions()[0]
        ids = [experiment["id"], experiment["variants"][0]["id"], version["id"]]
        assert all(UUID.fullmatch(str(id_)) for id_ in ids)


async def test_writes_ids_with_their_kind(call: Calls) -> None:
    """By default ids are led by the kind of what they name."""
    experiment = await call.draft()
    assert re.fullmatch(r"exp_[0-9A-HJKMNP-TV-Z]{26}", experiment["id"])
    assert experiment["variants"][0]["id"].startswith("var_")
    assert (await call.settings_id()).startswith("settings_")


class TestInitialApi:
    """The API's first version."""

    @pytest.mark.parametrize(
        ("method", "path"),
        [
            ("GET", "versions"),
            ("POST", "versions"),
            ("GET", "versions/draft/diff"),
            ("POST", "experiments/x/rollout"),
            ("POST", "experiments/x/end-rollout"),
            ("POST", "experiments/x/winner"),
            ("GET", "experiments/x/session-replays"),
            ("GET", "experiment-variants/x"),
            ("DELETE", "experiment-settings/x"),
        ],
    )
    async def test_lacks_the_later_operations(self, method: str, path: str) -> None:
        """What came later is an unknown path."""
        async with Emulator(api="initial") as emulator, Calls(emulator) as call:
            assert (await call.refusal(method, path))[0] == 404

    async def test_runs_an_experiment(self) -> None:
        """An experiment runs from its creation to its results."""
        async with Emulator(api="initial") as emulator, Calls(emulator) as call:
            id_ = (await call.running())["id"]
            path = f"experiments/{id_}"
            await call("POST", f"{path}/pause")
            await call("POST", f"{path}/resume")
            emulator.simulate(id_)
            rows = (await call("GET", f"{path}/results"))["variants"]
            body = {"winnerVariantId": rows[1]["id"], "rolloutVariantId": 1}
            stopped = await call("POST", f"{path}/stop", body)
            assert stopped["experiment"]["winnerVariantId"] == rows[1]["id"]
            assert len((await call("GET", f"{path}/results-time-series"))["days"]) == 14
            assert await call("DELETE", path) is True

    async def test_lists_without_variants(self) -> None:
        """List items carry no variants; single experiments do."""
        async with Emulator(api="initial") as emulator, Calls(emulator) as call:
            created = await call.draft()
            (row,) = (await call("GET", "experiments"))["entities"]
        assert len(created.pop("variants")) == 2
        assert row == created

    async def test_knows_no_rollout(self) -> None:
        """No answer has a rollout variant."""
        async with Emulator(api="initial") as emulator, Calls(emulator) as call:
            created = await call.draft()
            started = await call("POST", f"experiments/{created['id']}/start")
        for experiment in (created, started["experiment"]):
            assert "rolloutVariantId" not in experiment

    @pytest.mark.parametrize("value", [False, "nonsense"])
    async def test_always_publishes(self, value: object) -> None:
        """The options of publishing are unknown fields, and ignored."""
        async with Emulator(api="initial") as emulator, Calls(emulator) as call:
            id_ = (await call.draft())["id"]
            path = f"experiments/{id_}"
            answers: list[Any] = [
                await call("POST", f"{path}/start", {"publishAfterStart": value}),
                await call("POST", f"{path}/pause", {"publishAfterPause": value}),
                await call("POST", f"{path}/resume", {"publishAfterResume": value}),
            ]
        assert {answer["publishStatus"] for answer in answers} == {"published"}


@pytest.mark.parametrize("status", ["draft", "running", "paused", "completed"])
async def test_seeds_experiments(call: Calls, status: str) -> None:
    """Seeded experiments are there in the state asked for, published already."""
    ids = call.emulator.seed_experiments(3, status=status, variants=3)
    listed = (await call("GET", "experiments"))["entities"]
    assert [row["id"] for row in listed] == ids[::-1]
    for row in listed:
        assert row["status"] == status
        assert [variant["weight"] for variant in row["variants"]] == [34, 33, 33]
    refusal = await call.refusal("POST", "versions", {})
    assert refusal == (409, "There are no draft changes to publish", None)


async def test_seeds_what_can_be_used(call: Calls) -> None:
    """A seeded draft can be started, and counts itself as the only change."""
    (id_,) = call.emulator.seed_experiments(1)
    started = await call("POST", f"experiments/{id_}/start")
    assert started["concurrentVersionChanges"] == 1


@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({"count": -1}, "count"),
        ({"count": 1, "status": "started"}, "status"),
        ({"count": 1, "variants": 0}, "variants"),
        ({"count": 1, "variants": 101}, "variants"),
        ({"count": 1, "variants": 1, "status": "running"}, "at least 2"),
    ],
)
def test_refuses_to_seed_what_cannot_be(options: dict[str, Any], match: str) -> None:
    """Seeding with values out of range is a ValueError."""
    with pytest.raises(ValueError, match=match):
        Emulator().seed_experiments(**options)


def test_shows_its_state_without_a_socket() -> None:
    """The state can be filled and looked at before the emulator runs."""
    emulator = Emulator()
    ids = emulator.seed_experiments(2)
    assert [experiment["id"] for experiment in emulator.state.experiments()] == ids[
        ::-1
    ]
    assert len(emulator.state.settings()) == 1


async def test_gives_snapshots(call: Calls) -> None:
    """Changing what the state gave changes nothing in the state."""
    (id_,) = call.emulator.seed_experiments(1)
    snapshot = call.emulator.state.experiment(id_)
    assert snapshot == await call("GET", f"experiments/{id_}")
    snapshot["status"] = "completed"
    assert call.emulator.state.experiment(id_)["status"] == "draft"
