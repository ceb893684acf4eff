"""The rules of a spec are those of the analysis."""

import attrs
import pytest

from ours_experiments.analysis import Rules
from ours_experiments.errors import ConfigurationError
from ours_experiments.specs import ExperimentSpec
from ours_experiments.specs.checks import RULES


def test_every_rule_of_the_analysis_is_known() -> None:
    """A file may set the fields of `analysis.Rules`, and nothing else."""
    assert set(RULES) == {field.name for field in attrs.fields(Rules)}


def test_rules_become_those_of_the_analysis() -> None:
    """`rules:` gives what the analysis decides by; without it, the defaults."""
    spec = ExperimentSpec("a", rules={"planned_sample": 14751, "alpha": 0.1})
    assert spec.analysis_rules() == Rules(planned_sample=14751, alpha=0.1)
    assert ExperimentSpec("a").analysis_rules() == Rules()


def test_a_rule_out_of_its_range_is_refused() -> None:
    """What only the analysis can refuse is refused when the rules are built."""
    spec = ExperimentSpec("a", rules={"alpha": 2})
    with pytest.raises(ConfigurationError, match="alpha"):
        spec.analysis_rules()
