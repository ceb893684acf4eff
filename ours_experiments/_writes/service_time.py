"""When a call began, by the service's own clock."""

import time
from datetime import datetime, timedelta
from typing import cast

from ours_experiments._codec.json_bytes import loads
from ours_experiments._http.call import Call
from ours_experiments._http.responses import Reply, service_time
from ours_experiments._http.session import Session


CLOCK_TOLERANCE = timedelta(seconds=30)
"""How far the clocks behind one service may differ, that of `Date` included."""


def elapsed(call: Call) -> timedelta:
    """Return how long ago a call began, or longer.

    The event loop's clock stands still while a machine sleeps; the wall clock may be
    set back. So the greater of both counts.
    """
    by_wall_clock = 0.0 if call.timestamp is None else time.time() - call.timestamp
    # `Date` leaves out fractions of a second.
    return timedelta(seconds=max(call.seconds, by_wall_clock) + 1)


async def read_with_date(
    session: Session, call: Call, *segments: str, **params: object
) -> tuple[object, datetime | None]:
    """Send a GET request; return its JSON and its `Date`, None without one."""

    def read(reply: Reply) -> object:
        date = service_time(reply) if "Date" in reply.headers else None
        return loads(reply.body), date

    answer = await session.request(
        "GET", *segments, params=params or None, call=call.child(), read=read
    )
    return cast("tuple[object, datetime | None]", answer)
