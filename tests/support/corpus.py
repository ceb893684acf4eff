"""Make pages of experiments that look like an account's, the same for each seed."""

import random
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import TypeVar

import orjson


VOCABULARY = """
annual banner blue book bold call card cart checkout clear demo discount enquire fast
footer form free guide header hero homepage image insurance intake landing learn menu
mobile navigation offer patient plan pricing primary privacy provider quick referral
review schedule search secondary short sign sticky summer telehealth testimonial trial
trust upgrade urgent video visit wait winter
"""
WORDS = VOCABULARY.split()
ACTIONS = (
    "customCss",
    "customJs",
    "insertAfter",
    "insertBefore",
    "remove",
    "setAttribute",
    "setHtml",
    "setImage",
    "setStyle",
    "setStyle",
    "setText",
    "setText",
)
PROPERTIES = ("background-color", "color", "display", "font-size", "margin-top")
STATUSES = ("draft", "running", "running", "paused", "completed", "completed")
EPOCH = datetime(2025, 1, 1, tzinfo=UTC)

Json = dict[str, object]
T = TypeVar("T")


class Corpus:
    """A source of experiments as the service lists them."""

    def __init__(self, seed: int = 0) -> None:
        self.random = random.Random(seed)  # noqa: S311 - nothing here is a secret

    def page(self, size: int = 100) -> bytes:
        """Spell one page of a listing, some 250 kB for 100 experiments."""
        payload = {
            "entities": self.experiments(size),
            "pagination": {"nextCursor": self.identifier(), "hasMore": True},
        }
        return orjson.dumps(payload)

    def experiments(self, count: int) -> list[Json]:
        """Make experiments with everything that belongs to them."""
        return [self.experiment() for _ in range(count)]

    def experiment(self) -> Json:
        """Make one experiment, its variants included."""
        status = self.random.choice(STATUSES)
        created = EPOCH + timedelta(seconds=self.random.randrange(40_000_000))
        experiment_id = self.identifier()
        variants = self.variants(experiment_id)
        completed = status == "completed"
        return {
            "id": experiment_id,
            "key": "-".join(self.words(4)),
            "name": self.phrase(5).title(),
            "description": self.maybe(self.phrase(16)),
            "type": self.random.choice(("ab", "ab", "multivariate", "personalization")),
            "status": status,
            "createdAt": timestamp(created),
            "updatedAt": timestamp(created + timedelta(hours=5)),
            "startedAt": None if status == "draft" else timestamp(created),
            "stoppedAt": timestamp(created + timedelta(days=30)) if completed else None,
            "trafficAllocation": self.random.choice((10, 25, 50, 100)),
            "includeQueryString": self.maybe(value=True),
            "winnerVariantId": variants[-1]["id"] if completed else None,
            "rolloutVariantId": None,
            "targetingRules": self.targeting_rules(),
            "metrics": {
                "primary": self.metric(),
                "secondary": [self.metric() for _ in range(self.random.randrange(3))],
            },
            "variants": variants,
        }

    def variants(self, experiment_id: str) -> list[Json]:
        """Make two to four variants, the control first."""
        count = self.random.choice((2, 3, 3, 4))
        return [
            self.variant(experiment_id, index, 100 // count) for index in range(count)
        ]

    def variant(self, experiment_id: str, index: int, weight: int) -> Json:
        """Make a variant that redirects or has up to six modifications."""
        redirects = index > 0 and self.random.random() < 0.2
        modifies = index > 0 and not redirects
        return {
            "id": self.identifier(),
            "experimentId": experiment_id,
            "name": self.phrase(3).title() if index else "Control",
            "isControl": index == 0,
            "weight": weight,
            "variantType": (
                "redirect" if redirects else "dom_modifications" if modifies else None
            ),
            "redirectUrl": (
                f"https://www.example.com/{'/'.join(self.words(3))}"
                if redirects
                else None
            ),
            "domModifications": (
                [self.modification() for _ in range(self.random.randrange(7))]
                if modifies
                else None
            ),
        }

    def modification(self) -> Json:
        """Make a change to one element of the page."""
        action = self.random.choice(ACTIONS)
        styles = attribute = None
        value = self.phrase(self.random.randrange(4, 24))
        if action == "setStyle":
            pairs = {
                name: f"#{self.random.randrange(16**6):06x}"
                for name in self.random.sample(PROPERTIES, 2)
            }
            styles = [{"property": name, "value": pairs[name]} for name in pairs]
            value = orjson.dumps(pairs).decode()
        elif action == "setAttribute":
            attribute = {"aria-label": self.phrase(4)}
            value = orjson.dumps(attribute).decode()
        return {
            "selector": f"main > section.{'-'.join(self.words(2))} .{self.words(1)[0]}",
            "action": action,
            "value": value,
            "styles": styles,
            "attribute": attribute,
        }

    def targeting_rules(self) -> Json:
        """Make rules of eligibility."""
        params = [
            {"key": "utm_campaign", "operator": "contains", "value": self.words(1)[0]}
            for _ in range(self.random.randrange(3))
        ]
        patterns = [f"/{'/'.join(self.words(2))}*" for _ in range(3)]
        return {
            "urlPatterns": patterns,
            "audienceId": self.maybe(self.identifier()),
            "visitorProperties": self.maybe({"state": {"equals": self.words(1)[0]}}),
            "visitorStatus": self.random.choice((None, "new", "returning")),
            "queryParams": params,
        }

    def metric(self) -> Json:
        """Make a metric."""
        return {
            "eventName": "_".join(self.words(2)),
            "funnelId": self.maybe(self.identifier()),
        }

    def identifier(self) -> str:
        """Make something that looks like a UUID."""
        digits = f"{self.random.getrandbits(128):032x}"
        return "-".join(
            digits[start:end] for start, end in pairwise((0, 8, 12, 16, 20, 32))
        )

    def maybe(self, value: T) -> T | None:
        """Leave half of the values out."""
        return value if self.random.random() < 0.5 else None

    def words(self, count: int) -> list[str]:
        """Draw some words."""
        return self.random.choices(WORDS, k=count)

    def phrase(self, count: int) -> str:
        """Draw some words as text."""
        return " ".join(self.words(count))


def timestamp(moment: datetime) -> str:
    """Spell a time as the service does."""
    return moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03d}Z"
