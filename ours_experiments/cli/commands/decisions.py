"""Commands on completed experiments: rollout, end-rollout, winner."""

from ours_experiments.cli.context import Context, Flag, InContext
from ours_experiments.cli.errors import UsageError
from ours_experiments.cli.event_loop import call_client
from ours_experiments.cli.output.records import record_of
from ours_experiments.cli.output.writers import write_record
from ours_experiments.cli.parser import app, examples
from ours_experiments.models import Transition


@app.command(help_epilogue=examples("rollout exp_123 var_1 --yes"))
def rollout(id: str, variant: str, *, yes: Flag = False, context: InContext) -> int:
    """Serve a variant of a completed experiment to everybody; publishes.

    Args:
        id: Id of the experiment.
        variant: Id of the variant, not of the control.
        yes: Do not ask.
    """
    context.confirm(
        f"serve the variant {variant} to everybody, in place of {id}?", yes=yes
    )
    transition = call_client(
        context, lambda client: client.experiments.rollout(id, variant_id=variant)
    )
    write_transition(context, transition)
    return 0


@app.command(help_epilogue=examples("end-rollout exp_123 --yes"))
def end_rollout(id: str, *, yes: Flag = False, context: InContext) -> int:
    """Serve the original again; publishes.

    Args:
        id: Id of the experiment.
        yes: Do not ask.
    """
    context.confirm(f"serve the original to everybody, in place of {id}?", yes=yes)
    transition = call_client(context, lambda client: client.experiments.end_rollout(id))
    write_transition(context, transition)
    return 0


@app.command(help_epilogue=examples("winner exp_123 var_1", "winner exp_123 --clear"))
async def winner(
    id: str,
    variant: str | None = None,
    *,
    clear: Flag = False,
    context: InContext,
) -> int:
    """Declare the winner of a completed experiment, for reports only.

    Args:
        id: Id of the experiment.
        variant: Id of the variant.
        clear: Declare that there is none.
    """
    if (variant is None) != clear:
        raise UsageError("give either a variant or --clear")
    async with context.client() as client:
        experiment = await client.experiments.winner(id, winner_variant_id=variant)
    write_record(context, record_of(experiment))
    return 0


def write_transition(context: Context, transition: Transition) -> None:
    """Write the experiment and whether its new state is live."""
    record = record_of(transition.experiment)
    write_record(context, {**record, "publish_status": transition.publish_status})
