"""What may stand inside of drafts."""

import math

import pytest

from ours_experiments.errors import ConfigurationError
from ours_experiments.models import (
    DomModification,
    Metric,
    Metrics,
    QueryOperator,
    QueryParam,
    Style,
    TargetingRules,
)
from ours_experiments.models._validation import (
    check_metrics,
    check_modifications,
    check_targeting_rules,
)


SURROGATE = "a\ud800"
TEXT = DomModification("h1", "setText", "Hello")


@pytest.mark.parametrize(
    ("rules", "message"),
    [
        pytest.param(
            TargetingRules([SURROGATE]),
            r"url_patterns\[0\] must not hold a lone",
            id="pattern",
        ),
        pytest.param(
            TargetingRules(audience_id=3),  # type: ignore[arg-type]
            "audience_id must be text, not int",
            id="audience",
        ),
        pytest.param(
            TargetingRules(visitor_status=SURROGATE),
            "visitor_status must not hold a lone",
            id="status",
        ),
        pytest.param(
            TargetingRules(visitor_properties=[{"a": math.nan}]),
            r"visitor_properties\[0\].a must be finite",
            id="nan",
        ),
        pytest.param(
            TargetingRules(query_params=[QueryParam("k", "equals")]),
            r"query_params\[0\].value must be given for equals",
            id="no-value",
        ),
        pytest.param(
            TargetingRules(query_params=[QueryParam("k", QueryOperator.CONTAINS)]),
            r"query_params\[0\].value must be given for contains",
            id="no-value-to-contain",
        ),
        pytest.param(
            TargetingRules(query_params=[QueryParam("k", "regex", "(a")]),
            r"query_params\[0\].value must be a regular expression",
            id="regex",
        ),
        pytest.param(
            TargetingRules(visitor_properties={"a": object()}),
            "visitor_properties cannot be written as JSON: ",
            id="no-json",
        ),
        pytest.param(
            TargetingRules(query_params=[QueryParam(3, "x")]),  # type: ignore[arg-type]
            r"query_params\[0\].key must be text",
            id="param-key",
        ),
        pytest.param(
            TargetingRules(query_params=[QueryParam("k", 3)]),  # type: ignore[arg-type]
            r"query_params\[0\].operator must be text",
            id="param-operator",
        ),
        pytest.param(
            TargetingRules(query_params=[QueryParam("k", "equals", SURROGATE)]),
            r"query_params\[0\].value must not hold",
            id="param-value",
        ),
        pytest.param(
            TargetingRules(
                query_params=[
                    QueryParam("k", "x", additional_properties={"a": SURROGATE})
                ]
            ),
            r"query_params\[0\].additional_properties cannot be",
            id="param-extra",
        ),
        pytest.param(
            TargetingRules(additional_properties={"a": {1, 2}}),
            "additional_properties cannot be",
            id="rules-extra",
        ),
    ],
)
def test_rules_refused(rules: TargetingRules, message: str) -> None:
    """Rules are refused with the place of what the service would refuse."""
    with pytest.raises(ConfigurationError, match=rf"^rules\.{message}"):
        check_targeting_rules("rules", rules)


@pytest.mark.parametrize(
    ("value", "message"),
    [
        pytest.param(
            Metrics("signup"),  # type: ignore[arg-type]
            "primary must be Metric, not str",
            id="metric",
        ),
        pytest.param(
            Metrics(Metric()),
            "primary.event_name must be text that",
            id="no-event",
        ),
        pytest.param(
            Metrics(Metric(" ")),
            "primary.event_name must be text that",
            id="blank-event",
        ),
        pytest.param(
            Metrics(secondary=[Metric("e", SURROGATE)]),
            r"secondary\[0\].funnel_id must not hold",
            id="funnel",
        ),
        pytest.param(
            Metrics(secondary=[Metric("e", additional_properties={SURROGATE: 1})]),
            r"secondary\[0\].additional_properties cannot be",
            id="metric-extra",
        ),
        pytest.param(
            Metrics(additional_properties=3),  # type: ignore[arg-type]
            "additional_properties must be a mapping, not int",
            id="metrics-extra",
        ),
    ],
)
def test_metrics_refused(value: Metrics, message: str) -> None:
    """Metrics are refused with the place of what the service would refuse."""
    with pytest.raises(ConfigurationError, match=rf"^metrics\.{message}"):
        check_metrics("metrics", value)


@pytest.mark.parametrize(
    ("modification", "message"),
    [
        pytest.param(
            DomModification(3, "remove"),  # type: ignore[arg-type]
            "selector must be text",
            id="selector",
        ),
        pytest.param(
            DomModification("h1", 3),  # type: ignore[arg-type]
            "action must be text",
            id="action",
        ),
        pytest.param(
            DomModification("h1", "setText", SURROGATE),
            "value must not hold",
            id="value",
        ),
        pytest.param(
            DomModification("h1", "setText"),
            "value must be given for setText",
            id="no-value",
        ),
        pytest.param(
            DomModification("h1", "setStyle", styles=()),
            "styles or value must be given for setStyle",
            id="no-styles",
        ),
        pytest.param(
            DomModification("h1", "setAttribute", styles=[Style("a", "b")]),
            "attribute or value must be given for setAttribute",
            id="no-attribute",
        ),
        pytest.param(
            DomModification("h1", "setStyle", "color: red"),
            "value must be a JSON object for setStyle",
            id="plain-style",
        ),
        pytest.param(
            DomModification("h1", "setAttribute", "[]"),
            "value must be a JSON object for setAttribute",
            id="array-as-value",
        ),
        pytest.param(
            DomModification("h1", "setAttribute", attribute="href"),
            "attribute must be a mapping, not str",
            id="plain-attribute",
        ),
        pytest.param(
            DomModification("h1", "setAttribute", attribute={"a": SURROGATE}),
            "attribute cannot be",
            id="attribute",
        ),
        pytest.param(
            DomModification("h1", "setStyle", styles=[Style("", "b")]),
            r"styles\[0\].property must be text that",
            id="property",
        ),
        pytest.param(
            DomModification("h1", "setStyle", styles=[Style("a", 3)]),  # type: ignore[arg-type]
            r"styles\[0\].value must be text",
            id="style",
        ),
        pytest.param(
            DomModification(
                "h1",
                "setStyle",
                styles=[Style("a", "b", additional_properties={"c": b""})],
            ),
            r"styles\[0\].additional_properties cannot be",
            id="style-extra",
        ),
        pytest.param(
            DomModification("h1", "remove", additional_properties={"c": b""}),
            "additional_properties cannot be",
            id="extra",
        ),
    ],
)
def test_modification_refused(modification: DomModification, message: str) -> None:
    """A modification is refused with its place and what its action lacks."""
    with pytest.raises(
        ConfigurationError, match=rf"^dom_modifications\[1\]\.{message}"
    ):
        check_modifications("dom_modifications", (TEXT, modification))


@pytest.mark.parametrize(
    "modification",
    [
        pytest.param(DomModification("h1", "remove"), id="remove"),
        pytest.param(DomModification("h1", "setText", ""), id="empty"),
        pytest.param(DomModification("h1", "setStyle", "{}"), id="style-as-value"),
        pytest.param(
            DomModification("h1", "setStyle", styles=[Style("a", "")]), id="styles"
        ),
        pytest.param(
            DomModification("h1", "setAttribute", attribute={"a": "b"}), id="attribute"
        ),
        pytest.param(DomModification("h1", "blink"), id="new-action"),
        pytest.param(
            DomModification("h1", "setStyle", "color: red", styles=[Style("a", "b")]),
            id="both-as-the-service-answers-them",
        ),
    ],
)
def test_modification_taken(modification: DomModification) -> None:
    """A modification with what its action needs is taken, an unknown one as it is."""
    check_modifications("dom_modifications", (modification,))


@pytest.mark.parametrize(
    "param",
    [
        pytest.param(QueryParam("k", "exists"), id="exists"),
        pytest.param(QueryParam("k", "not_exists"), id="not-exists"),
        pytest.param(QueryParam("k", "equals", ""), id="empty"),
        pytest.param(QueryParam("k", "begins_with"), id="new-operator"),
        pytest.param(QueryParam("k", "regex", "^a+[bc]{1,2}$"), id="regex"),
        pytest.param(QueryParam("k", "regex", r"(?<year>\d{4})\k<year>"), id="groups"),
        pytest.param(
            QueryParam("k", "regex", r"[^]|[]|\p{L}|\cJ|[[a]"), id="javascript"
        ),
        pytest.param(QueryParam("k", "regex", r"(?<=a*)b"), id="look-behind"),
    ],
)
def test_param_taken(param: QueryParam) -> None:
    """A condition with what its operator needs is taken, an unknown one as it is."""
    check_targeting_rules("rules", TargetingRules(query_params=[param]))


@pytest.mark.parametrize(
    "pattern", ["(", "a)", "[a", "*a", "a**", "a\\", "[z-a]", "(?<a>b", "x{3,1}"]
)
def test_regex_refused(pattern: str) -> None:
    """A pattern that no browser compiles is refused."""
    rules = TargetingRules(query_params=[QueryParam("k", "regex", pattern)])
    with pytest.raises(ConfigurationError, match=r"value must be a regular expression"):
        check_targeting_rules("rules", rules)
