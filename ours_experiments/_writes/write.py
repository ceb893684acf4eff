"""A write as data: what to send, and how to find out whether it was applied."""

from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING, Generic, NamedTuple, TypeVar

import attrs

from ours_experiments.errors import OursError, OutcomeUnknownError, outcome_unknown


if TYPE_CHECKING:
    from ours_experiments._http.call import Call
    from ours_experiments._http.responses import Reply
    from ours_experiments._http.session import Session


T = TypeVar("T")


@attrs.frozen
class Evidence(Generic[T]):
    """What the service shows of a write whose reply was lost."""

    effect: T | None = None
    """The result of the write; None where it was not found."""
    candidates: tuple[object, ...] = ()
    """What may be the effect of this write or of another one."""


class Write(NamedTuple, Generic[T]):
    """A write that must not be sent again before its first outcome is known.

    A named tuple, since every write makes one: 1.0 us, a frozen attrs class takes 2.4.
    """

    action: str
    """The name of the call, such as `start`."""
    segments: tuple[str, ...]
    """The path of the POST request."""
    body: Mapping[str, object] | None
    """The JSON body; None for none."""
    read: "Callable[[Reply], T]"
    """Reads the response."""
    find: "Callable[[Session, Call], Awaitable[Evidence[T]]]"
    """Ask the service for the effect; the call is the one that sent the write."""
    subject: str
    """What was attempted, for error messages, such as `start of exp_1`."""
    advice: str
    """What to do when the outcome stays unknown."""
    absence_is_proof: bool = True
    """Whether finding nothing proves that nothing was applied."""
    is_listed: bool = False
    """Whether the effect is looked for in a list, which may lag behind."""
    publishes: bool = False
    """Whether the service refuses it while another publish is in flight."""
    experiment_id: str | None = None
    """The experiment that it changes; None for creates and publishes."""
    draft: object | None = None
    """What it creates; None for other writes."""

    def unknown_error(
        self, call: "Call", cause: OursError, candidates: tuple[object, ...] = ()
    ) -> OutcomeUnknownError:
        """Build the error of an outcome that cannot be known."""
        return outcome_unknown(
            self.subject,
            self.advice,
            cause=cause,
            action=self.action,
            experiment_id=self.experiment_id,
            draft=self.draft,
            candidates=candidates,
            sent_at=call.sent_at,
        )
