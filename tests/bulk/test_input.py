"""What a bulk call takes its ids from, and how far ahead it reads."""

import asyncio
from collections.abc import AsyncIterator, Iterator

import pytest

from ours_experiments import BulkReport, Client, OutcomeStatus
from ours_experiments.emulator import Emulator
from tests.support.bulk_calls import all_end, one_by_one, states, statuses


class SourceError(Exception):
    """The input broke."""


@pytest.mark.parametrize("cursor", ["keyset", "offset"])
async def test_a_listing_of_what_is_changed(cursor: str) -> None:
    """Nothing is skipped though every row leaves the listing once it is started."""
    async with (
        Emulator(cursor=cursor) as emulator,  # type: ignore[arg-type]
        Client(emulator.api_key, base_url=emulator.url) as client,
    ):
        ids = emulator.seed_experiments(250)
        drafts = client.experiments.list(status="draft", limit=20)
        report = await client.bulk.start(drafts)
        assert {outcome.experiment_id for outcome in report.outcomes} == set(ids)
        assert states(emulator, ids) == {"running"}


async def test_a_listing_is_read_before_the_first_write(
    client: Client, emulator: Emulator
) -> None:
    """All reads come first, and the total is known from then on."""
    emulator.seed_experiments(7)
    run = client.bulk.stream("start", client.experiments.list(limit=2))
    totals = [run.total async for _ in run]
    routes = [entry.route for entry in emulator.log.entries]
    assert routes == ["experiments.list"] * 4 + ["experiments.start"] * 7
    assert totals == [7] * 7


async def test_a_listing_that_fails(client: Client, emulator: Emulator) -> None:
    """Where the listing cannot be read to its end, nothing is written."""
    emulator.seed_experiments(5)
    emulator.faults.add("missing_cursor", route="experiments.list", after=1)
    listing = client.experiments.list(limit=2)
    with pytest.raises(Exception, match="no cursor") as caught:
        await client.bulk.start(listing)
    report: BulkReport = vars(caught.value)["report"]
    assert set(statuses(report)) == {OutcomeStatus.NOT_ATTEMPTED}
    assert emulator.log.received("experiments.start") == 0


async def test_a_plain_iterator_is_read_at_once(
    client: Client, emulator: Emulator
) -> None:
    """Any iterable is read before the first write, so that the total is known."""
    ids = emulator.seed_experiments(5)
    given: list[int] = []

    def source() -> Iterator[str]:
        for experiment_id in ids:
            given.append(emulator.log.received())
            yield experiment_id

    report = await client.bulk.start(source())
    assert len(report.succeeded) == 5
    assert given == [0] * 5


@pytest.mark.parametrize("concurrency", [1, 3])
async def test_reading_ahead(
    client: Client, emulator: Emulator, concurrency: int
) -> None:
    """An asynchronous iterable is read twice the concurrency ahead at most."""
    ids = emulator.seed_experiments(20)
    read = 0
    furthest = 0
    consumed = 0

    async def source() -> AsyncIterator[str]:
        nonlocal read, furthest
        for experiment_id in ids:
            read += 1
            furthest = max(furthest, read - consumed)
            yield experiment_id

    async for _ in client.bulk.stream("start", source(), concurrency=concurrency):
        await asyncio.sleep(0.003)
        consumed += 1
    assert consumed == 20
    assert furthest == 2 * concurrency


async def test_one_task_reads_the_source(client: Client, emulator: Emulator) -> None:
    """A source may rely on being resumed by one task only."""
    ids = emulator.seed_experiments(12)
    readers: set[asyncio.Task[object] | None] = set()

    async def source() -> AsyncIterator[str]:
        for experiment_id in ids:
            readers.add(asyncio.current_task())
            await asyncio.sleep(0)
            yield experiment_id

    await client.bulk.start(source(), concurrency=4)
    assert len(readers) == 1


async def test_repetitions_in_a_stream(client: Client, emulator: Emulator) -> None:
    """Also what comes one by one is sent once each."""
    ids = emulator.seed_experiments(3)
    report = await client.bulk.start(one_by_one([*ids, *ids]))
    assert [outcome.experiment_id for outcome in report.outcomes] == ids
    assert len(report.succeeded) == 3


async def test_a_source_that_breaks(client: Client, emulator: Emulator) -> None:
    """What was begun is finished, then the error comes with the report so far."""
    ids = emulator.seed_experiments(5)
    emulator.faults.add("latency", seconds=0.02)

    async def source() -> AsyncIterator[str]:
        for experiment_id in ids:
            yield experiment_id
        raise SourceError

    with pytest.raises(SourceError) as caught:
        await client.bulk.start(source())
    report: BulkReport = vars(caught.value)["report"]
    assert statuses(report) == [OutcomeStatus.APPLIED] * 5
    assert await all_end()


async def test_a_source_that_breaks_at_once(client: Client, emulator: Emulator) -> None:
    """An iterable that raises while it is read stops the run before any write."""
    ids = emulator.seed_experiments(2)

    def source() -> Iterator[str]:
        yield from ids
        raise SourceError

    with pytest.raises(SourceError) as caught:
        await client.bulk.start(source())
    report: BulkReport = vars(caught.value)["report"]
    assert statuses(report) == [OutcomeStatus.NOT_ATTEMPTED] * 2
    assert emulator.log.received() == 0


async def test_a_source_that_is_cancelled(client: Client, emulator: Emulator) -> None:
    """A source that ends in a cancellation is not taken for a source at its end."""
    ids = emulator.seed_experiments(2)

    async def source() -> AsyncIterator[str]:
        yield ids[0]
        raise asyncio.CancelledError

    with pytest.raises(asyncio.CancelledError) as caught:
        await client.bulk.start(source())
    report: BulkReport = vars(caught.value)["report"]
    assert statuses(report) == [OutcomeStatus.APPLIED]
