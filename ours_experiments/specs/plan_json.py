"""A plan as JSON: saved to be reviewed, and applied later."""

import hashlib
import json
from collections.abc import Mapping
from typing import Any, cast

import attrs
import orjson

from ours_experiments._codec.converter import decode, decode_entities, encode
from ours_experiments.errors import ConfigurationError, DecodeError
from ours_experiments.specs.changes import Action, Change, Conflict, PlanWarning
from ours_experiments.specs.dump import to_plain
from ours_experiments.specs.files import Limits
from ours_experiments.specs.nodes import read_json
from ours_experiments.specs.plan import Plan, Target, Unmanaged, Unpublished
from ours_experiments.specs.reading import DocumentReader
from ours_experiments.specs.spec import ExperimentSpec


FORMAT = 1
"""Another number is that of another program."""
OBJECTS: Mapping[str, type[Any]] = {
    "changes": Change,
    "conflicts": Conflict,
    "warnings": PlanWarning,
    "others": Unpublished,
    "unmanaged": Unmanaged,
    "targets": Target,
    "staged": str,
    "owns": str,
}
PLAIN = ("existing", "settings", "prune", "account")


def to_json(plan: Plan) -> str:
    """Return a plan as JSON."""
    body: dict[str, object] = {name: getattr(plan, name) for name in PLAIN}
    body["limits"] = encode(plan.limits)
    body["specs"] = plain_specs(plan)
    for name in OBJECTS:
        body[name] = [encode(item) for item in getattr(plan, name)]
    body = orjson.loads(orjson.dumps(body))
    document = {"plan": FORMAT, "digest": digest(body), **body}
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def plain_specs(plan: Plan) -> list[object]:
    """Return the specs of a plan as plain JSON."""
    return [to_plain(spec) for spec in plan.specs]


def digest(body: Mapping[str, object]) -> str:
    """Return a digest of a plan's content, which shows that it was edited."""
    canonical = json.dumps(body, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()


def from_json(text: str) -> Plan:
    """Read a plan that `to_json` wrote."""
    try:
        document: object = json.loads(text)
    except (ValueError, RecursionError):
        raise ConfigurationError("the plan is not JSON") from None
    if not isinstance(document, dict) or "plan" not in document:
        raise ConfigurationError("this JSON is no plan: it has no field `plan`")
    body = cast("dict[str, Any]", document)
    if body.pop("plan") != FORMAT:
        raise ConfigurationError(f"the plan is not of format {FORMAT}: plan again")
    if body.pop("digest", None) != digest(body):
        raise ConfigurationError("the plan was edited after it was made: plan again")
    try:
        values: dict[str, Any] = {name: body[name] for name in PLAIN}
        values["limits"] = decode(Limits, body["limits"])
        values["specs"] = tuple(spec_from(plain) for plain in body["specs"])
        for name, kind in OBJECTS.items():
            values[name] = decode_entities(kind, body[name], at=f"$.{name}")
        # An enum stays text where it is decoded, since a service may be newer.
        values["changes"] = tuple(
            attrs.evolve(change, action=Action(change.action))
            for change in values["changes"]
        )
    except (DecodeError, KeyError, TypeError, ValueError) as error:
        raise ConfigurationError(f"the plan has another shape: {error}") from None
    return Plan(**values)


def spec_from(plain: object) -> ExperimentSpec:
    """Read a spec that a plan carries."""
    (node,) = read_json(json.dumps(plain))
    spec = DocumentReader("plan").read(node)
    if spec is None:
        raise ValueError("the spec is refused")
    return spec
