"""The command `completion`."""

from typing import Literal

from ours_experiments.cli.context import Flag, InContext
from ours_experiments.cli.parser import app, examples


ZSH_ENTRY = """
if [[ $zsh_eval_context[-1] == loadautofunc ]]; then
    _cyclopts_ours-experiments "$@"
else
    compdef _cyclopts_ours-experiments ours-experiments
fi
"""
"""Makes the script work both when it is sourced and from a folder of functions."""


@app.command(
    help_epilogue=examples(
        "completion bash --install",
        "completion zsh > _ours-experiments",
        "completion fish > ours-experiments.fish",
    )
)
def completion(
    shell: Literal["bash", "zsh", "fish"], *, install: Flag = False, context: InContext
) -> int:
    """Print or install a script with which a shell completes commands and options.

    Args:
        shell: The shell.
        install: Write the script where the shell looks, and name it in its start file.
    """
    if install:
        path = app.install_completion(shell=shell)
        context.note(f"wrote {path}; start a new shell to use it")
    else:
        script = app.generate_completion(shell=shell)
        context.write(script + (ZSH_ENTRY if shell == "zsh" else ""))
    return 0
