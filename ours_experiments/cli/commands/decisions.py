"""Commands on completed experiments: rollout, end-rollout, winner."""

from ours_experiments.cli.context import Context, Flag, InContext
from ours_experiments.cli.errors import UsageError
from ours_experiments.cli.output.formats import write_one
from ours_experiments.cli.output.records import record_of
from ours_experiments.models import Transition


async def rollout(id: str, variant: str, *, context: InContext) -> int:
    """Serve a variant of a completed experiment to everybody; publishes.

    Args:
        id: The experiment.
        variant: The id of the variant, not of the control.
    """
    async with context.client() as client:
        show(context, await client.experiments.rollout(id, variant_id=variant))
    return 0


async def end_rollout(id: str, *, context: InContext) -> int:
    """Serve the original again; publishes.

    Args:
        id: The experiment.
    """
    async with context.client() as client:
        show(context, await client.experiments.end_rollout(id))
    return 0


async def winner(
    id: str,
    variant: str | None = None,
    *,
    clear: Flag = False,
    context: InContext,
) -> int:
    """Declare the winner of a completed experiment, for reports only.

    Args:
        id: The experiment.
        variant: The id of the variant.
        clear: Declare that there is none.
    """
    if (variant is None) != clear:
        raise UsageError("say either a variant or --clear")
    async with context.client() as client:
        experiment = await client.experiments.winner(id, winner_variant_id=variant)
        write_one(context, record_of(experiment))
    return 0


def show(context: Context, transition: Transition) -> None:
    """Show the experiment and whether its new state is live."""
    record = record_of(transition.experiment)
    write_one(context, {**record, "publish_status": transition.publish_status})
