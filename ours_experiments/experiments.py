"""Endpoints below `/rest/v1/experiments`."""

from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, date, datetime, timedelta

import attrs

from ours_experiments._codec.converter import encode
from ours_experiments._http.decoding import decoder
from ours_experiments._http.responses import to_json
from ours_experiments._http.retry import RetryPolicy
from ours_experiments._pagination import Listing, Source
from ours_experiments._validation import (
    check_draft,
    check_filled_text,
    clamp_limit,
    to_day,
)
from ours_experiments._writes import lifecycle as _lifecycle
from ours_experiments._writes.creation import create_experiment
from ours_experiments._writes.reconcile import reconcile
from ours_experiments.decisions import Decisions
from ours_experiments.drafts import ExperimentPatch, NewExperiment
from ours_experiments.errors import ConfigurationError, OursError
from ours_experiments.models import (
    Day,
    Experiment,
    ExperimentStatus,
    ExperimentType,
    Page,
    Results,
    SessionReplay,
    TimeSeries,
    Transition,
)


__all__ = ["Experiments"]

MAX_PAGE_SIZE = 100
ONE_DAY = timedelta(days=1)
MAX_WINDOW = timedelta(days=365)
"""From the first to the last day; the service allows 366 days with both counted."""
NAMES_SECONDS = 5.0
"""Seconds for the variants' names in a time series, which is complete without them."""


@attrs.frozen
class Experiments(Decisions):
    """Experiments, their lifecycle and their results; reached as `client.experiments`.

    Every call can raise `APIConnectionError`, `AuthenticationError`,
    `PermissionDeniedError`, `NotFoundError` for an unknown id, `RateLimitError`,
    `InternalServerError` and `UnexpectedResponseError`; a write can also raise
    `OutcomeUnknownError`. The methods name further errors.
    """

    def list(
        self,
        *,
        status: ExperimentStatus | str | None = None,
        type: ExperimentType | str | None = None,
        search: str | None = None,
        limit: int = MAX_PAGE_SIZE,
        cursor: str | None = None,
        prefetch: bool = True,
    ) -> Listing[Experiment]:
        """List experiments, most recently updated first; `GET /experiments`.

        Nothing is sent before the iteration starts. An experiment that is changed
        meanwhile moves to the front and may be missed.

        Args:
            status: Only experiments in this state.
            type: Only experiments of this type.
            search: Only those whose id, name or description contains this text.
            limit: Experiments per request, 1 to 100; a larger limit counts as 100.
            cursor: The cursor to resume at, from `Listing.cursor`.
            prefetch: Whether the next page is requested while one is consumed.
        """
        source = self._source(status, type, search, limit)
        return Listing(source, cursor, prefetch=prefetch)

    async def list_page(
        self,
        *,
        status: ExperimentStatus | str | None = None,
        type: ExperimentType | str | None = None,
        search: str | None = None,
        limit: int = MAX_PAGE_SIZE,
        cursor: str | None = None,
    ) -> Page[Experiment]:
        """Return one page; the arguments are those of `list`."""
        return await self._source(status, type, search, limit).page(cursor)

    def _source(
        self,
        status: ExperimentStatus | str | None,
        type: ExperimentType | str | None,
        search: str | None,
        limit: int,
    ) -> Source[Experiment]:
        params = {
            "status": status,
            "type": type,
            "search": search,
            "limit": clamp_limit(limit, MAX_PAGE_SIZE),
        }
        return Source(self._session, ("experiments",), params, Experiment)

    async def find_by_key(self, key: str) -> Experiment | None:
        """Return an experiment with this key; None without one.

        The API cannot search keys. So this searches for a name from which the key could
        be derived, and then reads the whole list.
        """
        check_filled_text("key", key)
        for search in (key.replace("-", " "), None):
            async for experiment in self.list(search=search):
                if experiment.key == key:
                    return experiment
        return None

    async def create(self, draft: NewExperiment) -> Experiment:
        """Create an experiment in state draft, with its control variant.

        `POST /experiments`. With a `key` of letters or digits, a create whose reply
        was lost is looked up, and sent again if no recent experiment can be it.
        Without one it is never sent twice.

        Raises:
            NotFoundError: The draft's `experiment_settings_id` is unknown.
            OutcomeUnknownError: The experiment may exist; see `candidates`.
        """
        check_draft(draft, NewExperiment)
        return await create_experiment(self._session, draft)

    async def retrieve(self, id: str) -> Experiment:
        """Return one experiment with its variants; `GET /experiments/{id}`."""
        return await self._session.request(
            "GET", "experiments", id, read=decoder(Experiment)
        )

    async def update(self, id: str, patch: ExperimentPatch) -> Experiment:
        """Change an experiment that is not completed; `PATCH /experiments/{id}`.

        Nested objects are replaced, not merged. The last of two writers wins.

        Raises:
            ConflictError: The experiment is completed.
        """
        check_draft(patch, ExperimentPatch)
        return await self._session.request(
            "PATCH", "experiments", id, read=decoder(Experiment), json=encode(patch)
        )

    async def delete(self, id: str) -> None:
        """Delete an experiment in any state; `DELETE /experiments/{id}`.

        After a lost reply, an experiment that is gone counts as deleted.
        """
        await self._session.request("DELETE", "experiments", id, read=to_json)

    async def start(self, id: str, *, publish: bool = True) -> Transition:
        """Start a draft experiment; `POST /experiments/{id}/start`.

        It needs a primary metric with an event name, and two variants. A
        personalization also starts with the control alone, and then changes nothing.

        Args:
            id: The experiment's identifier.
            publish: Whether the change goes live at once, together with all other
                unpublished changes of the account, or is staged.

        Raises:
            ConflictError: The experiment is not a draft, or is incomplete.
        """
        write = _lifecycle.start(publish=publish).of(id)
        return await reconcile(self._session, write)

    async def pause(self, id: str, *, publish: bool = True) -> Transition:
        """Pause a running experiment; `POST /experiments/{id}/pause`.

        No new visitors are assigned; others keep their variant. `publish` is as in
        `start`.

        Raises:
            ConflictError: The experiment is not running.
        """
        write = _lifecycle.pause(publish=publish).of(id)
        return await reconcile(self._session, write)

    async def resume(self, id: str, *, publish: bool = True) -> Transition:
        """Resume a paused experiment; `POST /experiments/{id}/resume`.

        `publish` is as in `start`.

        Raises:
            ConflictError: The experiment is not paused.
        """
        write = _lifecycle.resume(publish=publish).of(id)
        return await reconcile(self._session, write)

    async def stop(
        self,
        id: str,
        *,
        winner_variant_id: str | None = None,
        rollout_variant_id: str | None = None,
    ) -> Transition:
        """Stop a running or paused experiment for good; `POST /experiments/{id}/stop`.

        The change always goes live at once.

        Args:
            id: The experiment's identifier.
            winner_variant_id: The variant to declare the winner, for reports only.
            rollout_variant_id: The variant to serve to all visitors; not the control.

        Raises:
            ConflictError: The experiment is a draft or completed.
            NotFoundError: A variant belongs to another experiment.
        """
        change = _lifecycle.stop(
            winner_variant_id=winner_variant_id, rollout_variant_id=rollout_variant_id
        )
        return await reconcile(self._session, change.of(id))

    async def rollout(self, id: str, *, variant_id: str) -> Transition:
        """Serve a variant of a completed experiment to all visitors.

        `POST /experiments/{id}/rollout`. The change goes live at once.

        Raises:
            ConflictError: The experiment is not completed, or the variant its control.
        """
        write = _lifecycle.rollout(variant_id=variant_id).of(id)
        return await reconcile(self._session, write)

    async def end_rollout(self, id: str) -> Transition:
        """End the rollout of a variant; `POST /experiments/{id}/end-rollout`.

        Visitors are served the original page again. The change goes live at once.

        Raises:
            ConflictError: No variant is rolled out.
        """
        return await reconcile(self._session, _lifecycle.end_rollout().of(id))

    async def winner(
        self, id: str, *, winner_variant_id: str | None = None
    ) -> Experiment:
        """Declare the winner of a completed experiment; None clears it.

        `POST /experiments/{id}/winner`. The winner is for reports only: visitors see no
        change, and nothing is published.

        Raises:
            ConflictError: The experiment is not completed.
        """
        write = _lifecycle.winner(winner_variant_id=winner_variant_id).of(id)
        return (await reconcile(self._session, write)).experiment

    async def results(self, id: str, *, event_name: str | None = None) -> Results:
        """Return the results of each variant over the whole run.

        `GET /experiments/{id}/results`.

        Args:
            id: The experiment's identifier.
            event_name: The conversion event; None: that of the primary metric.

        Raises:
            BadRequestError: The metrics have no event name, and none is given.
        """
        results = await self._session.request(
            "GET",
            "experiments",
            id,
            "results",
            read=decoder(Results),
            params={"eventName": event_name},
        )
        return attrs.evolve(results, experiment_id=id)

    async def results_time_series(
        self,
        id: str,
        *,
        event_name: str | None = None,
        start_date: date | None = None,
        end_date: date | None = None,
    ) -> TimeSeries:
        """Return the results of each variant day by day, oldest first.

        `GET /experiments/{id}/results-time-series`, and `GET /experiments/{id}` for the
        variants' names. A span of more than 366 days is requested in parts. Days
        without impressions are left out.

        Args:
            id: The experiment's identifier.
            event_name: The conversion event; None: that of the primary metric.
            start_date: The first day in UTC, or an aware datetime; None: of the run.
            end_date: The last day, inclusive; None: of the run.

        Raises:
            BadRequestError: The metrics have no event name, and none is given.
        """
        start, end = to_day("start_date", start_date), to_day("end_date", end_date)
        if start and end and end < start:
            raise ConfigurationError(f"start_date {start} is after end_date {end}")
        call = self._session.call()
        experiment = None
        if not is_one_window(start, end):
            experiment = await _lifecycle.read_experiment(self._session, id, call)
            start, end = within(experiment, start, end)
        days: tuple[Day, ...] = ()
        for first, last in windows(start, end):
            part = await self._session.request(
                "GET",
                "experiments",
                id,
                "results-time-series",
                read=decoder(TimeSeries),
                params={"eventName": event_name, "startDate": first, "endDate": last},
                call=call.child(),
            )
            days += part.days
        if days and experiment is None:
            # Without names, as for a key that may not read experiments, there are ids.
            with suppress(OursError):
                session = attrs.evolve(self._session, retry=RetryPolicy(attempts=1))
                child = call.child()
                latest = call.pacing.loop.time() + NAMES_SECONDS
                child.deadline = min(call.deadline, latest)
                experiment = await _lifecycle.read_experiment(session, id, child)
        names = None
        if experiment is not None and experiment.variants:
            names = {variant.id: variant.name for variant in experiment.variants}
        return TimeSeries(days, experiment_id=id, variant_names=names)

    def session_replays(
        self,
        id: str,
        *,
        variant_id: str | None = None,
        limit: int = MAX_PAGE_SIZE,
        cursor: str | None = None,
        prefetch: bool = True,
    ) -> Listing[SessionReplay]:
        """List recorded sessions of visitors with a variant, newest first.

        `GET /experiments/{id}/session-replays`.

        Args:
            id: The experiment's identifier.
            variant_id: Only sessions with this variant.
            limit: Sessions per request, 1 to 100; a larger limit counts as 100.
            cursor: The cursor to resume at, from `Listing.cursor`.
            prefetch: Whether the next page is requested while one is consumed.
        """
        params = {"variant_id": variant_id, "limit": clamp_limit(limit, MAX_PAGE_SIZE)}
        segments = ("experiments", id, "session-replays")
        source = Source(self._session, segments, params, SessionReplay)
        return Listing(source, cursor, prefetch=prefetch)


def is_one_window(start: date | None, end: date | None) -> bool:
    """Return whether one request can have this span, whatever the service's clock."""
    if start is None:
        return end is None
    last = end or datetime.now(UTC).date() + ONE_DAY
    return last - start <= MAX_WINDOW


def within(
    experiment: Experiment, start: date | None, end: date | None
) -> tuple[date, date]:
    """Cut a span to an experiment's run; the result may end before it starts."""
    created_at = experiment.created_at
    started_at = min(created_at, experiment.started_at or created_at)
    ended_at = experiment.stopped_at or datetime.now(UTC) + ONE_DAY
    first = max(start or date.min, started_at.date())
    return first, min(end or date.max, ended_at.date())


def windows(
    start: date | None, end: date | None
) -> Iterator[tuple[date | None, date | None]]:
    """Yield the parts of a span that the service allows."""
    if start is None or end is None:
        yield start, end
        return
    while end - start > MAX_WINDOW:
        yield start, start + MAX_WINDOW
        start += MAX_WINDOW + ONE_DAY
    if start <= end:
        yield start, end
