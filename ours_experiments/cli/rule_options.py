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
    client: "ours.Client", experiment_id: str, options: RuleOptions
) -> "Analysis":
    """Request the results up to yesterday, UTC, and decide."""
    return await client.experiments.analyze(
        experiment_id, rules=options.rules(), guardrails=options.guardrails or ()
    )
