"""The documented request bodies."""

import orjson

from ours_experiments.emulator.account.records import TYPES
from ours_experiments.emulator.api.validation import (
    Shape,
    array_of,
    boolean,
    free_object,
    integer,
    nullable,
    one_of,
    percentage,
    text,
)
from ours_experiments.emulator.json_values import Json, array, mapping, parse, string
from ours_experiments.emulator.problems import bad_request


_OPERATORS = ("contains", "equals", "exists", "not_equals", "not_exists", "regex")
_ACTIONS = (
    "customCss",
    "customJs",
    "insertAfter",
    "insertBefore",
    "remove",
    "setAttribute",
    "setHtml",
    "setImage",
    "setStyle",
    "setText",
)
_COLLECTIONS = (
    "AllowedEvents",
    "ConsentSettings",
    "Destinations",
    "ExternalAllowedEventData",
    "GlobalDispatchCenters",
    "Mappings",
    "ReplaySettings",
    "Sources",
    "TagManagerTags",
    "TagManagerTriggers",
    "TagManagerVariables",
    "DataGovernanceRules",
    "DataGovernanceEvents",
    "ExperimentSettings",
    "Experiments",
    "ExperimentVariants",
)


def primary_metric(value: Json, path: str) -> Json:
    """Check a primary metric, which needs the name of an event."""
    metric = _METRIC(value, path)
    name = metric["eventName"]
    if not isinstance(name, str) or not name.strip():
        raise bad_request(f"{path}.eventName: must not be blank")
    return metric


def redirect_url(value: Json, path: str) -> Json:
    """Check a redirect: a path of the site, or an absolute https URL."""
    if isinstance(value, str):
        of_the_site = value.startswith("/") and not value.startswith("//")
        if of_the_site or (value.startswith("https://") and value != "https://"):
            return value
    raise bad_request(f"{path}: must be a path of the site or an https:// URL")


def dom_modification(value: Json, path: str) -> Json:
    """Check a DOM change; its payload is kept as text and as structure."""
    change = _MODIFICATION(value, path)
    styles, attribute = change.pop("styles"), change.pop("attribute")
    change["value"] = change["value"] or ""
    if change["action"] == "setStyle" and styles is not None:
        listed = [mapping(style) or {} for style in array(styles) or ()]
        pairs = {string(s["property"]) or "": s["value"] for s in listed}
        change["value"] = orjson.dumps(pairs).decode()
    elif change["action"] == "setAttribute" and attribute is not None:
        change["value"] = orjson.dumps(attribute).decode()
    structured = _pairs(change["value"], f"{path}.value")
    change["styles"] = change["attribute"] = None
    if change["action"] == "setAttribute":
        change["attribute"] = structured
    elif change["action"] == "setStyle" and structured is not None:
        change["styles"] = [
            {"property": name, "value": text_of(style)}
            for name, style in structured.items()
            if name
        ]
    return change


def text_of(value: Json) -> str:
    """Return a string as it is, anything else as JSON."""
    return value if isinstance(value, str) else orjson.dumps(value).decode()


def _pairs(value: Json, path: str) -> dict[str, Json] | None:
    """Return the payload of a DOM change, None when it is not an object."""
    try:
        parsed = mapping(parse(string(value) or ""))
    except ValueError:
        return None
    return None if parsed is None else free_object(parsed, path)


_METRIC = Shape(
    {"eventName": nullable(text()), "funnelId": nullable(text())}, filled=True
)
_METRICS = Shape(
    {
        "primary": nullable(primary_metric),
        "secondary": nullable(array_of(_METRIC)),
    },
    filled=True,
)
_QUERY_PARAM = Shape(
    {"key": text(), "operator": one_of(_OPERATORS), "value": nullable(text())},
    required=frozenset({"key", "operator"}),
    filled=True,
)
_TARGETING = Shape(
    {
        "urlPatterns": array_of(text(maximum=2000), maximum=200),
        "audienceId": nullable(text()),
        "visitorProperties": nullable(free_object),
        "visitorStatus": nullable(text()),
        "queryParams": nullable(array_of(_QUERY_PARAM)),
    },
    required=frozenset({"urlPatterns"}),
    filled=True,
)
_STYLE = Shape(
    {"property": text(minimum=1), "value": text()},
    required=frozenset({"property", "value"}),
)
_MODIFICATION = Shape(
    {
        "selector": text(),
        "action": one_of(_ACTIONS),
        "value": nullable(text()),
        "styles": nullable(array_of(_STYLE)),
        "attribute": nullable(free_object),
    },
    required=frozenset({"selector", "action"}),
    filled=True,
)
_EXPERIMENT = {
    "key": nullable(text()),
    "name": nullable(text()),
    "description": nullable(text()),
    "trafficAllocation": nullable(percentage),
    "includeQueryString": nullable(boolean),
    "targetingRules": nullable(_TARGETING),
    "metrics": nullable(_METRICS),
}
_VARIANT = {
    "name": nullable(text()),
    "weight": nullable(integer(0, 100)),
    "variantType": nullable(one_of({"dom_modifications", "redirect"})),
    "redirectUrl": nullable(redirect_url),
    "domModifications": nullable(array_of(dom_modification)),
    "isControl": nullable(boolean),
}
_NOTED = {"name": nullable(text()), "notes": nullable(text())}

NOTHING = Shape({})
NEW_EXPERIMENT = Shape(
    {
        **_EXPERIMENT,
        "experimentSettingsId": text(minimum=1),
        "name": text(),
        "type": nullable(one_of(TYPES)),
        "controlWeight": nullable(integer(1, 100)),
    },
    required=frozenset({"experimentSettingsId", "name"}),
)
EXPERIMENT_PATCH = Shape(_EXPERIMENT)
START = Shape({"publishAfterStart": boolean})
PAUSE = Shape({"publishAfterPause": boolean})
RESUME = Shape({"publishAfterResume": boolean})
STOP = Shape({"winnerVariantId": text(), "rolloutVariantId": text()})
ROLLOUT = Shape({"variantId": text()}, required=frozenset({"variantId"}))
WINNER = Shape({"winnerVariantId": text()})
NEW_VARIANT = Shape(
    {
        **_VARIANT,
        "experimentId": text(minimum=1),
        "name": text(),
        "weight": integer(0, 100),
    },
    required=frozenset({"experimentId", "name", "weight"}),
)
VARIANT_PATCH = Shape(_VARIANT)
SETTINGS = Shape(
    {
        "name": nullable(text()),
        "cookieName": nullable(text()),
        "whitelistDomains": nullable(array_of(text())),
    }
)
NEW_VERSION = Shape(
    {
        **_NOTED,
        **{f"include{name}": nullable(array_of(text())) for name in _COLLECTIONS},
    }
)
VERSION_PATCH = Shape(_NOTED)
