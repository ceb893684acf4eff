"""The calls of `client.experiments` that decide on results."""

from collections.abc import AsyncGenerator, Callable, Iterable
from typing import TYPE_CHECKING

import attrs

from ours_experiments._http.session import Session


if TYPE_CHECKING:
    from ours_experiments.analysis import Analysis, Decision, Rules

__all__ = ["Decisions"]

ONE_HOUR = 3600.0

# An analysis takes 0.1 s to import: each call does so when it is made.
# ruff: noqa: PLC0415


@attrs.frozen
class Decisions:
    """Analyze results and act on them; needs the extra `analysis`."""

    _session: Session

    async def analyze(
        self,
        id: str,
        *,
        rules: "Rules | None" = None,
        guardrails: Iterable[str] = (),
    ) -> "Analysis":
        """Decide what the results up to yesterday allow to do.

        `GET /experiments/{id}`, its results and its results by day, all at once; and
        two more requests for each guardrail. Yesterday is that of this machine's
        clock, in UTC: the present day is not complete.

        Args:
            id: The experiment's identifier.
            rules: What has to hold; None: `Rules()`. Fix them before the start.
            guardrails: Names of events that a treatment must not harm.

        Raises:
            ConfigurationError: An argument has a wrong type, or scipy is missing.
        """
        from ours_experiments import _watching

        reader = _watching.Reader(self._session, id, rules, guardrails)
        return (await reader.read()).analysis

    def watch(
        self,
        id: str,
        *,
        rules: "Rules | None" = None,
        guardrails: Iterable[str] = (),
        every: float = ONE_HOUR,
        timeout: float | None = None,
    ) -> AsyncGenerator["Analysis", None]:
        """Yield the analysis now, and again when the verdict or the day changes.

        `GET /experiments/{id}` and its results, as in `analyze`. A decision does not
        end the stream, because a later day may turn it into DO_NOT_TRUST: leave the
        loop when `decided(analysis)`. The stream ends when the experiment is completed,
        or can never be decided. Lost connections, 429, and 500 and above are logged,
        and tried again after a minute at most.

        Args:
            id: The experiment's identifier.
            rules: What has to hold; None: `Rules()`.
            guardrails: Names of events that a treatment must not harm.
            every: Seconds between two readings. Figures change once a day.
            timeout: Seconds until a TimeoutError; None: no limit.

        Raises:
            TimeoutError: The time is up; its cause is the last failure, if the last
                reading failed.
            NotFoundError: The experiment is deleted.
        """
        from ours_experiments import _watching

        reader = _watching.Reader(self._session, id, rules, guardrails)
        _watching.check_times(every, timeout)
        return _watching.watch(reader, every, timeout)

    async def wait_for(
        self,
        id: str,
        predicate: "Callable[[Analysis], bool]",
        *,
        rules: "Rules | None" = None,
        guardrails: Iterable[str] = (),
        every: float = ONE_HOUR,
        timeout: float | None = None,  # noqa: ASYNC109 - as asyncio.wait_for has it
    ) -> "Analysis":
        """Return the first analysis for which a predicate holds, such as `decided`.

        `GET /experiments/{id}` and its results, as in `analyze`. Failures are survived
        as in `watch`.

        Args:
            id: The experiment's identifier.
            predicate: Called with every analysis.
            rules: What has to hold; None: `Rules()`.
            guardrails: Names of events that a treatment must not harm.
            every: Seconds between two readings. Figures change once a day.
            timeout: Seconds until a TimeoutError; None: no limit.

        Raises:
            TimeoutError: The predicate did not hold in time.
            OursError: The experiment is completed, or can never be decided, and the
                predicate does not hold.
        """
        from ours_experiments import _watching

        reader = _watching.Reader(self._session, id, rules, guardrails)
        _watching.check_predicate(predicate)
        _watching.check_times(every, timeout)
        return await _watching.wait_for(reader, predicate, every, timeout)

    async def stop_when_decided(
        self,
        id: str,
        *,
        rules: "Rules | None" = None,
        rollout: bool = False,
        ship_others: bool = False,
        guardrails: Iterable[str] = (),
    ) -> "Decision | None":
        """Complete an experiment for good if its results are decided; publishes.

        `POST /experiments/{id}/stop`, after two readings as by `analyze`: nothing is
        sent unless both have the same verdict. SHIP stops with the treatment as winner;
        ROLL_BACK and INCONCLUSIVE stop without a winner. To decide otherwise, use
        `stop`.

        Args:
            id: The experiment's identifier.
            rules: What has to hold; None: `Rules()`. Fix them before the start.
            rollout: Whether to serve the winner of SHIP to all visitors.
            ship_others: Whether to stop even when other unpublished changes of the
                account would be published with it.
            guardrails: Names of events that a treatment must not harm.

        Returns:
            What was decided; None while nothing is.

        Raises:
            UntrustworthyResultsError: The verdict is DO_NOT_TRUST; nothing was sent.
            OursError: The experiment is neither running nor paused, has nothing to
                compare, or others have unpublished changes; nothing was sent.
            OutcomeUnknownError: The reply to the stop was lost, and it may be applied.
        """
        from ours_experiments import _watching

        reader = _watching.Reader(self._session, id, rules, guardrails)
        return await _watching.stop_when_decided(
            reader, rollout=rollout, ship_others=ship_others
        )
