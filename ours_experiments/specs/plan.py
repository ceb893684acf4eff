"""A plan: what would bring the account to its specs, as data."""

import hashlib
import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any, cast

import attrs
import orjson

from ours_experiments._codec.converter import decode, encode
from ours_experiments.errors import ConfigurationError, DecodeError
from ours_experiments.models import Variant
from ours_experiments.specs.changes import Change, Conflict, PlanWarning
from ours_experiments.specs.dump import to_plain
from ours_experiments.specs.errors import SpecError
from ours_experiments.specs.files import Limits
from ours_experiments.specs.json_nodes import read_json
from ours_experiments.specs.nodes import UnreadableError
from ours_experiments.specs.reading import DocumentReader
from ours_experiments.specs.spec import ExperimentSpec


FORMAT = 1
"""Of a plan's JSON; another number is another program's."""


@attrs.frozen(kw_only=True)
class Unpublished:
    """An unpublished change of the account."""

    collection: str
    """The kind of entity, in the service's word."""
    id: str
    """The entity's identifier."""
    name: str | None = None
    """The entity's name; None where it has none."""


@attrs.frozen(kw_only=True)
class Target:
    """An experiment that the plan touches, as it was when the plan was made."""

    key: str
    """The experiment's key."""
    experiment_id: str | None = None
    """The experiment's id; None for one that is to be created."""
    status: str | None = None
    """Its status; None for one that is to be created."""
    updated_at: datetime | None = None
    """When it was last changed."""
    variants: tuple[Variant, ...] | None = None
    """Its variants; None where the plan did not read them."""
    settings_id: str | None = None
    """The settings to create it with; None for one that exists."""


@attrs.frozen(kw_only=True)
class Unmanaged:
    """An experiment that the specs own and that none of them describes."""

    id: str
    """The experiment's id."""
    key: str
    """The experiment's key."""
    status: str
    """Its status."""


@attrs.frozen(kw_only=True)
class Plan:
    """What a plan consists of; it has no client."""

    changes: tuple[Change, ...] = ()
    """What to do; changes of one experiment are in their order."""
    conflicts: tuple[Conflict, ...] = ()
    """What cannot be done."""
    warnings: tuple[PlanWarning, ...] = ()
    """What may be a mistake."""
    others: tuple[Unpublished, ...] = ()
    """Unpublished changes of anything else, which a publish ships too."""
    unmanaged: tuple[Unmanaged, ...] = ()
    """What the specs own and no spec describes."""
    targets: tuple[Target, ...] = ()
    """What the plan touches, to find later whether it changed meanwhile."""
    staged: tuple[str, ...] = ()
    """The ids of all unpublished changes."""
    existing: int = 0
    """How many managed experiments exist."""
    limits: Limits = attrs.field(factory=Limits)
    """How much of them may change live."""
    owns: tuple[str, ...] = ()
    """Patterns of the keys that the specs own."""
    settings: str | None = None
    """Name or id of the settings of new experiments; None: the only ones."""
    prune: bool = False
    """Whether what is owned and has no spec is deleted."""
    account: str | None = None
    """The fingerprint of the account; None where the plan was made without one."""
    specs: tuple[ExperimentSpec, ...] = ()
    """The specs that the plan was made from."""

    @property
    def is_empty(self) -> bool:
        """Tell whether there is nothing to change, and nothing that cannot be."""
        return not (self.changes or self.conflicts)

    @property
    def live(self) -> tuple[Change, ...]:
        """Return the changes that visitors see once they are published."""
        return tuple(change for change in self.changes if change.live)

    @property
    def versions(self) -> int:
        """Count the versions that applying the plan publishes."""
        immediate = sum(change.publishes for change in self.changes)
        return immediate + any(not change.publishes for change in self.live)

    def to_json(self) -> str:
        """Return the plan as JSON for `from_json`."""
        fields = {field.name: getattr(self, field.name) for field in attrs.fields(Plan)}
        body = {name: encoded(value) for name, value in fields.items()}
        body["specs"] = [to_plain(spec) for spec in self.specs]
        body["limits"] = {"changed": self.limits.changed, "from": self.limits.from_}
        document = {"plan": FORMAT, "digest": digest(body), **body}
        return json.dumps(document, indent=2, ensure_ascii=False) + "\n"

    @classmethod
    def from_json(cls, text: str) -> "Plan":
        """Read a plan that `to_json` wrote.

        Raises:
            ConfigurationError: It is no such plan, or was changed since.
        """
        body = body_of(text)
        values: dict[str, Any] = {
            field.name: body[field.name]
            for field in attrs.fields(Plan)
            if field.name in body
        }
        try:
            for name, kind in DECODED.items():
                values[name] = tuple(
                    decode(kind, item, at=f"$.{name}") for item in values[name]
                )
            limits = values["limits"]
            values["limits"] = Limits(changed=limits["changed"], from_=limits["from"])
            values["specs"] = tuple(spec_from(item) for item in values["specs"])
            for name in ("staged", "owns"):
                values[name] = tuple(values[name])
        except DecodeError as error:
            reasons = "; ".join(error.problems)
            raise ConfigurationError(f"the plan has another shape: {reasons}") from None
        except (KeyError, TypeError):
            raise ConfigurationError("the plan has another shape") from None
        return cls(**values)


DECODED: Mapping[str, type[Any]] = {
    "changes": Change,
    "conflicts": Conflict,
    "warnings": PlanWarning,
    "others": Unpublished,
    "unmanaged": Unmanaged,
    "targets": Target,
}


def encoded(value: object) -> object:
    """Turn a field of a plan into plain JSON."""
    if isinstance(value, tuple):
        return [encoded(item) for item in cast("tuple[object, ...]", value)]
    if attrs.has(type(value)) and not isinstance(value, ExperimentSpec | Limits):
        plain: object = orjson.loads(orjson.dumps(encode(value)))
        return plain
    return value


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
