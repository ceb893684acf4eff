"""What drafts take and what they refuse."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import pytest

from ours_experiments._unset import UNSET
from ours_experiments.drafts import (
    ExperimentPatch,
    NewExperiment,
    NewSettings,
    NewVariant,
    SettingsPatch,
    VariantPatch,
)
from ours_experiments.errors import ConfigurationError
from ours_experiments.models import (
    DomModification,
    ExperimentType,
    Metric,
    Metrics,
    QueryParam,
    TargetingRules,
    VariantType,
)


Arguments = Mapping[str, Any]
SURROGATE = "a\ud800"
TEXT = DomModification("h1", "setText", "Hello")


def refused(case: str, message: str, **arguments: object) -> Any:
    """Name a case of arguments that are refused with a message."""
    return pytest.param(arguments, message, id=case)


def taken(case: str, **arguments: object) -> Any:
    """Name a case of arguments that are taken."""
    return pytest.param(arguments, id=case)


def new_experiment(arguments: Arguments) -> NewExperiment:
    """Make a new experiment, complete beside the arguments."""
    return NewExperiment(**{"experiment_settings_id": "s", "name": "n", **arguments})


def new_variant(arguments: Arguments) -> NewVariant:
    """Make a new variant, complete beside the arguments."""
    return NewVariant(**{"experiment_id": "e", "name": "n", "weight": 50, **arguments})


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        refused(
            "settings", "experiment_settings_id must be", experiment_settings_id=" "
        ),
        refused("blank-name", "name must be text that", name="\t "),
        refused("number-as-name", "name must be text that", name=3),
        refused("surrogate", "name must not hold a lone surrogate", name=SURROGATE),
        refused("key", "key must be text, not bytes", key=b"k"),
        refused(
            "description", "description must not hold a lone", description=SURROGATE
        ),
        refused("type", "type must be one of ab, multivariate", type="abc"),
        refused("no-type", "type must be one of", type=["ab"]),
        refused("above", "traffic_allocation must be from 0", traffic_allocation=100.5),
        refused("below", "traffic_allocation must be from 0", traffic_allocation=-1),
        refused("nan", "traffic_allocation must be", traffic_allocation=float("nan")),
        refused("huge", "traffic_allocation must be", traffic_allocation=10**5000),
        refused("bool", "traffic_allocation must be", traffic_allocation=True),
        refused("text", "traffic_allocation must be", traffic_allocation="50"),
        refused("flag", "include_query_string must be", include_query_string=1),
        refused("no-control", "control_weight must be at least 1", control_weight=0),
        refused("float-weight", "control_weight must be an", control_weight=50.0),
        refused("bool-weight", "control_weight must be an int", control_weight=True),
        refused("much-control", "control_weight must be from 0", control_weight=101),
        refused(
            "dict-as-rules",
            "targeting_rules must be TargetingRules, not dict",
            targeting_rules={"urlPatterns": []},
        ),
        refused("dict-as-metrics", "metrics must be Metrics, not dict", metrics={}),
        refused("no-event", "metrics.primary.event_name", metrics=Metrics(Metric())),
    ],
)
def test_new_experiment_refused(arguments: Arguments, message: str) -> None:
    """A new experiment refuses what the service would, by the argument's name."""
    with pytest.raises(ConfigurationError, match=f"^{message}"):
        new_experiment(arguments)


@pytest.mark.parametrize(
    "arguments",
    [
        taken("least"),
        taken("no-traffic", traffic_allocation=0),
        taken("all-traffic", traffic_allocation=100),
        taken("fraction", traffic_allocation=12.5),
        taken("least-control", control_weight=1),
        taken("most-control", control_weight=100),
        taken(
            "many-patterns",
            targeting_rules=TargetingRules(["/" * 2001] * 201),
        ),
        taken(
            "new-operator",
            targeting_rules=TargetingRules(query_params=[QueryParam("k", "new")]),
        ),
        taken(
            "other-mapping",
            targeting_rules=TargetingRules(
                visitor_properties=MappingProxyType({"a": 1})
            ),
        ),
        taken("no-primary", metrics=Metrics(secondary=[Metric(funnel_id="f")])),
        taken("primary", metrics=Metrics(Metric("signup"))),
    ],
)
def test_new_experiment_taken(arguments: Arguments) -> None:
    """A new experiment takes everything up to the limits."""
    draft = new_experiment(arguments)
    assert all(getattr(draft, name) == arguments[name] for name in arguments)


@pytest.mark.parametrize("key", ["", "  ", "\t\n", None])
def test_blank_key(key: str | None) -> None:
    """A blank key is no key."""
    assert new_experiment({"key": key}).key is None


@pytest.mark.parametrize("given", ["ab", ExperimentType.AB], ids=["text", "member"])
def test_experiment_type(given: ExperimentType | str) -> None:
    """A type is given as a member or as its text, and kept as the member."""
    assert new_experiment({"type": given}).type is ExperimentType.AB


def test_name_is_required_by_place() -> None:
    """The settings and the name can be given by place, the rest by name only."""
    with pytest.raises(TypeError, match="positional"):
        NewExperiment("s", "n", "k")  # type: ignore[call-arg]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        refused("empty", "ExperimentPatch: no field is given"),
        refused("key", "key must be text, not NoneType", key=None),
        refused("name", "name must be text that", name=None),
        refused("blank-name", "name must be text that", name=""),
        refused(
            "traffic",
            "traffic_allocation must be a number, not NoneType",
            traffic_allocation=None,
        ),
        refused("description", "description must be text", description=3),
        refused("flag", "include_query_string must be", include_query_string="no"),
        refused("rules", "targeting_rules must be", targeting_rules={}),
        refused("metrics", "metrics.primary.event_name", metrics=Metrics(Metric())),
    ],
)
def test_experiment_patch_refused(arguments: Arguments, message: str) -> None:
    """A patch refuses wrong values, None where it clears nothing, and no field."""
    with pytest.raises(ConfigurationError, match=f"^{message}"):
        ExperimentPatch(**arguments)


@pytest.mark.parametrize(
    "field", ["description", "include_query_string", "targeting_rules", "metrics"]
)
def test_experiment_patch_clears(field: str) -> None:
    """None clears what may be empty, and the other fields stay unset."""
    patch = ExperimentPatch(**{field: None})  # type: ignore[arg-type]
    assert getattr(patch, field) is None
    assert patch.name is UNSET


@pytest.mark.parametrize("url", ["/", "/b?x=1", "https://www.example.com/b"])
def test_redirect_taken(url: str) -> None:
    """A redirect leads to a path of the site or to an https URL."""
    assert new_variant({"redirect_url": url}).redirect_url == url


@pytest.mark.parametrize(
    "url",
    [
        "",
        "b",
        "//evil.example",
        "/\\evil.example",
        "http://www.example.com/",
        "https://",
        "https:///path",
        "https://[",
        "javascript:alert(1)",
        SURROGATE,
    ],
)
def test_redirect_refused(url: str) -> None:
    """A redirect to anything else is refused."""
    with pytest.raises(ConfigurationError, match=r"^redirect_url must "):
        new_variant({"redirect_url": url})


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        refused("experiment", "experiment_id must be text that", experiment_id=""),
        refused("name", "name must be text that", name=" "),
        refused("weight", "weight must be from 0 to 100", weight=101),
        refused("float", "weight must be an integer, not float", weight=50.0),
        refused("bool", "weight must be an integer, not bool", weight=True),
        refused("flag", "is_control must be a bool", is_control="yes"),
        refused("type", "variant_type must be one of dom_mod", variant_type="x"),
        refused(
            "both",
            "redirect_url and dom_modifications must not both",
            redirect_url="/b",
            dom_modifications=[TEXT],
        ),
        refused(
            "other-payload",
            "dom_modifications must not be given for variant_type redirect",
            variant_type="redirect",
            dom_modifications=[TEXT],
        ),
        refused(
            "other-redirect",
            "redirect_url must not be given for variant_type dom_mod",
            variant_type="dom_modifications",
            redirect_url="/b",
        ),
        refused(
            "no-redirect",
            "redirect_url must be given for variant_type redirect",
            variant_type="redirect",
        ),
        refused(
            "no-modifications",
            "dom_modifications must be given for variant_type dom_mod",
            variant_type="dom_modifications",
        ),
        refused(
            "single-modification",
            "dom_modifications must be a sequence, not DomModification",
            dom_modifications=TEXT,
        ),
        refused(
            "dict-as-modification",
            r"dom_modifications\[0\] must be DomModification, not dict",
            dom_modifications=[{}],
        ),
    ],
)
def test_new_variant_refused(arguments: Arguments, message: str) -> None:
    """A new variant refuses what the service would, by the argument's name."""
    with pytest.raises(ConfigurationError, match=f"^{message}"):
        new_variant(arguments)


@pytest.mark.parametrize(
    "arguments",
    [
        taken("least"),
        taken("no-weight", weight=0),
        taken("redirect", variant_type=VariantType.REDIRECT, redirect_url="/b"),
        taken(
            "modifications",
            variant_type=VariantType.DOM_MODIFICATIONS,
            dom_modifications=(TEXT,),
        ),
        taken("no-change", variant_type="dom_modifications", dom_modifications=()),
        taken("as-read", redirect_url="/b", dom_modifications=()),
        taken("control", is_control=True, variant_type="redirect"),
        taken("other-control", is_control=True, variant_type="dom_modifications"),
    ],
)
def test_new_variant_taken(arguments: Arguments) -> None:
    """A new variant takes a payload that agrees with its type."""
    draft = new_variant(arguments)
    assert all(getattr(draft, name) == arguments[name] for name in arguments)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        refused("empty", "VariantPatch: no field is given"),
        refused("name", "name must be text that", name=None),
        refused("weight", "weight must be an integer, not NoneType", weight=None),
        refused("type", "variant_type must be one of", variant_type=None),
        refused("control", "is_control must be a bool", is_control=None),
        refused("url", "redirect_url must be a path", redirect_url="b"),
        refused(
            "both",
            "redirect_url and dom_modifications must not both",
            redirect_url="/b",
            dom_modifications=[TEXT],
        ),
        refused(
            "type-alone",
            "redirect_url must be given for variant_type redirect",
            variant_type="redirect",
        ),
        refused(
            "other-type-alone",
            "dom_modifications must be given for variant_type dom_mod",
            variant_type="dom_modifications",
            redirect_url=None,
        ),
        refused(
            "cleared-redirect",
            "redirect_url must be given for variant_type redirect",
            variant_type="redirect",
            redirect_url=None,
        ),
        refused(
            "cleared-modifications",
            "dom_modifications must be given for variant_type dom_mod",
            variant_type="dom_modifications",
            dom_modifications=None,
        ),
        refused(
            "modification",
            r"dom_modifications\[0\].value must be given for setText",
            dom_modifications=[DomModification("h1", "setText")],
        ),
    ],
)
def test_variant_patch_refused(arguments: Arguments, message: str) -> None:
    """A variant's patch refuses wrong values and contradictions."""
    with pytest.raises(ConfigurationError, match=f"^{message}"):
        VariantPatch(**arguments)


@pytest.mark.parametrize(
    "arguments",
    [
        taken("weight", weight=0),
        taken("type", variant_type=VariantType.REDIRECT, redirect_url="/b"),
        taken("modifications", dom_modifications=(TEXT,)),
        taken("cleared", redirect_url=None, dom_modifications=None),
        taken("switched", redirect_url="/b", dom_modifications=None),
    ],
)
def test_variant_patch_taken(arguments: Arguments) -> None:
    """A variant's patch holds what is given and leaves the rest unset."""
    patch = VariantPatch(**arguments)
    assert all(getattr(patch, name) == arguments[name] for name in arguments)
    assert patch.name is UNSET


@pytest.mark.parametrize("kind", [NewSettings, SettingsPatch])
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        refused("name", "name must be text that", name=""),
        refused("cookie", "cookie_name must be text", cookie_name=3),
        refused(
            "domain-as-text",
            "whitelist_domains must be a sequence, not str",
            whitelist_domains="example.com",
        ),
        refused(
            "domain",
            r"whitelist_domains\[0\] must not hold a lone surrogate",
            whitelist_domains=[SURROGATE],
        ),
    ],
)
def test_settings_refused(
    kind: type[NewSettings | SettingsPatch], arguments: Arguments, message: str
) -> None:
    """Settings refuse wrong values by the argument's name."""
    with pytest.raises(ConfigurationError, match=f"^{message}"):
        kind(**arguments)


@pytest.mark.parametrize("kind", [NewSettings, SettingsPatch])
def test_settings_taken(kind: type[NewSettings | SettingsPatch]) -> None:
    """Settings keep any sequence of domains as a tuple."""
    domains = iter(["a.example", "b.example"])
    draft = kind(name="n", cookie_name="c", whitelist_domains=domains)
    assert draft.whitelist_domains == ("a.example", "b.example")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        refused("empty", "SettingsPatch: no field is given"),
        refused("name", "name must be text that", name=None),
    ],
)
def test_settings_patch_refused(arguments: Arguments, message: str) -> None:
    """A patch of settings needs a field, and never clears the name."""
    with pytest.raises(ConfigurationError, match=f"^{message}"):
        SettingsPatch(**arguments)


def test_empty_patch_is_a_value_error() -> None:
    """An empty patch is an ordinary ValueError, too."""
    with pytest.raises(ValueError, match="no field is given"):
        VariantPatch()


def test_settings_patch_clears() -> None:
    """None lifts the limit on domains and clears the cookie's name."""
    patch = SettingsPatch(cookie_name=None, whitelist_domains=None)
    assert (patch.cookie_name, patch.whitelist_domains) == (None, None)
