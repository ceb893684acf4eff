"""Creates whose reply is lost: what counts as found, as absent, and as neither."""

import asyncio
import time
from datetime import timedelta
from typing import Any

import pytest

from ours_experiments import (
    Client,
    Experiment,
    ExperimentPatch,
    Metric,
    Metrics,
    NewExperiment,
    OursError,
    OutcomeUnknownError,
)
from ours_experiments._writes.matching import is_form_of
from ours_experiments._writes.service_time import elapsed
from ours_experiments.emulator import Emulator
from tests._writes.support import served, settings_of, while_lost
from tests.support.clock import SPEED, run_fast


CREATE = "experiments.create"
NAME = "Größere Überschrift for the pricing page"
KEY = "Groessere Ueberschrift Pricing 2026"


def lose(emulator: Emulator, *, applied: bool, times: int | None = 1) -> None:
    """Lose the replies to creates."""
    emulator.faults.add("reset", route=CREATE, applied=applied, times=times)


async def outcome_of(client: Client, draft: NewExperiment) -> Experiment | OursError:
    """Create; an error of this package is the outcome."""
    try:
        return await client.experiments.create(draft)
    except OursError as error:
        return error


def count(emulator: Emulator) -> int:
    """Count the experiments beside the one that was there."""
    return len(emulator.state.experiments()) - 1


@pytest.mark.parametrize("key", ["", "   ", "\t", "\u200b", "--"])
def test_a_blank_key_is_no_key(key: str) -> None:
    """The service makes a key of its own then, which no search can foresee."""

    async def main() -> None:
        async with served() as (emulator, client, _):
            lose(emulator, applied=True)
            draft = NewExperiment(settings_of(emulator), "Pricing", key=key)
            outcome = await outcome_of(client, draft)
            assert isinstance(outcome, OutcomeUnknownError)
            assert count(emulator) == 1

    run_fast(main)


@pytest.mark.parametrize(
    "service",
    [
        pytest.param({"normalize_names": ["trim"]}, id="trimmed name"),
        pytest.param({"normalize_names": ["casefold"]}, id="folded name"),
        pytest.param({"normalize_names": ["slug"]}, id="slug of the name"),
        pytest.param({"normalize_names": ["cut:16"]}, id="cut name"),
        pytest.param({"normalize_keys": ["casefold"]}, id="folded key"),
        pytest.param({"normalize_keys": ["slug"]}, id="slug of the key"),
        pytest.param({"normalize_keys": ["cut:12"]}, id="cut key"),
        pytest.param({"normalize_keys": ["slug", "suffix"]}, id="numbered key"),
        pytest.param(
            {
                "normalize_names": ["trim", "cut:20", "suffix"],
                "normalize_keys": ["slug", "cut:12", "suffix"],
            },
            id="everything",
        ),
    ],
)
def test_a_service_that_keeps_other_texts(service: dict[str, Any]) -> None:
    """However the service spells name and key, what exists is not created again."""

    async def main() -> None:
        async with served(emulator=service) as (emulator, client, _):
            lose(emulator, applied=True)
            draft = NewExperiment(settings_of(emulator), f"  {NAME} ", key=KEY)
            outcome = await outcome_of(client, draft)
            assert count(emulator) == 1
            if isinstance(outcome, OutcomeUnknownError):
                assert len(outcome.candidates) == 1
            else:
                assert isinstance(outcome, Experiment)

    run_fast(main)


@pytest.mark.parametrize("skew", [-86_400, -5, 5, 86_400])
@pytest.mark.parametrize("applied", [True, False])
def test_clocks_that_differ(skew: float, *, applied: bool) -> None:
    """No two clocks need to agree for an experiment not to be created twice."""

    async def main() -> None:
        async with served(emulator={"clock_skew": skew}) as (emulator, client, _):
            lose(emulator, applied=applied)
            draft = NewExperiment(settings_of(emulator), "Pricing", key="pricing")
            outcome = await outcome_of(client, draft)
            assert count(emulator) == 1
            if abs(skew) < 60:
                assert isinstance(outcome, Experiment)

    run_fast(main)


@pytest.mark.parametrize(("delay", "lag"), [(0.0, 4.0), (1.5, 4.0), (0.0, 9.0)])
def test_a_list_that_lags(delay: float, lag: float) -> None:
    """A list that shows an experiment less than 10 s late is asked late enough."""

    async def main() -> None:
        async with served() as (emulator, client, _):
            # The emulator's clock is the real one, and counts milliseconds.
            emulator.state.index._delay = round(lag / SPEED * 1000)
            emulator.faults.add("late", route=CREATE, delay=delay, times=1)
            draft = NewExperiment(settings_of(emulator), "Pricing", key="pricing")
            await client.experiments.create(draft)
            await asyncio.sleep(5)
            assert count(emulator) == 1

    run_fast(main)


def test_others_change_the_list_meanwhile() -> None:
    """The experiment is found behind a page of others that were changed since."""

    async def main() -> None:
        async with served() as (emulator, client, _):
            others = emulator.seed_experiments(150)

            def act() -> None:
                for other in others:
                    emulator.state.patch(other, {"description": "changed"})

            draft = NewExperiment(settings_of(emulator), "Pricing", key="pricing")
            call = client.experiments.create(draft)
            outcome = await while_lost(emulator, CREATE, call, act, applied=True)
            assert isinstance(outcome, Experiment)
            assert emulator.log.received(CREATE) == 1

    run_fast(main)


@pytest.mark.parametrize(
    "other",
    [
        pytest.param({"description": "another"}, id="another description"),
        pytest.param({"trafficAllocation": 50}, id="another allocation"),
        pytest.param({"type": "personalization"}, id="another type"),
        pytest.param({"controlWeight": 40}, id="another weight"),
        pytest.param(
            {"metrics": {"primary": {"eventName": "buy"}}}, id="another metric"
        ),
        pytest.param({"targetingRules": {"urlPatterns": ["/b"]}}, id="another target"),
    ],
)
def test_an_experiment_of_other_contents_is_not_adopted(other: dict[str, Any]) -> None:
    """Another person's experiment of the same key is a candidate, never the result."""

    async def main() -> None:
        async with served() as (emulator, client, _):
            settings_id = settings_of(emulator)
            values: dict[str, Any] = {
                "experimentSettingsId": settings_id,
                "name": "Pricing",
                "key": "pricing",
                "metrics": {"primary": {"eventName": "signup"}},
            }
            draft = NewExperiment(
                settings_id,
                "Pricing",
                key="pricing",
                type="ab",
                traffic_allocation=100,
                control_weight=100,
                description="mine",
                metrics=Metrics(Metric("signup")),
            )
            outcome = await while_lost(
                emulator,
                CREATE,
                client.experiments.create(draft),
                lambda: emulator.state.create(
                    {**values, "description": "mine", **other}
                ),
                applied=False,
            )
            if "targetingRules" in other:
                # The draft leaves them to the service, which may choose any.
                assert isinstance(outcome, Experiment)
            else:
                assert isinstance(outcome, OutcomeUnknownError)
                assert len(outcome.candidates) == 1
            assert count(emulator) == 1

    run_fast(main)


def test_null_and_absent_are_the_same_contents() -> None:
    """A service that fills fields with null has not changed the contents."""

    async def main() -> None:
        async with served() as (emulator, client, _):
            lose(emulator, applied=True)
            draft = NewExperiment(
                settings_of(emulator),
                "Pricing",
                key="pricing",
                metrics=Metrics(Metric("signup"), (Metric("buy"),)),
            )
            assert isinstance(await outcome_of(client, draft), Experiment)

    run_fast(main)


@pytest.mark.parametrize("applied", [True, False])
def test_numbered_keys_are_different_keys(*, applied: bool) -> None:
    """Experiments of one series, created at once, are told apart by their keys."""

    async def main() -> None:
        async with served() as (emulator, client, _):
            settings_id = settings_of(emulator)
            drafts = [
                NewExperiment(settings_id, "Greeting", key=f"greeting-{number}")
                for number in range(1, 13)
            ]
            lose(emulator, applied=applied, times=12)
            made = await asyncio.gather(*map(client.experiments.create, drafts))
            assert [row.key for row in made] == [draft.key for draft in drafts]
            assert len({row.id for row in made}) == 12
            assert count(emulator) == 12

    run_fast(main)


def test_a_numbered_key_beside_an_older_one() -> None:
    """Another person's greeting-1 and greeting-12 do not keep greeting-10 unsettled."""

    async def main() -> None:
        async with served() as (emulator, client, _):
            settings_id = settings_of(emulator)
            for number in (1, 12, 100):
                emulator.state.create(
                    {
                        "experimentSettingsId": settings_id,
                        "name": f"Greeting {number}",
                        "key": f"greeting-{number}",
                    }
                )
            lose(emulator, applied=False)
            draft = NewExperiment(settings_id, "Greeting 10", key="greeting-10")
            assert (await client.experiments.create(draft)).key == "greeting-10"
            assert count(emulator) == 4

    run_fast(main)


@pytest.mark.parametrize("applied", [(True, True), (True, False), (False, False)])
def test_two_creates_never_get_one_experiment(applied: tuple[bool, bool]) -> None:
    """Two equal drafts are two experiments, or their outcomes are unknown."""

    async def main() -> None:
        async with served() as (emulator, client, _):
            draft = NewExperiment(settings_of(emulator), "Pricing", key="pricing")
            for one in applied:
                lose(emulator, applied=one)
            outcomes = await asyncio.gather(
                outcome_of(client, draft), outcome_of(client, draft)
            )
            made = [row.id for row in outcomes if isinstance(row, Experiment)]
            assert len(set(made)) == len(made)
            assert count(emulator) <= 2

    run_fast(main)


def test_what_another_call_got_is_not_found_again() -> None:
    """The result of one create is no candidate of the next."""

    async def main() -> None:
        async with served() as (emulator, client, _):
            draft = NewExperiment(settings_of(emulator), "Pricing", key="pricing")
            first = await client.experiments.create(draft)
            lose(emulator, applied=False)
            second = await client.experiments.create(draft)
            assert second.id != first.id
            assert count(emulator) == 2

    run_fast(main)


async def test_a_slept_machine_counts_the_time_that_passed(client: Client) -> None:
    """While a machine sleeps its event loop's clock stands still, others do not."""
    call = client._session.call()
    assert elapsed(call) < timedelta(seconds=2)
    call.timestamp = time.time() - 3600
    assert elapsed(call) >= timedelta(hours=1)


def test_a_changed_experiment_is_still_the_one() -> None:
    """An experiment that somebody renamed after it was made is found by its key."""

    async def main() -> None:
        async with served() as (emulator, client, _):
            draft = NewExperiment(settings_of(emulator), "Pricing", key="pricing")

            def rename() -> None:
                made = emulator.state.experiments()[0]["id"]
                emulator.state.patch(str(made), {"name": "Something else"})

            call = client.experiments.create(draft)
            outcome = await while_lost(emulator, CREATE, call, rename, applied=True)
            assert isinstance(outcome, OutcomeUnknownError)
            assert count(emulator) == 1

    run_fast(main)


def test_a_conflict_over_a_key_that_the_list_does_not_show() -> None:
    """409 after a lost reply contradicts a list that shows nothing: unknown."""

    async def main() -> None:
        async with served(emulator={"unique_keys": True}) as (emulator, client, _):
            emulator.state.index._delay = 10_000
            lose(emulator, applied=True)
            draft = NewExperiment(settings_of(emulator), "Pricing", key="pricing")
            outcome = await outcome_of(client, draft)
            assert isinstance(outcome, OutcomeUnknownError)
            assert count(emulator) == 1

    run_fast(main)


@pytest.mark.parametrize(
    ("found", "wanted"),
    [
        ("pricing-page", "Pricing page"),
        ("PRICING PAGE", "pricing_page"),
        ("pricing-page-2", "Pricing page"),
        ("pricing-page-a7f3", "Pricing page"),
        ("Pricing page (3)", "Pricing page"),
        ("pricing2", "pricing"),
        ("pricing-p", "Pricing page"),
        ("pricing-p-2", "Pricing page"),
        ("grosse-uberschrift", "Große Überschrift"),
        ("groe-uberschrift", "Große Überschrift"),
        ("日本", " 日本 "),
        ("!!", "!!"),
    ],
)
def test_forms_that_a_service_may_make(found: str, wanted: str) -> None:
    """Case, blanks, punctuation, slugs, cuts and suffixes are recognized."""
    assert is_form_of(found, wanted)


@pytest.mark.parametrize(
    ("found", "wanted"),
    [
        ("greeting-10", "greeting-1"),
        ("greeting-1", "greeting-10"),
        ("greeting-12", "greeting-1"),
        ("pricing-banner", "pricing"),
        ("price", "Pricing page"),
        ("checkout", "pricing"),
        ("!!", "??"),
        ("", "pricing"),
        ("日本", "中国"),
    ],
)
def test_forms_of_something_else(found: str, wanted: str) -> None:
    """Other members of a numbered series, and longer texts, are other texts."""
    assert not is_form_of(found, wanted)


def test_the_experiment_is_updated_afterwards() -> None:
    """What was found can be used like any answer."""

    async def main() -> None:
        async with served() as (emulator, client, _):
            lose(emulator, applied=True)
            draft = NewExperiment(settings_of(emulator), "Pricing", key="pricing")
            made = await client.experiments.create(draft)
            changed = await client.experiments.update(
                made.id, ExperimentPatch(name="Prices")
            )
            assert changed.name == "Prices"

    run_fast(main)
