"""Valid answers to begin with."""

from functools import cache

import orjson

from ours_experiments import (
    DomModification,
    DraftChanges,
    Experiment,
    Metrics,
    Results,
    SessionReplay,
    Settings,
    TargetingRules,
    TimeSeries,
    Transition,
    Variant,
    Version,
)
from tests.support.corpus import Corpus


MOMENT = "2026-04-30T18:42:11.219Z"


@cache
def examples() -> tuple[tuple[type, bytes], ...]:
    """Spell valid answers for every class that is decoded."""
    corpus = Corpus(seed=7)
    experiments = corpus.experiments(12)
    variants = [corpus.variant("experiment", index % 4, 25) for index in range(12)]
    counts = {"id": "v", "impressions": 10, "conversions": 1, "conversionRate": 0.1}
    best = {**counts, "name": "A", "isControl": True, "probabilityToBeBest": 1}
    entity = {"id": "e", "name": None, "type": "t", "summary": "s", "tagManagerId": "1"}
    changes = {
        "added": [entity],
        "removed": None,
        "modified": [{"old": entity, "new": entity}],
    }
    replay = {
        "sessionId": "s",
        "visitorId": "v",
        "variantName": "",
        "startTime": MOMENT,
        "durationSeconds": 184,
        "pageCount": 5,
        "replayUrl": "https://www.example.com/replay",
    }
    shared = {
        "id": "settings",
        "accountId": "account",
        "name": "Settings",
        "pixel": "pixel",
        "cookieName": None,
        "whitelistDomains": ["example.com"],
        "createdAt": MOMENT,
        "updatedAt": None,
    }
    version = {
        "id": "version",
        "name": None,
        "versionNumber": 3,
        "isPublished": True,
        "notes": "notes",
        "createdAt": MOMENT,
        "publishedAt": MOMENT,
    }
    transition = {
        "publishStatus": "published",
        "concurrentVersionChanges": 1,
        "experiment": {**experiments[0], "variants": None},
    }
    day = {"date": "2026-04-30", "variants": [counts, counts]}
    answers: list[tuple[type, object]] = [
        *((Experiment, row) for row in experiments),
        *((Variant, row) for row in variants),
        *((TargetingRules, corpus.targeting_rules()) for _ in range(4)),
        (Metrics, {"primary": corpus.metric(), "secondary": [corpus.metric()]}),
        *((DomModification, corpus.modification()) for _ in range(6)),
        (Transition, transition),
        (Results, {"variants": [best, best]}),
        (TimeSeries, {"days": [day, day]}),
        (SessionReplay, replay),
        (Settings, shared),
        (Version, version),
        (DraftChanges, {"count": 2, "differences": {"tags": changes, "x": {}}}),
    ]
    return tuple((kind, orjson.dumps(payload)) for kind, payload in answers)
