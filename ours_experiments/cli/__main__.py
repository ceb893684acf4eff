"""Run the command line with `python -m ours_experiments.cli`."""

from ours_experiments.cli import main


main()
