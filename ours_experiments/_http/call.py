"""The bookkeeping of one call over all its requests."""

import itertools
from datetime import UTC, datetime

import attrs

from ours_experiments._http.pacing import Pacing


call_numbers = itertools.count(1)


@attrs.define
class Call:
    """One call of the user's, over all the requests that it takes."""

    pacing: Pacing
    """The limits on the event loop that the call runs on."""
    started_at: float
    """Loop time at which the call started."""
    deadline: float
    """Loop time at which the call has to be over."""
    number: int = attrs.field(factory=call_numbers.__next__)
    """Marks the log lines of one call."""
    attempts: int = 0
    """Requests sent on purpose; those that aiohttp sends again are not counted."""
    maybe_applied: bool = False
    """Whether a request may have been acted upon without a reliable answer."""
    status: int | None = None
    """The HTTP status of the latest response, for logs and spans."""
    timestamp: float | None = None
    """When the first request that is not safe left, in seconds since the epoch; 0 where
    an earlier run sent it and its journal does not record when."""

    @property
    def sent_at(self) -> datetime | None:
        """When the first request that is not safe left, by this machine's clock.

        None where none has, or nobody knows when.
        """
        if not self.timestamp:
            return None
        return datetime.fromtimestamp(self.timestamp, UTC)

    @property
    def seconds(self) -> float:
        """Seconds since the call started."""
        return self.pacing.loop.time() - self.started_at

    def child(self) -> "Call":
        """Return a call for the same purpose, with the same deadline."""
        return Call(self.pacing, self.started_at, self.deadline)
