"""A task that stops what is decided, on a queue in a real Redis."""

import json
from typing import Any

import pytest
from taskiq import TaskiqResult
from taskiq_redis import RedisStreamBroker

from ours_experiments import ConfigurationError, from_dict
from ours_experiments.analysis import Rules, Verdict
from ours_experiments.emulator import Emulator
from ours_experiments.integrations.taskiq import redis_broker
from tests.integrations.test_taskiq_tasks import working
from tests.support.redis import Server


@pytest.fixture
def broker(redis: Server) -> RedisStreamBroker:
    """Have a queue that nobody works on yet."""
    return redis_broker(redis.url)


def running(emulator: Emulator, treated: float, *, loses: float = 0.0) -> str:
    """Start an experiment with four weeks of visitors, and a rate of the treatment."""
    [experiment_id] = emulator.seed_experiments(1, status="running")
    control, treatment = emulator.state.get(experiment_id).variants
    emulator.simulate(
        experiment_id,
        days=29,
        visitors_per_day=3_000,
        conversion_rates={control.id: 0.10, treatment.id: treated},
        loses={treatment.id: loses},
        seed=1,
    )
    return experiment_id


async def carry_out(
    broker: RedisStreamBroker, emulator: Emulator, experiment_id: str, **options: Any
) -> TaskiqResult[Any]:
    """Run the task once, and return its result."""
    async with working(broker, emulator) as tasks:
        task = await tasks.stop_when_decided.kiq(experiment_id, **options)
        return await task.wait_result(timeout=30)


def stops(emulator: Emulator) -> int:
    """Return how many stops the service has received."""
    return emulator.log.received("experiments.stop")


async def test_a_decision_is_applied(
    broker: RedisStreamBroker, emulator: Emulator
) -> None:
    """The record is JSON, with the analysis that the decision stands on."""
    experiment_id = running(emulator, 0.14)
    result = await carry_out(
        broker, emulator, experiment_id, planned_sample=14_751, rollout=True
    )
    record = result.return_value
    assert record["status"] == "applied"
    assert record["publish_status"] == "published"
    analysis = record["analysis"]
    assert analysis["verdict"] == Verdict.SHIP
    assert from_dict(Rules, analysis["rules"]) == Rules(planned_sample=14_751)
    assert json.loads(json.dumps(record)) == record
    state = emulator.state.get(experiment_id)
    assert state.status == "completed"
    assert state.rollout_variant_id == analysis["variant_id"]


async def test_what_was_done_before_is_found_done(
    broker: RedisStreamBroker, emulator: Emulator
) -> None:
    """A task that is delivered again stops nothing."""
    experiment_id = running(emulator, 0.14)
    emulator.state.transition(experiment_id, "stop", {}, publish=True)
    result = await carry_out(broker, emulator, experiment_id)
    assert result.return_value["status"] == "already"
    assert stops(emulator) == 0


async def test_nothing_is_decided(
    broker: RedisStreamBroker, emulator: Emulator
) -> None:
    """What is not decided goes on running."""
    result = await carry_out(broker, emulator, running(emulator, 0.10))
    assert result.return_value["status"] == "undecided"
    assert stops(emulator) == 0


async def test_results_that_must_not_be_trusted(
    broker: RedisStreamBroker, emulator: Emulator
) -> None:
    """A refusal is a record with the error and its analysis, not an exception."""
    experiment_id = running(emulator, 0.14, loses=0.1)
    record = (await carry_out(broker, emulator, experiment_id)).return_value
    assert record["status"] == "failed"
    assert record["error"]["type"] == "UntrustworthyResultsError"
    assert record["analysis"]["verdict"] == Verdict.DO_NOT_TRUST
    assert stops(emulator) == 0


@pytest.mark.parametrize(
    "options",
    [
        pytest.param({"alpha": 2}, id="alpha"),
        pytest.param({"patience": 3}, id="patience"),
        pytest.param({"rollout": "yes"}, id="rollout"),
        pytest.param({"guardrails": "checkout"}, id="guardrails"),
    ],
)
async def test_bad_options(
    broker: RedisStreamBroker, emulator: Emulator, options: dict[str, Any]
) -> None:
    """An option that cannot be used is named, and nothing is sent."""
    result = await carry_out(broker, emulator, "exp_1", **options)
    [name] = options
    with pytest.raises(ConfigurationError, match=name):
        result.raise_for_error()
    assert emulator.log.received() == 0
