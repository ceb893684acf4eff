"""Simulated traffic that is counted per event: clusters, repeats and losses."""

from statistics import variance
from typing import Any

import pytest

from ours_experiments.emulator import Emulator
from tests.emulator.calls import Calls


async def results(seed: int = 0, **options: Any) -> list[tuple[int, int]]:
    """Return impressions and conversions of the control and of one treatment."""
    async with Emulator(seed=seed) as emulator, Calls(emulator) as call:
        (id_,) = emulator.seed_experiments(1, status="running")
        variants: Any = emulator.state.experiment(id_)["variants"]
        rates = {variant["id"]: 0.1 for variant in variants}
        lossy = options.pop("treatment_loses", 0.0)
        emulator.simulate(
            id_,
            days=10,
            visitors_per_day=20_000,
            conversion_rates=rates,
            loses={variants[1]["id"]: lossy},
            **options,
        )
        rows = (await call("GET", f"experiments/{id_}/results"))["variants"]
    return [(row["impressions"], row["conversions"]) for row in rows]


async def test_counts_impressions_of_each_visitor() -> None:
    """Visitors who come back raise the impressions, not the conversions."""
    once = await results()
    often = await results(impressions_per_visitor=3)
    for (seen, converted), (seen_often, converted_often) in zip(
        once, often, strict=True
    ):
        assert seen_often == pytest.approx(3 * seen, rel=0.02)
        assert converted_often == converted


async def test_counts_conversions_of_each_converter() -> None:
    """Visitors who convert again raise the conversions, not the impressions."""
    once = await results()
    often = await results(conversions_per_converter=2.5)
    for (seen, converted), (seen_often, converted_often) in zip(
        once, often, strict=True
    ):
        assert seen_often == seen
        assert converted_often == pytest.approx(2.5 * converted, rel=0.03)


async def test_may_count_more_conversions_than_impressions() -> None:
    """Conversions are events: there may be more of them than impressions."""
    rows = await results(conversions_per_converter=30)
    assert all(converted > seen for seen, converted in rows)


async def test_loses_impressions_of_one_arm() -> None:
    """The share of lost impressions is missing in that arm alone."""
    whole = await results()
    lossy = await results(treatment_loses=0.05)
    assert lossy[0] == whole[0]
    assert lossy[1][0] == pytest.approx(0.95 * whole[1][0], rel=0.005)
    assert lossy[1][1] == whole[1][1]
    assert (await results(treatment_loses=1))[1][0] == 0


async def test_clusters_spread_more_than_visitors() -> None:
    """Impressions of returning visitors vary more than independent ones would."""
    seen: dict[float, list[int]] = {1: [], 4: []}
    for mean, counts in seen.items():
        async with Emulator() as emulator, Calls(emulator) as call:
            (id_,) = emulator.seed_experiments(1, status="running")
            for seed in range(60):
                emulator.simulate(
                    id_,
                    days=1,
                    visitors_per_day=int(8000 / mean),
                    impressions_per_visitor=mean,
                    seed=seed,
                )
                rows = (await call("GET", f"experiments/{id_}/results"))["variants"]
                counts.append(rows[0]["impressions"])
    # A sum of N geometric counts of mean m has 2 m - 1 times the variance of N m
    # independent impressions: 7 for m = 4.
    assert variance(seen[4]) > 3 * variance(seen[1])


async def test_repeats_clustered_traffic() -> None:
    """The same seed gives the same clusters, another seed others."""
    options: dict[str, Any] = {
        "impressions_per_visitor": 2,
        "conversions_per_converter": 1.5,
        "treatment_loses": 0.1,
    }
    first = await results(**options)
    assert await results(**options) == first
    assert await results(seed=1, **options) != first


@pytest.mark.parametrize(
    "options",
    [
        {"impressions_per_visitor": 0.9},
        {"impressions_per_visitor": float("nan")},
        {"conversions_per_converter": 0},
        {"conversions_per_converter": 1001},
        {"loses": {"var_unknown": 0.1}},
        {"loses": {"control": 1.1}},
        {"loses": {"control": -0.1}},
    ],
)
def test_refuses_what_cannot_be(options: dict[str, Any]) -> None:
    """A value out of range is a ValueError that names the argument."""
    emulator = Emulator()
    (id_,) = emulator.seed_experiments(1, status="running")
    variants: Any = emulator.state.experiment(id_)["variants"]
    (name,) = options
    if "control" in (options.get("loses") or {}):
        options = {"loses": {variants[0]["id"]: options["loses"]["control"]}}
    with pytest.raises(ValueError, match=name):
        emulator.simulate(id_, **options)
