"""A plan as JSON: saved to be reviewed, and applied later."""

import hashlib
import json
from collections.abc import Mapping
from typing import Any, cast

import attrs
import orjson

from ours_experiments._codec.converter import decode, encode
from ours_experiments.errors import ConfigurationError, DecodeError
from ours_experiments.specs.changes import Action, Change, Conflict, PlanWarning
from ours_experiments.specs.dump import to_plain
from ours_experiments.specs.errors import SpecError
from ours_experiments.specs.files import Limits
from ours_experiments.specs.nodes import UnreadableError, read_json
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
}
"""Fields that hold objects, which the codec converts."""
PLAIN = ("staged", "existing", "owns", "settings", "prune", "account")


def to_json(plan: Plan) -> str:
    """Return a plan as JSON."""
    body: dict[str, object] = {name: getattr(plan, name) for name in PLAIN}
    for name in OBJECTS:
        objects = [encode(item) for item in getattr(plan, name)]
        body[name] = orjson.loads(orjson.dumps(objects))
    body["specs"] = plain_specs(plan)
    body["limits"] = {"changed": plan.limits.changed, "from": plan.limits.from_}
    document = {"plan": FORMAT, "digest": digest(body), **body}
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def plain_specs(plan: Plan) -> list[object]:
    """Return the specs of a plan as plain JSON."""
    return [to_plain(spec) for spec in plan.specs]


def from_json(text: str) -> Plan:
    """Read a plan that `to_json` wrote.

    Raises:
        ConfigurationError: It is no such plan, or was changed since.
    """
    body = body_of(text)
    try:
        values: dict[str, Any] = {name: body[name] for name in PLAIN}
        for name, kind in OBJECTS.items():
            values[name] = tuple(
                decode(kind, item, at=f"$.{name}") for item in body[name]
            )
        # An enum stays text where it is decoded, since a service may be newer.
        values["changes"] = tuple(
            attrs.evolve(change, action=Action(change.action))
            for change in values["changes"]
        )
        limits = body["limits"]
        values["limits"] = Limits(changed=limits["changed"], from_=limits["from"])
        values["specs"] = tuple(spec_from(item) for item in body["specs"])
        for name in ("staged", "owns"):
            values[name] = tuple(values[name])
    except DecodeError as error:
        reasons = "; ".join(error.problems)
        raise ConfigurationError(f"the plan has another shape: {reasons}") from None
    except ConfigurationError:
        raise
    except (KeyError, TypeError, ValueError):
        raise ConfigurationError("the plan has another shape") from None
    return Plan(**values)


def digest(body: Mapping[str, object]) -> str:
    """Return a digest of a plan's content, which shows that it was edited."""
    canonical = json.dumps(body, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()


def body_of(text: str) -> dict[str, Any]:
    """Parse the JSON of a plan, and check that it is as it was written.

    Raises:
        ConfigurationError: It is not.
    """
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
    return body


def spec_from(plain: object) -> ExperimentSpec:
    """Read a spec that a plan carries.

    Raises:
        ConfigurationError: It is refused.
    """
    try:
        (node,) = read_json(json.dumps(plain))
    except UnreadableError as error:
        raise ConfigurationError(f"the plan's spec: {error.message}") from None
    reader = DocumentReader("plan")
    spec = reader.read(node)
    if spec is None:
        raise SpecError(reader.problems)
    return spec
