"""Fixtures: a real Redis, where it is installed."""

from collections.abc import Iterator

import pytest

from tests.support.redis import PROGRAM, Server, redis_server


@pytest.fixture
def redis() -> Iterator[Server]:
    """Run an empty Redis."""
    if PROGRAM is None:
        pytest.skip("redis-server is not installed: apt-get install redis-server")
    with redis_server() as server:
        yield server
