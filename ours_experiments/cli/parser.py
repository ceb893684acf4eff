"""The root of the command line, to which every module of `commands` adds its own."""

from cyclopts import App, Parameter

from ours_experiments import __version__
from ours_experiments.cli.errors import EXIT_CODES


def examples(*command_lines: str) -> str:
    """Format the examples of a help page.

    Args:
        command_lines: What to type after `ours-experiments`.
    """
    lines = [f"    ours-experiments {line}" for line in command_lines]
    return "\n".join(["Examples:", *lines])


ROOT_EXAMPLES = examples(
    "demo",
    "list --status running",
    "start --status draft --search hero --dry-run",
    "results exp_123 --plot results.png",
)

app: App = App(
    name="ours-experiments",
    help="Experiments of Ours Privacy from the command line.",
    help_epilogue=f"{ROOT_EXAMPLES}\n\n{EXIT_CODES}",
    help_format="plaintext",
    version=__version__,
    # An option that is off by default has no `--no-...` of its own.
    default_parameter=Parameter(negative=()),
)


def command_group(name: str, summary: str) -> App:
    """Add a group of commands, such as `variants list` and `variants get`.

    Args:
        name: The word before the commands of the group.
        summary: One line for help.
    """
    group = App(name=name, help=summary, help_epilogue="")
    app.command(group)
    return group
