"""Single experiments: list, find, create, update, decide."""

import json
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from ours_experiments.cli.commands.experiments import Fields, nested_values
from ours_experiments.models import Metric, Metrics, TargetingRules
from tests.cli.runner import Ran, Service, process


Invoke = Callable[..., Ran]


@pytest.fixture
def draft(service: Service) -> str:
    """An experiment in state draft, with a metric."""
    [experiment_id] = service.seed(1)
    return experiment_id


@pytest.mark.parametrize(
    ("arguments", "count", "noted"),
    [
        pytest.param((), 50, True, id="default"),
        pytest.param(("--limit", "60"), 60, False, id="exactly-all"),
        pytest.param(("--limit", "7"), 7, True, id="limit"),
        pytest.param(("--all",), 60, False, id="all"),
    ],
)
@pytest.mark.parametrize("style", ["jsonl", "json", "csv", "table"])
def test_a_listing_says_when_there_is_more(
    service: Service,
    invoke: Invoke,
    arguments: tuple[str, ...],
    count: int,
    style: str,
    *,
    noted: bool,
) -> None:
    """A listing that is cut says so beside the output."""
    service.seed(60)
    ran = invoke("list", *arguments, "--format", style)
    assert ran.out.count("exp_") >= count
    assert ("--all" in ran.err) is noted
    if style == "json":
        assert len(ran.json) == count


def test_a_short_listing_is_one_request(service: Service, invoke: Invoke) -> None:
    """What is not shown is not asked for."""
    service.seed(300)
    invoke("list", "--limit", "5")
    assert service.emulator.log.received() == 1


@pytest.mark.parametrize("group", ["versions", "variants"])
def test_lists_of_other_things_are_complete(
    invoke: Invoke, draft: str, group: str
) -> None:
    """Versions and variants are listed as records too."""
    invoke("start", draft)
    arguments = ("list", draft) if group == "variants" else ("list", "--all")
    found = invoke(group, *arguments, "--format", "json").json
    assert len(found) == (2 if group == "variants" else 1)


def test_a_key_is_found(service: Service, invoke: Invoke, draft: str) -> None:
    """`find` shows the experiment with a key, or ends with code 5."""
    key = service.emulator.state.get(draft).key
    assert invoke("find", key, "--format", "json").json["id"] == draft
    missing = invoke("find", "no\x1bkey")
    assert missing.code == 5
    assert "\\x1bkey" in missing.err


def test_an_unknown_id_is_told(invoke: Invoke) -> None:
    """An id that nobody has ends with code 5 and a hint."""
    ran = invoke("get", "none")
    assert ran.code == 5
    assert "ours-experiments list" in ran.err


def test_options_make_an_experiment(service: Service, invoke: Invoke) -> None:
    """Every option of `create` arrives; the only settings are taken."""
    service.seed(1)
    ran = invoke(
        *("create", "Hero", "--key", "hero", "--description", "Why", "--type", "ab"),
        *("--traffic-allocation", "40", "--no-include-query-string"),
        *("--control-weight", "50", "--url-pattern", "/", "/home*"),
        *("--audience-id", "aud_1", "--primary-event", "signup"),
        *("--secondary-event", "visit", "stay", "--format", "json"),
    )
    assert ran.code == 0, ran.err
    made = ran.json
    assert made["name"] == "Hero"
    assert made["key"] == "hero"
    assert made["description"] == "Why"
    assert made["type"] == "ab"
    assert made["traffic_allocation"] == 40
    assert made["include_query_string"] is False
    assert made["targeting_rules"]["url_patterns"] == ["/", "/home*"]
    assert made["targeting_rules"]["audience_id"] == "aud_1"
    assert made["metrics"]["primary"]["event_name"] == "signup"
    assert [each["event_name"] for each in made["metrics"]["secondary"]] == [
        "visit",
        "stay",
    ]


def test_settings_must_be_named_where_there_is_a_choice(invoke: Invoke) -> None:
    """Without exactly one settings record, `--settings` is needed."""
    refused = invoke("create", "Hero")
    assert refused.code == 2
    assert "0 settings" in refused.err
    assert invoke("create", "Hero", "--settings", "none").code == 5


def test_what_is_missing_is_named(service: Service, invoke: Invoke) -> None:
    """An experiment without a name is refused before it is sent."""
    service.seed(1)
    ran = invoke("create")
    assert ran.code == 3
    assert "name" in ran.err
    assert service.emulator.log.received("experiments.create") == 0


def test_an_update_merges_what_is_nested(
    service: Service, invoke: Invoke, draft: str
) -> None:
    """Options for a part of the metrics and of the rules leave the other parts."""
    record = service.emulator.state.get(draft)
    record.metrics = {
        "primary": {"eventName": "signup", "funnelId": None},
        "secondary": [{"eventName": "visit", "funnelId": None}],
    }
    ran = invoke("update", draft, "--primary-event", "buy", "--url-pattern", "/x")
    assert ran.code == 0, ran.err
    assert record.metrics == {
        "primary": {"eventName": "buy", "funnelId": None},
        "secondary": [{"eventName": "visit", "funnelId": None}],
    }
    assert invoke("update", draft, "--audience-id", "aud_1").code == 0
    rules = invoke("get", draft, "--format", "json").json["targeting_rules"]
    assert (rules["url_patterns"], rules["audience_id"]) == (["/x"], "aud_1")


def test_a_merge_keeps_what_is_not_known() -> None:
    """Keys that this version does not know survive an option beside them."""
    metrics = Metrics(Metric("signup", additional_properties={"newKey": 1}))
    rules = TargetingRules(additional_properties={"newRule": 2})
    secondary = Fields(secondary_event=["visit"])
    assert nested_values(secondary, rules, metrics) == {
        "metrics": Metrics(metrics.primary, (Metric("visit"),))
    }
    fields = Fields(primary_event="buy", url_pattern=["/"])
    assert nested_values(fields, rules, metrics) == {
        "metrics": Metrics(Metric("buy", additional_properties={"newKey": 1})),
        "targeting_rules": TargetingRules(("/",), additional_properties={"newRule": 2}),
    }


def test_an_update_clears(service: Service, invoke: Invoke, draft: str) -> None:
    """`--clear` empties fields."""
    invoke("update", draft, "--description", "Old")
    ran = invoke("update", draft, "--clear", "description", "metrics")
    assert ran.code == 0, ran.err
    record = service.emulator.state.get(draft)
    assert (record.description, record.metrics) == (None, None)


def test_an_update_of_nothing_is_refused(invoke: Invoke, draft: str) -> None:
    """An update without a change is a matter of configuration."""
    ran = invoke("update", draft)
    assert ran.code == 3
    assert "no field is given" in ran.err


def test_what_get_wrote_can_be_sent_back(
    service: Service, invoke: Invoke, draft: str, tmp_path: Path
) -> None:
    """`get --format json` makes a file for `update --from` and `create --from`."""
    record = service.emulator.state.get(draft)
    record.targeting_rules = {
        "urlPatterns": ["/a*"],
        "visitorProperties": {"my_plan": {"url_patterns": 1}},
        "queryParams": [{"key": "q", "operator": "exists", "value": None}],
    }
    path = tmp_path / "experiment.json"
    path.write_text(invoke("get", draft, "--format", "json").out)
    ran = invoke("update", draft, "--from", path)
    assert ran.code == 0, ran.err
    assert "not sent, since they cannot be set: id, " in ran.err
    after = record.targeting_rules
    assert after is not None
    assert after["urlPatterns"] == ["/a*"]
    assert after["visitorProperties"] == {"my_plan": {"url_patterns": 1}}
    copied = invoke("create", "--from", path, "--key", "copy", "--format", "json")
    assert copied.json["targeting_rules"]["url_patterns"] == ["/a*"]


@pytest.mark.parametrize("spelling", ["dom_modifications", "domModifications"])
def test_a_variant_comes_from_a_file(
    invoke: Invoke, draft: str, tmp_path: Path, spelling: str
) -> None:
    """Modifications are read from a file, spelled either way."""
    path = tmp_path / "variant.json"
    modifications = [{"selector": "h1", "action": "setText", "value": "Hi"}]
    path.write_text(json.dumps({"name": "Bold", spelling: modifications}))
    ran = invoke(
        *("variants", "create", draft, "--weight", "10"),
        *("--from", path, "--format", "json"),
    )
    assert ran.code == 0, ran.err
    assert ran.json["name"] == "Bold"
    assert ran.json["dom_modifications"][0]["selector"] == "h1"
    path.write_text(json.dumps({spelling: [{**modifications[0], "value": "Ho"}]}))
    changed = invoke(
        *("variants", "update", ran.json["id"], "--weight", "20"),
        *("--from", path, "--format", "json"),
    )
    assert changed.json["weight"] == 20
    assert changed.json["dom_modifications"][0]["value"] == "Ho"


def test_a_file_may_be_yaml(
    invoke: Invoke, draft: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """YAML is read where PyYAML is installed, and where it is not, that is said."""
    path = tmp_path / "fields.yaml"
    path.write_text("name: From YAML\ntargetingRules:\n  urlPatterns: [/y]\n")
    ran = invoke("update", draft, "--from", path, "--format", "json")
    assert ran.json["name"] == "From YAML"
    assert ran.json["targeting_rules"]["url_patterns"] == ["/y"]
    path.write_text("a: [")
    assert invoke("update", draft, "--from", path).code == 3
    monkeypatch.setitem(sys.modules, "yaml", None)
    refused = invoke("update", draft, "--from", path)
    assert refused.code == 3
    assert "PyYAML" in refused.err


def test_fields_come_from_standard_input(service: Service, draft: str) -> None:
    """`--from -` reads JSON from standard input."""
    ran = process(
        *("update", draft, "--from", "-"),
        env=service.environment,
        stdin='{"name": "Piped"}',
    )
    assert ran.code == 0, ran.err
    assert service.emulator.state.get(draft).name == "Piped"


@pytest.mark.parametrize(
    ("content", "told"),
    [
        pytest.param("[]", "object of fields", id="array"),
        pytest.param("{", "Expecting", id="broken"),
        pytest.param('{"nmae": "x"}', "'nmae'", id="unknown-field"),
        pytest.param('{"metrics": 5}', "$.metrics", id="nested"),
        pytest.param("[" * 5000 + "]" * 5000, "nested too deeply", id="deep"),
        pytest.param(
            f'{{"metrics": {"[" * 800}{"]" * 800}}}',
            "nested too deeply",
            id="deep-field",
        ),
        pytest.param('{"name": 5}', "name", id="kind"),
        pytest.param('{"traffic_allocation": 101}', "0 to 100", id="range"),
    ],
)
def test_a_bad_file_is_told(
    service: Service, invoke: Invoke, tmp_path: Path, content: str, told: str
) -> None:
    """What is wrong with a file is said before anything is sent."""
    path = tmp_path / "fields.json"
    path.write_text(content)
    ran = invoke("update", "exp", "--from", path)
    assert ran.code == 3
    assert told in ran.err
    assert service.emulator.log.received() == 0


def test_a_null_in_a_file_clears(
    service: Service, invoke: Invoke, draft: str, tmp_path: Path
) -> None:
    """Null in a file is the same as `--clear`."""
    path = tmp_path / "fields.json"
    path.write_text('{"metrics": null}')
    assert invoke("update", draft, "--from", path).code == 0
    assert service.emulator.state.get(draft).metrics is None


def test_settings_are_changed_and_cleared(service: Service, invoke: Invoke) -> None:
    """Settings take a name and domains, and lose them by `--clear`."""
    made = invoke(
        *("settings", "create", "Shop", "--domain", "a.example", "b.example"),
        *("--cookie-name", "_c", "--format", "json"),
    ).json
    assert made["whitelist_domains"] == ["a.example", "b.example"]
    changed = invoke(
        *("settings", "update", made["id"], "--clear", "domain"),
        *("--name", "Store", "--format", "json"),
    ).json
    assert (changed["name"], changed["whitelist_domains"]) == ("Store", None)
    assert service.emulator.log.received("settings.update") == 1


def test_a_winner_and_a_rollout_are_decided(service: Service, invoke: Invoke) -> None:
    """A completed experiment gets a winner and a rollout, and loses them again."""
    [done] = service.seed(1, "completed")
    _, variant = service.variant_ids(done)
    declared = invoke("winner", done, variant, "--format", "json").json
    assert declared["winner_variant_id"] == variant
    cleared = invoke("winner", done, "--clear", "--format", "json").json
    assert cleared["winner_variant_id"] is None
    rolled = invoke("rollout", done, variant, "--yes", "--format", "json").json
    assert rolled["publish_status"] == "published"
    assert rolled["rollout_variant_id"] == variant
    ended = invoke("end-rollout", done, "--yes", "--format", "json").json
    assert ended["rollout_variant_id"] is None


@pytest.mark.parametrize("arguments", [(), ("var_1", "--clear")], ids=["none", "both"])
def test_a_winner_is_named_or_cleared(
    service: Service, invoke: Invoke, arguments: tuple[str, ...]
) -> None:
    """`winner` takes either a variant or `--clear`."""
    assert invoke("winner", "exp_1", *arguments).code == 2
    assert service.emulator.log.received() == 0


def test_versions_are_shown_and_made_live_again(
    service: Service, invoke: Invoke
) -> None:
    """An earlier version can be published again; the list marks what is live."""
    for experiment_id in service.seed(3):
        invoke("start", experiment_id)
    everything = invoke("versions", "list", "--format", "json").json
    before = service.emulator.log.received("versions.list")
    cut = invoke("versions", "list", "--limit", "1")
    assert "--all" in cut.err
    assert service.emulator.log.received("versions.list") == before + 1
    oldest = everything[-1]["id"]
    assert invoke("versions", "republish", oldest, "--yes").code == 0
    live = invoke("versions", "list", "--published", "--format", "json").json
    assert [each["id"] for each in live] == [oldest]


@pytest.mark.parametrize("style", ["json", "jsonl", "csv"])
def test_changes_are_records(invoke: Invoke, draft: str, style: str) -> None:
    """What a publish would ship is written for programs too."""
    invoke("start", draft, "--publish", "none")
    ran = invoke("versions", "changes", "--format", style)
    assert draft in ran.out
    if style == "json":
        assert ran.json["count"] >= 1


def test_only_named_experiments_are_published(service: Service, invoke: Invoke) -> None:
    """`versions publish --experiment` leaves what others have staged."""
    mine, other = service.seed(2)
    invoke("start", mine, other, "--publish", "none")
    assert invoke("versions", "publish", "--experiment", mine, "--yes").code == 0
    left = invoke("versions", "changes", "--format", "jsonl")
    assert other in left.out
    assert mine not in left.out
