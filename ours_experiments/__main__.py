"""Run the command line with `python -m ours_experiments`."""

from ours_experiments.cli import main


main()
