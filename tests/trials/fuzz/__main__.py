"""Feed hostile input to every parser: `python -m tests.trials.fuzz`.

Inputs are valid ones with something changed, as JSON and as bytes, the same for the
same seed. Each has to be understood or refused with the error that is documented for
its place; anything else is a finding, and the run fails.
"""

import argparse
import logging
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.trials.fuzz.runs import Run, run
from tests.trials.fuzz.targets import targets


SHOWN = 1000


def main() -> None:
    """Print one row for each target, and what was found."""
    arguments = argparse.ArgumentParser(prog="python -m tests.trials.fuzz")
    arguments.add_argument("--executions", type=int, default=1_000_000)
    arguments.add_argument("--seed", type=int, default=0)
    arguments.add_argument("--target", help="only this one gets all executions")
    given = arguments.parse_args()
    logging.getLogger("ours_experiments").setLevel(logging.ERROR)
    with TemporaryDirectory() as folder:
        every = targets(Path(folder))
        chosen = [target for target in every if given.target in {None, target.name}]
        if not chosen:
            names = ", ".join(target.name for target in every)
            arguments.error(f"--target: expected one of {names}")
        whole = sum(target.share for target in chosen)
        print(
            f"{'target':12} {'executions':>10} {'a second':>9} {'failures':>8}  words"
        )
        runs: list[Run] = []
        for target in chosen:
            result = run(target, given.executions * target.share // whole, given.seed)
            runs.append(result)
            rate = result.executions / result.seconds
            words = ", ".join(f"{word} {n}" for word, n in result.words.most_common())
            print(
                f"{target.name:12} {result.executions:>10} {rate:>9.0f} "
                f"{result.failures:>8}  {words}",
                flush=True,
            )
    for result in runs:
        for finding in result.findings.values():
            print(f"\n{result.target.name}: {finding.message}")
            print(f"  {finding.drawn!r}"[:SHOWN])
    total = sum(result.executions for result in runs)
    findings = sum(len(result.findings) for result in runs)
    seconds = sum(result.seconds for result in runs)
    print(f"\n{total} executions in {seconds:.0f} s, {findings} findings")
    sys.exit(findings > 0)


if __name__ == "__main__":
    main()
