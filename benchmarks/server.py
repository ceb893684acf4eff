"""A server in a process of its own that answers at once: the client is measured.

It answers a GET with a page of experiments and everything else with a transition.
"""

import asyncio
import multiprocessing
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from multiprocessing.connection import Connection

import attrs
import orjson

from tests.support.corpus import Corpus


LENGTH = re.compile(rb"content-length: *(\d+)", re.IGNORECASE)
CURSOR = re.compile(rb"[?&]cursor=(\d+)")
END_OF_HEADERS = b"\r\n\r\n"
DIFFERENT_PAGES = 20


def answer(body: bytes) -> bytes:
    """Put a JSON body behind the headers of a good answer."""
    return (
        b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
        b"Date: Mon, 05 Jan 2026 10:00:00 GMT\r\n"
        b"Content-Length: %d\r\n\r\n%b" % (len(body), body)
    )


def transition() -> bytes:
    """Spell the answer to a lifecycle call."""
    experiment = Corpus(seed=3).experiment()
    del experiment["variants"]
    payload = {
        "publishStatus": "published",
        "concurrentVersionChanges": 1,
        "experiment": experiment,
    }
    return answer(orjson.dumps(payload))


@attrs.frozen
class Listing:
    """So many pages; the cursor is the number of the page.

    Only some differ by more than the id of their first experiment, so that a long
    listing fits into memory and no page is served twice.
    """

    count: int
    entities: Sequence[tuple[bytes, bytes]]
    """What stands before and behind the first id of a page."""

    def page(self, number: int) -> bytes:
        """Spell one page."""
        after = number + 1
        pagination = (
            b'{"hasMore":true,"nextCursor":"%d"}' % after
            if after < self.count
            else b'{"hasMore":false}'
        )
        before, behind = self.entities[number % len(self.entities)]
        body = b'{"entities":%bexp_page_%d%b,"pagination":%b}'
        return answer(body % (before, number, behind, pagination))


def listing(count: int) -> Listing:
    """Make a listing of so many pages of 100."""
    corpus = Corpus(seed=5)
    different = range(min(count, DIFFERENT_PAGES))
    return Listing(count, [cut_at_first_id(corpus.experiments(100)) for _ in different])


def cut_at_first_id(experiments: Sequence[Mapping[str, object]]) -> tuple[bytes, bytes]:
    """Write a page's experiments, in two parts around the first id."""
    first = orjson.dumps(experiments[0]["id"]).strip(b'"')
    before, _, behind = orjson.dumps(experiments).partition(first)
    return before, behind


class CannedAnswers(asyncio.Protocol):
    """One connection."""

    def __init__(self, listing: Listing, moved: bytes, delay: float) -> None:
        self.listing = listing
        self.moved = moved
        self.delay = delay
        self.received = b""
        self.transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the way back."""
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        """Answer every whole request."""
        self.received += data
        while (end := self.received.find(END_OF_HEADERS)) >= 0:
            head = self.received[:end]
            length = LENGTH.search(head)
            whole = end + 4 + (int(length[1]) if length else 0)
            if len(self.received) < whole:
                return
            self.received = self.received[whole:]
            self.reply(head)

    def reply(self, head: bytes) -> None:
        """Send the answer, after the delay if there is one."""
        reply = self.moved
        if head.startswith(b"GET"):
            cursor = CURSOR.search(head.partition(b"\r\n")[0])
            reply = self.listing.page(int(cursor[1]) if cursor else 0)
        assert self.transport is not None
        if self.delay:
            loop = asyncio.get_running_loop()
            loop.call_later(self.delay, self.transport.write, reply)
        else:
            self.transport.write(reply)


def serve(pipe: Connection, page_count: int, delay: float, core: int | None) -> None:
    """Serve until the pipe closes."""
    if core is not None:
        os.sched_setaffinity(0, {core})
    listed, moved = listing(page_count), transition()

    async def main() -> None:
        loop = asyncio.get_running_loop()
        server = await loop.create_server(
            lambda: CannedAnswers(listed, moved, delay), "127.0.0.1", 0
        )
        pipe.send(server.sockets[0].getsockname()[1])
        await loop.run_in_executor(None, pipe.poll, None)

    asyncio.run(main())


@contextmanager
def running_server(
    page_count: int = 1, delay: float = 0.0, core: int | None = None
) -> Iterator[str]:
    """Run a server beside this process and give its URL.

    Args:
        page_count: Pages of 100 experiments that a listing has.
        delay: Seconds before each answer.
        core: The core that the server keeps to; None: any.
    """
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=serve, args=(theirs, page_count, delay, core))
    process.start()
    try:
        yield f"http://127.0.0.1:{ours.recv()}"
    finally:
        ours.send(None)
        process.join()
