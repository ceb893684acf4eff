"""The bulk calls of a client."""

from collections.abc import (
    AsyncGenerator,
    Awaitable,
    Callable,
    Generator,
    Iterable,
    Mapping,
)
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Unpack

import attrs

from ours_experiments._http.session import Session
from ours_experiments._validation import check_count
from ours_experiments.bulk.account import open_journal
from ours_experiments.bulk.actions import DeleteAction, TransitionAction
from ours_experiments.bulk.batch_publish import BatchPublish
from ours_experiments.bulk.create import BulkCreate
from ours_experiments.bulk.input import Input
from ours_experiments.bulk.journal import Journal
from ours_experiments.bulk.options import (
    ACTIONS,
    WAYS_TO_PUBLISH,
    Action,
    Ids,
    JournalPath,
    OnProgress,
    Publish,
    PublishOptions,
    StreamOptions,
    check_choice,
    check_drafts,
    check_path,
    check_progress,
)
from ours_experiments.bulk.outcomes import BulkReport
from ours_experiments.bulk.preview import StartWarnings
from ours_experiments.bulk.readings import read_each
from ours_experiments.bulk.run import BulkRun
from ours_experiments.bulk.staged import StagedChanges
from ours_experiments.drafts import NewExperiment
from ours_experiments.errors import ConfigurationError
from ours_experiments.experiments import Experiments
from ours_experiments.models import Results
from ours_experiments.settings import SettingsRecords
from ours_experiments.versions import Versions


if TYPE_CHECKING:
    from ours_experiments.analysis import Analysis, Rules


__all__ = ["Bulk"]


@attrs.frozen
class Bulk:
    """Lifecycle calls on many experiments; reached as `client.bulk`.

    `ids` is any iterable or asynchronous iterable of ids or experiments; each distinct
    id gets one outcome. Iterables and a `Listing` are read to their end before the
    first write, because a row leaves the listing once it is changed. Any other
    asynchronous iterable, also a generator around a listing, is read by one task, at
    most twice `concurrency` ahead.

    A bad id costs its own outcome, not the run. What an asynchronous input raises is
    raised when the calls under way are done. An exception that ends a run early has the
    report so far as its attribute `report`; that of an `asyncio.timeout` around the
    call is on the TimeoutError's `__cause__`.

    Raises:
        ConfigurationError: An argument cannot be used, another run has the journal
            open, or `publish="once"` would publish other people's changes. Nothing has
            been written then.
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

        Options as in `StreamOptions`; a mapping gives the winner of each id.
        """
        return await drive(self._run("stop", ids, keep=True, **options))

    async def delete(self, ids: Ids, **options: Unpack[StreamOptions]) -> BulkReport:
        """Delete many experiments, whatever their state.

        `DELETE /experiments/{id}` for each.

        Options as in `StreamOptions`; an experiment that is gone is ALREADY.
        """
        return await drive(self._run("delete", ids, keep=True, **options))

    def stream(
        self,
        action: Action,
        ids: Ids | Mapping[str, str | None],
        **options: Unpack[PublishOptions],
    ) -> BulkRun:
        """Return a run whose outcomes are iterated as they come.

        Use it as `async with client.bulk.stream(…) as run:`, which closes it.

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
        # A dry run writes no file, but refuses a wrong argument all the same.
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

    def results(
        self,
        ids: Ids,
        *,
        event_name: str | None = None,
        concurrency: int = 8,
    ) -> AsyncGenerator[tuple[str, Results], None]:
        """Yield the id and the results of each experiment, in completion order.

        `GET /experiments/{id}/results` for each.

        Args:
            ids: The experiments.
            event_name: The conversion event; by default that of the primary metric.
            concurrency: Calls at the same time, 1 or more.

        Raises:
            ExceptionGroup: At the end, one error for each experiment that failed.
        """
        check_count("concurrency", concurrency, 1)
        read = partial(Experiments(self._session).results, event_name=event_name)
        return read_each("results", ids, read, concurrency)

    def analyze(
        self,
        ids: Ids,
        *,
        rules: "Rules | Mapping[str, Rules] | None" = None,
        guardrails: Iterable[str] = (),
        concurrency: int = 8,
    ) -> AsyncGenerator[tuple[str, "Analysis"], None]:
        """Yield each experiment's id and analysis, in completion order.

        `GET /experiments/{id}` and its results for each, as in `Experiments.analyze`.

        Args:
            ids: The experiments.
            rules: What has to hold; a mapping of ids gives an experiment its own, and
                `Rules()` to those that it does not name.
            guardrails: Names of events that a treatment must not harm.
            concurrency: Experiments at the same time, 1 or more.

        Raises:
            ExceptionGroup: At the end, one error for each experiment that failed.
        """
        from ours_experiments.bulk.analyses import analyze_each  # noqa: PLC0415 - 0.1 s

        check_count("concurrency", concurrency, 1)
        return analyze_each(self._session, ids, rules, guardrails, concurrency)


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
    # A cancellation too: what was applied before must not be lost with it.
    except BaseException as problem:
        problem.__dict__["report"] = report()
        raise
