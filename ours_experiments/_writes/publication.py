"""Publishing, and publishing an earlier version again, each exactly once."""

from collections.abc import Awaitable, Mapping
from uuid import uuid4

import attrs

from ours_experiments._codec.converter import decode
from ours_experiments._http.call import Call
from ours_experiments._http.session import Session
from ours_experiments._pagination import Source
from ours_experiments._writes.reconcile import send_in_turn, settle
from ours_experiments.errors import OursError, OutcomeUnknownError
from ours_experiments.models import Version


@attrs.frozen
class Publication:
    """One publish of the draft, recognised by a marker that its notes carry."""

    session: Session
    call: Call
    body: Mapping[str, object]
    marker: str
    name: str = "publish"
    recognisable: bool = True

    def send(self) -> Awaitable[object]:
        """Send it once."""
        return send_in_turn(
            self.session, self.call, ("versions",), self.body, publishes=True
        )

    def applied(self, payload: object) -> Version:
        """Read the answer."""
        return decode(Version, payload)

    async def look(self) -> Version | None:
        """Look for the marker."""
        params = {"notesContains": self.marker}
        source = Source(self.session, ("versions",), params, Version, self.call)
        return next(iter((await source.page(None)).entities), None)

    def unknown(self, cause: OursError) -> OutcomeUnknownError:
        """Say what to do when nothing could be settled."""
        return OutcomeUnknownError(
            f"the publish may or may not have happened ({cause}): list the versions "
            f"whose notes contain {self.marker!r} before you publish again",
            action="publish",
            sent_at=self.call.sent_at,
        )


async def publish(session: Session, body: Mapping[str, object]) -> Version:
    """Publish the draft exactly once."""
    marker = f"[ours-experiments {uuid4()}]"
    notes = body.get("notes")
    marked = {**body, "notes": f"{notes}\n{marker}" if notes else marker}
    return await settle(Publication(session, session.call(), marked, marker))


@attrs.frozen
class Republication:
    """One publish of an earlier version, recognised by that version being live."""

    session: Session
    call: Call
    version_id: str
    name: str = "republish"
    recognisable: bool = True

    def send(self) -> Awaitable[object]:
        """Send it once."""
        segments = ("versions", self.version_id, "publish")
        return send_in_turn(self.session, self.call, segments, None, publishes=True)

    def applied(self, payload: object) -> Version:
        """Read the answer."""
        return decode(Version, payload)

    async def look(self) -> Version | None:
        """Read the version back."""
        payload = await self.session.request(
            "GET", "versions", self.version_id, call=self.call.child()
        )
        version = decode(Version, payload)
        return version if version.is_published else None

    def unknown(self, cause: OursError) -> OutcomeUnknownError:
        """Say what to do when nothing could be settled."""
        return OutcomeUnknownError(
            f"the publish of version {self.version_id} may or may not have happened "
            f"({cause}): retrieve the version before you publish it again",
            action="republish",
            sent_at=self.call.sent_at,
        )


async def republish(session: Session, version_id: str) -> Version:
    """Make an earlier version live again."""
    return await settle(Republication(session, session.call(), version_id))
