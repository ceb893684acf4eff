"""Never run: what the type checkers say of the public names."""

from collections.abc import AsyncGenerator
from datetime import date
from typing import Any, assert_type

from taskiq import AsyncTaskiqTask

from ours_experiments import (
    BulkReport,
    BulkRun,
    Client,
    DraftChanges,
    Experiment,
    ExperimentPatch,
    ExperimentStatus,
    Listing,
    NewExperiment,
    Outcome,
    OutcomeStatus,
    Page,
    Results,
    RetryPolicy,
    SessionReplay,
    Settings,
    SharedPacing,
    TimeSeries,
    Transition,
    Variant,
    Version,
    VersionSnapshot,
    from_dict,
    to_dict,
)
from ours_experiments.analysis import Analysis, Decision, Rules, decided
from ours_experiments.integrations.redis import RedisPacing
from ours_experiments.integrations.taskiq import (
    DecisionRecord,
    OutcomeRecord,
    Tasks,
    outcome_of,
)


async def endpoints(client: Client) -> None:
    """Every endpoint answers what its name says."""
    assert_type(client.experiments.list(), Listing[Experiment])
    assert_type(await client.experiments.list_page(), Page[Experiment])
    draft = NewExperiment("settings", "name")
    assert_type(await client.experiments.create(draft), Experiment)
    assert_type(await client.experiments.retrieve("id"), Experiment)
    patch = ExperimentPatch(description=None)
    assert_type(await client.experiments.update("id", patch), Experiment)
    assert_type(await client.experiments.find_by_key("key"), Experiment | None)
    assert_type(await client.experiments.start("id", publish=False), Transition)
    assert_type(await client.experiments.stop("id"), Transition)
    assert_type(await client.experiments.winner("id"), Experiment)
    assert_type(await client.experiments.results("id"), Results)
    series = await client.experiments.results_time_series(
        "id", start_date=date(2026, 1, 1)
    )
    assert_type(series, TimeSeries)
    assert_type(client.experiments.session_replays("id"), Listing[SessionReplay])
    assert_type(client.variants.list("id"), Listing[Variant])
    assert_type(await client.variants.delete("id"), Variant | None)
    assert_type(await client.settings.list(), tuple[Settings, ...])
    assert_type(await client.versions.publish(), Version)
    assert_type(await client.versions.changes("id", against="id"), DraftChanges)
    assert_type(await client.versions.snapshot("id"), VersionSnapshot)
    assert_type(await client.request("GET", "experiments"), object)


async def listings(client: Client) -> None:
    """Listings give entities, pages give tuples of them."""
    assert_type(await client.experiments.list().to_list(), list[Experiment])
    assert_type(await client.variants.list("id").to_list(limit=3), list[Variant])
    assert_type(await client.experiments.list().to_records(), list[dict[str, object]])
    async for experiment in client.experiments.list():
        assert_type(experiment, Experiment)
        assert_type(experiment.status, ExperimentStatus | str)
        assert_type(experiment.variants, tuple[Variant, ...] | None)
    async for page in client.experiments.list().pages():
        assert_type(page.entities, tuple[Experiment, ...])


async def decisions(client: Client) -> None:
    """Analyses are of results, and decisions hold the transition that they made."""
    assert_type(await client.experiments.analyze("id", rules=Rules()), Analysis)
    watched = client.experiments.watch("id", every=60)
    assert_type(watched, AsyncGenerator[Analysis, None])
    assert_type(await client.experiments.wait_for("id", decided), Analysis)
    made = await client.experiments.stop_when_decided("id", rollout=True)
    assert_type(made, Decision | None)
    many = client.bulk.analyze(client.experiments.list(), rules={"id": Rules()})
    assert_type(many, AsyncGenerator[tuple[str, Analysis], None])


async def bulk(client: Client) -> None:
    """Bulk calls give a report, streams give outcomes."""
    assert_type(await client.bulk.start(["id"], publish="once"), BulkReport)
    assert_type(await client.bulk.stop({"id": None}), BulkReport)
    run = client.bulk.stream("pause", client.experiments.list())
    assert_type(run, BulkRun)
    async for outcome in run:
        assert_type(outcome, Outcome)
        assert_type(outcome.status, OutcomeStatus)
    results = client.bulk.results(["id"])
    assert_type(results, AsyncGenerator[tuple[str, Results], None])


def options(client: Client) -> None:
    """A view is a client."""
    view = client.with_options(timeout=5.0, retry=RetryPolicy(attempts=1))
    assert_type(view, Client)


def dicts(experiment: Experiment) -> None:
    """Objects become dicts, and dicts objects of the class that is asked for."""
    assert_type(to_dict(experiment, wire=True), dict[str, Any])
    assert_type(from_dict(NewExperiment, {"name": "n"}), NewExperiment)


def refused(client: Client) -> None:
    """What the checkers refuse, they refuse."""
    client.bulk.stream("begin", [])  # type: ignore[arg-type]
    NewExperiment("settings")  # type: ignore[call-arg]
    client.experiments.list(state="draft")  # type: ignore[call-arg]


async def on_a_queue(tasks: Tasks) -> None:
    """Tasks take what the calls take, and say what comes back."""
    assert_type(await tasks.start.kiq("id"), AsyncTaskiqTask[OutcomeRecord])
    sent = await tasks.stop.kiq("id", winner_variant_id="variant")
    result = await sent.wait_result()
    assert_type(outcome_of(result.return_value), Outcome)
    stopping = await tasks.stop_when_decided.kiq("id", planned_sample=14_751)
    assert_type(stopping, AsyncTaskiqTask[DecisionRecord])
    batch = await tasks.bulk.kiq("stop", {"id": None}, publish="none")
    assert_type(await tasks.report(batch), BulkReport)


def paced() -> SharedPacing:
    """What Redis shares is what a client takes."""
    return RedisPacing("redis://localhost", rate=50)
