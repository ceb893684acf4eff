"""The example bodies of the API's documentation, and the objects that they describe."""

from datetime import UTC, date, datetime

import attrs

from ours_experiments import (
    Day,
    DayVariant,
    DomModification,
    Experiment,
    ExperimentStatus,
    ExperimentType,
    Metric,
    Metrics,
    PublishStatus,
    QueryOperator,
    QueryParam,
    Results,
    Style,
    TargetingRules,
    TimeSeries,
    Transition,
    Variant,
    VariantResult,
)


EXPERIMENTS = "https://app.oursprivacy.com/rest/v1/experiments"
ID = "exp_01HZX8TK6TSN91C5XWZP3N1M4E"
VARIANT_ID = "var_01HZX8YJH3Z3W1R2Q4M5N6P7Q8"
SETTINGS_ID = "settings_01HZX9BB73EY2Q37VGK5A0VW7A"

WITHOUT_VARIANTS = {
    "id": ID,
    "key": "homepage-hero-headline-test",
    "name": "Homepage Hero Headline Test",
    "description": "Test whether benefit-led copy increases demo requests.",
    "type": "ab",
    "status": "completed",
    "createdAt": "2026-04-30T18:42:11.219Z",
    "updatedAt": "2026-05-14T09:00:00.000Z",
    "startedAt": "2026-05-01T08:00:00.000Z",
    "stoppedAt": "2026-05-14T09:00:00.000Z",
    "trafficAllocation": 100,
    "includeQueryString": False,
    "winnerVariantId": VARIANT_ID,
    "targetingRules": {
        "urlPatterns": ["/pricing*", "/enterprise"],
        "audienceId": "string",
        "visitorProperties": {},
        "visitorStatus": "string",
        "queryParams": [
            {"key": "utm_campaign", "operator": "contains", "value": "spring-launch"}
        ],
    },
    "metrics": {
        "primary": {},
        "secondary": [{"eventName": "demo_requested", "funnelId": "string"}],
    },
}
VARIANT = {
    "id": VARIANT_ID,
    "experimentId": ID,
    "name": "Headline Variant B",
    "isControl": False,
    "weight": 50,
    "variantType": "string",
    "redirectUrl": "https://www.example.com/pricing-v2",
    "domModifications": [
        {
            "selector": "h1.hero-title",
            "action": "customCss",
            "value": "Start your free trial",
            "styles": [{"property": "background-color", "value": "#10B981"}],
            "attribute": {},
        }
    ],
}
WITH_VARIANTS = {**WITHOUT_VARIANTS, "variants": [VARIANT]}
PAGE = {
    "entities": [WITHOUT_VARIANTS],
    "pagination": {"nextCursor": "string", "hasMore": True},
}
TRANSITION = {
    "publishStatus": "pending_publish",
    "concurrentVersionChanges": 1,
    "experiment": WITHOUT_VARIANTS,
}
RESULTS = {
    "variants": [
        {
            "id": "string",
            "name": "Treatment",
            "isControl": False,
            "impressions": 1842,
            "conversions": 213,
            "conversionRate": 0.1156,
            "probabilityToBeBest": 0.87,
        }
    ]
}
TIME_SERIES = {
    "days": [
        {
            "date": "2026-04-30",
            "variants": [
                {
                    "id": "string",
                    "impressions": 0,
                    "conversions": 0,
                    "conversionRate": 0,
                }
            ],
        }
    ]
}
REFUSAL = {"error": "string", "details": "string"}

BARE = Experiment(
    id=ID,
    key="homepage-hero-headline-test",
    name="Homepage Hero Headline Test",
    description="Test whether benefit-led copy increases demo requests.",
    type=ExperimentType.AB,
    status=ExperimentStatus.COMPLETED,
    created_at=datetime(2026, 4, 30, 18, 42, 11, 219000, tzinfo=UTC),
    updated_at=datetime(2026, 5, 14, 9, tzinfo=UTC),
    started_at=datetime(2026, 5, 1, 8, tzinfo=UTC),
    stopped_at=datetime(2026, 5, 14, 9, tzinfo=UTC),
    traffic_allocation=100,
    include_query_string=False,
    winner_variant_id=VARIANT_ID,
    rollout_variant_id=None,
    targeting_rules=TargetingRules(
        ["/pricing*", "/enterprise"],
        audience_id="string",
        visitor_properties={},
        visitor_status="string",
        query_params=[
            QueryParam("utm_campaign", QueryOperator.CONTAINS, "spring-launch")
        ],
    ),
    metrics=Metrics(Metric(), [Metric("demo_requested", "string")]),
    variants=None,
)
FULL = attrs.evolve(
    BARE,
    variants=(
        Variant(
            id=VARIANT_ID,
            experiment_id=ID,
            name="Headline Variant B",
            is_control=False,
            weight=50,
            variant_type="string",
            redirect_url="https://www.example.com/pricing-v2",
            dom_modifications=(
                DomModification(
                    "h1.hero-title",
                    "customCss",
                    "Start your free trial",
                    styles=[Style("background-color", "#10B981")],
                    attribute={},
                ),
            ),
        ),
    ),
)
MOVED = Transition(BARE, PublishStatus.PENDING_PUBLISH, 1)
MEASURED = Results(
    (
        VariantResult(
            id="string",
            name="Treatment",
            is_control=False,
            impressions=1842,
            conversions=213,
            conversion_rate=0.1156,
            probability_to_be_best=0.87,
        ),
    )
)
ON_ONE_DAY = DayVariant(id="string", impressions=0, conversions=0, conversion_rate=0)
BY_DAY = TimeSeries((Day(date(2026, 4, 30), (ON_ONE_DAY,)),))
