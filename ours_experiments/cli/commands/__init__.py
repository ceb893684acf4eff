"""The commands; importing this package adds all of them to the parser.

To add a command, decorate a function with `@app.command(help_epilogue=examples(...))`.
To add a group, call `command_group` in a new module, and import that module here.
Modules of this package load nothing heavy at import: every help page loads them all.
"""

from ours_experiments.cli.commands import (
    analysis,
    bulk,
    completion,
    decisions,
    demo,
    emulator,
    experiments,
    results,
    settings,
    specs,
    variants,
    versions,
    watch,
)


__all__ = [
    "analysis",
    "bulk",
    "completion",
    "decisions",
    "demo",
    "emulator",
    "experiments",
    "results",
    "settings",
    "specs",
    "variants",
    "versions",
    "watch",
]
