"""What reaches visitors at once asks first."""

import pytest

from tests.cli.runner import Invoke, Service, Terminal


@pytest.fixture
def done(service: Service) -> tuple[str, str]:
    """A completed experiment and its treatment."""
    [experiment_id] = service.seed(1, "completed")
    return experiment_id, service.variant_ids(experiment_id)[1]


@pytest.mark.parametrize(
    "words",
    [
        ("rollout", "exp_1", "var_1"),
        ("end-rollout", "exp_1"),
        ("versions", "publish"),
        ("versions", "republish", "ver_1"),
    ],
    ids=" ".join,
)
def test_nothing_goes_live_unasked(
    service: Service, invoke: Invoke, words: tuple[str, ...]
) -> None:
    """Without a terminal and without `--yes` the command is refused with code 2."""
    ran = invoke(*words)
    assert ran.code == 2
    assert "--yes" in ran.err
    assert service.emulator.log.received() == 0


def test_a_rollout_asks(service: Service, done: tuple[str, str]) -> None:
    """The question names what is served to whom; only a yes sends the request."""
    for answer, expected in (("n", None), ("y", done[1])):
        terminal = Terminal("rollout", *done, env=service.environment)
        terminal.wait_for("[y/N]")
        assert f"serve the variant {done[1]} to everybody" in terminal.screen
        terminal.type(f"{answer}\n")
        assert terminal.end() == (1 if expected is None else 0)
        record = service.emulator.state.get(done[0])
        assert record.rollout_variant_id == expected
    terminal = Terminal("end-rollout", done[0], env=service.environment)
    terminal.wait_for("[y/N]")
    terminal.type("y\n")
    assert terminal.end() == 0
    assert service.emulator.state.get(done[0]).rollout_variant_id is None


def test_a_publish_asks_with_what_it_publishes(
    service: Service, invoke: Invoke
) -> None:
    """The question says whether everything staged or named experiments go live."""
    first, second = service.seed(2)
    invoke("start", first, second, "--publish", "none")
    terminal = Terminal("versions", "publish", env=service.environment)
    terminal.wait_for("publish everything that is staged? [y/N]")
    terminal.type("n\n")
    assert terminal.end() == 1
    terminal = Terminal(
        "versions", "publish", "--experiment", first, env=service.environment
    )
    terminal.wait_for(f"publish only {first}? [y/N]")
    terminal.type("y\n")
    assert terminal.end() == 0
    assert second in invoke("versions", "changes", "--format", "jsonl").out
