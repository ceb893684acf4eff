"""Helpers for tests of plans against an account."""

from collections.abc import Iterable

from ours_experiments import ApplyReport, Client, ExperimentSpec, OutcomeStatus, Variant
from ours_experiments.emulator import Emulator
from ours_experiments.specs import MetricSpec, MetricsSpec, VariantSpec


Writes = list[tuple[str, str, dict[str, object]]]
"""Method, path and body of each write with a body."""
METHODS = {"POST", "PATCH", "PUT", "DELETE"}


def writes_in(emulator: Emulator) -> int:
    """Count the writes that arrived."""
    return sum(entry.method in METHODS for entry in emulator.log.entries)


def statuses(report: ApplyReport) -> list[OutcomeStatus]:
    """Return the status of each outcome."""
    return [outcome.status for outcome in report.outcomes]


def new_spec(key: str, **fields: object) -> ExperimentSpec:
    """Build a spec of an experiment with two treatments that can be started."""
    values: dict[str, object] = {
        "name": f"Name of {key}",
        "metrics": MetricsSpec(primary=MetricSpec(event_name="signup")),
        "variants": [
            VariantSpec(name="Left", weight=30, redirect_url="/left"),
            VariantSpec(name="Right", weight=20, redirect_url="/right"),
        ],
    }
    return ExperimentSpec(key=key, **(values | fields))  # type: ignore[arg-type]


async def create(client: Client, *specs: ExperimentSpec) -> None:
    """Bring an account to specs, and check that it is done."""
    report = await (await client.plan(specs)).apply()
    assert set(statuses(report)) <= {OutcomeStatus.APPLIED}


async def weights(client: Client, key: str) -> dict[str, int]:
    """Return the weights of an experiment's variants by name."""
    return {variant.name: variant.weight for variant in await variants(client, key)}


async def variants(client: Client, key: str) -> Iterable[Variant]:
    """Return the variants of an experiment."""
    found = await client.experiments.find_by_key(key)
    assert found is not None
    return found.variants or ()
