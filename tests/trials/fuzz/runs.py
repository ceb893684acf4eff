"""One parser under fire, and what came of it."""

import traceback
from collections import Counter
from collections.abc import Callable
from random import Random
from time import perf_counter
from typing import Any

import attrs


KEPT_FINDINGS = 20


@attrs.frozen
class Target:
    """A parser, what it is fed, and how its answer is judged."""

    name: str
    """How it is called on the command line."""
    share: int
    """Percent of all executions."""
    draw: Callable[[Random], Any]
    """Makes one input."""
    judge: Callable[[Any], str]
    """Feeds it in, and gives a word for what came out; whatever it raises is a
    finding."""
    words: frozenset[str]
    """The words that have to come up, or the inputs are too dull."""


@attrs.frozen
class Finding:
    """An input that should have been refused, or understood, otherwise."""

    drawn: object
    """The input."""
    message: str
    """What went wrong with it, and where."""


@attrs.define
class Run:
    """What so many executions brought."""

    target: Target
    executions: int = 0
    """How many there were."""
    seconds: float = 0.0
    """How long they took."""
    words: Counter[str] = attrs.field(factory=Counter[str])
    """What came out, how often."""
    failures: int = 0
    """How many inputs went wrong."""
    findings: dict[str, Finding] = attrs.field(factory=dict[str, Finding])
    """The first of each kind, by error and place."""

    @property
    def dull(self) -> frozenset[str]:
        """The words that never came up."""
        return self.target.words - self.words.keys()


def run(target: Target, executions: int, seed: int) -> Run:
    """Draw and judge so many inputs, the same ones for the same seed."""
    random = Random(f"{seed}/{target.name}")  # noqa: S311 - repeatable, not secret
    result = Run(target, executions)
    started_at = perf_counter()
    for _ in range(executions):
        drawn = target.draw(random)
        try:
            result.words[target.judge(drawn)] += 1
        except Exception as error:  # noqa: BLE001 - each one is a finding
            result.failures += 1
            last = traceback.extract_tb(error.__traceback__)[-1]
            place = f"{type(error).__name__} in {last.name}, line {last.lineno}"
            if len(result.findings) < KEPT_FINDINGS:
                message = f"{place}: {error}"
                result.findings.setdefault(place, Finding(drawn, message))
    result.seconds = perf_counter() - started_at
    return result
