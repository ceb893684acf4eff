"""Plain calls to an emulator, as a client in any language would make them."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from types import TracebackType
from typing import Any, Self

from aiohttp import ClientSession

from ours_experiments.emulator import Emulator


METRICS = {"primary": {"eventName": "signup"}}
DEFERRED = {
    "start": {"publishAfterStart": False},
    "pause": {"publishAfterPause": False},
    "resume": {"publishAfterResume": False},
}
"""Bodies that stage a lifecycle call instead of publishing it."""


class Calls:
    """Call one emulator with one key, and expect a status of every answer."""

    def __init__(self, emulator: Emulator, key: str | None = None) -> None:
        self.emulator = emulator
        self.key = emulator.api_key if key is None else key

    async def __aenter__(self) -> Self:
        self.http = ClientSession(
            self.emulator.url, headers={"Authorization": f"Bearer {self.key}"}
        )
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.http.close()

    async def __call__(
        self,
        method: str,
        path: str,
        body: object = None,
        *,
        expect: int = 200,
        query: Mapping[str, str] | None = None,
    ) -> Any:
        """Make a call below /rest/v1 and return the decoded answer."""
        async with self.http.request(
            method,
            f"/rest/v1/{path}",
            params=query,
            json=body,
            allow_redirects=False,
        ) as response:
            payload = await response.json()
            assert response.status == expect, (method, path, response.status, payload)
            return payload

    async def refusal(
        self,
        method: str,
        path: str,
        body: object = None,
        *,
        query: Mapping[str, str] | None = None,
    ) -> tuple[int, str, str | None]:
        """Make a call that is refused: its status, its error, its details."""
        async with self.http.request(
            method, f"/rest/v1/{path}", params=query, json=body
        ) as response:
            payload = await response.json()
            assert response.status >= 400, payload
            return response.status, payload["error"], payload.get("details")

    async def settings_id(self) -> str:
        """Return the id of the account's settings, made when there are none."""
        listed = await self("GET", "experiment-settings")
        if not listed["entities"]:
            await self("POST", "experiment-settings", {})
            listed = await self("GET", "experiment-settings")
        id: str = listed["entities"][0]["id"]  # noqa: A001
        return id

    async def draft(self, *, treatments: int = 1, **fields: object) -> Any:
        """Create an experiment that can be started."""
        body = {
            "experimentSettingsId": await self.settings_id(),
            "name": "Headline",
            "metrics": METRICS,
            **fields,
        }
        experiment = await self("POST", "experiments", body)
        for number in range(treatments):
            await self.treatment(experiment["id"], name=f"Variant {number + 1}")
        return await self("GET", f"experiments/{experiment['id']}")

    async def treatment(self, experiment_id: str, **fields: object) -> Any:
        """Add a redirect variant."""
        body = {
            "experimentId": experiment_id,
            "name": "B",
            "weight": 10,
            "redirectUrl": "/b",
            **fields,
        }
        return await self("POST", "experiment-variants", body)

    async def running(self, **fields: Any) -> Any:
        """Create and start an experiment."""
        experiment = await self.draft(**fields)
        await self("POST", f"experiments/{experiment['id']}/start")
        return await self("GET", f"experiments/{experiment['id']}")

    async def completed(self, **fields: Any) -> Any:
        """Create, start and stop an experiment."""
        experiment = await self.running(**fields)
        await self("POST", f"experiments/{experiment['id']}/stop")
        return await self("GET", f"experiments/{experiment['id']}")

    async def until_publishing(self) -> None:
        """Wait until a publish is in flight."""
        for _ in range(100_000):
            if self.emulator.state.releases.in_flight:
                return
            await asyncio.sleep(0)
        raise TimeoutError("no publish began")

    async def pages(self, path: str, **query: str) -> AsyncIterator[list[Any]]:
        """Walk through a listing page by page."""
        while True:
            page = await self("GET", path, query=query)
            yield page["entities"]
            cursor = page["pagination"]["nextCursor"]
            assert page["pagination"]["hasMore"] == (cursor is not None)
            if cursor is None:
                return
            query["cursor"] = cursor

    async def ids(self, path: str, **query: str) -> list[str]:
        """Walk through a listing and collect the ids."""
        return [row["id"] async for page in self.pages(path, **query) for row in page]


async def several_versions(call: Calls, count: int) -> list[str]:
    """Publish so many versions; return their ids, the newest first."""
    path = f"experiment-settings/{await call.settings_id()}"
    ids = []
    for number in range(count):
        await call("PATCH", path, {"name": f"Name {number}"})
        body = {"name": f"Release {number}", "notes": f"marker-{number}"}
        ids.append((await call("POST", "versions", body))["id"])
    return ids[::-1]
