"""Stop the experiments that are decided, and only these."""

from collections.abc import Sequence

from ours_experiments import Client, OursError
from ours_experiments.analysis import UntrustworthyResultsError
from ours_experiments.cli.context import Context
from ours_experiments.cli.errors import (
    DO_NOT_TRUST,
    KEEP_RUNNING,
    SOME_FAILED,
    exit_code,
    format_error,
)
from ours_experiments.cli.output.writers import open_writer
from ours_experiments.cli.rule_options import RuleOptions


FIELDS = ("experiment_id", "verdict", "variant_id", "status", "publish_status")


async def stop_decided(
    context: Context,
    client: Client,
    ids: Sequence[str],
    options: RuleOptions,
    *,
    rollout: bool,
    ship_others: bool,
) -> int:
    """Stop each experiment that is decided, and return the exit code.

    Args:
        context: The format and the output.
        client: The client.
        ids: Ids of the experiments.
        options: Rules of the decision.
        rollout: Whether to serve a winner to all visitors.
        ship_others: Whether to publish other people's changes too.
    """
    codes: set[int] = set()
    with open_writer(context, FIELDS, FIELDS) as writer:
        for experiment_id in ids:
            record: dict[str, object] = {"experiment_id": experiment_id}
            try:
                decision = await client.experiments.stop_when_decided(
                    experiment_id,
                    rules=options.rules(),
                    guardrails=options.guardrails or (),
                    rollout=rollout,
                    ship_others=ship_others,
                )
            except UntrustworthyResultsError as problem:
                record["verdict"] = problem.analysis.verdict
                context.note(f"{experiment_id}: {problem}")
                codes.add(DO_NOT_TRUST)
            except OursError as problem:
                context.note(f"{experiment_id}: {format_error(problem)}")
                codes.add(exit_code(problem))
            else:
                if decision is None:
                    record["verdict"] = "keep_running"
                    codes.add(KEEP_RUNNING)
                else:
                    record["verdict"] = decision.analysis.verdict
                    record["variant_id"] = decision.analysis.variant_id
                    record["status"] = decision.transition.experiment.status
                    record["publish_status"] = decision.transition.publish_status
                    codes.add(0)
            writer.write(record)
    return codes.pop() if len(codes) == 1 else SOME_FAILED
