"""Publish the draft, or an earlier version again, each exactly once."""

from collections.abc import Mapping
from typing import TypeVar
from uuid import uuid4

from ours_experiments._codec.converter import decode
from ours_experiments._http.call import Call
from ours_experiments._http.session import Session, logger
from ours_experiments._pagination import Source
from ours_experiments._writes.write import Evidence, Write
from ours_experiments.errors import (
    APITimeoutError,
    ConflictError,
    OutcomeUnknownError,
)
from ours_experiments.models import Version


T = TypeVar("T")

MIN_WAIT = 0.05
"""Seconds before a call tries again to publish; each wait is twice the one before."""
MAX_WAIT = 1.0


def publish(body: Mapping[str, object]) -> Write[Version]:
    """Describe a publish of the draft; a marker in its notes identifies it."""
    marker = f"[ours-experiments {uuid4()}]"
    notes = body.get("notes")

    async def find(session: Session, call: Call) -> Evidence[Version]:
        params = {"notesContains": marker}
        source = Source(session, ("versions",), params, Version, call)
        page = await source.page(None)
        return Evidence(next(iter(page.entities), None))

    return Write(
        "publish",
        ("versions",),
        {**body, "notes": f"{notes}\n{marker}" if notes else marker},
        to_version,
        find,
        subject="the publish",
        advice=f"list the versions whose notes contain {marker!r} before you publish "
        "again",
        publishes=True,
    )


def republish(version_id: str) -> Write[Version]:
    """Describe a publish of an earlier version; it is live once that is done."""
    segments = ("versions", version_id)

    async def find(session: Session, call: Call) -> Evidence[Version]:
        version = to_version(await session.request("GET", *segments, call=call.child()))
        return Evidence(version if version.is_published else None)

    return Write(
        "republish",
        (*segments, "publish"),
        None,
        to_version,
        find,
        subject=f"the publish of version {version_id}",
        advice="retrieve the version before you publish it again",
        publishes=True,
    )


def to_version(payload: object) -> Version:
    """Convert the JSON of a version."""
    return decode(Version, payload)


async def send_in_turn(session: Session, write: Write[T], call: Call) -> object:
    """Send a write that publishes; wait while another publish is in flight.

    Such waiting counts neither as an attempt nor against the retry budget.
    """
    pacing = call.pacing
    turns = pacing.publish_turns
    wait = MIN_WAIT
    while True:
        try:
            alone = not turns.try_acquire() and await turns.acquire(call.deadline)
        except TimeoutError:
            break
        try:
            while True:
                try:
                    return await session.request(
                        "POST", *write.segments, json=write.body, call=call
                    )
                except ConflictError as conflict:
                    if not is_publish_in_flight(conflict):
                        raise
                    call.attempts -= 1
                    turns.serialize()
                    if not alone:
                        break
                    if pacing.loop.time() + wait >= call.deadline:
                        raise
                logger.info("call %d: a publish is in flight", call.number)
                await pacing.deadlines.sleep(wait)
                wait = min(wait * 2, MAX_WAIT)
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


def is_publish_in_flight(conflict: ConflictError) -> bool:
    """Return whether a 409 only says that another publish has not ended yet."""
    return "in flight" in conflict.error.lower().replace("-", " ")
