"""The JSON Schema for editors."""

import json

import jsonschema
import pytest
import yaml
from hypothesis import given

from ours_experiments.models import Experiment
from ours_experiments.specs import ExperimentSpec, spec_schema
from ours_experiments.specs.dump import spec_texts
from ours_experiments.specs.export import export_specs
from tests.specs import examples


VALIDATOR = jsonschema.Draft202012Validator(spec_schema())


def test_the_schema_is_one() -> None:
    """The schema follows its own dialect, and can be written as JSON."""
    jsonschema.Draft202012Validator.check_schema(spec_schema())
    assert json.loads(json.dumps(spec_schema())) == spec_schema()


def test_fields_are_described() -> None:
    """An editor can show what each field means."""
    schema = spec_schema()
    properties: dict[str, dict[str, object]] = schema["properties"]  # type: ignore[assignment]
    undescribed = [n for n, field in properties.items() if "description" not in field]
    assert undescribed == ["$schema"]


@given(spec=examples.specs())
def test_every_dump_is_accepted(spec: ExperimentSpec) -> None:
    """What is dumped follows the schema."""
    for text in spec_texts([spec]).values():
        VALIDATOR.validate(yaml.safe_load(text))


@given(found=examples.experiments())
def test_every_export_is_accepted(found: Experiment) -> None:
    """What is exported follows the schema."""
    for text in spec_texts(export_specs([found])).values():
        VALIDATOR.validate(yaml.safe_load(text))


REFUSED = {
    "no key": {},
    "unknown": {"key": "k", "nmae": "x"},
    "state": {"key": "k", "state": "runing"},
    "null": {"key": "k", "name": None},
    "traffic": {"key": "k", "traffic_allocation": 101},
    "camel": {"key": "k", "trafficAllocation": 12.5},
    "redirect": {"key": "k", "variants": [{"name": "A", "redirect_url": "http://x"}]},
    "nameless": {"key": "k", "variants": [{"weight": 1}]},
    "rule": {"key": "k", "rules": {"alhpa": 1}},
    "nested": {"key": "k", "metrics": {"primary": {"event": "x"}}},
}


@pytest.mark.parametrize("document", REFUSED.values(), ids=REFUSED.keys())
def test_mistakes_are_refused(document: dict[str, object]) -> None:
    """What does not load is marked by an editor, as far as a schema can."""
    assert not VALIDATOR.is_valid(document)


def test_the_example_is_accepted() -> None:
    """Both spellings, and the example of the documentation, follow the schema."""
    VALIDATOR.validate(yaml.safe_load(examples.PRICING))
    VALIDATOR.validate(
        {"key": "k", "targetingRules": {"urlPatterns": ["/a"], "audienceId": None}}
    )
