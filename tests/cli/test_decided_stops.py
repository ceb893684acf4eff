"""`stop --when-decided`: only what is decided is stopped."""

import pytest

from tests.cli.runner import Invoke, Service
from tests.cli.test_analysis import with_effect


def test_a_decided_experiment_is_stopped_with_its_winner(
    service: Service, invoke: Invoke
) -> None:
    """A verdict to ship stops the experiment and records the winner."""
    experiment_id = with_effect(service, 0.14)
    ran = invoke("stop", experiment_id, "--when-decided", "--yes", "--format", "json")
    assert ran.code == 0, ran.err
    [record] = ran.json
    treatment = service.variant_ids(experiment_id)[1]
    assert (record["verdict"], record["variant_id"]) == ("ship", treatment)
    stopped = service.emulator.state.get(experiment_id)
    assert (stopped.status, stopped.winner_variant_id) == ("completed", treatment)
    assert stopped.rollout_variant_id is None


def test_a_winner_is_rolled_out_on_request(service: Service, invoke: Invoke) -> None:
    """`--rollout` serves the winner to all visitors in the same call."""
    experiment_id = with_effect(service, 0.14)
    ran = invoke("stop", experiment_id, "--when-decided", "--rollout", "--yes")
    assert ran.code == 0, ran.err
    treatment = service.variant_ids(experiment_id)[1]
    assert service.emulator.state.get(experiment_id).rollout_variant_id == treatment


def test_what_is_not_decided_goes_on(service: Service, invoke: Invoke) -> None:
    """Exit code 11: nothing is sent, and the experiment keeps running."""
    experiment_id = with_effect(service, 0.10, days=3)
    ran = invoke("stop", experiment_id, "--when-decided", "--yes")
    assert ran.code == 11, ran.err
    assert service.status(experiment_id) == "running"


def test_what_is_not_to_be_trusted_goes_on(service: Service, invoke: Invoke) -> None:
    """Exit code 12, with the reason as a note."""
    experiment_id = with_effect(service, 0.14)
    control, treatment = service.emulator.state.get(experiment_id).variants
    control.weight, treatment.weight = 80, 20
    ran = invoke("stop", experiment_id, "--when-decided", "--yes")
    assert ran.code == 12, ran.err
    assert experiment_id in ran.err
    assert service.status(experiment_id) == "running"


@pytest.mark.parametrize(
    "words",
    [
        ("exp_1", "--when-decided"),
        ("--winner", "exp_1=var_1", "--when-decided", "--yes"),
        ("exp_1", "--when-decided", "--dry-run"),
        ("exp_1", "--when-decided", "--journal", "j"),
        ("exp_1", "--rollout", "--yes"),
    ],
    ids=" ".join,
)
def test_what_cannot_be_meant_is_refused(
    service: Service, invoke: Invoke, words: tuple[str, ...]
) -> None:
    """It asks; the rules choose the winner; options of other stops do not apply."""
    assert invoke("stop", *words).code == 2
    assert service.emulator.log.received() == 0
