"""Fixtures: a service behind a thread, and a way to run command lines against it."""

from collections.abc import Iterator

import pytest

from tests.cli.runner import Invoke, Ran, Service, in_process, serving


@pytest.fixture
def service() -> Iterator[Service]:
    """Serve an empty account."""
    running, end = serving()
    yield running
    end()


@pytest.fixture
def invoke(
    service: Service,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> Invoke:
    """Run a command line in this process, with a key for the service."""
    monkeypatch.setenv("OURS_PRIVACY_API_KEY", service.emulator.api_key)
    monkeypatch.setenv("OURS_PRIVACY_PLATFORM_BASE_URL", service.emulator.url)
    monkeypatch.delenv("COLUMNS", raising=False)

    def invoking(*arguments: object) -> Ran:
        capsys.readouterr()
        code = in_process(*arguments)
        captured = capsys.readouterr()
        return Ran(code, captured.out, captured.err)

    return invoking
