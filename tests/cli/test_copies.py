"""`create --from`: whole copies, misspelled fields, and keys that exist."""

import json
from pathlib import Path

import pytest

from tests.cli.runner import Invoke, Service


@pytest.fixture
def copied(service: Service, invoke: Invoke, tmp_path: Path) -> Path:
    """A file that `get --format json` wrote, of an experiment with three variants."""
    [experiment_id] = service.seed(1, variants=3)
    control, second, third = service.emulator.state.get(experiment_id).variants
    control.name = "Now"
    control.weight, second.weight, third.weight = 60, 30, 10
    third.variant_type, third.redirect_url = "dom_modifications", None
    third.dom_modifications = [
        {"selector": "h1", "action": "setText", "value": "Hi"},
    ]
    path = tmp_path / "experiment.json"
    path.write_text(invoke("get", experiment_id, "--format", "json").out)
    return path


def variants_of(record: dict[str, object]) -> list[object]:
    """Return what visitors see of the variants of an experiment."""
    variants = record["variants"]
    assert isinstance(variants, list)
    shown = ("name", "weight", "is_control", "redirect_url", "dom_modifications")
    return [tuple(variant[key] for key in shown) for variant in variants]


def test_a_copy_has_all_variants(invoke: Invoke, copied: Path) -> None:
    """A file of `get` makes an experiment with the same variants and weights."""
    ran = invoke("create", "--from", copied, "--key", "copy", "--format", "json")
    assert ran.code == 0, ran.err
    written = invoke("get", ran.json["id"], "--format", "json").json
    assert variants_of(written) == variants_of(json.loads(copied.read_text()))
    assert variants_of(ran.json) == variants_of(written)
    assert "variants" not in ran.err


def test_a_copy_that_is_cut_short_says_what_exists(
    service: Service, invoke: Invoke, copied: Path
) -> None:
    """If a variant is refused, the error names the experiment that was created."""
    service.emulator.faults.add("status", code=400, route="variants.create", after=1)
    ran = invoke("create", "--from", copied, "--key", "copy")
    assert ran.code == 1
    [made] = [
        record
        for record in service.emulator.state.experiments()
        if record["key"] == "copy"
    ]
    assert str(made["id"]) in ran.err
    assert "2 of 3" in ran.err


@pytest.mark.parametrize(
    ("content", "named"),
    [
        pytest.param({"nmae": "x"}, ("'nmae'", "'name'"), id="top"),
        pytest.param(
            {"metrics": {"primray": {"event_name": "a"}}},
            ("metrics", "'primray'", "'primary'"),
            id="metrics",
        ),
        pytest.param(
            {"targetingRules": {"urlPattern": ["/"]}},
            ("targeting", "'urlPattern'", "'urlPatterns'"),
            id="rules",
        ),
        pytest.param(
            {"metrics": {"secondary": [{"eventname": "a"}]}},
            ("secondary[0]", "'eventname'", "'event_name'"),
            id="list",
        ),
        pytest.param(
            {"variants": [{"name": "B", "wieght": 5}]},
            ("variants[0]", "'wieght'", "'weight'"),
            id="variant",
        ),
        pytest.param(
            {"variants": [{"name": "B", "domModifications": [{"selectr": "h1"}]}]},
            ("variants[0]", "'selectr'", "'selector'"),
            id="modification",
        ),
    ],
)
def test_a_misspelled_field_is_an_error(
    service: Service,
    invoke: Invoke,
    tmp_path: Path,
    content: dict[str, object],
    named: tuple[str, ...],
) -> None:
    """An unknown field at any level names its place and what was probably meant."""
    service.seed(1)
    before = service.emulator.log.received()
    path = tmp_path / "experiment.json"
    path.write_text(json.dumps({"name": "Hero", **content}))
    ran = invoke("create", "--from", path)
    assert ran.code == 3
    assert "did you mean" in ran.err
    for part in named:
        assert part in ran.err
    assert service.emulator.log.received() == before


@pytest.mark.parametrize(
    "content",
    ["1: x", "on: x", "null: x", "2026-01-01: x", "metrics: {1: x}"],
    ids=["number", "switch", "null", "date", "nested"],
)
def test_a_key_of_yaml_that_is_no_text_is_an_error(
    service: Service, invoke: Invoke, tmp_path: Path, content: str
) -> None:
    """YAML reads `1:` and `on:` as a number and a boolean: unknown fields, one line."""
    service.seed(1)
    path = tmp_path / "experiment.yaml"
    path.write_text(f"name: Hero\n{content}\n")
    ran = invoke("create", "--from", path)
    assert ran.code == 3
    assert "unknown field" in ran.err
    assert ran.err.count("\n") == 1


def test_the_users_own_keys_are_no_fields(
    service: Service, invoke: Invoke, tmp_path: Path
) -> None:
    """Keys of visitor properties and of attributes are not checked."""
    service.seed(1)
    path = tmp_path / "experiment.json"
    rules = {"visitorProperties": {"urlPattern": {"primray": 1}}}
    path.write_text(json.dumps({"name": "Hero", "targetingRules": rules}))
    assert invoke("create", "--from", path).code == 0


@pytest.mark.parametrize("source", ["option", "file"])
def test_a_key_that_exists_is_refused(
    service: Service, invoke: Invoke, tmp_path: Path, source: str
) -> None:
    """A second experiment with a key needs `--allow-duplicate-key`; else code 6."""
    [experiment_id] = service.seed(1)
    key = service.emulator.state.get(experiment_id).key
    path = tmp_path / "experiment.json"
    path.write_text(json.dumps({"name": "Hero", "key": key}))
    words = ("Hero", "--key", key) if source == "option" else ("--from", path)
    ran = invoke("create", *words)
    assert ran.code == 6
    assert experiment_id in ran.err
    assert "--allow-duplicate-key" in ran.err
    assert service.emulator.log.received("experiments.create") == 0
    assert invoke("create", *words, "--allow-duplicate-key").code == 0


@pytest.mark.parametrize("key", ["", " ", "\u00a0"])
def test_a_blank_key_is_refused(service: Service, invoke: Invoke, key: str) -> None:
    """A key without a visible character is refused, and nothing is sent."""
    ran = invoke("create", "Hero", "--key", key)
    assert ran.code in {2, 3}
    assert "key" in ran.err
    assert service.emulator.log.received() == 0
