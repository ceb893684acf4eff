"""The options of bulk calls, and their checks."""

import os
from collections.abc import AsyncIterable, Callable, Iterable, Sequence
from inspect import iscoroutinefunction
from typing import Literal, TypedDict, cast

from ours_experiments._validation import check_draft
from ours_experiments.drafts import NewExperiment
from ours_experiments.errors import ConfigurationError
from ours_experiments.models import Experiment


Publish = Literal["each", "once", "none"]
Ids = Iterable[str | Experiment] | AsyncIterable[str | Experiment]
OnProgress = Callable[[int, int | None], object]
"""Takes the number of outcomes so far, and of all; None while that is not known."""
JournalPath = str | os.PathLike[str]

Action = Literal["start", "pause", "resume", "stop", "delete"]

ACTIONS = ("start", "pause", "resume", "stop", "delete")
WAYS_TO_PUBLISH = ("each", "once", "none")


class StreamOptions(TypedDict, total=False):
    """The options of a bulk call on experiments.

    Attributes:
        concurrency: Calls at the same time; 8 by default.
        on_progress: Called as `on_progress(done, total)` after each outcome; `total`
            is None as long as the number of ids is not known.
        journal: The path of a file to which every step is written. The same call with
            the same file resumes: it finishes the whole job of the journal, whatever
            its input still names. What is applied, already or staged is not sent
            again; what was sent and not answered is read back first, and not sent
            again where the experiment has changed since; what failed is sent again.
            One run at a time has the file open.
        dry_run: Whether to return what would happen and write nothing. The `note` of
            an outcome warns of starts that would succeed and that nobody would see.
    """

    concurrency: int
    on_progress: OnProgress | None
    journal: JournalPath | None
    dry_run: bool


class PublishOptions(StreamOptions, total=False):
    """The options of a bulk call that may publish or not.

    Attributes:
        publish: "each" (the default) publishes with every call; "none" only stages;
            "once" stages all and then publishes one version with them. What cannot be
            published stays STAGED; the same call again publishes it.
        ship_others: With `publish="once"`, whether to publish everything there is when
            others have unpublished changes, in place of refusing to begin. Changes to
            the experiments of the call itself are never others'. Experiments that
            others change while the run goes on are left to them.
    """

    publish: Publish
    ship_others: bool


def check_drafts(drafts: object) -> tuple[NewExperiment, ...]:
    """Take several drafts of experiments."""
    if not isinstance(drafts, Iterable):
        raise ConfigurationError("drafts must be several, not a single one")
    kept = tuple(cast("Iterable[NewExperiment]", drafts))
    for draft in kept:
        check_draft(draft, NewExperiment)
    return kept


def check_path(name: str, value: object) -> None:
    """Refuse what is no path of a file."""
    if not isinstance(value, str | os.PathLike) or value == "":
        raise ConfigurationError(f"{name} must be the path of a file, not {value!r}")


def check_choice(name: str, value: object, choices: Sequence[str]) -> None:
    """Refuse what is none of the choices."""
    if value not in choices:
        raise ConfigurationError(
            f"{name} must be one of {', '.join(choices)}, not {value!r}"
        )


def check_progress(on_progress: object) -> None:
    """Refuse what cannot be called back, and what would have to be awaited."""
    if on_progress is not None and (
        not callable(on_progress) or iscoroutinefunction(on_progress)
    ):
        raise ConfigurationError("on_progress must be an ordinary function")
