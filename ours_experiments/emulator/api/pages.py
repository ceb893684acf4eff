"""Pages, and cursors that belong to a listing and cannot be altered."""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as Base64Error
from collections.abc import Callable, Sequence
from hashlib import blake2b
from hmac import compare_digest
from typing import TypeVar

from ours_experiments.emulator.problems import bad_request


T = TypeVar("T")
Position = tuple[int, ...]
_SIGNATURE_BYTES = 9


class Cursors:
    """Signed cursors, each for the listing that it continues."""

    def __init__(self, secret: bytes) -> None:
        self._secret = secret

    def write(self, listing: str, position: Position) -> str:
        """Return the cursor that continues `listing` after `position`."""
        body = ",".join(map(str, position)).encode()
        signed = urlsafe_b64encode(self._sign(listing, body) + body)
        return signed.rstrip(b"=").decode()

    def read(self, listing: str, cursor: str) -> Position:
        """Return the position of a cursor that this emulator wrote for `listing`."""
        try:
            signed = urlsafe_b64decode(cursor.encode() + b"=" * (-len(cursor) % 4))
        except (Base64Error, UnicodeError, ValueError):
            raise bad_request("cursor: malformed") from None
        signature, body = signed[:_SIGNATURE_BYTES], signed[_SIGNATURE_BYTES:]
        if not compare_digest(signature, self._sign(listing, body)):
            raise bad_request("cursor: altered, or of another listing")
        # What is signed was written here, and so it parses.
        position = tuple(int(number) for number in body.split(b","))
        # Base64 has several spellings of the same bytes; only the issued one is valid.
        if self.write(listing, position) != cursor:
            raise bad_request("cursor: altered")
        return position

    def _sign(self, listing: str, body: bytes) -> bytes:
        text = listing.encode(errors="surrogatepass") + b"\0" + body
        return blake2b(text, key=self._secret, digest_size=_SIGNATURE_BYTES).digest()


def page_after(
    rows: Sequence[T],
    position_of: Callable[[T], Position],
    position: Position | None,
    limit: int,
) -> tuple[Sequence[T], Position | None]:
    """Return a page of rows, which are sorted by falling position.

    The second value is the position to continue at, None on the last page.
    """
    if position is not None:
        rows = [row for row in rows if position_of(row) < position]
    page = rows[:limit]
    return page, position_of(page[-1]) if len(rows) > limit else None
