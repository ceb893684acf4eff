"""The command `emulator`."""

from typing import Annotated

from cyclopts import Parameter
from cyclopts.types import NonNegativeFloat, NonNegativeInt, UInt16

from ours_experiments.cli.context import Flag, InContext
from ours_experiments.cli.emulator_options import DEFAULT_OPTIONS, ServiceOptions
from ours_experiments.cli.parser import app, examples


@app.command(
    help_epilogue=examples(
        "emulator --port 8765 --experiments 40",
        "emulator --faults status:code=503,probability=0.1",
        "emulator --host 0.0.0.0 --allow-remote",
        "emulator --conflict-status 400 --list-delay 5",
    )
)
async def emulator(
    *,
    port: UInt16 = 8765,
    host: str = "127.0.0.1",
    key: str | None = None,
    seed: int = 0,
    experiments: NonNegativeInt = 0,
    faults: Annotated[
        tuple[str, ...], Parameter(consume_multiple=True, show_default=False)
    ] = (),
    publish_ms: NonNegativeFloat = 0.0,
    allow_remote: Flag = False,
    service: ServiceOptions = DEFAULT_OPTIONS,
    context: InContext,
) -> int:
    """Serve a local emulator of the service until interrupted.

    Args:
        port: TCP port; 0: any free one.
        host: Address to listen on.
        key: API key to accept; default: "test-key", beyond loopback a random one.
        seed: Makes traffic, cursors and faults repeatable.
        experiments: How many to create; a quarter of them is running, with visitors.
        faults: Faults, such as `status:code=503,probability=0.1`.
        publish_ms: Milliseconds that a publish takes.
        allow_remote: Let other machines connect.
        service: How the service answers where its documents are silent.
    """
    from ours_experiments.cli import emulator_server  # noqa: PLC0415 - not for help

    server = emulator_server.build(
        host,
        port,
        key,
        service,
        seed=seed,
        publish_seconds=publish_ms / 1000,
        allow_remote=allow_remote,
    )
    emulator_server.populate(server, experiments)
    emulator_server.add_faults(server, faults)
    await emulator_server.serve(server, context, key_is_given=key is not None)
    return 0
