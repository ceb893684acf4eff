"""What a dry run can foretell of an experiment from what the service shows."""

import asyncio
import re
from collections.abc import Collection, Iterator, Sequence
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

import attrs

from ours_experiments.errors import OursError
from ours_experiments.models import Experiment, ExperimentStatus, ExperimentType


if TYPE_CHECKING:
    from ours_experiments.settings import SettingsRecords


ALLOWED_FROM = {
    "start": {ExperimentStatus.DRAFT},
    "pause": {ExperimentStatus.RUNNING},
    "resume": {ExperimentStatus.PAUSED},
    "stop": {ExperimentStatus.RUNNING, ExperimentStatus.PAUSED},
}
"""The states from which the service allows each action."""
MIN_VARIANTS = 2
AUTHORITY = re.compile(r"([^/?#]*://)?(?:[^/?#@]*@)?([^/?#]*)")
"""The scheme and the host of a URL pattern; all of it is optional, so it matches."""


def refusal_reason(
    action: str, experiment: Experiment, winner_variant_id: str | None
) -> str | None:
    """Return why the service would refuse an action; None when it would not."""
    if experiment.status not in ALLOWED_FROM[action]:
        return f"it is {experiment.status}"
    # An empty tuple means that the key may not see them: each has a control.
    variants = experiment.variants or None
    if action == "start":
        metrics = experiment.metrics
        if not (metrics and metrics.primary and metrics.primary.event_name):
            return "it has no primary metric with an event name"
        if (
            experiment.type != ExperimentType.PERSONALIZATION
            and variants is not None
            and len(variants) < MIN_VARIANTS
        ):
            return f"it has {len(variants)} variants and needs two"
    if (
        winner_variant_id
        and variants is not None
        and winner_variant_id not in {variant.id for variant in variants}
    ):
        return f"the winner {winner_variant_id} is none of its variants"
    return None


@attrs.define
class StartWarnings:
    """Warns of experiments that the service would start and nobody would see."""

    settings: "SettingsRecords"
    domains: Sequence[Collection[str]] | None = attrs.field(init=False, default=None)
    """The domains that each settings record allows; None until they are read."""
    lock: asyncio.Lock = attrs.field(init=False, factory=asyncio.Lock)

    async def for_experiment(self, experiment: Experiment) -> str:
        """Return what speaks against a start; empty for nothing."""
        warnings: list[str] = []
        rules = experiment.targeting_rules
        hosts = [*hosts_in(rules.url_patterns)] if rules is not None else []
        if hosts:
            allowed = await self.allowed_domains()
            warnings += (
                f"{host} is not in the settings' whitelist_domains: the experiment "
                "would not run there"
                for host in hosts
                if allowed and not any(covers(domains, host) for domains in allowed)
            )
        if (
            experiment.type == ExperimentType.PERSONALIZATION
            and experiment.variants
            and all(variant.is_control for variant in experiment.variants)
        ):
            warnings.append("a personalization without a treatment changes nothing")
        return "; ".join(warnings)

    async def allowed_domains(self) -> Sequence[Collection[str]]:
        """Return the domains that each settings record allows, read once a run."""
        async with self.lock:
            if self.domains is None:
                try:
                    records = await self.settings.list()
                except OursError:
                    records = ()
                self.domains = [record.whitelist_domains or () for record in records]
        return self.domains


def hosts_in(url_patterns: Sequence[str]) -> Iterator[str]:
    """Yield the host of each pattern that names one: a path is matched on any host."""
    for pattern in url_patterns:
        [(scheme, host), *_] = AUTHORITY.findall(pattern.strip())
        if host.strip("*") and (scheme or "." in host):
            yield host.casefold()


def covers(domains: Collection[str], host: str) -> bool:
    """Return whether a settings record allows a host; it may hold wildcards."""
    bare = host.partition(":")[0]
    return not domains or any(
        fnmatchcase(domain.casefold(), pattern)
        for domain in domains
        for pattern in (host, bare)
    )
