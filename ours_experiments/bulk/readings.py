"""Read something of many experiments at once."""

from collections.abc import (
    AsyncGenerator,
    Awaitable,
    Callable,
)
from contextlib import aclosing
from typing import TypeVar

from ours_experiments.bulk.input import Input
from ours_experiments.bulk.ledger import Ledger
from ours_experiments.bulk.options import Ids
from ours_experiments.bulk.workers import in_parallel
from ours_experiments.errors import OursError


T = TypeVar("T")


async def read_each(
    subject: str,
    ids: Ids,
    read: Callable[[str], Awaitable[T]],
    concurrency: int,
) -> AsyncGenerator[tuple[str, T], None]:
    """Yield each experiment's id and what was read of it, in completion order.

    Args:
        subject: What is read, for the error.
        ids: The experiments.
        read: Reads one of them.
        concurrency: How many are read at the same time.

    Raises:
        ExceptionGroup: At the end, one error for each that could not be read.
    """
    source = Input(ids, mapping_allowed=False)
    distinct = await source.read(Ledger(subject, keep=False))
    failures: list[OursError] = []

    async def read_one(experiment_id: str) -> tuple[str, T] | None:
        try:
            if (refusal := source.refused.get(experiment_id)) is not None:
                raise refusal
            return experiment_id, await read(experiment_id)
        except OursError as problem:
            failures.append(problem)
            return None

    async with aclosing(in_parallel(distinct, read_one, concurrency)) as pairs:
        async for pair in pairs:
            yield pair
    if failures:
        raise ExceptionGroup(f"{subject} that could not be read", failures)
