"""Reading spec files: what they may hold, and how a mistake is reported."""

import json
import sys
from datetime import date
from pathlib import Path

import pytest

from ours_experiments import UNSET
from ours_experiments.errors import ConfigurationError
from ours_experiments.models import DomModification, ExperimentStatus
from ours_experiments.specs import (
    ExperimentSpec,
    Limits,
    MetricSpec,
    MetricsSpec,
    SpecError,
    Specs,
    TargetingSpec,
    VariantSpec,
    load_specs,
)
from ours_experiments.specs.nodes import MAX_BYTES, MAX_DOCUMENTS
from tests.specs.examples import PRICING


EVENT = "metrics: {primary: {event_name: e}}\n"


def write(directory: Path, **files: str) -> Path:
    """Write YAML files into a directory."""
    for name, text in files.items():
        (directory / f"{name}.yaml").write_text(text, encoding="utf-8")
    return directory


def problems_of(path: Path) -> list[str]:
    """Return the problems of a path, without its directory."""
    with pytest.raises(SpecError) as caught:
        load_specs(path)
    assert str(caught.value) == "\n".join(map(str, caught.value.problems))
    directory = path if path.is_dir() else path.parent
    return [str(p).removeprefix(f"{directory}/") for p in caught.value.problems]


def test_a_document_becomes_a_spec(tmp_path: Path) -> None:
    """Every field of a document is a field of the spec; others are UNSET."""
    (loaded,) = load_specs(write(tmp_path, a=PRICING))
    assert loaded == ExperimentSpec(
        key="pricing-headline",
        name="Pricing headline",
        description="Benefit-led copy brings more demo requests.",
        type="ab",
        traffic_allocation=50,
        targeting_rules=TargetingSpec(url_patterns=("/pricing*",)),
        metrics=MetricsSpec(primary=MetricSpec(event_name="demo_requested")),
        variants=(
            VariantSpec(name="Benefit first", weight=30, redirect_url="/pricing-b"),
            VariantSpec(
                name="Bold",
                weight=20,
                dom_modifications=(
                    DomModification("#hero h1", "setText", "Start today"),
                ),
            ),
        ),
        state=ExperimentStatus.RUNNING,
        rules={"planned_sample": 14751},
    )
    assert loaded.id is UNSET


def test_camel_case_and_json_are_the_same(tmp_path: Path) -> None:
    """A JSON file in the API's spelling gives the same spec as YAML in snake case."""
    (tmp_path / "a.json").write_text(
        json.dumps(
            {
                "$schema": "./experiments.schema.json",
                "key": "k",
                "trafficAllocation": 50.0,
                "targetingRules": {"urlPatterns": ["/a"], "audienceId": None},
                "rules": {"plannedSample": 5},
            }
        )
    )
    yaml = (
        "key: k\ntraffic_allocation: 50\n"
        "targeting_rules: {url_patterns: [/a], audience_id: null}\n"
        "rules: {planned_sample: 5}\n"
    )
    other = tmp_path / "other"
    other.mkdir()
    assert list(load_specs(tmp_path)) == list(load_specs(write(other, a=yaml)))


def test_null_and_left_out_differ(tmp_path: Path) -> None:
    """Null clears a field; a field that is left out is not managed."""
    (loaded,) = load_specs(
        write(tmp_path, a="key: k\ndescription: null\nmetrics: ~\nwinner:\n")
    )
    assert (loaded.description, loaded.metrics, loaded.winner) == (None, None, None)
    assert loaded.targeting_rules is UNSET


def test_a_directory_is_read_in_order(tmp_path: Path) -> None:
    """Files are sorted; hidden ones, schemas and subdirectories are left out."""
    write(tmp_path, b="key: b1\n---\nkey: b2\n", a="key: a\n")
    (tmp_path / ".hidden.yaml").write_text("key: hidden")
    (tmp_path / "notes.txt").write_text("no spec")
    (tmp_path / "experiments.schema.json").write_text("{}")
    (tmp_path / "deeper").mkdir()
    write(tmp_path / "deeper", c="key: c\n")
    specs = load_specs(tmp_path)
    assert [spec.key for spec in specs] == ["a", "b1", "b2"]
    assert [place.rpartition("/")[2] for place in specs.places] == [
        "a.yaml:1",
        "b.yaml:1",
        "b.yaml:3",
    ]


def test_ours_yaml_is_carried(tmp_path: Path) -> None:
    """What `ours.yaml` says comes with the specs, of a directory and of a file."""
    write(
        tmp_path,
        a="key: a\n",
        ours='settings: Shop\nowns: ["web-*"]\nlimits: {changed: 0.5, from: 4}\n',
    )
    for path in (tmp_path, tmp_path / "a.yaml"):
        specs = load_specs(path)
        assert specs == Specs(
            specs=(ExperimentSpec("a"),),
            settings="Shop",
            owns=("web-*",),
            limits=Limits(changed=0.5, from_=4),
        )


LOAD_ERRORS = {
    "unknown field": (
        "key: k\nnmae: x\n",
        "2: nmae: unknown field; did you mean name?",
    ),
    "unknown nested field": (
        "key: k\nmetrics:\n  primary:\n    event: x\n",
        "4: metrics.primary.event: unknown field; did you mean event_name?",
    ),
    "duplicate YAML key": ("key: k\nname: a\nname: b\n", "3: name is given twice"),
    "snake and camel": (
        "key: k\ntraffic_allocation: 1\ntrafficAllocation: 2\n",
        "3: traffic_allocation is given in both spellings",
    ),
    "No is not text": (
        "key: k\nname: No\n",
        "2: name: expected text, not false: quote it",
    ),
    "a number is not text": (
        "key: k\nname: 12\n",
        "2: name: expected text, not 12: quote it",
    ),
    "1_000 is not text": (
        "key: k\nname: 1_000\n",
        "2: name: expected text, not 1000: quote it",
    ),
    "a date is not text": (
        "key: k\nname: 2026-01-01\n",
        "2: name: expected text, not a date: quote it",
    ),
    "yes is not true": (
        "key: k\ninclude_query_string: yes\n",
        "2: include_query_string: yes may be text or true: quote it, or write true",
    ),
    "off in free JSON": (
        "key: k\ntargeting_rules:\n  visitor_properties:\n    plan: off\n",
        (
            "4: targeting_rules.visitor_properties: off may be text or false: "
            "quote it, or write false"
        ),
    ),
    "weights": (
        "key: k\nvariants:\n  - {name: A, weight: 60}\n  - {name: B, weight: 40}\n",
        (
            "2: variants: the weights add up to 100, at most 99: "
            "the control has what is left"
        ),
    ),
    "weight of the control": (
        "key: k\ncontrol:\n  weight: 50\n",
        "3: control.weight: the control has the weight that the treatments leave",
    ),
    "control_weight": (
        "key: k\ncontrol_weight: 50\n",
        "2: control_weight: the control has the weight that the treatments leave",
    ),
    "both payloads": (
        (
            "key: k\nvariants:\n  - name: A\n    redirect_url: /a\n"
            "    dom_modifications:\n"
            "      - {selector: a, action: remove}\n"
        ),
        "3: variants[0]: one of redirect_url and dom_modifications, not both",
    ),
    "rollout of the control": (
        "key: k\ncontrol: {name: Original}\nrollout: Original\n",
        "3: rollout: the control cannot be rolled out",
    ),
    "rollout of an unknown variant": (
        "key: k\nvariants: [{name: Bold, weight: 1}]\nrollout: Blod\n",
        "3: rollout: no treatment is called 'Blod'; did you mean Bold?",
    ),
    "rollout of a name that two have": (
        "key: k\nvariants: [{id: a, name: B}, {id: b, name: B}]\nrollout: B\n",
        "3: rollout: two variants are called 'B': give the id",
    ),
    "plain http": (
        "key: k\nvariants:\n- name: A\n  redirect_url: http://example.com\n",
        "4: variants[0].redirect_url: must be a path or an https URL",
    ),
    "a fraction as traffic": (
        "key: k\ntraffic_allocation: 12.5\n",
        "2: traffic_allocation: expected a whole number, not 12.5",
    ),
    "a mistyped state": (
        "key: k\nstate: runing\n",
        (
            "2: state: expected one of draft, running, paused, completed, "
            "not 'runing'; "
            "did you mean running?"
        ),
    ),
    "running without a primary event": (
        "key: k\nstate: running\nmetrics:\n  secondary: []\n",
        "3: metrics: state: running needs primary.event_name",
    ),
    "running with metrics that are cleared": (
        "key: k\nstate: running\nmetrics: null\n",
        "3: metrics: state: running needs primary.event_name",
    ),
    "winner of what runs": (
        f"key: k\n{EVENT}state: running\nwinner: A\n",
        "4: winner: needs state: completed",
    ),
    "null where nothing can be cleared": (
        "key: k\nname: null\n",
        "2: name: null clears nothing here: leave the field out",
    ),
    "null in a list": (
        "key: k\nmetrics: {secondary: [{event_name: null}]}\n",
        (
            "2: metrics.secondary[0].event_name: "
            "null clears nothing here: leave the field out"
        ),
    ),
    "a list where text belongs": (
        "key: k\nname: [a]\n",
        "2: name: expected text, not a list",
    ),
    "text where a list belongs": (
        "key: k\ntargeting_rules: {url_patterns: /a}\n",
        "2: targeting_rules.url_patterns: expected a list, not text",
    ),
    "text where fields belong": (
        "key: k\nmetrics: clicks\n",
        "2: metrics: expected fields, not text",
    ),
    "what an item needs": (
        "key: k\ntargeting_rules:\n  query_params:\n    - {key: a}\n",
        "4: targeting_rules.query_params[0].operator: is missing",
    ),
    "what a draft refuses": (
        (
            "key: k\nvariants:\n- name: A\n  dom_modifications:\n"
            "  - {selector: a, action: setText}\n"
        ),
        "5: variants[0].dom_modifications[0].value: must be given for setText",
    ),
    "a blank name": ("key: k\nname: ' '\n", "2: name: must be text that is not blank"),
    "a blank name of a variant": (
        "key: k\nvariants: [{name: ''}]\n",
        "2: variants[0].name: must be text that is not blank",
    ),
    "a blank name of the control": (
        "key: k\ncontrol: {name: ' '}\n",
        "2: control.name: must not be blank",
    ),
    "a nameless variant": (
        "key: k\nvariants:\n- weight: 3\n",
        "3: variants[0]: needs a name or an id",
    ),
    "a name twice": (
        "key: k\nvariants:\n- {name: A}\n- {name: A}\n",
        "4: variants[1].name: 'A' is another variant's: give each its id",
    ),
    "white space around the key": ("key: ' k'\n", "1: key: has white space around it"),
    "no key": ("name: x\n", "1: key: is missing"),
    "an unknown rule": (
        "key: k\nrules: {alhpa: 0.1}\n",
        "2: rules.alhpa: unknown rule; did you mean alpha?",
    ),
    "the type of a variant": (
        "key: k\nvariants: [{name: A, variant_type: redirect}]\n",
        "2: variants[0].variant_type: the payload decides the type",
    ),
    "a cyclic alias": (
        "key: k\nvariants: &v [*v]\n",
        "2: cyclic alias: *v is inside of itself",
    ),
    "an empty file": ("", "1: is empty"),
    "only a comment": ("# nothing\n", "1: is empty"),
    "an empty document": ("key: k\n---\n", "2: an empty document"),
    "a list of specs": (
        "- key: k\n",
        "1: expected the fields of an experiment, not a list",
    ),
    "no YAML": ("key: [\n", "2: not YAML: did not find expected node content"),
    "a tag": (
        "key: !!python/name:os.system x\n",
        "1: the tag tag:yaml.org,2002:python/name:os.system is not supported",
    ),
    "too deep": (
        "key: k\nrules: " + "[" * 60 + "]" * 60 + "\n",
        "2: nested deeper than 50 levels",
    ),
    "too many digits": (f"key: {'9' * 5000}\n", "1: a number with too many digits"),
    "a field that is no text": (
        "key: k\n? [a]\n: b\n",
        "2: the name of a field has to be text",
    ),
    "an alias without an anchor": ("key: *k\n", "1: the alias *k has no anchor"),
    "a rule that is null": (
        "key: k\nrules: {mde: null, alpha: null}\n",
        "2: rules.alpha: expected a number",
    ),
    "a fraction as a count": (
        "key: k\nrules: {min_days: 1.5}\n",
        "2: rules.min_days: expected a whole number",
    ),
    "not a JSON number": (
        "key: k\ntargeting_rules: {visitor_properties: {a: .inf}}\n",
        (
            "2: targeting_rules.visitor_properties.a: "
            "JSON has no infinite or undefined numbers"
        ),
    ),
}


@pytest.mark.parametrize(
    ("text", "expected"), LOAD_ERRORS.values(), ids=LOAD_ERRORS.keys()
)
def test_a_mistake_has_its_line(tmp_path: Path, text: str, expected: str) -> None:
    """A mistake in a file is reported with its line, its field and what to write."""
    assert problems_of(write(tmp_path, a=text)) == [f"a.yaml:{expected}"]


def test_all_mistakes_are_reported_at_once(tmp_path: Path) -> None:
    """One error has the problems of all files, in the order of files and lines."""
    texts = {
        f"f{number:02}": text for number, (text, _) in enumerate(LOAD_ERRORS.values())
    }
    expected = [
        f"f{number:02}.yaml:{problem}"
        for number, (_, problem) in enumerate(LOAD_ERRORS.values())
    ]
    found = problems_of(write(tmp_path, **texts))
    assert [line for line in found if "is also at" not in line] == expected


def test_a_key_twice_names_both_places(tmp_path: Path) -> None:
    """Two specs with one key are refused, unless both have an id."""
    write(tmp_path, a="key: k\n", b="name: B\nkey: k\n")
    assert problems_of(tmp_path) == [
        f"b.yaml:2: the key 'k' is also at {tmp_path}/a.yaml:1"
    ]
    write(tmp_path, a="key: k\nid: e1\n", b="key: k\nid: e2\n")
    assert len(load_specs(tmp_path)) == 2
    write(tmp_path, b="key: j\nid: e1\n")
    assert problems_of(tmp_path) == [
        f"b.yaml:1: the id 'e1' is also at {tmp_path}/a.yaml:1"
    ]


OURS_ERRORS = {
    "unknown": ("own: []\n", "1: own: unknown field; did you mean owns?"),
    "settings": ("settings: 3\n", "1: settings: expected text, not 3"),
    "owns": ("owns: web-*\n", "1: owns: expected a list of patterns, not text"),
    "pattern": ("owns: [no]\n", "1: owns: expected text, not false: quote it"),
    "share": ("limits: {changed: 30}\n", "1: limits.changed: expected 0 to 1, not 30"),
    "from": ("limits: {from: 1.5}\n", "1: limits.from: expected 0 or more, not 1.5"),
    "limit": (
        "limits: {form: 1}\n",
        "1: limits.form: unknown field; did you mean from?",
    ),
    "twice": ("owns: []\nowns: []\n", "2: owns is given twice"),
    "no fields": ("- a\n", "1: expected one document with fields"),
}


@pytest.mark.parametrize(
    ("text", "expected"), OURS_ERRORS.values(), ids=OURS_ERRORS.keys()
)
def test_a_mistake_in_ours_yaml(tmp_path: Path, text: str, expected: str) -> None:
    """A mistake in `ours.yaml` is reported like one in a spec."""
    write(tmp_path, a="key: k\n", ours=text)
    assert problems_of(tmp_path) == [f"ours.yaml:{expected}"]


def test_ours_yaml_is_one(tmp_path: Path) -> None:
    """A file is read once; a second `ours.yaml`, or one that is no YAML, is refused."""
    write(tmp_path, a="key: a\n", ours="settings: Shop\n")
    assert len(load_specs(tmp_path, tmp_path / "a.yaml")) == 1
    other = tmp_path / "other"
    other.mkdir()
    write(other, b="key: b\n", ours="settings: Blog\n")
    with pytest.raises(SpecError, match=r"another ours\.yaml than"):
        load_specs(tmp_path, other)
    write(other, ours="owns: [\n")
    assert problems_of(other)[0].startswith("ours.yaml:2: not YAML")
    write(other, ours="limits: 5\n")
    assert problems_of(other) == ["ours.yaml:1: limits: expected fields, not 5"]


def test_a_file_has_a_limit(tmp_path: Path) -> None:
    """A file that is larger than any repository needs is refused unread."""
    (tmp_path / "a.yaml").write_bytes(b"#" * (MAX_BYTES + 1))
    assert problems_of(tmp_path) == [f"a.yaml:1: larger than {MAX_BYTES} bytes"]


def test_a_folder_without_specs(tmp_path: Path) -> None:
    """A directory without spec files, and a path that does not exist, are refused."""
    assert problems_of(tmp_path) == [f"{tmp_path}:1: has no .json, .yaml, .yml files"]
    assert problems_of(tmp_path / "no.yaml") == [
        "no.yaml:1: cannot be read: No such file or directory"
    ]
    (tmp_path / "a.txt").write_text("key: k")
    assert problems_of(tmp_path / "a.txt") == [
        "a.txt:1: is no .json, .yaml or .yml file"
    ]


JSON_ERRORS = {
    "a field twice": ('{"key": "k",\n "key": "j"}', "1: key is given twice"),
    "two values": ('{"key": "k"}\n{}', "2: not JSON: Extra data"),
    "NaN": ('{"key": "k",\n\n"name": NaN}', "1: not JSON: NaN is not JSON"),
    "no comma": ('{"key": "k"\n"name": 1}', "2: not JSON: Expecting ',' delimiter"),
    "cut off": ('{"key":', "1: not JSON: Expecting value"),
    "number": ('{"key": 1}', "1: key: expected text, not 1: quote it"),
    "surrogate": ('{"key": "\\ud800"}', "1: key: holds a lone surrogate"),
    "deep": ('{"key": ' + "[" * 60 + "]" * 60 + "}", "1: nested deeper than 50 levels"),
    "empty": (" \n", "1: is empty"),
}


@pytest.mark.parametrize(
    ("text", "expected"), JSON_ERRORS.values(), ids=JSON_ERRORS.keys()
)
def test_a_mistake_in_json(tmp_path: Path, text: str, expected: str) -> None:
    """A mistake in a JSON file has its field; one of syntax has its line."""
    (tmp_path / "a.json").write_text(text)
    assert problems_of(tmp_path) == [f"a.json:{expected}"]


def test_files_that_are_no_text(tmp_path: Path) -> None:
    """Bytes that are no UTF-8, and characters that YAML forbids, are refused."""
    (tmp_path / "a.yaml").write_bytes(b"key: \xff\n")
    (tmp_path / "b.yaml").write_bytes(b"key: \x00\n")
    assert problems_of(tmp_path) == [
        "a.yaml:1: is not UTF-8 text",
        "b.yaml:1: not YAML: a character that YAML forbids",
    ]


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16-le", "utf-16-be"])
@pytest.mark.parametrize("suffix", ["yaml", "json"])
def test_files_with_a_byte_order_mark(
    tmp_path: Path, suffix: str, encoding: str
) -> None:
    """A byte order mark, as PowerShell writes it, decides the encoding."""
    mark = "" if encoding == "utf-8-sig" else "\ufeff"
    text = f'{mark}{{"key": "caf\u00e9"}}'
    (tmp_path / f"a.{suffix}").write_bytes(text.encode(encoding))
    [spec] = load_specs(tmp_path)
    assert spec.key == "caf\u00e9"


def test_aliases_are_bounded(tmp_path: Path) -> None:
    """A few lines that stand for millions of values are refused at once."""
    bomb = "a: &a [x, x, x, x, x, x, x, x, x, x]\n" + "".join(
        f"{name}: &{name} [{', '.join([f'*{before}'] * 10)}]\n"
        for before, name in zip("abcdefg", "bcdefgh", strict=True)
    )
    assert problems_of(write(tmp_path, a=bomb)) == [
        "a.yaml:5: a document has at most 100000 values"
    ]
    many = "key: k\na: &a x\nb: [" + "*a, " * 1001 + "]\n"
    assert problems_of(write(tmp_path, a=many)) == [
        "a.yaml:3: a file has at most 1000 aliases"
    ]


def test_specs_are_bounded(tmp_path: Path) -> None:
    """More specs than an account can have are refused with one clear problem."""
    text = "".join(f"key: k{number}\n---\n" for number in range(MAX_DOCUMENTS + 2))
    found = problems_of(write(tmp_path, a=text))
    assert found == [f"a.yaml:{2 * MAX_DOCUMENTS + 1}: more than {MAX_DOCUMENTS} specs"]


def test_unknown_words_are_warnings(tmp_path: Path) -> None:
    """A word that this version does not know loads as text, with a warning."""
    specs = load_specs(
        write(
            tmp_path,
            a="key: k\ntype: abn\nvariants:\n- name: A\n  dom_modifications:\n"
            "  - {selector: a, action: settext}\n",
        )
    )
    assert specs[0].type == "abn"
    assert [str(warning).rpartition("/")[2] for warning in specs.warnings] == [
        "a.yaml:2: type: 'abn' is not a word that is known; did you mean ab?",
        (
            "a.yaml:6: variants[0].dom_modifications[0].action: 'settext' is not a "
            "word that is known; did you mean setText?"
        ),
    ]


def test_json_needs_no_yaml(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """JSON loads without PyYAML; for YAML the error says what to install."""
    monkeypatch.setitem(sys.modules, "yaml", None)
    (tmp_path / "a.json").write_text('{"key": "k"}')
    assert load_specs(tmp_path)[0].key == "k"
    write(tmp_path, b="key: b\n")
    with pytest.raises(ConfigurationError, match=r"ours-experiments\[yaml\]"):
        load_specs(tmp_path)


PYTHON_ERRORS = {
    "name": ({"name": False}, "name: expected text, not false: quote it"),
    "traffic": (
        {"traffic_allocation": True},
        "traffic_allocation: expected a whole number, not true",
    ),
    "variants": (
        {"variants": "A"},
        "variants: expected a list, not text",
    ),
    "variant": (
        {"variants": [{"name": "A"}]},
        "variants[0]: expected fields, not fields",
    ),
    "json": (
        {"targeting_rules": TargetingSpec(visitor_properties={"a": object()})},
        "targeting_rules.visitor_properties.a: expected a JSON value, not object",
    ),
    "date": (
        {"targeting_rules": TargetingSpec(visitor_properties={"a": date.min})},
        "targeting_rules.visitor_properties.a: expected text, not a date: quote it",
    ),
    "null": (
        {"control": None},
        "control: null clears nothing here: leave the field out",
    ),
    "large": (
        {"targeting_rules": TargetingSpec(visitor_properties={"a": 2**64})},
        "targeting_rules.visitor_properties.a: a whole number has at most 64 bits",
    ),
}


@pytest.mark.parametrize(
    ("fields", "expected"), PYTHON_ERRORS.values(), ids=PYTHON_ERRORS.keys()
)
def test_a_mistake_in_python(fields: dict[str, object], expected: str) -> None:
    """A spec that is built in Python is checked like one in a file."""
    with pytest.raises(SpecError) as caught:
        ExperimentSpec("k", **fields)  # type: ignore[arg-type]
    assert str(caught.value) == expected
