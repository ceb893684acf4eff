"""Writes that survive a lost reply: send, look what became of it, decide."""

from collections.abc import Awaitable, Coroutine, Mapping
from typing import Protocol, TypeVar

from ours_experiments._http.call import Call
from ours_experiments._http.session import Session, logger
from ours_experiments._http.tracing import traced
from ours_experiments.errors import (
    APITimeoutError,
    ConfigurationError,
    ConflictError,
    DecodeError,
    OursError,
    OutcomeUnknownError,
)


T = TypeVar("T")
Applied_co = TypeVar("Applied_co", covariant=True)

READ_BACK = (0.5, 2.0, 5.0)
"""Seconds after a lost reply at which the service is asked what became of it."""
SHORTEST_TURN = 0.05
LONGEST_TURN = 1.0


class Write(Protocol[Applied_co]):
    """A write that must not be sent twice blindly."""

    @property
    def name(self) -> str:
        """What the write is called in traces."""
        ...

    @property
    def session(self) -> Session:
        """The way to the service."""
        ...

    @property
    def call(self) -> Call:
        """The call that this write belongs to."""
        ...

    @property
    def recognisable(self) -> bool:
        """Whether finding nothing, at the end, proves that nothing was applied."""
        ...

    def send(self) -> Awaitable[object]:
        """Send it once more; the answer's JSON is the result."""
        ...

    def applied(self, payload: object) -> Applied_co:
        """Read that answer."""
        ...

    async def look(self) -> Applied_co | None:
        """Ask the service for its effect; None when there is none."""
        ...

    def unknown(self, cause: OursError) -> OutcomeUnknownError:
        """Say that its outcome could not be settled, and what to do."""
        ...


def settle(write: Write[T]) -> Coroutine[object, object, T]:
    """Send a write until its outcome is known.

    Raises:
        OutcomeUnknownError: It could not be settled in time.
    """
    tracer = write.session.transport.tracer()
    if tracer is None:
        return until_settled(write)
    return traced(tracer, write.name, write.call, until_settled(write))


async def until_settled(write: Write[T]) -> T:
    """Send, look and decide, until there is an outcome or no time left."""
    session, call = write.session, write.call
    lost: OursError | None = None
    while True:
        conflict: ConflictError | None = None
        try:
            return write.applied(await write.send())
        except (OutcomeUnknownError, DecodeError) as problem:
            lost = lost or problem
        except ConflictError as problem:
            if lost is None:
                raise
            # The request whose reply was lost may be the reason for the conflict.
            conflict = problem
        found, proved_absent = await read_back(write)
        if found is not None:
            logger.info("call %d: it was applied", call.number)
            return found
        if conflict is not None and proved_absent:
            raise conflict
        if (
            not proved_absent
            or call.attempts >= session.retry.attempts
            or not session.transport.budget.spend()
        ):
            break
        logger.info("call %d: it was not applied: again", call.number)
    cause = lost.__cause__ if isinstance(lost.__cause__, OursError) else lost
    logger.warning("call %d: its outcome is unknown: %s", call.number, cause)
    raise write.unknown(cause) from cause


async def read_back(write: Write[T]) -> tuple[T | None, bool]:
    """Look for the effect of a lost write, three times and with delays.

    Returns what was found and, where nothing was, whether that is proved: the last
    look came late enough and succeeded.
    """
    call = write.call
    loop = call.pacing.loop
    lost_at = loop.time()
    proved_absent = False
    for offset in READ_BACK:
        proved_absent = False
        if lost_at + offset >= call.deadline:
            break
        try:
            await call.pacing.deadlines.sleep(lost_at + offset - loop.time())
        except ConfigurationError:
            break
        logger.info("call %d: reading back after %.1f s", call.number, offset)
        try:
            found = await write.look()
        except OursError as problem:
            logger.info("call %d: reading back failed: %s", call.number, problem)
            continue
        if found is not None:
            return found, False
        proved_absent = write.recognisable
    return None, proved_absent


async def send_in_turn(
    session: Session,
    call: Call,
    segments: tuple[str, ...],
    body: Mapping[str, object] | None,
    *,
    publishes: bool,
) -> object:
    """Send a write; one that publishes waits while somebody else's is in flight.

    Such waiting counts neither as an attempt nor against the budget.
    """
    if not publishes:
        return await session.request("POST", *segments, json=body, call=call)
    pacing = call.pacing
    turns = pacing.publish_turns
    wait = SHORTEST_TURN
    while True:
        try:
            alone = not turns.try_acquire() and await turns.acquire(call.deadline)
        except TimeoutError:
            break
        try:
            while True:
                try:
                    return await session.request(
                        "POST", *segments, json=body, call=call
                    )
                except ConflictError as conflict:
                    if not publish_in_flight(conflict):
                        raise
                    call.attempts -= 1
                    turns.serialize()
                    if not alone:
                        break
                    if pacing.loop.time() + wait >= call.deadline:
                        raise
                logger.info("call %d: a publish is in flight", call.number)
                await pacing.deadlines.sleep(wait)
                wait = min(wait * 2, LONGEST_TURN)
        finally:
            turns.release(alone=alone)
    path = "/".join(segments)
    told = f"POST /{path}: other publishes took all the time"
    error = APITimeoutError(told, maybe_sent=call.maybe_applied)
    if not call.maybe_applied:
        raise error
    raise OutcomeUnknownError(told, action=path, sent_at=call.sent_at) from error


def publish_in_flight(conflict: ConflictError) -> bool:
    """Whether a 409 only says that somebody else publishes at this moment."""
    return "in flight" in conflict.error.lower().replace("-", " ")
