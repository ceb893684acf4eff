"""Objects to plain dicts and back."""

import json
import math
from datetime import UTC, date, datetime
from typing import Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ours_experiments import (
    BadRequestError,
    BulkReport,
    Client,
    ConfigurationError,
    ConflictError,
    Experiment,
    ExperimentPatch,
    ExperimentType,
    Metric,
    Metrics,
    NewExperiment,
    NewVariant,
    Outcome,
    OutcomeStatus,
    Results,
    SettingsPatch,
    TargetingRules,
    VariantPatch,
    from_dict,
    to_dict,
)
from ours_experiments._codec.converter import encode
from ours_experiments.analysis import analyze
from ours_experiments.emulator import Emulator
from tests.support import strategies


drafts = strategies.bodies.map(lambda body: body[0])
models = strategies.answers.map(lambda answer: answer[0])


@given(drafts)
def test_drafts_survive(draft: Any) -> None:
    """A draft comes back from its dict, also through JSON text."""
    plain = to_dict(draft)
    assert from_dict(type(draft), plain) == draft
    assert from_dict(type(draft), json.loads(json.dumps(plain))) == draft


@given(models)
def test_models_survive(model: Any) -> None:
    """So does everything that the API answers."""
    plain = to_dict(model)
    again = from_dict(type(model), json.loads(json.dumps(plain, allow_nan=False)))
    assert again == model


@given(drafts)
def test_drafts_as_they_are_sent(draft: Any) -> None:
    """With the API's names, a draft is what would be sent."""
    body = json.loads(json.dumps(to_dict(draft, wire=True)))
    assert body == json.loads(json.dumps(encode(draft), default=list))


@given(models)
def test_models_as_json(model: Any) -> None:
    """With the API's names, too, every model is JSON."""
    json.dumps(to_dict(model, wire=True), allow_nan=False)


async def test_experiment_as_the_service_spells_it(
    client: Client, emulator: Emulator
) -> None:
    """An experiment with the API's names is what the service answered."""
    [running] = emulator.seed_experiments(1, status="running")
    answer: Any = await client.request("GET", "experiments", running)
    answer["metrics"]["secondary"] = []  # Null and none are the same to a reader.
    experiment = await client.experiments.retrieve(running)
    assert to_dict(experiment, wire=True) == answer
    plain = to_dict(experiment)
    assert plain["created_at"] == answer["createdAt"]
    assert plain["variants"][0]["is_control"] is True
    assert from_dict(Experiment, answer) == experiment


def test_unknown_keys() -> None:
    """Unknown keys stand apart, or with the API's names beside the others."""
    metric = Metric("bought", additional_properties={"window": {"days": 7}})
    assert to_dict(metric) == {
        "event_name": "bought",
        "funnel_id": None,
        "additional_properties": {"window": {"days": 7}},
    }
    assert to_dict(metric, wire=True) == {
        "eventName": "bought",
        "funnelId": None,
        "window": {"days": 7},
    }
    assert "additional_properties" not in to_dict(Metric("bought"))


def test_unset_fields_are_left_out() -> None:
    """A patch has what is set, and None where that clears a field."""
    patch = ExperimentPatch(description=None, traffic_allocation=50)
    plain = {"description": None, "traffic_allocation": 50}
    assert to_dict(patch) == plain
    assert from_dict(ExperimentPatch, plain) == patch


def test_reports() -> None:
    """A report has its outcomes, and errors as dicts."""
    error = ConflictError(409, "it is running", method="POST", path="/x")
    outcome = Outcome("exp_1", "start", OutcomeStatus.FAILED, error=error)
    report = BulkReport("start", (outcome,), 1.5)
    plain = json.loads(json.dumps(to_dict(report)))
    assert plain["outcomes"][0]["status"] == "failed"
    assert plain["outcomes"][0]["error"]["type"] == "ConflictError"
    assert plain["outcomes"][0]["error"]["message"] == str(error)
    assert plain["outcomes"][0]["error"]["status"] == 409
    assert "experimentId" in to_dict(report, wire=True)["outcomes"][0]


async def test_analyses(client: Client, emulator: Emulator) -> None:
    """An analysis is JSON, with its verdict as text and its days as dates."""
    [running] = emulator.seed_experiments(1, status="running")
    emulator.simulate(running, days=15, visitors_per_day=500)
    experiment = await client.experiments.retrieve(running)
    results = await client.experiments.results(running)
    series = await client.experiments.results_time_series(running)
    analysis = analyze(experiment, results, series)
    plain = to_dict(analysis)
    json.dumps(plain, allow_nan=False)
    assert plain["verdict"] == analysis.verdict.value
    assert plain["rules"]["alpha"] == analysis.rules.alpha


@attrs.frozen
class Figures:
    """Values of kinds that an analysis may hold."""

    day: date
    share: float
    limits: tuple[float, float]
    by_status: dict[OutcomeStatus, int]


def test_values() -> None:
    """Days are ISO text, keys text, and what is no number None."""
    figures = Figures(
        date(2026, 5, 1), math.inf, (0.5, math.nan), {OutcomeStatus.APPLIED: 1}
    )
    assert to_dict(figures) == {
        "day": "2026-05-01",
        "share": None,
        "limits": [0.5, None],
        "by_status": {"applied": 1},
    }


@pytest.mark.parametrize("value", [None, 7, "text", {}, [], Experiment])
def test_what_is_no_object(value: object) -> None:
    """What is no model, draft, report or analysis is refused."""
    with pytest.raises(ConfigurationError, match="must be a model, draft, report"):
        to_dict(value)


def test_a_client_is_no_object(client: Client) -> None:
    """A client's parts, which reach the API key, are refused."""
    for value in (client, client.experiments, client.bulk):
        with pytest.raises(ConfigurationError, match="must be a model, draft"):
            to_dict(value)


@pytest.mark.parametrize("spell", [str, lambda name: name.title().replace("_", "")])
def test_either_spelling(spell: Any) -> None:
    """A draft is read with the names of this package or of the API."""
    settings, rules = "experiment_settings_id", "targeting_rules"
    data = {
        ("experimentSettingsId" if spell is not str else settings): "s",
        "name": "n",
        "type": "ab",
        ("targetingRules" if spell is not str else rules): {
            ("urlPatterns" if spell is not str else "url_patterns"): ["/a"],
            "query_params": [{"key": "k", "operator": "exists"}],
        },
    }
    draft = from_dict(NewExperiment, data)
    assert draft.type is ExperimentType.AB
    assert draft.targeting_rules is not None
    assert draft.targeting_rules.url_patterns == ("/a",)
    assert draft.targeting_rules.query_params[0].key == "k"


def new(**fields: object) -> dict[str, object]:
    """Have the data of an experiment, complete beside the fields."""
    return {"experiment_settings_id": "s", "name": "n", **fields}


@pytest.mark.parametrize(
    ("cls", "data", "message"),
    [
        pytest.param(
            NewExperiment,
            new(descripton="d"),
            "descripton is not a field of NewExperiment; did you mean description?",
            id="typo",
        ),
        pytest.param(
            NewExperiment,
            new(targetingRules={"urlPattern": []}),
            r"targeting_rules\.urlPattern is not a field of TargetingRules; did you "
            r"mean url_patterns\?",
            id="typo-below",
        ),
        pytest.param(
            NewVariant,
            {
                "experiment_id": "e",
                "name": "n",
                "weight": 50,
                "dom_modifications": [
                    {"selector": "h1", "action": "setText", "value": "a"},
                    {"selector": "h1", "action": "remove", "colour": "red"},
                ],
            },
            r"dom_modifications\[1\]\.colour is not a field of DomModification; it has",
            id="in-a-list",
        ),
        pytest.param(
            NewExperiment,
            {"name": "n"},
            "experiment_settings_id must be g",
            id="missing",
        ),
        pytest.param(NewExperiment, new(name=3), "name must be str, not int", id="int"),
        pytest.param(
            NewExperiment,
            new(type="abc"),
            "type must be one of ab, multivariate",
            id="enum",
        ),
        pytest.param(
            NewExperiment,
            new(includeQueryString=True, include_query_string=True),
            "include_query_string must be given once only",
            id="twice",
        ),
        pytest.param(
            NewExperiment,
            new(targeting_rules=[]),
            "targeting_rules must be a mapping, not list",
            id="list",
        ),
        pytest.param(
            NewExperiment,
            new(targeting_rules={"url_patterns": "/a"}),
            r"targeting_rules\.url_patterns must be a list, not str",
            id="text-for-list",
        ),
        pytest.param(
            NewExperiment,
            new(metrics={"primary": {"event_name": " "}}),
            r"metrics\.primary\.event_name must be text",
            id="validated",
        ),
        pytest.param(NewExperiment, [], "data must be a mapping, not list", id="data"),
        pytest.param(SettingsPatch, {}, "SettingsPatch: no field", id="empty"),
        pytest.param(
            VariantPatch, {"weight": "1"}, "weight must be int, not str", id="text"
        ),
        pytest.param(dict, {}, "cls must be the class of a model", id="class"),
        pytest.param(
            Experiment,
            {"created_at": "soon"},
            "created_at must be timestamp",
            id="time",
        ),
    ],
)
def test_refused(cls: Any, data: Any, message: str) -> None:
    """What is wrong is refused with its path."""
    with pytest.raises(ConfigurationError, match=f"^{message}"):
        from_dict(cls, data)


def test_objects_within() -> None:
    """Times and objects that are made already, as by YAML, are taken as they are."""
    rules = TargetingRules(["/a"])
    draft = from_dict(NewExperiment, new(targeting_rules=rules, metrics=Metrics()))
    assert draft.targeting_rules is rules
    moment = datetime(2026, 5, 1, tzinfo=UTC)
    data = new(id="e", key="k", status="new state", traffic_allocation=100)
    del data["experiment_settings_id"]
    experiment = from_dict(Experiment, data | {"created_at": moment})
    assert experiment.created_at is moment
    assert experiment.status == "new state"


@given(st.dictionaries(strategies.text, strategies.json_values, max_size=3))
def test_any_data(data: dict[str, object]) -> None:
    """Whatever a file holds becomes a draft, or an error that a person can read."""
    for cls in (NewExperiment, ExperimentPatch, NewVariant, Results, BadRequestError):
        with pytest.raises(ConfigurationError):
            from_dict(cls, data)
