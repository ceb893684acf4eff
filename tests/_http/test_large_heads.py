"""Response headers that are long, or many."""

import aiohttp
import pytest

from ours_experiments import Client, RetryPolicy, UnexpectedResponseError
from ours_experiments._http.transport import MAX_HEADER_LINE
from tests.support.scripted import answer, scripted


PAGE = {"entities": list[object]()}
LARGE = {
    "9-kB": f"Content-Security-Policy: {'x' * 9_000}\r\n",
    "60-kB": f"Content-Security-Policy: {'x' * 60_000}\r\n",
    "300-headers": "".join(f"X-Header-{number}: x\r\n" for number in range(300)),
    "many-cookies": "".join(f"Set-Cookie: c{n}={'x' * 900}\r\n" for n in range(150)),
}
QUICK = RetryPolicy(initial=0.001)


@pytest.mark.parametrize("headers", LARGE.values(), ids=LARGE.keys())
async def test_large_heads_are_read(headers: str) -> None:
    """The client's own session reads lines of 64 kB and hundreds of headers."""
    async with (
        scripted(then=answer(200, PAGE, headers=headers)) as script,
        Client("key", base_url=script.url, retry=QUICK) as client,
    ):
        assert await client.settings.list() == ()
    assert len(script.heads) == 1


@pytest.mark.parametrize("borrowed", [False, True])
async def test_a_head_that_is_too_large(*, borrowed: bool) -> None:
    """A longer line fails at once; a repeat would get the same line."""
    headers = f"X-Long: {'x' * (MAX_HEADER_LINE + 1)}\r\n"
    session = aiohttp.ClientSession() if borrowed else None
    async with (
        scripted(then=answer(200, PAGE, headers=headers)) as script,
        Client("key", base_url=script.url, retry=QUICK, session=session) as client,
    ):
        with pytest.raises(UnexpectedResponseError, match="headers are too large"):
            await client.settings.list()
    if session is not None:
        await session.close()
    assert len(script.heads) == 1


async def test_too_many_headers_for_a_borrowed_session() -> None:
    """A borrowed session keeps its own limits, and the error names them."""
    reply = answer(200, PAGE, headers=LARGE["300-headers"])
    async with (
        scripted(then=reply) as script,
        aiohttp.ClientSession() as session,
        Client("key", base_url=script.url, retry=QUICK, session=session) as client,
    ):
        with pytest.raises(UnexpectedResponseError, match="headers are too large"):
            await client.settings.list()
    assert len(script.heads) == 1
