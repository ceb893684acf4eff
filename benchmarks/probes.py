"""The same mishaps for a plain httpx client with three tries, and for this client.

`python -m benchmarks.probes` (needs httpx) counts what reached the service.
"""

import asyncio
from contextlib import suppress
from functools import partial
from typing import Protocol

import httpx

from ours_experiments import Client, NewExperiment, OursError, RetryPolicy
from ours_experiments.emulator import Emulator
from tests.support.clock import run_fast


TRIES = 3
SERVER_ERROR = 500
WORTH_REPEATING = {408, 409, 429}


class Plain:
    """What is usually written around httpx: try again on trouble, three times."""

    def __init__(self, emulator: Emulator) -> None:
        self.http = httpx.AsyncClient(
            base_url=f"{emulator.url}/rest/v1",
            headers={"Authorization": f"Bearer {emulator.api_key}"},
            timeout=httpx.Timeout(20, pool=None),
            limits=httpx.Limits(max_connections=32),
        )

    async def request(self, method: str, path: str, json: object = None) -> None:
        """Send, and send again."""
        for _ in range(TRIES):
            try:
                answer = await self.http.request(method, path, json=json)
            except httpx.TransportError:
                continue
            repeat = answer.status_code in WORTH_REPEATING
            if not repeat and answer.status_code < SERVER_ERROR:
                return
            await asyncio.sleep(0.5)


class Probe(Protocol):
    """One mishap; tells what reached the service."""

    async def __call__(
        self, emulator: Emulator, plain: Plain, ours: Client, *, is_ours: bool
    ) -> str:
        """Run it for one of the two clients."""
        ...


async def lost_create(
    emulator: Emulator, plain: Plain, ours: Client, *, is_ours: bool
) -> str:
    """Create one experiment; the service makes it, and every answer is lost."""
    emulator.seed_experiments(1)
    settings_id = str(emulator.state.settings()[0]["id"])
    emulator.faults.add("hang", route="experiments.create", applied=True)
    with suppress(OursError):
        if is_ours:
            draft = NewExperiment(settings_id, "Probe", key="probe")
            await ours.experiments.create(draft)
        else:
            body = {"experimentSettingsId": settings_id, "name": "Probe"}
            await plain.request("POST", "/experiments", body)
    made = len(emulator.state.experiments()) - 1
    return f"{emulator.log.received('experiments.create')} POSTs, {made} experiments"


async def permanent_conflict(
    emulator: Emulator, plain: Plain, ours: Client, *, is_ours: bool
) -> str:
    """Start an experiment that is completed."""
    (experiment_id,) = emulator.seed_experiments(1, status="completed")
    with suppress(OursError):
        if is_ours:
            await ours.experiments.start(experiment_id)
        else:
            await plain.request("POST", f"/experiments/{experiment_id}/start")
    return f"{emulator.log.received('experiments.start')} requests"


async def throttling(
    emulator: Emulator, plain: Plain, ours: Client, *, is_ours: bool
) -> str:
    """Make 200 calls while the service answers 429 for forty seconds."""
    (experiment_id,) = emulator.seed_experiments(1)
    loop = asyncio.get_running_loop()
    open_at = 0.0
    inside = 0

    def is_closed(_: object) -> bool:
        nonlocal inside, open_at
        open_at = open_at or loop.time() + 40
        closed = loop.time() < open_at
        inside += closed
        return closed

    emulator.faults.add("status", code=429, retry_after="40", when=is_closed)

    async def call() -> None:
        with suppress(OursError):
            if is_ours:
                await ours.experiments.retrieve(experiment_id)
            else:
                await plain.request("GET", f"/experiments/{experiment_id}")

    await asyncio.gather(*(call() for _ in range(200)))
    answered = sum(entry.status == 200 for entry in emulator.log.entries)
    return f"{inside} requests inside the pause, {answered} of 200 answered"


async def outage(
    emulator: Emulator, plain: Plain, ours: Client, *, is_ours: bool
) -> str:
    """Make 1 000 calls to a service that answers 503 to all of them."""
    emulator.faults.add("status", code=503)

    async def call() -> None:
        with suppress(OursError):
            if is_ours:
                await ours.experiments.list_page()
            else:
                await plain.request("GET", "/experiments")

    await asyncio.gather(*(call() for _ in range(1000)))
    return f"{emulator.log.received() / 1000:.2f} requests a call"


PROBES: dict[str, Probe] = {
    "one create whose answers are lost": lost_create,
    "a permanent 409": permanent_conflict,
    "200 calls, 429 for 40 s": throttling,
    "1 000 calls, 503 for ever": outage,
}


async def run(probe: Probe, *, is_ours: bool) -> str:
    """Run one probe against an emulator of its own."""
    async with (
        Emulator() as emulator,
        Client(
            emulator.api_key,
            base_url=emulator.url,
            timeout=120,
            attempt_timeout=5,
            retry=RetryPolicy(attempts=TRIES),
        ) as ours,
    ):
        plain = Plain(emulator)
        try:
            return await probe(emulator, plain, ours, is_ours=is_ours)
        finally:
            await plain.http.aclose()


def main() -> None:
    """Print what reached the service, side by side."""
    for title, probe in PROBES.items():
        print(title)
        for name, is_ours in (("plain httpx", False), ("this client", True)):
            print(f"  {name}: {run_fast(partial(run, probe, is_ours=is_ours))}")


if __name__ == "__main__":
    main()
