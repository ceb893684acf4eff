"""The command line, `ours-experiments`; needs the extra `cli`."""

import sys


NEEDED = frozenset({"cyclopts", "docstring_parser", "rich", "rich_rst"})


def main() -> None:
    """Run the command line and exit with its code."""
    try:
        from ours_experiments.cli.app import run  # noqa: PLC0415 - the extra
    except ModuleNotFoundError as missing:
        if str(missing.name).partition(".")[0] not in NEEDED:
            raise
        sys.stderr.write(
            "ours-experiments: the command line needs two more packages; "
            'hint: pip install "ours-experiments[cli]"\n'
        )
        sys.exit(1)
    sys.exit(run(sys.argv[1:]))
