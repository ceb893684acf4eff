"""The command `demo`."""

from typing import Annotated

from cyclopts import Parameter
from cyclopts.types import PositiveInt

from ours_experiments.cli.context import InContext
from ours_experiments.cli.parser import app, examples


@app.command(
    help_epilogue=examples(
        "demo",
        "demo --experiments 1000 --concurrency 32",
        "demo --faults reset:applied=true,probability=0.05",
    )
)
async def demo(
    *,
    experiments: PositiveInt = 200,
    concurrency: PositiveInt = 16,
    faults: Annotated[
        tuple[str, ...], Parameter(consume_multiple=True, show_default=False)
    ] = (),
    seed: int = 0,
    context: InContext,
) -> int:
    """Create, start, watch and stop experiments against a local emulator.

    Args:
        experiments: How many to create and start.
        concurrency: How many to start at the same time.
        faults: Faults of the emulator meanwhile.
        seed: Makes visitors and faults repeatable.
    """
    from ours_experiments.cli.demo_run import run_demo  # noqa: PLC0415 - not for help

    return await run_demo(context, experiments, concurrency, faults, seed)
