"""Warnings about experiments that would be started in vain."""

import asyncio
from collections.abc import Sequence

import ours_experiments as ours
from ours_experiments.bulk.preview import StartWarnings
from ours_experiments.errors import OursError
from ours_experiments.models import Experiment


MAX_CHECKED = 100
"""Experiments that are read to be checked: a read each, before the start itself."""


async def find_warnings(
    client: "ours.Client", ids: Sequence[str], found: Sequence[Experiment]
) -> list[str]:
    """Check experiments that are about to be started.

    A check that fails is left out: it must not keep a start back.

    Args:
        client: The client.
        ids: Ids of all experiments.
        found: The experiments, if they are known already.
    """
    # A service that is down fails the start as well: no need to wait for it twice.
    once = client.with_options(retry=ours.RetryPolicy(attempts=1))
    rules = StartWarnings(once.settings)
    # The first version of the API lists experiments without their variants.
    known = {item.id: item for item in found if item.variants is not None}

    async def check(id: str) -> str:
        try:
            experiment = known.get(id) or await once.experiments.retrieve(id)
        except OursError:
            return ""
        return await rules.for_experiment(experiment)

    checked = ids[:MAX_CHECKED]
    reasons = await asyncio.gather(*map(check, checked))
    warnings = [
        f"{experiment_id}: {reason}"
        for experiment_id, reason in zip(checked, reasons, strict=True)
        if reason
    ]
    if len(ids) > MAX_CHECKED:
        warnings.append(
            f"only the first {MAX_CHECKED} of {len(ids):,} experiments were checked "
            "for what keeps them from running"
        )
    return warnings
