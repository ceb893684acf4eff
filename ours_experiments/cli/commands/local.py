"""Commands that need no key and no network: demo, emulator, completion."""

from typing import Annotated, Literal

from cyclopts import Parameter
from cyclopts.types import NonNegativeFloat, NonNegativeInt, PositiveInt, UInt16

from ours_experiments.cli.context import Flag, InContext


Faults = Annotated[
    tuple[str, ...], Parameter(consume_multiple=True, show_default=False)
]
ZSH_ENTRY = """
if [[ $zsh_eval_context[-1] == loadautofunc ]]; then
    _cyclopts_ours-experiments "$@"
else
    compdef _cyclopts_ours-experiments ours-experiments
fi
"""
"""Makes the script work both when it is sourced and from a folder of functions."""


async def demo(
    *,
    experiments: PositiveInt = 200,
    concurrency: PositiveInt = 16,
    faults: Faults = (),
    seed: int = 0,
    context: InContext,
) -> int:
    """Create, start, watch and stop experiments against a local emulator.

    Args:
        experiments: How many to create and start.
        concurrency: How many to start at the same time.
        faults: Let the emulator misbehave meanwhile.
        seed: Makes visitors and faults repeatable.
    """
    from ours_experiments.cli.commands.demo import play  # noqa: PLC0415 - not for help

    return await play(context, experiments, concurrency, faults, seed)


async def emulator(
    *,
    port: UInt16 = 8765,
    host: str = "127.0.0.1",
    key: str | None = None,
    seed: int = 0,
    experiments: NonNegativeInt = 0,
    faults: Faults = (),
    publish_ms: NonNegativeFloat = 0.0,
    allow_remote: Flag = False,
    context: InContext,
) -> int:
    """Serve a local stand-in for the service until interrupted.

    Args:
        port: The TCP port; 0: any that is free.
        host: The address to listen on.
        key: The API key to accept; "test-key", beyond loopback a random one.
        seed: Makes traffic, cursors and faults repeatable.
        experiments: So many to begin with; every fourth is running, with visitors.
        faults: Misbehave, such as `status:code=503,probability=0.1`.
        publish_ms: Milliseconds that a publish takes.
        allow_remote: Let other machines connect.
    """
    from ours_experiments.cli.commands import emulator as _emulator  # noqa: PLC0415 - not for help

    service = _emulator.build(
        host,
        port,
        key,
        seed=seed,
        publish_seconds=publish_ms / 1000,
        allow_remote=allow_remote,
    )
    _emulator.populate(service, experiments)
    _emulator.add_faults(service, faults)
    await _emulator.serve(service, context, key_is_own=key is not None)
    return 0


def completion(
    shell: Literal["bash", "zsh", "fish"], *, install: Flag = False, context: InContext
) -> int:
    """Let a shell complete commands and options: print the script, or install it.

    Args:
        shell: Which shell.
        install: Write the script where the shell looks, and name it in its start file.
    """
    from ours_experiments.cli.app import app  # noqa: PLC0415 - builds the commands

    if install:
        path = app.install_completion(shell=shell)
        context.note(f"wrote {path}; begin a new shell to use it")
    else:
        script = app.generate_completion(shell=shell)
        context.write(script + (ZSH_ENTRY if shell == "zsh" else ""))
    return 0
