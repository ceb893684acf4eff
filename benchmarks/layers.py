"""Where the time goes, layer upon layer: `python -m benchmarks.layers`.

Each row has what the one before it has and one thing more, and tells the processor
time of all of it against bare aiohttp. Without goals: the difference of two rows is
what a layer costs.
"""

import gc
from collections.abc import Awaitable, Callable, Iterator, Mapping
from typing import Any, cast

import attrs
import orjson

from benchmarks.bulk import in_bulk
from benchmarks.collect import keep
from benchmarks.measuring import (
    Comparison,
    Options,
    Turn,
    compared,
    run_alone,
    take_turns,
)
from benchmarks.peers import (
    PAGE,
    Calls,
    Connected,
    bare,
    connected,
    count,
    identifiers,
    ours,
    processor,
    starting,
)
from benchmarks.peers.ours import Ours
from benchmarks.peers.present import BARE
from benchmarks.server import running_server
from ours_experiments import Client, Transition
from ours_experiments._http.urls import build_url


IN_FLIGHT = 32
STARTS = 2000
PAGES = 100

Work = Callable[[Calls], Awaitable[int]]


@attrs.frozen
class Layer(Ours):
    """A client of which only so much is used."""

    start_one: Callable[[Client, str], Awaitable[object]]

    async def start(self, experiment_id: str) -> str:
        """Start an experiment; what comes of it is not looked at."""
        await self.start_one(self.client, experiment_id)
        return "published"


async def exchange(client: Client, experiment_id: str) -> object:
    """Send a request and read its answer, inside a deadline."""
    transport = client._session.transport  # noqa: SLF001 - layers are not public
    pacing = transport.ready()
    url = build_url(transport.root, ("experiments", experiment_id, "start"), None)
    reply: Any = await transport.exchange("POST", url, b"{}", pacing.loop.time() + 20)
    return orjson.loads(reply.body)


async def request(client: Client, experiment_id: str) -> object:
    """Add the call's time, pacing, and the judgement of what is repeated."""
    return await client.request("POST", "experiments", experiment_id, "start", json={})


async def start(client: Client, experiment_id: str) -> Transition:
    """Add turns to publish, settling of lost replies, and checked objects."""
    return await client.experiments.start(experiment_id)


def keeping(calls: int) -> Work:
    """Keep every object until the end."""

    async def work(peer: Calls) -> int:
        kept: list[object] = []

        async def start_and_keep(client: Client, experiment_id: str) -> None:
            kept.append(await start(client, experiment_id))

        return await up_to(start_and_keep, calls)(peer)

    return work


def up_to(start_one: Callable[[Client, str], Awaitable[object]], calls: int) -> Work:
    """Make the work of starting experiments with only some layers."""

    async def work(peer: Calls) -> int:
        layer = Layer(cast("Ours", peer).client, start_one)
        return await starting(identifiers(calls), IN_FLIGHT)(layer)

    return work


async def undecoded(peer: Calls) -> int:
    """Walk over pages whose JSON is parsed, and no more."""
    client = cast("Ours", peer).client
    number, cursor = 0, None
    while True:
        params = {"limit": PAGE, "cursor": cursor}
        page: Any = await client.request("GET", "experiments", params=params)
        number += len(page["entities"])
        if not page["pagination"]["hasMore"]:
            return number
        cursor = page["pagination"]["nextCursor"]


async def without_collector(peer: Calls) -> int:
    """Walk with the cyclic collector off."""
    gc.disable()
    try:
        return await count(peer)
    finally:
        gc.enable()


def turns_of(works: Mapping[str, Work], peer: Connected, each: int) -> dict[str, Turn]:
    """Make turns that tell microseconds for one of so many."""

    def turn(work: Work) -> Turn:
        return lambda: peer.cost(work, each, processor) / each * 1e6

    return {name: turn(work) for name, work in works.items()}


def compare(options: Options) -> Iterator[Comparison]:
    """Take a lifecycle call, a bulk call and a listing apart."""
    starts = 200 if options.quick else STARTS
    pages = 5 if options.quick else PAGES
    ids = identifiers(starts)
    with (
        running_server(pages, core=options.server_core) as url,
        connected(ours.connect, url) as mine,
        connected(bare.connect, url) as other,
    ):
        by_hand: Mapping[str, Work] = {BARE: starting(ids, IN_FLIGHT)}
        calls: Mapping[str, Work] = {
            "exchange": up_to(exchange, starts),
            "and request loop": up_to(request, starts),
            "and checked object": up_to(start, starts),
            "and all kept": keeping(starts),
            "bulk.start": lambda peer: in_bulk(peer, ids),
        }
        listings: Mapping[str, Work] = {
            "requests, parsed": undecoded,
            "listing, no collector": without_collector,
            "listing": count,
            "and all kept": keep,
        }
        for work, layers, theirs, each in (
            ("start", calls, by_hand, starts),
            ("list", listings, {BARE: count}, pages * PAGE),
        ):
            turns = turns_of(theirs, other, each) | turns_of(layers, mine, each)
            costs = take_turns(turns, options.rounds(15))
            for name in layers:
                yield compared(work, costs, BARE, ours=name, unit="us CPU each")


if __name__ == "__main__":
    run_alone(compare, __doc__)
