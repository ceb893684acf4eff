"""Send a write that publishes, in turn where the service publishes one at a time."""

import random
from typing import TypeVar

from ours_experiments._http.call import Call
from ours_experiments._http.session import Session, logger
from ours_experiments._writes.write import Write
from ours_experiments.errors import (
    APITimeoutError,
    BadRequestError,
    ConflictError,
    OutcomeUnknownError,
)


T = TypeVar("T")

MIN_POLL = 0.05
MAX_POLL = 0.1
"""Seconds between two attempts while another publish is in flight, drawn evenly from
this range. The wait does not grow: a client that waits longer than the gap between two
publishes of another one may never meet a gap."""


async def send_in_turn(session: Session, write: Write[T], call: Call) -> T:
    """Send a write that publishes; wait while another publish is in flight.

    Such waiting counts neither as an attempt nor against the retry budget.
    """
    pacing = call.pacing
    turns = pacing.publish_turns
    while True:
        try:
            alone = not turns.try_acquire() and await turns.acquire(call.deadline)
        except TimeoutError:
            break
        try:
            while True:
                try:
                    return await session.request(
                        "POST",
                        *write.segments,
                        read=write.read,
                        json=write.body,
                        call=call,
                    )
                except (ConflictError, BadRequestError) as refusal:
                    if not is_publish_in_flight(refusal):
                        raise
                    # Four polls, 0.3 s, would use up the default policy's attempts.
                    call.attempts -= 1
                    turns.serialize()
                    if not alone:
                        # Perhaps this client's own publish: its end begins the turns.
                        break
                    turns.record_foreign()
                    wait = random.uniform(MIN_POLL, MAX_POLL)  # noqa: S311 - no secret
                    if pacing.loop.time() + wait >= call.deadline:
                        raise
                logger.info("call %d: a publish is in flight", call.number)
                await pacing.deadlines.sleep(wait)
        finally:
            turns.release(alone=alone)
    error = APITimeoutError(
        f"{write.subject}: other publishes took all the time",
        maybe_sent=call.maybe_applied,
    )
    if not call.maybe_applied:
        raise error
    raise OutcomeUnknownError(
        str(error), action=write.action, sent_at=call.sent_at
    ) from error


def is_publish_in_flight(refusal: ConflictError | BadRequestError) -> bool:
    """Return whether a refusal only says that another publish has not ended yet."""
    text = f"{refusal.error} {refusal.details}".lower()
    return "in flight" in text.replace("-", " ")
