"""Read the results of an experiment, analyze them, wait for a decision, and stop."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Iterable
from contextlib import aclosing
from datetime import UTC, datetime, timedelta
from importlib.util import find_spec
from inspect import iscoroutinefunction
from typing import TypeVar

import attrs

from ours_experiments._http.decoding import decoder
from ours_experiments._http.session import Session, logger
from ours_experiments._validation import (
    check_bool,
    check_filled_text,
    check_seconds,
)
from ours_experiments._writes.unrelated_changes import describe_unrelated
from ours_experiments.analysis import (
    Analysis,
    Decision,
    Rules,
    UntrustworthyResultsError,
    Verdict,
    analyze,
)
from ours_experiments.analysis.rules import check_rules
from ours_experiments.analysis.verdict import find_refusal
from ours_experiments.errors import (
    APIConnectionError,
    BadRequestError,
    ConfigurationError,
    InternalServerError,
    OursError,
    RateLimitError,
)
from ours_experiments.experiments import Experiments
from ours_experiments.models import (
    Experiment,
    ExperimentStatus,
    Results,
    TimeSeries,
)
from ours_experiments.versions import Versions


T = TypeVar("T")

PASSING = APIConnectionError, InternalServerError, RateLimitError
"""Failures that may be over at the next reading."""
MAX_FAILURE_WAIT = 60.0
"""Seconds between a failed reading and the next one; the client itself waits longer
where the service asks for it."""
CAN_BE_STOPPED = {ExperimentStatus.RUNNING, ExperimentStatus.PAUSED}
STOPS = {Verdict.SHIP, Verdict.ROLL_BACK, Verdict.INCONCLUSIVE}
Figures = tuple[Results, TimeSeries]
"""What a metric is analyzed from."""


@attrs.frozen
class Reading:
    """An experiment with the analysis of its results."""

    experiment: Experiment
    analysis: Analysis

    @property
    def is_final(self) -> bool:
        """Whether no later reading will decide."""
        status = self.experiment.status
        return status == ExperimentStatus.COMPLETED or (
            self.analysis.verdict is Verdict.NOT_APPLICABLE
            and status != ExperimentStatus.DRAFT
        )

    def is_news_after(self, earlier: "Reading | None") -> bool:
        """Return whether the verdict or the day is another one."""
        if earlier is None:
            return True
        before, now = earlier.analysis, self.analysis
        return (before.verdict, before.variant_id, before.as_of) != (
            now.verdict,
            now.variant_id,
            now.as_of,
        )


def to_rules(value: Rules | None) -> Rules:
    """Return the rules to apply; refuse what is not `Rules`."""
    rules = Rules() if value is None else value
    check_rules(rules)
    return rules


def to_events(value: Iterable[str]) -> tuple[str, ...]:
    """Return the names of events; refuse what is not several texts."""
    if isinstance(value, str) or not isinstance(value, Iterable):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise ConfigurationError("guardrails must be a sequence of event names")
    events = tuple(dict.fromkeys(value))
    for index, event in enumerate(events):
        check_filled_text(f"guardrails[{index}]", event)
    return events


@attrs.frozen
class Reader:
    """Reads the results of one experiment and analyzes them."""

    session: Session
    id: str
    rules: Rules = attrs.field(converter=to_rules)
    guardrails: tuple[str, ...] = attrs.field(converter=to_events)
    """The names of events that a treatment must not harm."""

    def __attrs_post_init__(self) -> None:
        """Refuse an analysis without scipy."""
        if find_spec("scipy") is None:
            raise ConfigurationError(
                "an analysis needs scipy: pip install 'ours-experiments[analysis]'"
            )

    async def read(self) -> Reading:
        """Read everything at once, and analyze it up to yesterday."""
        try:
            experiment, (results, series), guardrails = await self.fetch_all()
        except BadRequestError:
            experiment = await self.fetch(Experiment)
            if find_refusal(experiment) is None:
                raise
            # A draft may have no metric yet, and so no results.
            results, series, guardrails = Results(()), TimeSeries(()), {}
        # In a thread: the first one loads scipy, and a year of days takes 0.15 s.
        analysis = await asyncio.to_thread(
            analyze,
            experiment,
            results,
            series,
            rules=self.rules,
            as_of=datetime.now(UTC).date() - timedelta(days=1),
            guardrails=guardrails,
        )
        return Reading(experiment, analysis)

    async def fetch_all(self) -> tuple[Experiment, Figures, dict[str, Figures]]:
        """Return the experiment, its figures, and those of the guardrails."""
        try:
            async with asyncio.TaskGroup() as group:
                experiment = group.create_task(self.fetch(Experiment))
                results = {
                    event: group.create_task(
                        self.fetch(Results, "results", event=event)
                    )
                    for event in (None, *self.guardrails)
                }
                series = {
                    event: group.create_task(
                        self.fetch(TimeSeries, "results-time-series", event)
                    )
                    for event in (None, *self.guardrails)
                }
        except BaseExceptionGroup as failures:
            failure = failures.exceptions[0]
        else:
            primary = results[None].result(), series[None].result()
            guardrails = {
                event: (results[event].result(), series[event].result())
                for event in self.guardrails
            }
            return experiment.result(), primary, guardrails
        raise failure

    async def fetch(
        self, cls: type[T], segment: str | None = None, event: str | None = None
    ) -> T:
        """Return what a path of the experiment answers."""
        segments = ("experiments", self.id, *(() if segment is None else (segment,)))
        return await self.session.request(
            "GET", *segments, read=decoder(cls), params={"eventName": event}
        )


async def read_again(
    reader: Reader, every: float, seconds: float | None
) -> AsyncGenerator[Reading, None]:
    """Yield a reading now and after each interval, whatever fails in between."""
    loop = asyncio.get_running_loop()
    deadline = None if seconds is None else loop.time() + seconds
    failure: OursError | None = None
    wait = 0.0
    while True:
        try:
            async with asyncio.timeout_at(deadline):
                if wait:
                    # The client's own sleep ends when the client is closed.
                    await reader.session.call().pacing.deadlines.sleep(wait)
                reading = await reader.read()
        except PASSING as problem:
            failure = problem
            wait = min(every, MAX_FAILURE_WAIT)
            logger.warning(
                "results of %s cannot be read, again in %.0f s: %s",
                reader.id,
                wait,
                problem,
            )
            continue
        except TimeoutError:
            raise TimeoutError(
                f"the wait for {reader.id} has taken {seconds:g} s"
            ) from failure
        failure, wait = None, every
        yield reading


async def watch(
    reader: Reader, every: float, seconds: float | None
) -> AsyncGenerator[Analysis, None]:
    """Yield the analysis whenever the verdict or the day changes."""
    last: Reading | None = None
    async with aclosing(read_again(reader, every, seconds)) as readings:
        async for reading in readings:
            if reading.is_news_after(last):
                yield reading.analysis
            if reading.is_final:
                return
            last = reading


async def wait_for(
    reader: Reader,
    predicate: Callable[[Analysis], bool],
    every: float,
    seconds: float | None,
) -> Analysis:
    """Return the first analysis for which the predicate holds."""
    async with aclosing(read_again(reader, every, seconds)) as readings:
        async for reading in readings:
            if predicate(reading.analysis):
                return reading.analysis
            if reading.is_final:
                raise OursError(
                    f"{reader.id} will not change any more, and the predicate does "
                    f"not hold: {reading.analysis}"
                )
    raise AssertionError("readings do not end")


async def stop_when_decided(
    reader: Reader, *, rollout: bool, ship_others: bool
) -> Decision | None:
    """Stop an experiment if two readings decide alike."""
    check_bool("rollout", rollout)
    check_bool("ship_others", ship_others)
    first = await reader.read()
    if not is_decided(first):
        return None
    if not ship_others:
        await refuse_unrelated_changes(reader)
    second = await reader.read()
    analysis = second.analysis
    if not is_decided(second) or not agree(first.analysis, analysis):
        return None
    winner = analysis.variant_id
    transition = await Experiments(reader.session).stop(
        reader.id,
        winner_variant_id=winner,
        rollout_variant_id=winner if rollout else None,
    )
    return Decision(analysis, transition)


def agree(one: Analysis, other: Analysis) -> bool:
    """Return whether two analyses decide the same."""
    return (one.verdict, one.variant_id) == (other.verdict, other.variant_id)


def is_decided(reading: Reading) -> bool:
    """Return whether a reading says to stop; refuse what it cannot be said of.

    Raises:
        UntrustworthyResultsError: The verdict is DO_NOT_TRUST.
        OursError: The experiment cannot be stopped, or has nothing to compare.
    """
    experiment, analysis = reading.experiment, reading.analysis
    if experiment.status not in CAN_BE_STOPPED:
        raise OursError(
            f"{experiment.id} is {experiment.status}: only a running or paused "
            "experiment can be stopped"
        )
    if analysis.verdict is Verdict.DO_NOT_TRUST:
        raise UntrustworthyResultsError(
            f"{experiment.id} was not stopped: {analysis}", analysis=analysis
        )
    if analysis.verdict is Verdict.NOT_APPLICABLE:
        raise OursError(f"{experiment.id} was not stopped: {analysis}")
    return analysis.verdict in STOPS


async def refuse_unrelated_changes(reader: Reader) -> None:
    """Refuse to publish what others have changed: a stop publishes everything."""
    changes = await Versions(reader.session).draft_changes()
    unrelated = describe_unrelated({reader.id}, changes.differences)
    if unrelated:
        raise OursError(
            f"{reader.id} was not stopped, because that would publish other changes "
            f"too: {unrelated}; pass ship_others=True if it may"
        )


def check_predicate(predicate: object) -> None:
    """Refuse what cannot be called, and what would have to be awaited."""
    if not callable(predicate) or iscoroutinefunction(predicate):
        raise ConfigurationError("predicate must be an ordinary function")


def check_times(every: object, timeout: object) -> None:
    """Refuse what is not a positive number of seconds."""
    check_seconds("every", every)
    if timeout is not None:
        check_seconds("timeout", timeout)
