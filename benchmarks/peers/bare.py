"""aiohttp by hand, as well tuned as it gets: no models, no retries, no promises."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp
import attrs
import orjson
from yarl import URL

from benchmarks.peers import KEY, PAGE


BODY = orjson.dumps({})


@attrs.frozen
class Bare:
    """A session, and where the service is."""

    http: aiohttp.ClientSession
    url: str

    async def start(self, experiment_id: str) -> str:
        """Start an experiment."""
        address = URL(
            f"{self.url}/rest/v1/experiments/{experiment_id}/start", encoded=True
        )
        response = await self.http.post(address, data=BODY)
        status: str = orjson.loads(await response.read())["publishStatus"]
        return status

    async def experiments(self) -> AsyncIterator[object]:
        """Walk over plain dictionaries."""
        first = f"{self.url}/rest/v1/experiments?limit={PAGE}"
        address = URL(first, encoded=True)
        while True:
            response = await self.http.get(address)
            page = orjson.loads(await response.read())
            for entity in page["entities"]:
                yield entity
            if not page["pagination"]["hasMore"]:
                return
            cursor = page["pagination"]["nextCursor"]
            address = URL(f"{first}&cursor={cursor}", encoded=True)


@asynccontextmanager
async def connect(url: str) -> AsyncIterator[Bare]:
    """Open a session with what a careful programmer sets."""
    async with aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=100),
        cookie_jar=aiohttp.DummyCookieJar(),
        timeout=aiohttp.ClientTimeout(total=60),
        read_bufsize=2**20,
        headers={
            "Authorization": f"Bearer {KEY}",
            "Content-Type": "application/json",
        },
    ) as http:
        yield Bare(http, url)
