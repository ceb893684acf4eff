"""The rules of a decision as options, and the analysis that applies them."""

from typing import TYPE_CHECKING, Annotated

import attrs
from cyclopts import Parameter
from cyclopts.types import PositiveFloat, PositiveInt

import ours_experiments as ours  # noqa: TC001 - loads the client on use


if TYPE_CHECKING:
    from ours_experiments.analysis import Analysis, Rules


@Parameter(name="*")
@attrs.frozen
class RuleOptions:
    """Rules of a decision; fix them before the experiment starts."""

    planned_sample: PositiveInt | None = None
    """Planned impressions of each arm, as `size` computes them."""
    mde: PositiveFloat | None = None
    """Relative effect that is worth the work; surely smaller ones end the run."""
    guardrails: Annotated[list[str] | None, Parameter(consume_multiple=True)] = None
    """Events that a treatment must not harm."""

    def rules(self) -> "Rules":
        """Return the rules."""
        from ours_experiments.analysis import Rules  # noqa: PLC0415 - not for help

        return Rules(planned_sample=self.planned_sample, mde=self.mde)


NO_RULE_OPTIONS = RuleOptions()


async def analyze_experiment(
    client: "ours.Client", experiment: "ours.Experiment", options: RuleOptions
) -> "Analysis":
    """Request the results of an experiment up to yesterday, UTC, and decide."""
    import asyncio  # noqa: PLC0415 - not for help
    from datetime import UTC, datetime, timedelta  # noqa: PLC0415

    from ours_experiments.analysis import analyze  # noqa: PLC0415 - not for help

    async def read(event: str | None) -> "tuple[ours.Results, ours.TimeSeries]":
        results, series = await asyncio.gather(
            client.experiments.results(experiment.id, event_name=event),
            client.experiments.results_time_series(experiment.id, event_name=event),
        )
        return results, series

    events = options.guardrails or []
    (results, series), *guarded = await asyncio.gather(*map(read, [None, *events]))
    return analyze(
        experiment,
        results,
        series,
        rules=options.rules(),
        as_of=datetime.now(UTC).date() - timedelta(days=1),
        guardrails=dict(zip(events, guarded, strict=True)),
    )
