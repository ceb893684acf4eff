"""Lost replies: one rule of `reconcile` each, in the order in which they apply."""

import asyncio

import pytest

from ours_experiments import (
    Client,
    ConflictError,
    ExperimentStatus,
    NewExperiment,
    OutcomeUnknownError,
    PublishStatus,
    RetryPolicy,
)
from tests._writes.support import served, settings_of, while_lost
from tests.support.clock import run_fast


START = "experiments.start"
CREATE = "experiments.create"


def test_an_answer_needs_no_reading_back() -> None:
    """A call that is answered is one request, and its answer is the outcome."""

    async def main() -> None:
        async with served() as (emulator, client, draft):
            started = await client.experiments.start(draft)
            assert started.publish_status is PublishStatus.PUBLISHED
            assert emulator.log.received() == 1

    run_fast(main)


def test_a_refusal_is_final() -> None:
    """A call that is refused is neither repeated nor read back."""

    async def main() -> None:
        async with served("completed") as (emulator, client, completed):
            with pytest.raises(ConflictError):
                await client.experiments.start(completed)
            assert emulator.log.received() == 1

    run_fast(main)


def test_what_was_applied_is_found() -> None:
    """After a lost reply the effect is found, and nothing is sent again."""

    async def main() -> None:
        async with served() as (emulator, client, draft):
            emulator.faults.add("reset", route=START, applied=True, times=1)
            started = await client.experiments.start(draft)
            assert started.experiment.status is ExperimentStatus.RUNNING
            assert started.publish_status is None, "nobody said that it is live"
            assert emulator.log.received(START) == 1

    run_fast(main)


def test_what_was_not_applied_is_sent_again() -> None:
    """What is proved not to have been applied is sent again."""

    async def main() -> None:
        async with served() as (emulator, client, draft):
            emulator.faults.add("reset", route=START, applied=False, times=1)
            started = await client.experiments.start(draft)
            assert started.publish_status is PublishStatus.PUBLISHED
            assert emulator.log.received(START) == 2

    run_fast(main)


def test_what_is_applied_late_is_found() -> None:
    """A service may apply a write after its reply is lost: the read is repeated."""

    async def main() -> None:
        async with served() as (emulator, client, draft):
            emulator.faults.add("late", route=START, delay=1.5, times=1)
            await client.experiments.start(draft)
            assert emulator.log.received(START) == 1
            assert emulator.log.received("experiments.retrieve") == 2

    run_fast(main)


def test_what_cannot_be_read_back_is_unknown() -> None:
    """When reading back fails, the write is not sent again."""

    async def main() -> None:
        async with served() as (emulator, client, draft):
            emulator.faults.add("reset", route=START, applied=False, times=1)
            emulator.faults.add("status", route="experiments.retrieve", code=500)
            with pytest.raises(OutcomeUnknownError) as caught:
                await client.experiments.start(draft)
            assert caught.value.experiment_id == draft
            assert emulator.log.received(START) == 1

    run_fast(main)


def test_a_deadline_leaves_no_proof() -> None:
    """A call that ends before the last read proves nothing by finding nothing."""

    async def main() -> None:
        async with served(timeout=4) as (emulator, client, draft):
            emulator.faults.add("reset", route=START, applied=False, times=1)
            with pytest.raises(OutcomeUnknownError):
                await client.experiments.start(draft)
            assert emulator.log.received(START) == 1

    run_fast(main)


def test_attempts_are_counted_over_all_rounds() -> None:
    """A write is sent at most as often as the retry policy allows."""

    async def main() -> None:
        policy = RetryPolicy(attempts=2)
        async with served(retry=policy, timeout=600) as (emulator, client, draft):
            emulator.faults.add("reset", route=START, applied=False)
            with pytest.raises(OutcomeUnknownError):
                await client.experiments.start(draft)
            assert emulator.log.received(START) == 2

    run_fast(main)


def test_a_throttled_write_is_just_repeated() -> None:
    """After 429 and 503 nothing is read back: the service did not act."""

    async def main() -> None:
        async with served() as (emulator, client, draft):
            emulator.faults.add("status", route=START, code=503, times=1)
            await client.experiments.start(draft)
            assert emulator.log.received() == 2
            assert emulator.log.received(START) == 2

    run_fast(main)


@pytest.mark.parametrize("status", [400, 409])
def test_a_refusal_after_a_lost_reply_is_read_back(status: int) -> None:
    """The lost request itself may be the reason for the refusal of the second."""

    async def main() -> None:
        async with served(emulator={"conflict_status": status}) as running:
            emulator, client, draft = running
            # Both reach the service; the first takes effect after the last read.
            emulator.faults.add("late", route=START, delay=5.3, times=1)
            emulator.faults.add("latency", route=START, seconds=0.6, after=1)
            started = await client.experiments.start(draft)
            assert started.experiment.status is ExperimentStatus.RUNNING
            assert emulator.log.received(START) == 2
            assert emulator.log.applied(START) == 1

    run_fast(main)


def test_another_person_is_not_overruled() -> None:
    """What somebody changed since the call began is not changed again."""

    async def main() -> None:
        async with served("running") as (emulator, client, running):

            def act() -> None:
                emulator.state.transition(running, "pause", {}, publish=True)
                emulator.state.transition(running, "resume", {}, publish=True)

            call = client.experiments.pause(running)
            outcome = await while_lost(
                emulator, "experiments.pause", call, act, applied=False
            )
            assert isinstance(outcome, OutcomeUnknownError)
            assert emulator.state.experiment(running)["status"] == "running"

    run_fast(main)


def test_a_create_with_a_key_is_found_by_it() -> None:
    """A key identifies what a lost create made."""

    async def main() -> None:
        async with served() as (emulator, client, _):
            draft = NewExperiment(settings_of(emulator), "Pricing", key="pricing")
            emulator.faults.add("reset", route=CREATE, applied=True, times=1)
            assert (await client.experiments.create(draft)).key == "pricing"
            assert emulator.log.received(CREATE) == 1

    run_fast(main)


def test_a_create_without_a_key_is_never_sent_twice() -> None:
    """Without a key nothing proves whose experiment it is, or that there is none."""

    async def main() -> None:
        async with served() as (emulator, client, _):
            draft = NewExperiment(settings_of(emulator), "Pricing")
            emulator.faults.add("reset", route=CREATE, applied=True, times=1)
            with pytest.raises(OutcomeUnknownError) as caught:
                await client.experiments.create(draft)
            (candidate,) = caught.value.candidates
            assert getattr(candidate, "name", None) == "Pricing"
            assert emulator.log.received(CREATE) == 1

    run_fast(main)


def test_candidates_are_kept_when_the_last_read_fails() -> None:
    """What an earlier read has shown is passed on, though the last one fails."""

    async def main() -> None:
        async with served() as (emulator, client, _):
            draft = NewExperiment(settings_of(emulator), "Pricing")
            emulator.faults.add("reset", route=CREATE, applied=True, times=1)
            emulator.faults.add("status", route="experiments.list", code=500, after=4)
            with pytest.raises(OutcomeUnknownError) as caught:
                await client.experiments.create(draft)
            assert len(caught.value.candidates) == 1

    run_fast(main)


def test_a_publish_is_found_by_its_marker() -> None:
    """Each publish carries a marker of its own in its notes."""

    async def main() -> None:
        async with served() as (emulator, client, draft):
            await client.experiments.start(draft, publish=False)
            emulator.faults.add(
                "reset", route="versions.publish", applied=True, times=1
            )
            version = await client.versions.publish(notes="Release")
            assert version.notes is not None
            assert version.notes.startswith("Release\n[ours-experiments ")
            assert emulator.log.received("versions.publish") == 1

    run_fast(main)


def test_a_cancelled_call_is_not_read_back() -> None:
    """Cancelling a call ends it at once, also while it waits to read back."""

    async def main() -> None:
        async with served() as (emulator, client, draft):
            fault = emulator.faults.add("reset", route=START, applied=True, times=1)
            task = asyncio.create_task(start(client, draft))
            while not fault.hits:  # noqa: ASYNC110 - the emulator announces nothing
                await asyncio.sleep(0.01)
            task.cancel()
            await asyncio.wait([task])
            assert task.cancelled()
            assert emulator.log.received() == 1

    run_fast(main)


async def start(client: Client, experiment_id: str) -> None:
    """Start an experiment."""
    await client.experiments.start(experiment_id)
