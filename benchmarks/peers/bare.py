"""Tuned aiohttp without anything around it: no models, no retries, no guarantees."""

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
    """A session and the URL of the service."""

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
        """Iterate over plain dictionaries."""
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
    """Open a session with the settings that matter for speed."""
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
