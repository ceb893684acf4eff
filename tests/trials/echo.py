"""A service that quotes the key of every request, in one place of its answer."""

import asyncio
import base64
import html
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from urllib.parse import quote


Answer = Callable[[str], bytes]


def answer(
    status: str = "200 OK",
    body: str = "",
    kind: str = "application/json",
    head: str = "",
    length: int | None = None,
) -> bytes:
    """Spell an HTTP answer."""
    content = body.encode()
    size = len(content) if length is None else length
    return (
        f"HTTP/1.1 {status}\r\nContent-Type: {kind}\r\n{head}"
        f"Content-Length: {size}\r\n\r\n"
    ).encode() + content


def refusal(status: str = "400 Bad Request", **fields: object) -> bytes:
    """Spell a refusal in the API's form."""
    return answer(status, json.dumps(fields))


def page(**fields: object) -> str:
    """Spell a page that holds what no page does."""
    pagination = {"hasMore": True, "nextCursor": "c"}
    return json.dumps({"entities": [{}], "pagination": pagination, **fields})


ECHOES: dict[str, Answer] = {
    "error": lambda key: refusal(error=f"bad key {key}"),
    "details": lambda key: refusal("401 Unauthorized", error="No", details=key),
    "error of a proxy": lambda key: refusal("502 Bad Gateway", error=key),
    "error, throttled": lambda key: refusal("429 Too Many", error=key),
    "conflict": lambda key: refusal("409 Conflict", error=f"{key} is in flight"),
    "error in percent": lambda key: refusal(error=quote(key, safe="")),
    "error in HTML": lambda key: refusal(error=html.escape(key)),
    "error in JSON": lambda key: refusal(error=json.dumps({"key": key})),
    "error in base64": lambda key: refusal(
        error=base64.b64encode(f"Bearer {key}".encode()).decode()
    ),
    "reason": lambda key: answer(f"500 {key}", "{}"),
    "reason alone": lambda key: answer(f"418 {key}", "<html>", "text/html"),
    "redirect": lambda key: answer(
        "307 Moved", head=f"Location: https://a.example/{quote(key)}\r\n"
    ),
    "redirect to a host": lambda key: answer(
        "302 Found", head=f"Location: https://{key}.example/\r\n"
    ),
    "headers": lambda key: answer(
        "503 Unavailable",
        "{}",
        head=f"CF-Ray: {key}\r\nServer: {key}\r\nVia: {key}\r\nDate: {key}\r\n"
        f"Retry-After: {key}\r\nX-Request-Id: {key}\r\n",
    ),
    "headers of a good answer": lambda key: answer(
        body="[]", head=f"Authorization: Bearer {key}\r\nSet-Cookie: a={key}\r\n"
    ),
    "content type": lambda key: answer(body="{}", kind=f"text/{key}"),
    "HTML": lambda key: answer(body=f"<p>{html.escape(key)}", kind="text/html"),
    "HTML, cut off within the key": lambda key: answer(
        body="x" * 190 + key, kind="text/html"
    ),
    "HTML full of keys": lambda key: answer(body=key * 99, kind="text/html"),
    "another shape": lambda key: answer(
        body=json.dumps({"headers": {"Authorization": f"Bearer {key}", key: key}})
    ),
    "array": lambda key: answer(body=json.dumps([key, {key: key}])),
    "entities": lambda key: answer(body=page(**{key: key})),
    "entity": lambda key: answer(
        body=json.dumps({"entities": [{"id": key, key: 1}], "pagination": {}})
    ),
    "differences": lambda key: answer(
        body=json.dumps({"count": 1, "differences": {key: {"added": key}}})
    ),
    "cursor": lambda key: answer(
        body=json.dumps(
            {"entities": [], "pagination": {"hasMore": True, "nextCursor": key}}
        )
    ),
    "no JSON": lambda key: answer(body=f'{{"a": "{key}'),
    "cut off": lambda key: answer(body=key, length=99_999),
    "then silence": lambda key: answer(
        body=f'["{key}"', head=f"X-Key: {key}\r\n", length=99_999
    ),
    "chunks": lambda key: (
        f"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n{key}\r\n".encode()
    ),
    "status line": lambda key: f"HTTP/9 {key}\r\n\r\n".encode(),
    "header": lambda key: f"HTTP/1.1 200 OK\r\n{key} : {key}\r\n\r\n".encode(),
    "no HTTP": lambda key: f"{key}\r\n\r\n".encode(),
    "compressed": lambda key: answer(body=key, head="Content-Encoding: gzip\r\n"),
}
"""Where the key stands, and the answer it stands in."""

SILENT = {"then silence"}


@asynccontextmanager
async def echoing(place: str) -> AsyncIterator[str]:
    """Serve answers that quote the key; gives the base URL."""
    quoting = ECHOES[place]
    tasks: set[asyncio.Task[object] | None] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        tasks.add(asyncio.current_task())
        with suppress(OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
            key = head.partition("Bearer ")[2].partition("\r\n")[0]
            writer.write(quoting(key))
            await writer.drain()
            if place in SILENT:
                await reader.read()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()
        for task in tasks:
            if task is not None:
                task.cancel()
        await asyncio.gather(*filter(None, tasks), return_exceptions=True)
