"""Cursors that belong to one listing and cannot be altered."""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as Base64Error
from collections.abc import Callable, Sequence
from hashlib import blake2b
from hmac import compare_digest
from typing import TypeVar

from ours_experiments.emulator.problems import bad_request


T = TypeVar("T")
Place = tuple[int, ...]
_SEAL_BYTES = 9


class Cursors:
    """Write and read cursors, sealed together with the listing they continue."""

    def __init__(self, secret: bytes) -> None:
        self._secret = secret

    def write(self, listing: str, place: Place) -> str:
        """Give the cursor that continues `listing` after `place`."""
        body = ",".join(map(str, place)).encode()
        sealed = urlsafe_b64encode(self._seal(listing, body) + body)
        return sealed.rstrip(b"=").decode()

    def read(self, listing: str, cursor: str) -> Place:
        """Give the place of a cursor that this emulator wrote for `listing`."""
        try:
            sealed = urlsafe_b64decode(cursor.encode() + b"=" * (-len(cursor) % 4))
        except (Base64Error, UnicodeError, ValueError):
            raise bad_request("cursor: malformed") from None
        seal, body = sealed[:_SEAL_BYTES], sealed[_SEAL_BYTES:]
        if not compare_digest(seal, self._seal(listing, body)):
            raise bad_request("cursor: altered, or of another listing")
        place = tuple(int(number) for number in body.split(b","))
        # Base64 has several spellings of the same bytes; one of them was given out.
        if self.write(listing, place) != cursor:
            raise bad_request("cursor: altered")
        return place

    def _seal(self, listing: str, body: bytes) -> bytes:
        text = listing.encode(errors="surrogatepass") + b"\0" + body
        return blake2b(text, key=self._secret, digest_size=_SEAL_BYTES).digest()


def page_after(
    rows: Sequence[T], place_of: Callable[[T], Place], place: Place | None, limit: int
) -> tuple[Sequence[T], Place | None]:
    """Cut a page from rows that are sorted by falling place.

    Gives the rows, and the place of the last of them if more follow.
    """
    if place is not None:
        rows = [row for row in rows if place_of(row) < place]
    page = rows[:limit]
    return page, place_of(page[-1]) if len(rows) > limit else None
