"""The content of a version: what is served of each entity."""

import orjson

from ours_experiments.emulator.account.records import Experiment, Settings
from ours_experiments.emulator.account.versions import Key, Snapshot


_ONLY_REPORTED = (
    "createdAt",
    "updatedAt",
    "startedAt",
    "stoppedAt",
    "winnerVariantId",
)


def experiment_snapshots(experiment: Experiment) -> list[tuple[Key, Snapshot]]:
    """Return what a version keeps of an experiment and of its variants."""
    served = experiment.bare()
    for name in _ONLY_REPORTED:
        del served[name]
    snapshots = [
        (
            Key("experiments", experiment.id, experiment.id),
            Snapshot(experiment.name, experiment.type, orjson.dumps(served)),
        )
    ]
    for variant in experiment.variants:
        key = Key("experimentVariants", variant.id, experiment.id)
        content = orjson.dumps(variant.wire())
        snapshots.append((key, Snapshot(variant.name, variant.variant_type, content)))
    return snapshots


def settings_key(settings: Settings) -> Key:
    """Return the key of settings in a version."""
    return Key("experimentSettings", settings.id, settings.id)


def settings_snapshot(settings: Settings) -> Snapshot:
    """Return what a version keeps of settings."""
    served = {
        "id": settings.id,
        "name": settings.name,
        "cookieName": settings.cookie_name,
        "whitelistDomains": settings.whitelist_domains,
    }
    return Snapshot(settings.name, None, orjson.dumps(served))
