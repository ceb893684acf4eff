"""Send a write; if its reply is lost, find out whether it was applied."""

from collections.abc import Coroutine
from typing import TypeVar

from ours_experiments._http.call import Call
from ours_experiments._http.session import Session, logger
from ours_experiments._writes.publish_turns import send_in_turn
from ours_experiments._writes.write import Evidence, Write
from ours_experiments.errors import (
    BadRequestError,
    ConfigurationError,
    ConflictError,
    DecodeError,
    OursError,
    OutcomeUnknownError,
)


T = TypeVar("T")

READ_BACK_DELAYS = (0.5, 2.0, 5.0)
"""Seconds after a lost reply: a service that is slow may still apply the write."""
LISTED_DELAYS = (0.5, 2.0, 5.0, 10.0)
"""The same for what is looked for in a list: one that lags longer than the last of
these makes a write look absent that was applied."""


def reconcile(
    session: Session, write: Write[T], call: Call | None = None
) -> Coroutine[object, object, T]:
    """Send a write until its outcome is known.

    Raises:
        OutcomeUnknownError: The reply was lost, and what the service shows proves
            neither that the write was applied nor that it was not.
    """
    if call is None:
        call = session.call()
    tracer = session.transport.tracer()
    sending = send_until_known(session, write, call)
    if tracer is None:
        return sending
    return tracer.trace(call, sending, "POST", write.segments)


async def send_until_known(session: Session, write: Write[T], call: Call) -> T:
    """Send, find out what became of it, and send again what was not applied."""
    lost: OursError | None = None
    while True:
        refusal: ConflictError | BadRequestError | None = None
        try:
            if write.publishes:
                return await send_in_turn(session, write, call)
            return await session.request(
                "POST", *write.segments, read=write.read, json=write.body, call=call
            )
        except (OutcomeUnknownError, DecodeError) as error:
            # The first loss is the cause to name; the later ones follow from it.
            lost = lost or error
        except (ConflictError, BadRequestError) as error:
            if lost is None:
                raise
            # The request whose reply was lost may be why this one is refused.
            refusal = error
        evidence, is_final = await read_back(session, write, call)
        if evidence.effect is not None:
            logger.info("call %d: it was applied", call.number)
            return evidence.effect
        absent = is_final and not evidence.candidates and write.absence_is_proof
        if refusal is not None and absent and not write.is_listed:
            raise refusal
        if (
            not absent
            or refusal is not None
            or call.attempts >= session.retry.attempts
            or not session.transport.budget.spend()
        ):
            break
        logger.info("call %d: it was not applied: sending it again", call.number)
        # Absence is proved: a refusal of the next request is definite again.
        call.maybe_applied = False
    cause = lost.__cause__ if isinstance(lost.__cause__, OursError) else lost
    logger.warning("call %d: its outcome is unknown: %s", call.number, cause)
    raise write.unknown_error(call, cause, evidence.candidates) from cause


async def read_back(
    session: Session, write: Write[T], call: Call
) -> tuple[Evidence[T], bool]:
    """Look for the effect of a write whose reply was lost, a few times at most.

    Returns:
        What was seen last, and whether that was late enough for finding nothing to
        mean something.
    """
    pacing = call.pacing
    lost_at = pacing.loop.time()
    evidence: Evidence[T] = Evidence()
    is_final = False
    needs_proof = write.is_listed and write.absence_is_proof
    for delay in LISTED_DELAYS if needs_proof else READ_BACK_DELAYS:
        # Finding nothing counts only after the longest delay: 5 s, or 10 s in a list.
        is_final = False
        if lost_at + delay >= call.deadline:
            break
        try:
            await pacing.deadlines.sleep(lost_at + delay - pacing.loop.time())
        except ConfigurationError:
            break
        logger.info("call %d: reading back after %.1f s", call.number, delay)
        try:
            evidence = await write.find(session, call)
        except OursError as error:
            logger.info("call %d: reading back failed: %s", call.number, error)
            continue
        if evidence.effect is not None:
            break
        is_final = True
    return evidence, is_final
