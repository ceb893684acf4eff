"""This package."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import attrs

from benchmarks.peers import KEY, PAGE
from ours_experiments import Client, Experiment


@attrs.frozen
class Ours:
    """A client with default options."""

    client: Client

    async def start(self, experiment_id: str) -> str:
        """Start an experiment."""
        transition = await self.client.experiments.start(experiment_id)
        return str(transition.publish_status)

    def experiments(self) -> AsyncIterator[Experiment]:
        """Iterate over the listing."""
        return aiter(self.client.experiments.list(limit=PAGE))


@asynccontextmanager
async def connect(url: str) -> AsyncIterator[Ours]:
    """Open a client."""
    async with Client(KEY, base_url=url) as client:
        yield Ours(client)
