"""Servers that accept no connection, or accept one and stay silent."""

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, closing, suppress
from ssl import SSLContext


HEAD = (
    b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 99\r\n\r\n"
)

Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def listening(
    serve: Serve, port: int = 0, ssl: SSLContext | None = None
) -> AsyncIterator[int]:
    """Serve connections until the end of the block; gives the port."""
    tasks: set[asyncio.Task[object] | None] = set()

    async def tracked(
        reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        tasks.add(asyncio.current_task())
        with suppress(OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            await serve(reader, writer)
        writer.transport.abort()

    server = await asyncio.start_server(tracked, "127.0.0.1", port, ssl=ssl)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        for _ in range(5):
            await asyncio.sleep(0)  # connections that are just being accepted
        for task in tasks:
            if task is not None:
                task.cancel()
        await asyncio.gather(*filter(None, tasks), return_exceptions=True)


async def silent(_: asyncio.StreamReader, __: asyncio.StreamWriter) -> None:
    """Read no more than fits into the buffers, and answer nothing."""
    await asyncio.Event().wait()


async def half_answered(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> None:
    """Answer the head and the first byte of the body."""
    await reader.readuntil(b"\r\n\r\n")
    writer.write(HEAD + b"{")
    await asyncio.Event().wait()


@asynccontextmanager
async def full_backlog() -> AsyncIterator[int]:
    """Listen with a full queue, so that the system drops every SYN; gives the port."""
    with closing(socket.create_server(("127.0.0.1", 0), backlog=0)) as listener:
        waiting = [socket.socket() for _ in range(4)]
        for connection in waiting:
            connection.settimeout(0)
            connection.connect_ex(listener.getsockname())
        try:
            yield listener.getsockname()[1]
        finally:
            for connection in waiting:
                connection.close()
