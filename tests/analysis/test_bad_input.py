"""Arguments that no analysis can be made of."""

from datetime import datetime
from math import inf, nan
from typing import Any

import attrs
import pytest

from ours_experiments.analysis import Rules, analyze, false_winner_rate
from ours_experiments.errors import ConfigurationError, OursError
from ours_experiments.models import Results, TimeSeries

from .made import Row, make_case, make_experiment


CASE = make_case([((100, 1000), (130, 1000))] * 14)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *(("alpha", value) for value in (0, 1, -0.1, nan, inf, "0.05", None, True)),
        *(("planned_sample", value) for value in (0, -1, 10.5, True, "10")),
        *(("mde", value) for value in (0, -0.1, nan, inf, "0.1", False)),
        *(("min_days", value) for value in (0, -7, 7.0, None)),
        *(("min_conversions", value) for value in (0, 4, 5.0, None)),
        *(("tuning_sample", value) for value in (0, 5e3, None)),
        *(("early_share", value) for value in (0, 1, nan, None)),
        *(("guardrail_margin", value) for value in (-0.1, 1, nan, None)),
    ],
)
def test_rules_out_of_range(name: str, value: object) -> None:
    """Each rule has a range, and is refused by its name outside of it."""
    with pytest.raises(ConfigurationError, match=f"^{name} must be "):
        Rules(**{name: value})  # type: ignore[arg-type]


def test_rules_at_the_ends_of_their_ranges() -> None:
    """What is still allowed makes an analysis."""
    rules = Rules(
        alpha=1e-9,
        planned_sample=1,
        mde=5.0,
        min_days=1,
        tuning_sample=1,
        early_share=0.999,
        guardrail_margin=0,
    )
    assert CASE.analyze(rules).rules is rules


@pytest.mark.parametrize(
    ("changes", "name"),
    [
        ({"experiment": CASE.results}, "experiment"),
        ({"results": CASE.series}, "results"),
        ({"results": None}, "results"),
        ({"series": CASE.results}, "series"),
        ({"rules": {"alpha": 0.05}}, "rules"),
        ({"rules": None}, "rules"),
        ({"as_of": "2026-08-09"}, "as_of"),
        ({"as_of": datetime(2026, 8, 9)}, "as_of"),  # noqa: DTZ001 - what is refused
        ({"guardrails": ["checkout"]}, "guardrails"),
        ({"guardrails": {"checkout": CASE.results}}, r"guardrails\['checkout'\]"),
        ({"guardrails": {"a": (CASE.results, None)}}, r"guardrails\['a'\]"),
        ({"guardrails": {"a": (CASE.series,) * 2}}, r"guardrails\['a'\]: results"),
        ({"guardrails": {1: (CASE.results, CASE.series)}}, r"guardrails\[1\]"),
    ],
)
def test_arguments_of_a_wrong_type(changes: dict[str, Any], name: str) -> None:
    """An argument of another type is refused by its name."""
    arguments: dict[str, Any] = attrs.asdict(CASE, recurse=False) | changes
    with pytest.raises(ConfigurationError, match=f"^{name}"):
        analyze(
            arguments.pop("experiment"),
            arguments.pop("results"),
            arguments.pop("series"),
            **arguments,
        )


def test_results_of_another_experiment() -> None:
    """Results whose variants are all unknown are those of another experiment."""
    other = attrs.evolve(
        CASE.experiment,
        variants=tuple(
            attrs.evolve(variant, id=f"other_{variant.id}")
            for variant in CASE.experiment.variants or ()
        ),
    )
    with pytest.raises(ConfigurationError, match=r"^results must belong to .*exp_1"):
        analyze(other, CASE.results, CASE.series)
    with pytest.raises(ConfigurationError, match=r"^series must belong to "):
        analyze(other, Results(()), CASE.series)


def test_an_experiment_without_its_variants() -> None:
    """Without weights the division of impressions cannot be checked."""
    for variants in (None, ()):
        experiment = attrs.evolve(CASE.experiment, variants=variants)
        with pytest.raises(ConfigurationError, match=r"^experiment\.variants must "):
            analyze(experiment, CASE.results, CASE.series)


@pytest.mark.parametrize("weight", [None, -1, 101, "50", nan])
def test_a_variant_without_a_weight(weight: Any) -> None:
    """A weight that is no percentage is refused by the variant's place."""
    experiment = make_experiment()
    control, treatment = experiment.variants or ()
    variants = (control, attrs.evolve(treatment, weight=weight))
    with pytest.raises(ConfigurationError, match=r"variants\[1\]\.weight must be"):
        analyze(attrs.evolve(experiment, variants=variants), CASE.results)


@pytest.mark.parametrize("value", [None, 1.5, "7", True])
@pytest.mark.parametrize("field", ["impressions", "conversions"])
def test_counts_that_are_no_integers(field: str, value: object) -> None:
    """A count that is no integer is refused by its field and variant."""
    first, second = CASE.results.variants
    change: dict[str, Any] = {field: value}
    changed = attrs.evolve(second, **change)
    with pytest.raises(ConfigurationError, match=f"^results: {field} of 'treatment_1'"):
        analyze(CASE.experiment, Results((first, changed)))


def test_a_guardrail_of_another_experiment() -> None:
    """A guardrail's rows have to be those of the experiment, too."""
    strange = Results(
        tuple(attrs.evolve(row, id=f"other_{row.id}") for row in CASE.results.variants)
    )
    with pytest.raises(ConfigurationError, match="'checkout'"):
        analyze(
            CASE.experiment,
            CASE.results,
            CASE.series,
            guardrails={"checkout": (strange, CASE.series)},
        )


@pytest.mark.parametrize(
    ("changes", "name"),
    [
        ({"rules": None}, "rules"),
        ({"baseline": 0}, "baseline"),
        ({"baseline": 0.95}, "baseline"),
        ({"per_day": 0}, "per_day"),
        ({"days": 0}, "days"),
        ({"arms": 1}, "arms"),
        ({"runs": 0}, "runs"),
        ({"seed": -1}, "seed"),
    ],
)
def test_a_simulation_of_bad_arguments(changes: dict[str, Any], name: str) -> None:
    """An argument out of range is refused by its name."""
    arguments: dict[str, Any] = {"baseline": 0.1, "per_day": 100, **changes}
    with pytest.raises(ConfigurationError, match=f"^{name} must be "):
        false_winner_rate(arguments.pop("rules", Rules()), **arguments)


def test_extreme_counts_raise_nothing() -> None:
    """Counts that are possible have figures, or none, and never an exception."""
    extremes: list[list[Row]] = [
        [((0, 0), (0, 0))] * 3,
        [((0, 1), (1, 1))] * 10,
        [((1000, 1000), (1000, 1000))] * 10,
        [((0, 10**9), (10**9, 10**9))] * 10,
        [((10**8, 10**9), (10**8 + 5, 10**9))] * 40,
        [((5, 10**12), (6, 10**12))] * 8,
    ]
    for rows in extremes:
        try:
            analysis = make_case(rows).analyze(Rules(planned_sample=100, mde=0.1))
        except OursError as error:  # pragma: no cover
            pytest.fail(str(error))
        assert analysis.reasons
    assert isinstance(CASE.series, TimeSeries)
