"""Specs and experiments for the tests of experiments as code."""

from datetime import UTC, datetime

from hypothesis import strategies as st

from ours_experiments import UNSET
from ours_experiments.models import (
    DomModification,
    Experiment,
    ExperimentStatus,
    ExperimentType,
    Metric,
    Metrics,
    QueryOperator,
    QueryParam,
    Style,
    TargetingRules,
    Variant,
)
from ours_experiments.specs import (
    ControlSpec,
    ExperimentSpec,
    MetricSpec,
    MetricsSpec,
    SpecError,
    TargetingSpec,
    VariantSpec,
)


PRICING = """\
key: pricing-headline
name: Pricing headline
description: Benefit-led copy brings more demo requests.
type: ab
traffic_allocation: 50
targeting_rules:
  url_patterns: [/pricing*]
metrics:
  primary: {event_name: demo_requested}
variants:
  - name: Benefit first
    weight: 30
    redirect_url: /pricing-b
  - name: Bold
    weight: 20
    dom_modifications:
      - {selector: "#hero h1", action: setText, value: Start today}
state: running
rules:
  planned_sample: 14751
"""
NEW_YEAR = datetime(2026, 1, 1, tzinfo=UTC)
CONTROL = Variant(
    id="v0", experiment_id="e1", name="Original", is_control=True, weight=50
)
BENEFIT = Variant(
    id="v1",
    experiment_id="e1",
    name="Benefit first",
    is_control=False,
    weight=30,
    redirect_url="/pricing-b",
)
BOLD = Variant(
    id="v2",
    experiment_id="e1",
    name="Bold",
    is_control=False,
    weight=20,
    dom_modifications=(DomModification("#hero h1", "setText", "Start today"),),
)
VARIANTS = (CONTROL, BENEFIT, BOLD)


def experiment(**fields: object) -> Experiment:
    """Build an experiment of three variants, with other fields where given."""
    values: dict[str, object] = {
        "id": "e1",
        "key": "pricing-headline",
        "name": "Pricing headline",
        "status": ExperimentStatus.DRAFT,
        "created_at": NEW_YEAR,
        "traffic_allocation": 50,
        "metrics": Metrics(primary=Metric("demo_requested")),
        "variants": VARIANTS,
    }
    return Experiment(**(values | fields))  # type: ignore[arg-type]


def spec(**fields: object) -> ExperimentSpec:
    """Build a spec of the experiment's key."""
    return ExperimentSpec(**({"key": "pricing-headline"} | fields))  # type: ignore[arg-type]


letters = st.characters(exclude_categories=["Cs"])
text = st.text(letters, max_size=12) | st.sampled_from(
    [
        "No",
        "yes",
        "on",
        "~",
        "1_000",
        "0o14",
        "1e3",
        "12:30",
        "2026-01-01",
        "=",
        "<<",
        "\u0085",
        "a\u2028b",
        "two\nlines\n",
        "  indented\n text",
        "trailing \n",
        "\ttab",
        "x" * 100,
        "#",
        "- a",
        "a: b",
        "'",
        '"',
    ]
)
filled = text.filter(lambda value: bool(value.strip()))
keys = filled.filter(lambda value: value == value.strip())


def maybe(strategy: st.SearchStrategy[object]) -> st.SearchStrategy[object]:
    """Draw a value, or none that is managed."""
    return st.just(UNSET) | strategy


def maybe_null(strategy: st.SearchStrategy[object]) -> st.SearchStrategy[object]:
    """Draw a value, null, or none that is managed."""
    return st.just(UNSET) | st.none() | strategy


json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | text,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(text, inner, max_size=3)
    ),
    max_leaves=6,
)
json_objects = st.dictionaries(text, json_values, max_size=3)
modifications = st.one_of(
    st.builds(DomModification, text, st.sampled_from(["setText", "customCss"]), text),
    st.builds(DomModification, text, st.just("remove")),
    st.builds(
        DomModification,
        text,
        st.just("setStyle"),
        styles=st.lists(st.builds(Style, filled, text), min_size=1, max_size=2),
    ),
    st.builds(
        DomModification,
        text,
        st.just("setAttribute"),
        attribute=st.dictionaries(text, json_values, min_size=1, max_size=2),
    ),
)
targeting = st.builds(
    TargetingSpec,
    url_patterns=maybe(st.lists(text, max_size=3)),
    audience_id=maybe_null(text),
    visitor_properties=maybe_null(json_objects),
    visitor_status=maybe_null(text),
    query_params=maybe(
        st.lists(
            st.one_of(
                st.builds(
                    QueryParam, filled, st.sampled_from(["exists", "not_exists"])
                ),
                st.builds(
                    QueryParam,
                    filled,
                    st.sampled_from([o for o in QueryOperator if "ex" not in o]),
                    filled,
                ),
            ),
            max_size=2,
        )
    ),
)
metrics = st.builds(
    MetricsSpec,
    primary=maybe(st.builds(MetricSpec, event_name=filled, funnel_id=maybe_null(text))),
    secondary=maybe(st.lists(st.builds(Metric, text, st.none() | text), max_size=2)),
)
payloads = st.one_of(
    st.just({}),
    st.builds(
        lambda path: {"redirect_url": f"/{path}"},
        st.text("abc/?=", max_size=5).filter(lambda path: not path.startswith("/")),
    ),
    st.builds(
        lambda items: {"dom_modifications": items}, st.lists(modifications, max_size=2)
    ),
)
treatments = st.lists(
    st.builds(
        lambda name, weight, payload: VariantSpec(name=name, weight=weight, **payload),
        filled,
        maybe(st.integers(0, 33)),
        payloads,
    ),
    max_size=3,
    unique_by=lambda variant: variant.name,
)


@st.composite
def specs(draw: st.DrawFn, key: st.SearchStrategy[str] = keys) -> ExperimentSpec:
    """Draw specs that are accepted."""
    fields: dict[str, object] = {
        "key": draw(key),
        "id": draw(maybe(filled)),
        "name": draw(maybe(filled)),
        "description": draw(maybe_null(text)),
        "type": draw(maybe(st.sampled_from([*ExperimentType, "later"]))),
        "traffic_allocation": draw(maybe(st.integers(0, 100))),
        "include_query_string": draw(maybe_null(st.booleans())),
        "targeting_rules": draw(maybe_null(targeting)),
        "metrics": draw(maybe_null(metrics)),
        "settings": draw(maybe(filled)),
        "control": draw(maybe(st.builds(ControlSpec, name=maybe(filled)))),
        "variants": draw(maybe(treatments)),
        "state": draw(maybe(st.sampled_from(ExperimentStatus))),
        "rules": draw(
            maybe(
                st.fixed_dictionaries(
                    {"alpha": st.floats(0, 1), "min_days": st.just(7)}
                )
            )
        ),
    }
    try:
        return ExperimentSpec(**fields)  # type: ignore[arg-type]
    except SpecError:
        fields["state"] = UNSET
        return ExperimentSpec(**fields)  # type: ignore[arg-type]


server_rules = st.builds(
    TargetingRules,
    st.lists(text, max_size=2),
    st.none() | text,
    st.none() | json_objects,
    st.none() | text,
    additional_properties=st.dictionaries(st.just("futureField"), json_values),
)
server_metrics = st.builds(
    Metrics,
    st.none() | st.builds(Metric, st.none() | text, st.none() | text),
    st.lists(st.builds(Metric, st.none() | text, st.none() | text), max_size=2),
)


@st.composite
def experiments(draw: st.DrawFn) -> Experiment:
    """Draw experiments as a service may have them."""
    count = draw(st.integers(0, 3))
    treatments = [
        Variant(
            id=f"v{number}",
            experiment_id="e1",
            name=draw(filled),
            is_control=False,
            weight=draw(st.integers(0, 33)),
            dom_modifications=tuple(draw(st.lists(modifications, max_size=2))) or None,
        )
        for number in range(1, count + 1)
    ]
    return experiment(
        key=draw(keys),
        name=draw(filled),
        description=draw(st.none() | text),
        type=draw(st.none() | st.sampled_from([*ExperimentType, "later"])),
        status=draw(st.sampled_from([*ExperimentStatus, "archived"])),
        traffic_allocation=draw(st.integers(0, 100) | st.floats(0, 100)),
        include_query_string=draw(st.none() | st.booleans()),
        targeting_rules=draw(st.none() | server_rules),
        metrics=draw(st.none() | server_metrics),
        winner_variant_id=draw(st.sampled_from([None, "v0", "v1", "gone"])),
        rollout_variant_id=draw(st.sampled_from([None, "v1"])),
        variants=(CONTROL, *treatments),
    )
