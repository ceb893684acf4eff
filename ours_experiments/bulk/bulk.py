"""The bulk calls of a client."""

import os
from collections.abc import (
    AsyncGenerator,
    AsyncIterable,
    Awaitable,
    Callable,
    Generator,
    Iterable,
    Mapping,
    Sequence,
)
from contextlib import aclosing, contextmanager
from functools import partial
from inspect import iscoroutinefunction
from typing import Literal, TypedDict, Unpack, cast

import attrs

from ours_experiments._http.session import Session
from ours_experiments._validation import check_count, check_draft
from ours_experiments.bulk.account import open_journal
from ours_experiments.bulk.actions import DeleteAction, TransitionAction
from ours_experiments.bulk.batch_publish import BatchPublish
from ours_experiments.bulk.create import BulkCreate
from ours_experiments.bulk.input import Input
from ours_experiments.bulk.journal import Journal
from ours_experiments.bulk.ledger import Ledger
from ours_experiments.bulk.outcomes import BulkReport
from ours_experiments.bulk.preview import StartWarnings
from ours_experiments.bulk.run import BulkRun, OnProgress
from ours_experiments.bulk.staged import StagedChanges
from ours_experiments.bulk.workers import in_parallel
from ours_experiments.drafts import NewExperiment
from ours_experiments.errors import ConfigurationError, OursError
from ours_experiments.experiments import Experiments
from ours_experiments.models import Experiment, Results
from ours_experiments.settings import SettingsRecords
from ours_experiments.versions import Versions


Publish = Literal["each", "once", "none"]
Ids = Iterable[str | Experiment] | AsyncIterable[str | Experiment]
JournalPath = str | os.PathLike[str]

Action = Literal["start", "pause", "resume", "stop", "delete"]

ACTIONS = ("start", "pause", "resume", "stop", "delete")
WAYS_TO_PUBLISH = ("each", "once", "none")


class StreamOptions(TypedDict, total=False):
    """The options of a bulk call on experiments.

    Attributes:
        concurrency: Calls at the same time; 8 by default.
        on_progress: Called as `on_progress(done, total)` after each outcome; `total`
            is None when the input does not tell its length.
        journal: A file to which every step is written. The same call with the same
            file resumes: what is applied, already there or staged is not sent again,
            what was begun and never settled is read back first, what failed is tried
            again. One run at a time may have it.
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
            published stays STAGED; the same call again ships it.
        ship_others: With `publish="once"`, whether to publish everything there is when
            others have unpublished changes, in place of refusing. Changes to the
            experiments of the call itself are never others'.
    """

    publish: Publish
    ship_others: bool


@attrs.frozen
class Bulk:
    """Lifecycle calls on many experiments; reached as `client.bulk`.

    `ids` is any iterable or asynchronous iterable of ids or experiments; each distinct
    id gets one outcome. Iterables and a `Listing` are read to their end before the
    first write, so that rows which leave the listing under the walker are not skipped;
    a generator wrapped around a listing is not. Any other asynchronous iterable is
    read, by one task, at most twice `concurrency` ahead.

    A bad id costs its own outcome, not the run. What an asynchronous input raises is
    raised once everything begun is settled. An exception that ends a run early carries
    the report so far as its attribute `report`; that of an `asyncio.timeout` around the
    call is on the TimeoutError's `__cause__`.

    Raises:
        ConfigurationError: An argument cannot be used, or `publish="once"` would ship
            other people's changes; nothing has been written then.
    """

    _session: Session

    async def start(self, ids: Ids, **options: Unpack[PublishOptions]) -> BulkReport:
        """Start many drafts; options as in `PublishOptions`.

        `POST /experiments/{id}/start` for each; further rules as in
        `Experiments.start`.
        """
        return await drive(self._run("start", ids, keep=True, **options))

    async def pause(self, ids: Ids, **options: Unpack[PublishOptions]) -> BulkReport:
        """Pause many running experiments; options as in `PublishOptions`.

        `POST /experiments/{id}/pause` for each.
        """
        return await drive(self._run("pause", ids, keep=True, **options))

    async def resume(self, ids: Ids, **options: Unpack[PublishOptions]) -> BulkReport:
        """Resume many paused experiments; options as in `PublishOptions`.

        `POST /experiments/{id}/resume` for each.
        """
        return await drive(self._run("resume", ids, keep=True, **options))

    async def stop(
        self,
        ids: Ids | Mapping[str, str | None],
        **options: Unpack[StreamOptions],
    ) -> BulkReport:
        """Complete many experiments for good; each call publishes.

        `POST /experiments/{id}/stop` for each.

        Options as in `StreamOptions`; a mapping of ids names each one's winner.
        """
        return await drive(self._run("stop", ids, keep=True, **options))

    async def delete(self, ids: Ids, **options: Unpack[StreamOptions]) -> BulkReport:
        """Delete many experiments, whatever their state.

        `DELETE /experiments/{id}` for each.

        Options as in `StreamOptions`; one that is gone already is ALREADY.
        """
        return await drive(self._run("delete", ids, keep=True, **options))

    def stream(
        self,
        action: Action,
        ids: Ids | Mapping[str, str | None],
        **options: Unpack[PublishOptions],
    ) -> BulkRun:
        """Make a run whose outcomes are iterated as they come.

        Args:
            action: "start", "pause", "resume", "stop" or "delete".
            ids: The experiments; with "stop" also a mapping to winners.
            options: As in `PublishOptions`.
        """
        return self._run(action, ids, keep=False, **options)

    def _run(
        self,
        action: str,
        ids: Ids | Mapping[str, str | None],
        *,
        keep: bool,
        publish: Publish = "each",
        concurrency: int = 8,
        on_progress: OnProgress | None = None,
        journal: JournalPath | None = None,
        ship_others: bool = False,
        dry_run: bool = False,
    ) -> BulkRun:
        """Check every argument and build the run."""
        check_choice("action", action, ACTIONS)
        check_choice("publish", publish, WAYS_TO_PUBLISH)
        if publish != "each" and action in {"stop", "delete"}:
            raise ConfigurationError(
                f"publish={publish!r} does not go with {action}: it has no staging"
            )
        check_count("concurrency", concurrency, 1)
        check_progress(on_progress)
        session = self._session
        source = Input(ids, mapping_allowed=action == "stop")
        batch: BatchPublish | None = None
        if publish == "once":
            batch = BatchPublish(
                action, Versions(session), Experiments(session), ship_others, dry_run
            )
        work: DeleteAction | TransitionAction
        if action == "delete":
            work = DeleteAction(session)
        else:
            work = TransitionAction(
                session,
                action,
                publish == "each",
                source.winners,
                StagedChanges(session),
                StartWarnings(SettingsRecords(session)),
            )
        return BulkRun(
            action,
            source,
            work.preview if dry_run else work.apply,
            begin_call=session.call,
            concurrency=concurrency,
            open_journal=self._journal(journal, action, publish, dry_run=dry_run),
            batch=batch,
            on_progress=on_progress,
            keep=keep,
            dry_run=dry_run,
        )

    def _journal(
        self, path: JournalPath | None, action: str, publish: str, *, dry_run: bool
    ) -> Callable[[], Awaitable[Journal]] | None:
        """Return what opens the journal, if there is to be one."""
        if path is None:
            return None
        check_path("journal", path)
        if dry_run:
            return None
        return partial(open_journal, self._session, path, action, publish)

    async def create(
        self,
        drafts: Iterable[NewExperiment],
        *,
        concurrency: int = 8,
        on_progress: OnProgress | None = None,
        journal: JournalPath | None = None,
        dry_run: bool = False,
    ) -> BulkReport:
        """Create many experiments; outcomes stand in the order of the drafts.

        `POST /experiments` for each.

        A draft whose key an experiment has already is ALREADY, so that the same call
        may be repeated; it is FAILED where the experiment differs from the draft, and
        the error names the fields. The account is listed once when any draft has a
        key; a blank key is none. The experiment is in the outcome's `transition`.

        Args:
            drafts: The experiments to create.
            concurrency: Calls at the same time, 1 or more.
            on_progress: Called as `on_progress(done, total)` after each outcome.
            journal: A file to which every step is written. The same call with the same
                file resumes: drafts that were created are not sent again. A draft that
                was sent, and whose answer no run has seen, is looked for by its key;
                without a key it is UNKNOWN.
            dry_run: Whether to return what would happen and write nothing.
        """
        check_count("concurrency", concurrency, 1)
        check_progress(on_progress)
        kept = check_drafts(drafts)
        create = BulkCreate(
            Experiments(self._session),
            kept,
            self._journal(journal, "create", "none", dry_run=dry_run),
            on_progress,
            dry_run,
        )
        with reporting(create.report):
            return await create.run(concurrency)

    async def results(
        self,
        ids: Ids,
        *,
        event_name: str | None = None,
        concurrency: int = 8,
    ) -> AsyncGenerator[tuple[str, Results], None]:
        """Yield each experiment's id and results, in completion order.

        `GET /experiments/{id}/results` for each.

        Args:
            ids: The experiments.
            event_name: The conversion event; by default each one's primary metric's.
            concurrency: Calls at the same time, 1 or more.

        Raises:
            ExceptionGroup: At the end, one error for each that could not be read.
        """
        check_count("concurrency", concurrency, 1)
        experiments = Experiments(self._session)
        source = Input(ids, mapping_allowed=False)
        distinct = await source.read(Ledger("results", keep=False))
        failures: list[OursError] = []

        async def read(experiment_id: str) -> tuple[str, Results] | None:
            try:
                if (refusal := source.refused.get(experiment_id)) is not None:
                    raise refusal
                results = await experiments.results(
                    experiment_id, event_name=event_name
                )
            except OursError as problem:
                failures.append(problem)
                return None
            return experiment_id, results

        async with aclosing(in_parallel(distinct, read, concurrency)) as pairs:
            async for pair in pairs:
                yield pair
        if failures:
            raise ExceptionGroup("results that could not be read", failures)


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
    if not isinstance(value, str | os.PathLike) or not str(value):
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


async def drive(run: BulkRun) -> BulkReport:
    """Take a run to its end."""
    with reporting(run.report):
        async for _ in run:
            pass
    return run.report()


@contextmanager
def reporting(report: Callable[[], BulkReport]) -> Generator[None]:
    """Give an exception that ends a run early the report so far."""
    try:
        yield
    except BaseException as problem:
        problem.__dict__["report"] = report()
        raise
