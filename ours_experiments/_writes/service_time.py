"""When a call started, by the service's own clock."""

import time
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import TypeVar

from ours_experiments._http.call import Call
from ours_experiments._http.responses import Reply, service_time
from ours_experiments._http.session import Session


T = TypeVar("T")

CLOCK_TOLERANCE = timedelta(seconds=10)
"""How far the clocks behind one service may differ, that of `Date` included."""


def elapsed(call: Call) -> timedelta:
    """Return how long ago a call started, or longer.

    The event loop's clock stands still while a machine sleeps; the wall clock may be
    set back. So the greater of both counts.
    """
    by_wall_clock = 0.0 if call.timestamp is None else time.time() - call.timestamp
    # `Date` leaves out fractions of a second.
    return timedelta(seconds=max(call.seconds, by_wall_clock) + 1)


def moment_before(call: Call, now: datetime | None) -> datetime | None:
    """Return a moment that lies before a call by each of the service's clocks.

    What changed later than that may have changed since the call started.

    Args:
        call: The call.
        now: The `Date` of a response; None when it had none.
    """
    return None if now is None else now - elapsed(call) - CLOCK_TOLERANCE


async def read_with_date(
    session: Session,
    call: Call,
    *segments: str,
    read: Callable[[Reply], T],
    **params: object,
) -> tuple[T, datetime | None]:
    """Send a GET request; return what is read and the `Date`, None without one."""

    def read_both(reply: Reply) -> tuple[T, datetime | None]:
        date = service_time(reply) if "Date" in reply.headers else None
        return read(reply), date

    return await session.request(
        "GET", *segments, read=read_both, params=params or None, call=call.child()
    )
