"""Cursors that belong to one listing and cannot be altered."""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as Base64Error
from collections.abc import Callable, Sequence
from hashlib import blake2b
from hmac import compare_digest
from typing import TypeVar

from ours_experiments.emulator.problems import bad_request


T = TypeVar("T")
Position = tuple[int, ...]
_SEAL_BYTES = 9


class Cursors:
    """Write and read cursors, sealed together with the listing they continue."""

    def __init__(self, secret: bytes) -> None:
        self._secret = secret

    def write(self, listing: str, position: Position) -> str:
        """Give the cursor that continues `listing` after `position`."""
        body = ",".join(map(str, position)).encode()
        sealed = urlsafe_b64encode(self._seal(listing, body) + body)
        return sealed.rstrip(b"=").decode()

    def read(self, listing: str, cursor: str) -> Position:
        """Give the position of a cursor that this emulator wrote for `listing`."""
        try:
            sealed = urlsafe_b64decode(cursor.encode() + b"=" * (-len(cursor) % 4))
        except (Base64Error, UnicodeError, ValueError):
            raise bad_request("cursor: malformed") from None
        seal, body = sealed[:_SEAL_BYTES], sealed[_SEAL_BYTES:]
        if not compare_digest(seal, self._seal(listing, body)):
            raise bad_request("cursor: altered, or of another listing")
        position = tuple(int(number) for number in body.split(b","))
        # Base64 has several spellings of the same bytes; one of them was given out.
        if self.write(listing, position) != cursor:
            raise bad_request("cursor: altered")
        return position

    def _seal(self, listing: str, body: bytes) -> bytes:
        text = listing.encode(errors="surrogatepass") + b"\0" + body
        return blake2b(text, key=self._secret, digest_size=_SEAL_BYTES).digest()


def page_after(
    rows: Sequence[T],
    position_of: Callable[[T], Position],
    position: Position | None,
    limit: int,
) -> tuple[Sequence[T], Position | None]:
    """Cut a page from rows that are sorted by falling position.

    Gives the rows, and the position of the last of them if more follow.
    """
    if position is not None:
        rows = [row for row in rows if position_of(row) < position]
    page = rows[:limit]
    return page, position_of(page[-1]) if len(rows) > limit else None
