"""The command line `ours-experiments`; needs the extra `cli`."""

import sys


EXTRA_PACKAGES = frozenset(
    {"cyclopts", "docstring_parser", "plotext", "rich", "rich_rst"}
)


def main() -> None:
    """Run the command line and exit with its code."""
    try:
        from ours_experiments.cli.app import run  # noqa: PLC0415 - needs the extra
    except ModuleNotFoundError as missing:
        if str(missing.name).partition(".")[0] not in EXTRA_PACKAGES:
            raise
        sys.stderr.write(
            "ours-experiments: the command line needs more packages; "
            "hint: install ours-experiments with its extra `cli`\n"
        )
        sys.exit(1)
    sys.exit(run(sys.argv[1:]))
