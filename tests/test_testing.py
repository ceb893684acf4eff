"""The pytest plugin, in projects of other people."""

from importlib.metadata import entry_points

import pytest

from tests.support.projects import LIGHT


pytest_plugins = ["pytester"]

ASYNC_TEST = """
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

def test_the_seed(ours_emulator):
    assert ours_emulator.faults.seed == 7
"""
SYNC_TEST = """
from urllib.request import Request, urlopen

def test_blocking(ours_emulator):
    ours_emulator.seed_experiments(2)
    headers = {"Authorization": f"Bearer {ours_emulator.api_key}"}
    url = f"{ours_emulator.url}/rest/v1/experiments"
    with urlopen(Request(url, headers=headers), timeout=10) as response:
        assert response.status == 200
    assert ours_emulator.log.received("experiments.list") == 1
"""
SCOPED_TEST = """
import pytest

class Scope:
    async def test_first(self, ours_client, ours_emulator):
        ids = ours_emulator.seed_experiments(2)
        listing = ours_client.experiments.list()
        assert [found.id async for found in listing] == ids[::-1]

    async def test_second(self, ours_client):
        assert await ours_client.settings.list() == ()

@pytest.mark.asyncio(loop_scope="function")
class TestFunction(Scope):
    pass

@pytest.mark.asyncio(loop_scope="class")
class TestClass(Scope):
    pass

@pytest.mark.asyncio(loop_scope="module")
class TestModule(Scope):
    pass

@pytest.mark.asyncio(loop_scope="package")
class TestPackage(Scope):
    pass

@pytest.mark.asyncio(loop_scope="session")
class TestSession(Scope):
    pass

@pytest.mark.asyncio
class TestDefault(Scope):
    pass
"""
ANYIO_TEST = """
import pytest

pytestmark = pytest.mark.anyio

@pytest.fixture
def anyio_backend():
    return "asyncio"

async def test_list(ours_client, ours_emulator):
    ours_emulator.seed_experiments(1)
    assert len(await ours_client.settings.list()) == 1
"""
AUTO = "asyncio_mode = auto\nasyncio_default_fixture_loop_scope = function"
STRICT = "asyncio_mode = strict\nasyncio_default_fixture_loop_scope = function"
SESSION = f"{AUTO}\nasyncio_default_test_loop_scope = session"
NO_ASYNCIO = ("-p", "no:asyncio")


def run(
    pytester: pytest.Pytester, test: str, *arguments: str, options: str = ""
) -> pytest.RunResult:
    """Run a project's test; the plugin is named where it is not installed."""
    pytester.makeini(f"[pytest]\nfilterwarnings = error\n{options}")
    pytester.makepyfile(test)
    installed = {point.value for point in entry_points(group="pytest11")}
    if "ours_experiments.testing" not in installed:
        arguments = ("-p", "ours_experiments.testing", *arguments)
    return pytester.runpytest_subprocess(*LIGHT, *arguments)


def test_the_fixtures_serve(pytester: pytest.Pytester) -> None:
    """A marker and an option set up the fixtures; wrong code under test fails."""
    pytester.makepyfile(test_broken=ASYNC_TEST.replace("{expected}", "2"))
    test = ASYNC_TEST.replace("{expected}", "3")
    result = run(pytester, test, "--ours-seed=7", options=AUTO)
    result.assert_outcomes(passed=5, failed=1)
    result.stdout.fnmatch_lines(["FAILED test_broken.py::test_launch*"])


def test_nothing_heavy_is_loaded_unused(pytester: pytest.Pytester) -> None:
    """Without the fixtures, the plugin loads no HTTP library."""
    test = """
        import sys

        def test_nothing_is_loaded():
            assert "ours_experiments.testing" in sys.modules
            assert "aiohttp" not in sys.modules
    """
    run(pytester, test, options=AUTO).assert_outcomes(passed=1)


def test_loads_with_pytest_alone(pytester: pytest.Pytester) -> None:
    """The plugin loads where pytest-asyncio cannot be imported."""
    pytester.makeconftest(
        """
        import sys

        assert "ours_experiments.testing" in sys.modules
        assert "pytest_asyncio" not in sys.modules
        sys.modules["pytest_asyncio"] = None
        """
    )
    result = run(pytester, "def test_mine():\n    assert True\n", *NO_ASYNCIO)
    result.assert_outcomes(passed=1)


@pytest.mark.parametrize(
    ("options", "arguments", "tests", "passed"),
    [
        pytest.param(AUTO, (), (SYNC_TEST, SCOPED_TEST), 13, id="auto"),
        pytest.param(STRICT, (), (SYNC_TEST, SCOPED_TEST, ANYIO_TEST), 14, id="strict"),
        pytest.param(SESSION, (), (SCOPED_TEST,), 12, id="session-by-default"),
        pytest.param("", NO_ASYNCIO, (SYNC_TEST, ANYIO_TEST), 2, id="without"),
    ],
)
def test_plugins(
    pytester: pytest.Pytester,
    options: str,
    arguments: tuple[str, ...],
    tests: tuple[str, ...],
    passed: int,
) -> None:
    """Both fixtures work with every plugin that runs async tests, and loop scope.

    `ours_emulator` serves blocking calls, `ours_client` async tests.
    """
    for number, test in enumerate(tests[1:]):
        pytester.makepyfile(**{f"test_more_{number}": test})
    result = run(pytester, tests[0], *arguments, options=options)
    result.assert_outcomes(passed=passed)


def test_anyio_on_trio(pytester: pytest.Pytester) -> None:
    """On trio, one line says which backend is needed."""
    pytester.makeconftest("import sys; sys.modules['trio'] = None")
    test = """
        import pytest

        @pytest.fixture
        def anyio_backend():
            return "trio"

        def test_list(anyio_backend, ours_client):
            pass
    """
    result = run(pytester, test, options=STRICT)
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["ours_client needs the anyio backend 'asyncio'*"])


def test_without_a_plugin(pytester: pytest.Pytester) -> None:
    """Where no plugin runs async tests, one line says what to install."""
    test = "def test_list(ours_client):\n    pass\n"
    result = run(pytester, test, *NO_ASYNCIO, "-p", "no:anyio")
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(
        ["ours_client needs pytest-asyncio or anyio: *pip install pytest-asyncio*"]
    )


def test_in_a_synchronous_test(pytester: pytest.Pytester) -> None:
    """In a synchronous test, one line names the fixture for it."""
    test = "def test_list(ours_client):\n    pass\n"
    result = run(pytester, test, options=AUTO)
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["ours_client needs an async test*ours_emulator*"])
