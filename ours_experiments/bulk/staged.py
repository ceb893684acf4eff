"""Whether an experiment has changes that are not live."""

import asyncio

import attrs

from ours_experiments._http.call import Call
from ours_experiments._http.decoding import decoder
from ours_experiments._http.session import Session
from ours_experiments._writes.unrelated_changes import EXPERIMENTS, ids_in
from ours_experiments.errors import NotFoundError, OursError
from ours_experiments.models import DraftChanges


@attrs.define
class StagedChanges:
    """The unpublished changes of the account, requested when they are needed.

    One request answers for everybody who asked before it was sent: a run of 10 000
    ids that are there already, 8 at a time, makes 1 250 of them at most.
    """

    session: Session
    ids: frozenset[str] | None = attrs.field(init=False, default=frozenset())
    """The experiments that the latest answer names; None: the service would not say."""
    requests: int = attrs.field(init=False, default=0)
    answered: int = attrs.field(init=False, default=0)
    """The number of the request that was answered last."""
    lock: asyncio.Lock = attrs.field(init=False, factory=asyncio.Lock)

    async def include(self, experiment_id: str, call: Call) -> bool | None:
        """Return whether an experiment has changes that are not live.

        None: the service did not say, in the time that the call has left. A service
        that has no versions has nothing that is not live.
        """
        # A lock, not a shared task: a run that is cancelled would leave that behind.
        asked_after = self.requests
        try:
            async with asyncio.timeout_at(call.deadline), self.lock:
                if self.answered <= asked_after:
                    self.requests += 1
                    number = self.requests
                    self.ids = await self.request(call)
                    self.answered = number
        except TimeoutError:
            return None
        return None if self.ids is None else experiment_id in self.ids

    async def request(self, call: Call) -> frozenset[str] | None:
        """Request the experiments that have changes which are not live."""
        try:
            changes = await self.session.request(
                "GET",
                "versions",
                "draft",
                "diff",
                read=decoder(DraftChanges),
                call=call.child(),
            )
        except NotFoundError:
            return frozenset()
        except OursError:
            return None
        return ids_in(changes.differences, EXPERIMENTS)
