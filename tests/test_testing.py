"""The pytest plugin, in projects of other people."""

from importlib.metadata import entry_points

import pytest


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
    return "{backend}"

async def test_list(ours_client, ours_emulator):
    ours_emulator.seed_experiments(1)
    assert len(await ours_client.settings.list()) == 1
"""
AUTO = "asyncio_mode = auto\nasyncio_default_fixture_loop_scope = function"
STRICT = "asyncio_mode = strict\nasyncio_default_fixture_loop_scope = function"
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
    return pytester.runpytest_subprocess(*arguments)


def test_the_fixtures_serve(pytester: pytest.Pytester) -> None:
    """An emulator and a client come as fixtures, set up by a marker and an option."""
    test = ASYNC_TEST.replace("{expected}", "3")
    run(pytester, test, "--ours-seed=7", options=AUTO).assert_outcomes(passed=3)


def test_broken_code_fails(pytester: pytest.Pytester) -> None:
    """The same file fails where the code under test is wrong."""
    test = ASYNC_TEST.replace("{expected}", "2")
    result = run(pytester, test, "--ours-seed=7", options=AUTO)
    result.assert_outcomes(passed=2, failed=1)


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
    ("options", "arguments"),
    [(AUTO, ()), (STRICT, ()), ("", NO_ASYNCIO)],
    ids=["auto", "strict", "without"],
)
def test_synchronous_tests(
    pytester: pytest.Pytester, options: str, arguments: tuple[str, ...]
) -> None:
    """`ours_emulator` serves blocking calls, whatever plugin runs async tests."""
    run(pytester, SYNC_TEST, *arguments, options=options).assert_outcomes(passed=1)


@pytest.mark.parametrize(
    "options",
    [AUTO, STRICT, f"{AUTO}\nasyncio_default_test_loop_scope = session"],
    ids=["auto", "strict", "session-by-default"],
)
def test_loop_scopes(pytester: pytest.Pytester, options: str) -> None:
    """`ours_client` works on a loop of every scope, however it is chosen."""
    run(pytester, SCOPED_TEST, options=options).assert_outcomes(passed=12)


@pytest.mark.parametrize(
    ("options", "arguments"),
    [(STRICT, ()), ("", NO_ASYNCIO)],
    ids=["strict", "without"],
)
def test_anyio(
    pytester: pytest.Pytester, options: str, arguments: tuple[str, ...]
) -> None:
    """`ours_client` works in tests that anyio runs on asyncio."""
    test = ANYIO_TEST.replace("{backend}", "asyncio")
    run(pytester, test, *arguments, options=options).assert_outcomes(passed=1)


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
