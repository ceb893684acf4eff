"""The rules of the lifecycle: what is allowed from where, and what it leaves."""

import pytest

from ours_experiments.emulator import Emulator
from tests.emulator.calls import Calls


ACTIONS = ("start", "pause", "resume", "stop", "rollout", "end-rollout", "winner")
ALLOWED = {
    "draft": {"start"},
    "running": {"pause", "stop"},
    "paused": {"resume", "stop"},
    "completed": {"rollout", "winner"},
}


@pytest.mark.parametrize("action", ACTIONS)
@pytest.mark.parametrize("status", sorted(ALLOWED))
async def test_keeps_to_the_lifecycle(
    emulator: Emulator, call: Calls, status: str, action: str
) -> None:
    """Each call is allowed from its states; elsewhere it is a 409 without effect."""
    (id_,) = emulator.seed_experiments(1, status=status)
    before = await call("GET", f"experiments/{id_}")
    body = {"variantId": before["variants"][1]["id"]} if action == "rollout" else None
    path = f"experiments/{id_}/{action}"
    if action in ALLOWED[status]:
        await call("POST", path, body)
    else:
        code, error, details = await call.refusal("POST", path, body)
        assert (code, details) == (409, None)
        assert error
        assert await call("GET", f"experiments/{id_}") == before


async def test_answers_transitions_without_variants(call: Calls) -> None:
    """A transition carries the experiment as it is after it, without variants."""
    id_ = (await call.draft())["id"]
    answer = await call("POST", f"experiments/{id_}/start")
    assert set(answer) == {"publishStatus", "concurrentVersionChanges", "experiment"}
    expected = await call("GET", f"experiments/{id_}")
    del expected["variants"]
    assert answer["experiment"] == expected


async def test_needs_a_primary_event_to_start(call: Calls) -> None:
    """Starting without a primary event name is a 409."""
    id_ = (await call.draft(metrics=None))["id"]
    refusal = await call.refusal("POST", f"experiments/{id_}/start")
    assert refusal == (409, "A primary metric event name is needed to start", None)


async def test_needs_two_variants_to_start(call: Calls) -> None:
    """Starting with the control alone is a 409."""
    id_ = (await call.draft(treatments=0))["id"]
    refusal = await call.refusal("POST", f"experiments/{id_}/start")
    assert refusal == (409, "At least two variants are needed to start", None)


async def test_starts_a_personalization_with_one_variant(call: Calls) -> None:
    """A personalization needs no second variant."""
    started = await call.running(treatments=0, type="personalization")
    assert started["status"] == "running"


async def test_sets_the_moments_of_the_lifecycle(
    emulator: Emulator, call: Calls
) -> None:
    """Start and resume set startedAt, stop sets stoppedAt, all set updatedAt."""
    path = f"experiments/{(await call.draft())['id']}"
    moments = []
    for action in ("start", "pause", "resume", "stop"):
        emulator.clock.advance(seconds=10)
        written = (await call("POST", f"{path}/{action}"))["experiment"]
        moments.append(
            [written[name] for name in ("updatedAt", "startedAt", "stoppedAt")]
        )
    started, paused, resumed, stopped = (moment[0] for moment in moments)
    assert started < paused < resumed < stopped
    assert moments == [
        [started, started, None],
        [paused, started, None],
        [resumed, resumed, None],
        [stopped, resumed, stopped],
    ]


async def test_stops_with_winner_and_rollout(call: Calls) -> None:
    """Stopping may record a winner and roll a variant out."""
    experiment = await call.running()
    control, treatment = (variant["id"] for variant in experiment["variants"])
    body = {"winnerVariantId": control, "rolloutVariantId": treatment}
    path = f"experiments/{experiment['id']}/stop"
    stopped = (await call("POST", path, body))["experiment"]
    assert stopped["winnerVariantId"] == control
    assert stopped["rolloutVariantId"] == treatment


@pytest.mark.parametrize("field", ["winnerVariantId", "rolloutVariantId"])
async def test_refuses_variants_of_others(call: Calls, field: str) -> None:
    """A winner or rollout variant of another experiment is a 404."""
    experiment, other = await call.running(), await call.running()
    body = {field: other["variants"][1]["id"]}
    path = f"experiments/{experiment['id']}/stop"
    assert (await call.refusal("POST", path, body))[0] == 404


async def test_refuses_to_roll_the_control_out(call: Calls) -> None:
    """The control as rollout is a 409, in stop and in rollout."""
    experiment = await call.running()
    control = experiment["variants"][0]["id"]
    path = f"experiments/{experiment['id']}"
    body = {"rolloutVariantId": control}
    reason = "The control variant cannot be rolled out"
    assert await call.refusal("POST", f"{path}/stop", body) == (409, reason, None)
    await call("POST", f"{path}/stop")
    refusal = await call.refusal("POST", f"{path}/rollout", {"variantId": control})
    assert refusal == (409, reason, None)


@pytest.mark.parametrize(
    ("action", "body"),
    [
        ("start", {"publishAfterStart": None}),
        ("pause", {"publishAfterPause": 1}),
        ("resume", {"publishAfterResume": "no"}),
        ("stop", {"winnerVariantId": None}),
        ("winner", {"winnerVariantId": 1}),
        ("rollout", {}),
        ("rollout", {"variantId": None}),
    ],
)
async def test_refuses_malformed_options(
    call: Calls, action: str, body: dict[str, object]
) -> None:
    """Options of lifecycle calls have their documented types."""
    assert (await call.refusal("POST", f"experiments/x/{action}", body))[0] == 400


async def test_rolls_out_and_back(call: Calls) -> None:
    """A rollout is served until it is ended; the winner stays."""
    experiment = await call.running()
    treatment = experiment["variants"][1]["id"]
    path = f"experiments/{experiment['id']}"
    await call("POST", f"{path}/stop", {"winnerVariantId": treatment})
    rolled = await call("POST", f"{path}/rollout", {"variantId": treatment})
    assert rolled["experiment"]["rolloutVariantId"] == treatment
    ended = await call("POST", f"{path}/end-rollout")
    assert ended["experiment"]["rolloutVariantId"] is None
    assert ended["experiment"]["winnerVariantId"] == treatment
    again = await call.refusal("POST", f"{path}/end-rollout")
    assert again == (409, "No variant is rolled out", None)


async def test_declares_changes_and_clears_the_winner(call: Calls) -> None:
    """The winner answers the bare experiment, and is cleared when omitted."""
    experiment = await call.completed()
    path = f"experiments/{experiment['id']}/winner"
    for variant in experiment["variants"]:
        answer = await call("POST", path, {"winnerVariantId": variant["id"]})
        assert answer["winnerVariantId"] == variant["id"]
        assert "variants" not in answer
    assert (await call("POST", path))["winnerVariantId"] is None
