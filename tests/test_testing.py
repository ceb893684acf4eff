"""The pytest plugin, as a stranger uses it."""

from importlib.metadata import entry_points

import pytest


pytest_plugins = ["pytester"]

STRANGERS_TEST = """
import pytest

async def launch(client, ids):
    report = await client.bulk.start(ids)
    return len(report.succeeded)

@pytest.mark.ours_emulator(faults=["status:route=experiments.start,code=503,times=1"])
async def test_launch(ours_client, ours_emulator):
    ids = ours_emulator.seed_experiments(3)
    assert await launch(ours_client, ids) == {expected}
    assert ours_emulator.log.received("experiments.start") == 4

async def test_an_empty_account(ours_client):
    assert await ours_client.settings.list() == ()

async def test_the_seed(ours_emulator):
    assert ours_emulator.faults.seed == 7
"""


@pytest.fixture(autouse=True)
def configured(pytester: pytest.Pytester) -> None:
    """Configure the stranger's tests as most projects do."""
    pytester.makeini(
        "[pytest]\nasyncio_mode = auto\nasyncio_default_fixture_loop_scope = function"
    )


def run(pytester: pytest.Pytester, *arguments: str) -> pytest.RunResult:
    """Run the stranger's tests; the plugin is named where it is not installed."""
    installed = {one.value for one in entry_points(group="pytest11")}
    if "ours_experiments.testing" not in installed:
        arguments = ("-p", "ours_experiments.testing", *arguments)
    return pytester.runpytest_subprocess(*arguments)


def test_the_fixtures_serve(pytester: pytest.Pytester) -> None:
    """An emulator and a client come as fixtures, set up by a marker and an option."""
    pytester.makepyfile(STRANGERS_TEST.replace("{expected}", "3"))
    run(pytester, "--ours-seed=7").assert_outcomes(passed=3)


def test_broken_code_fails(pytester: pytest.Pytester) -> None:
    """The same file fails where the code under test is wrong."""
    pytester.makepyfile(STRANGERS_TEST.replace("{expected}", "2"))
    run(pytester, "--ours-seed=7").assert_outcomes(passed=2, failed=1)


def test_nothing_heavy_is_loaded_unused(pytester: pytest.Pytester) -> None:
    """Without the fixtures, the plugin loads no HTTP library."""
    pytester.makepyfile(
        """
        import sys

        def test_nothing_is_loaded():
            assert "ours_experiments.testing" in sys.modules
            assert "aiohttp" not in sys.modules
        """
    )
    run(pytester).assert_outcomes(passed=1)
