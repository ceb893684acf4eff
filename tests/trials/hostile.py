"""What hostile answers cost: `python -m tests.trials.hostile`.

For each answer a process of its own makes one call, and prints how it ended, how
long it took and how much memory it took beyond that of an ordinary call.
"""

import argparse
import asyncio
import sys
import zlib
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from contextlib import asynccontextmanager, suppress
from functools import cache
from pathlib import Path
from typing import Any

import attrs
import orjson

from ours_experiments import Client, OursError


MIB = 2**20
ALLOWED_GROWTH = 64
"""MiB."""
MAX_TEXT = 1500
"""Characters of an error."""
CALL_SECONDS = 15.0
ATTEMPT_SECONDS = 8.0
SPACES = b" " * MIB
PAGE = b'{"entities":[],"pagination":{"hasMore":false}}'

Pieces = Callable[[], Iterable[bytes | float]]
"""What is sent, piece by piece; a number is a wait in seconds."""


@attrs.frozen
class Hostile:
    """An answer that wants to do harm, and how the call has to end."""

    pieces: Pieces
    ends_with: str
    or_with: str | None = None
    """Where it depends on how the bytes fall into packets."""

    def allows(self, found: "Figures") -> bool:
        """Whether a call ended as it has to, without growing much."""
        as_it_has_to = found.ended in {self.ends_with, self.or_with}
        return as_it_has_to and found.grown <= ALLOWED_GROWTH


def head(status: str = "200 OK", kind: str = "application/json", more: str = "") -> str:
    """Spell the head of an answer that ends with its connection."""
    return (
        f"HTTP/1.1 {status}\r\nContent-Type: {kind}\r\n{more}Connection: close\r\n\r\n"
    )


def plain(body: bytes, times: int = 1, **options: str) -> Pieces:
    """Send a piece of a body many times over."""

    def pieces() -> Iterator[bytes]:
        yield head(**options).encode()
        for _ in range(times):
            yield body

    return pieces


def packed(mebibytes: int, *, encoding: str, bits: int, members: int = 1) -> Pieces:
    """Send spaces and a page in one or several compressed streams."""

    @cache
    def pieces() -> list[bytes]:
        return [*packing()]

    def packing() -> Iterator[bytes]:
        yield head(more=f"Content-Encoding: {encoding}\r\n").encode()
        for member in range(members):
            packer = zlib.compressobj(9, zlib.DEFLATED, bits)
            for _ in range(mebibytes // members):
                yield packer.compress(SPACES)
            last = member == members - 1
            yield packer.compress(PAGE if last else b"") + packer.flush()

    return pieces


def dripping(text: str) -> Pieces:
    """Send byte by byte, ten a second, without an end."""

    def pieces() -> Iterator[bytes | float]:
        for byte in text.encode():
            yield bytes([byte])
            yield 0.1

    return pieces


def endless(first: str, piece: bytes) -> Pieces:
    """Send the same piece again and again."""

    def pieces() -> Iterator[bytes]:
        yield first.encode()
        while True:
            yield piece

    return pieces


GZIP: dict[str, Any] = {"encoding": "gzip", "bits": 16 + zlib.MAX_WBITS}
ZLIB: dict[str, Any] = {"encoding": "deflate", "bits": zlib.MAX_WBITS}
RAW: dict[str, Any] = {"encoding": "deflate", "bits": -zlib.MAX_WBITS}
CHUNK = b"10000\r\n" + b" " * 65536 + b"\r\n"
ERROR = b'{"error":"' + b"x" * (31 * MIB) + b'"}'

ANSWERS: dict[str, Hostile] = {
    "an ordinary page": Hostile(plain(PAGE), "Page"),
    "300 MiB in gzip": Hostile(packed(300, **GZIP), "UnexpectedResponseError"),
    "300 MiB in 300 gzips": Hostile(
        packed(300, members=300, **GZIP), "UnexpectedResponseError"
    ),
    "300 MiB in deflate": Hostile(packed(300, **ZLIB), "UnexpectedResponseError"),
    "300 MiB in raw deflate": Hostile(packed(300, **RAW), "UnexpectedResponseError"),
    "31 MiB in gzip": Hostile(packed(31, **GZIP), "Page"),
    "no gzip": Hostile(
        plain(b"x" * 999, more="Content-Encoding: gzip\r\n"), "APIConnectionError"
    ),
    "an encoding not asked for": Hostile(
        plain(b"x" * 999, more="Content-Encoding: br\r\n"), "APIConnectionError"
    ),
    "300 MiB as they are": Hostile(plain(SPACES, 300), "UnexpectedResponseError"),
    "300 MiB announced": Hostile(
        plain(SPACES, 300, more=f"Content-Length: {300 * MIB}\r\n"),
        "UnexpectedResponseError",
    ),
    "less than announced": Hostile(
        plain(PAGE, more=f"Content-Length: {9 * MIB}\r\n"), "APIConnectionError"
    ),
    "more than announced": Hostile(
        plain(PAGE + SPACES, more=f"Content-Length: {len(PAGE)}\r\n"),
        "Page",
        "APIConnectionError",
    ),
    "endless chunks": Hostile(
        endless(head(more="Transfer-Encoding: chunked\r\n"), CHUNK),
        "UnexpectedResponseError",
    ),
    "chunks that are none": Hostile(
        endless(head(more="Transfer-Encoding: chunked\r\n"), CHUNK + b"\n\0"),
        "APIConnectionError",
        "APITimeoutError",
    ),
    "a million arrays deep": Hostile(plain(b"[" * MIB), "UnexpectedResponseError"),
    "31 million arrays deep": Hostile(plain(b"[" * MIB, 31), "UnexpectedResponseError"),
    "900 arrays deep": Hostile(plain(b"[" * 900 + b"]" * 900), "DecodeError"),
    "ten million objects": Hostile(
        plain(b'{"a":[' + b"{}," * (10 * MIB) + b"0]}"), "UnexpectedResponseError"
    ),
    "fifteen million numbers": Hostile(
        plain(b"[" + b"0," * (15 * MIB) + b"0]"), "UnexpectedResponseError"
    ),
    "half a million wrong entities": Hostile(
        plain(
            b'{"pagination":{"hasMore":false},"entities":[' + b"{}," * 500_000 + b"0]}"
        ),
        "DecodeError",
    ),
    "31 MiB of HTML": Hostile(
        plain(b"<p>" * MIB, 10, kind="text/html"), "UnexpectedResponseError"
    ),
    "31 MiB of an error": Hostile(plain(ERROR, status="400 No"), "BadRequestError"),
    "an error a million deep": Hostile(
        plain(b"[" * MIB, status="400 No"), "BadRequestError"
    ),
    "an error that is no text": Hostile(
        plain(b"\xff\xfe\x00" * 99, status="409 No"), "ConflictError"
    ),
    "a dripping body": Hostile(dripping(head() + " " * 999), "APITimeoutError"),
    "a dripping head": Hostile(
        dripping(head(more=f"X-Padding: {'x' * 999}\r\n")), "APITimeoutError"
    ),
    "a head without an end": Hostile(
        endless("HTTP/1.1 200 OK\r\n", b"X-A: " + b"b" * 99 + b"\r\n"),
        "UnexpectedResponseError",
    ),
    "a header without an end": Hostile(
        endless("HTTP/1.1 200 OK\r\nX-A: ", b"b" * MIB), "UnexpectedResponseError"
    ),
    "informational answers without an end": Hostile(
        endless("", b"HTTP/1.1 103 Early\r\nX-A: b\r\n\r\n"), "APITimeoutError"
    ),
    "silence": Hostile(dripping(""), "APIConnectionError"),
}


@asynccontextmanager
async def serving(pieces: Pieces) -> AsyncIterator[str]:
    """Serve one answer to every request; gives the base URL."""
    tasks: set[asyncio.Task[object] | None] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        tasks.add(asyncio.current_task())
        with suppress(OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            await reader.readuntil(b"\r\n\r\n")
            for piece in pieces():
                if isinstance(piece, float):
                    await asyncio.sleep(piece)
                else:
                    writer.write(piece)
                    await writer.drain()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()
        for task in filter(None, tasks):
            task.cancel()
        await asyncio.gather(*filter(None, tasks), return_exceptions=True)


def peak() -> int:
    """Tell how many bytes of memory this process has had at most."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return int(status.partition("VmHWM:")[2].split()[0]) * 1024


async def call(url: str) -> str:
    """Make one call, and name what it ended with."""
    async with Client(
        "key", base_url=url, timeout=CALL_SECONDS, attempt_timeout=ATTEMPT_SECONDS
    ) as client:
        try:
            return type(await client.experiments.list_page()).__name__
        except OursError as error:
            ended = type(error).__name__
            return ended if len(str(error)) < MAX_TEXT else f"long {ended}"


async def measured(ordinary: str, hostile: str) -> None:
    """Make an ordinary call, then one to a hostile service; return the figures."""
    await call(ordinary)
    loop = asyncio.get_running_loop()
    before, started_at = peak(), loop.time()
    ended = await call(hostile)
    figures = {
        "ended": ended,
        "seconds": loop.time() - started_at,
        "grown": (peak() - before) / MIB,
    }
    sys.stdout.write(orjson.dumps(figures).decode())


@attrs.frozen
class Figures:
    """How a call ended, and what it took."""

    ended: str
    seconds: float
    grown: float
    """MiB."""


async def measure(name: str) -> Figures:
    """Measure one hostile answer in a process of its own."""
    ordinary = ANSWERS["an ordinary page"].pieces
    ANSWERS[name].pieces()  # made before it is asked for
    async with serving(ordinary) as usual, serving(ANSWERS[name].pieces) as hostile:
        child = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "tests.trials.hostile", "--call", usual, hostile),
            stdout=asyncio.subprocess.PIPE,
        )
        output, _ = await child.communicate()
    return Figures(**orjson.loads(output))


def main() -> None:
    """Measure every answer, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--call", nargs=2, help=argparse.SUPPRESS)
    parser.add_argument("names", nargs="*", help="which answers; all by default")
    options = parser.parse_args()
    if options.call:
        asyncio.run(measured(*options.call))
        return
    print(f"{'answer':38} {'ended with':26} {'seconds':>8} {'MiB grown':>10}")
    bad = []
    for name in options.names or ANSWERS:
        found = asyncio.run(measure(name))
        print(
            f"{name:38} {found.ended:26} {found.seconds:8.2f} {found.grown:10.1f}",
            flush=True,
        )
        if not ANSWERS[name].allows(found):
            bad.append(name)
    print(f"not as they should be: {bad or 'none'}")
    sys.exit(bool(bad))


if __name__ == "__main__":
    main()
