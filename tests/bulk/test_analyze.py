"""The analyses of many experiments, against the emulator."""

import pytest

from ours_experiments import Client, ConfigurationError, NotFoundError
from ours_experiments.analysis import Rules, Verdict
from ours_experiments.emulator import Emulator


@pytest.fixture
def running(emulator: Emulator) -> list[str]:
    """Three running experiments with a fortnight of visitors."""
    ids = emulator.seed_experiments(3, status="running")
    for number, experiment_id in enumerate(ids):
        control, treatment = emulator.state.get(experiment_id).variants
        emulator.simulate(
            experiment_id,
            days=15,
            visitors_per_day=2_000,
            conversion_rates={control.id: 0.1, treatment.id: 0.1 + 0.05 * number},
            seed=1,
        )
    return ids


async def test_all_running_experiments(
    client: Client, emulator: Emulator, running: list[str]
) -> None:
    """Each gives one analysis, from three requests; others are not asked for."""
    emulator.seed_experiments(2)
    listed = client.experiments.list(status="running")
    pairs = client.bulk.analyze(listed)
    found = {experiment_id: analysis async for experiment_id, analysis in pairs}
    assert set(found) == set(running)
    assert found[running[2]].verdict is Verdict.SHIP
    assert found[running[0]].verdict is Verdict.KEEP_RUNNING
    assert emulator.log.received("experiments.results_time_series") == 3


async def test_rules_of_each(client: Client, running: list[str]) -> None:
    """A mapping gives an experiment rules of its own; the others have the default."""
    rules = {running[0]: Rules(planned_sample=20_000)}
    found = {
        pair[0]: pair[1] async for pair in client.bulk.analyze(running, rules=rules)
    }
    assert found[running[0]].rules == rules[running[0]]
    assert found[running[1]].rules == Rules()


async def test_guardrails_may_be_a_generator(
    client: Client, running: list[str]
) -> None:
    """The names of events hold for every experiment."""
    events = (name for name in ("checkout",))
    found = [pair[1] async for pair in client.bulk.analyze(running, guardrails=events)]
    assert [set(analysis.guardrails) for analysis in found] == [{"checkout"}] * 3


async def test_one_that_cannot_be_read(client: Client, running: list[str]) -> None:
    """The others are yielded, and its error comes at the end."""
    pairs = client.bulk.analyze([*running, "exp_unknown"])
    found = {(await anext(pairs))[0] for _ in running}
    assert found == set(running)
    with pytest.raises(ExceptionGroup) as caught:
        await anext(pairs)
    [failure] = caught.value.exceptions
    assert isinstance(failure, NotFoundError)


@pytest.mark.parametrize(
    ("arguments", "name"),
    [
        pytest.param({"rules": 3}, "rules", id="rules"),
        pytest.param({"rules": {"exp_1": 3}}, "rules", id="rules-of-one"),
        pytest.param({"guardrails": "checkout"}, "guardrails", id="guardrails"),
        pytest.param({"concurrency": 0}, "concurrency", id="concurrency"),
    ],
)
async def test_bad_arguments(
    client: Client, emulator: Emulator, arguments: dict[str, object], name: str
) -> None:
    """They are refused when the call is made, and nothing is sent."""
    with pytest.raises(ConfigurationError, match=name):
        getattr(client.bulk, "analyze")(["exp_1"], **arguments)  # noqa: B009
    assert emulator.log.received() == 0
