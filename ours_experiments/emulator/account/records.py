"""The records of the account, and their form in JSON."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from dataclasses import replace as copy_of

import orjson

from ours_experiments.emulator.clock import timestamp
from ours_experiments.emulator.json_values import Json, Values, mapping, string


STATUSES = frozenset({"completed", "draft", "paused", "running"})
TYPES = frozenset({"ab", "multivariate", "personalization"})


@dataclass(slots=True)
class Variant:
    """A variant of an experiment."""

    id: str
    experiment_id: str
    number: int
    name: str
    is_control: bool
    weight: int
    variant_type: str | None = None
    redirect_url: str | None = None
    dom_modifications: Sequence[Json] | None = None

    def wire(self) -> dict[str, Json]:
        """Return the variant as the API spells it."""
        return {
            "id": self.id,
            "experimentId": self.experiment_id,
            "name": self.name,
            "isControl": self.is_control,
            "weight": self.weight,
            "variantType": self.variant_type,
            "redirectUrl": self.redirect_url,
            "domModifications": self.dom_modifications,
        }


@dataclass(slots=True)
class Experiment:
    """An experiment with its variants; moments are milliseconds since the epoch."""

    id: str
    number: int
    settings_id: str
    key: str
    name: str
    description: str | None
    type: str
    created_at: int
    status: str = "draft"
    updated_at: int | None = None
    started_at: int | None = None
    stopped_at: int | None = None
    run_started_at: int | None = None
    traffic_allocation: int = 100
    include_query_string: bool | None = None
    winner_variant_id: str | None = None
    rollout_variant_id: str | None = None
    targeting_rules: Values | None = None
    metrics: Values | None = None
    variants: list[Variant] = field(default_factory=list[Variant])
    full_json: bytes | None = None

    def bare(self) -> dict[str, Json]:
        """Return the experiment as the API spells it, without its variants."""
        return {
            "id": self.id,
            "key": self.key,
            "name": self.name,
            "description": self.description,
            "type": self.type,
            "status": self.status,
            "createdAt": timestamp(self.created_at),
            "updatedAt": timestamp(self.updated_at),
            "startedAt": timestamp(self.started_at),
            "stoppedAt": timestamp(self.stopped_at),
            "trafficAllocation": self.traffic_allocation,
            "includeQueryString": self.include_query_string,
            "winnerVariantId": self.winner_variant_id,
            "rolloutVariantId": self.rollout_variant_id,
            "targetingRules": self.targeting_rules,
            "metrics": self.metrics,
        }

    def full(self) -> dict[str, Json]:
        """Return the experiment with its variants."""
        return {
            **self.bare(),
            "variants": [variant.wire() for variant in self.variants],
        }

    def full_bytes(self) -> bytes:
        """Return `full` as JSON, written once for each change."""
        if self.full_json is None:
            self.full_json = orjson.dumps(self.full())
        return self.full_json

    def order(self) -> tuple[int, int, int]:
        """Return the sort key of listings; the greatest comes first."""
        changed = self.created_at if self.updated_at is None else self.updated_at
        return (changed, self.created_at, self.number)

    def copy(self) -> "Experiment":
        """Return a copy that later changes do not reach."""
        return copy_of(self, variants=[copy_of(variant) for variant in self.variants])

    def primary_event(self) -> str | None:
        """Return the event name of the primary metric, if there is one."""
        primary = mapping(self.metrics.get("primary")) if self.metrics else None
        name = string(primary.get("eventName")) if primary else None
        return name if name and name.strip() else None


@dataclass(slots=True)
class Settings:
    """The settings that own the account's experiments."""

    id: str
    account_id: str
    name: str
    pixel: str
    cookie_name: str | None
    whitelist_domains: Sequence[Json] | None
    created_at: int
    user_id: str
    updated_at: int | None = None

    def wire(self) -> dict[str, Json]:
        """Return the settings as the API spells them."""
        return {
            "id": self.id,
            "accountId": self.account_id,
            "name": self.name,
            "pixel": self.pixel,
            "cookieName": self.cookie_name,
            "whitelistDomains": self.whitelist_domains,
            "createdAt": timestamp(self.created_at),
            "updatedAt": timestamp(self.updated_at),
            "createdByUserId": self.user_id,
            "updatedByUserId": None if self.updated_at is None else self.user_id,
        }
