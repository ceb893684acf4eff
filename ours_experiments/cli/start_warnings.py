"""Warnings about experiments that would be started in vain."""

import asyncio
import re
from collections.abc import Iterable, Sequence

import ours_experiments as ours
from ours_experiments.errors import OursError
from ours_experiments.models import Experiment, ExperimentType, Settings


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
    once = client.with_options(retry=ours.RetryPolicy(attempts=1))
    checked = ids[:MAX_CHECKED]
    # An experiment of a listing has no variants.
    known = {item.id: item for item in found if item.variants is not None}

    async def read(id: str) -> Experiment | None:
        try:
            return known.get(id) or await once.experiments.retrieve(id)
        except OursError:
            return None

    try:
        settings = await once.settings.list()
    except OursError:
        return []
    experiments = await asyncio.gather(*map(read, checked))
    warnings = [
        f"{item.id}: {warning}"
        for item in experiments
        if item is not None
        for warning in warnings_for(item, settings)
    ]
    if len(ids) > MAX_CHECKED:
        warnings.append(
            f"only the first {MAX_CHECKED} of {len(ids):,} experiments were checked "
            "for what keeps them from running"
        )
    return warnings


def warnings_for(experiment: Experiment, settings: Iterable[Settings]) -> list[str]:
    """Return why an experiment would not run, or run without effect.

    Args:
        experiment: The experiment with its variants.
        settings: All settings of the account: the API does not return which of them
            an experiment has.
    """
    warnings: list[str] = []
    rules = experiment.targeting_rules
    domains = allowed_domains(settings)
    if rules is not None and domains is not None:
        hosts = {host_of(pattern) for pattern in rules.url_patterns} - {None}
        warnings += [
            f"it will not run on {host}, which is not in the whitelist_domains of "
            "the settings"
            for host in sorted(hosts - domains, key=str)
        ]
    if (
        experiment.type == ExperimentType.PERSONALIZATION
        and experiment.variants is not None
        and all(variant.is_control for variant in experiment.variants)
    ):
        warnings.append("it is a personalization with no treatment: it shows nothing")
    return warnings


def allowed_domains(settings: Iterable[Settings]) -> set[str | None] | None:
    """Return the domains that any of the settings allow; None: there is no limit."""
    domains: set[str | None] = set()
    for item in settings:
        if not item.whitelist_domains:
            return None
        domains.update(domain.lower() for domain in item.whitelist_domains)
    return domains or None


def host_of(pattern: str) -> str | None:
    """Return the host of a URL pattern; None if it has none, or a wildcard in it."""
    scheme, separator, rest = pattern.strip().rpartition("://")
    if not separator and "/" not in rest:
        return None
    authority = re.split(r"[/?#]", rest)[0].rpartition("@")[2]
    host = authority.partition(":")[0].lower()
    is_host = bool(host) and "*" not in host and ("." in host or bool(scheme))
    return host if is_host else None
