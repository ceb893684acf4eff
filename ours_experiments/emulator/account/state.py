"""The account: experiments, variants, settings and versions, without I/O."""

from contextlib import AbstractContextManager
from threading import RLock

import orjson

from ours_experiments.emulator.account import lifecycle as _lifecycle
from ours_experiments.emulator.account import variants as _variants
from ours_experiments.emulator.account.behavior import Behavior
from ours_experiments.emulator.account.ids import Ids, IdStyle
from ours_experiments.emulator.account.index import Index
from ours_experiments.emulator.account.records import Experiment, Settings, Variant
from ours_experiments.emulator.account.snapshots import (
    experiment_snapshots,
    settings_key,
    settings_snapshot,
)
from ours_experiments.emulator.account.texts import Texts, slug
from ours_experiments.emulator.account.traffic import Traffic
from ours_experiments.emulator.account.versions import Releases
from ours_experiments.emulator.clock import Clock, milliseconds
from ours_experiments.emulator.json_values import Json, Values, array, mapping, string
from ours_experiments.emulator.problems import conflict, not_found


class State:
    """All records of the account, and the rules for changing them.

    `experiment`, `experiments`, `settings` and `versions` return copies as the API
    spells them. The other methods raise `ProblemError` where the service refuses.
    """

    def __init__(
        self,
        clock: Clock,
        *,
        seed: int = 0,
        id_style: IdStyle = "ulid",
        unique_keys: bool = False,
        names: Texts | None = None,
        keys: Texts | None = None,
        list_delay: float = 0.0,
        clock_skew: float = 0.0,
        lock: AbstractContextManager[object] | None = None,
    ) -> None:
        self.clock = clock
        self.ids: Ids = Ids(seed, id_style)
        self.list_delay: int = round(list_delay * 1000)
        self.index: Index = Index(clock, self.list_delay)
        self.releases: Releases = Releases(self.ids.uuid)
        self.traffic: Traffic = Traffic(self.ids, seed)
        self.settings_by_id: dict[str, Settings] = {}
        self.created: int = 0
        """Number of experiments that were ever created."""
        self._account_id = self.ids.new("org")
        self._user_id = self.ids.new("user")
        self._unique_keys = unique_keys
        self._skew = round(clock_skew * 1000)
        self._lock = RLock() if lock is None else lock
        self._names = Texts() if names is None else names
        self._keys = Texts() if keys is None else keys
        self._experiments: dict[str, Experiment] = {}
        self._variants: dict[str, tuple[Experiment, Variant]] = {}
        self._variants_made = 0

    @property
    def size(self) -> int:
        """Number of experiments."""
        return len(self._experiments)

    def now(self) -> int:
        """Return the time in milliseconds since the epoch."""
        return milliseconds(self.clock.now()) + self._skew

    def experiment(self, id: str) -> dict[str, Json]:
        """Return an experiment with its variants, as the API spells it."""
        with self._lock:
            written: dict[str, Json] = orjson.loads(self.get(id).full_bytes())
        return written

    def experiments(self) -> list[dict[str, Json]]:
        """Return all experiments, the most recently updated first."""
        with self._lock:
            newest_first = sorted(
                self._experiments.values(), key=Experiment.order, reverse=True
            )
            return [self.experiment(experiment.id) for experiment in newest_first]

    def settings(self) -> list[dict[str, Json]]:
        """Return the settings records."""
        with self._lock:
            return [settings.wire() for settings in self.settings_by_id.values()]

    def versions(self) -> list[dict[str, Json]]:
        """Return all versions, the newest first."""
        with self._lock:
            return [version.wire() for version in reversed(self.releases.versions)]

    def get(self, id: str) -> Experiment:
        """Find an experiment."""
        try:
            return self._experiments[id]
        except KeyError:
            raise not_found("experiment") from None

    def create(self, values: Values) -> Experiment:
        """Create a draft experiment with its control."""
        settings_id = _text(values.get("experimentSettingsId"))
        if settings_id not in self.settings_by_id:
            raise not_found("experimentSettingsId: no such settings")
        name = self._names.normalize(_text(values.get("name")))
        key = self._free_key(_text(values.get("key")), name)
        # Never used again after a deletion: offset cursors compare by it.
        self.created += 1
        experiment = Experiment(
            id=self.ids.new("exp"),
            number=self.created,
            settings_id=settings_id,
            key=key,
            name=name,
            description=None,
            type=_text(values.get("type")) or "ab",
            created_at=self.now(),
        )
        _assign(experiment, values)
        # The API creates the control with its experiment.
        weight = values.get("controlWeight")
        control = self._new_variant(
            experiment,
            {
                "name": "Control",
                "isControl": True,
                "weight": 100 if weight is None else weight,
            },
        )
        experiment.variants.append(control)
        self._variants[control.id] = experiment, control
        self._keys.add(key)
        self._names.add(name)
        self._experiments[experiment.id] = experiment
        self.index.put(experiment)
        return experiment

    def patch(self, id: str, values: Values) -> Experiment:
        """Update an experiment, unless it is completed."""
        experiment = self.get(id)
        if experiment.status == "completed":
            raise conflict("A completed experiment can no longer be edited")
        # Null clears other fields; a name it leaves as it is.
        sent, name = string(values.get("name")), experiment.name
        name = name if sent is None else self._names.normalize(sent, name)
        if "key" in values:
            key = self._free_key(_text(values["key"]), name, experiment.key)
            self._keys.remove(experiment.key)
            self._keys.add(key)
            experiment.key = key
        self._names.remove(experiment.name)
        self._names.add(name)
        experiment.name = name
        _assign(experiment, values)
        experiment.updated_at = self.now()
        self._changed(experiment)
        return experiment

    def delete(self, id: str) -> None:
        """Delete an experiment with its variants, whatever its status."""
        experiment = self._experiments.pop(self.get(id).id)
        self._keys.remove(experiment.key)
        self._names.remove(experiment.name)
        self.index.remove(id)
        self.traffic.forget(id)
        for variant in experiment.variants:
            del self._variants[variant.id]
        # A draft is in no version: its deletion leaves nothing to publish.
        if experiment.status != "draft":
            self._track(experiment, gone=True)

    def check_transition(self, id: str, action: str, values: Values) -> None:
        """Raise ProblemError if the state does not allow a lifecycle call."""
        _lifecycle.check(action, self.get(id), values)

    def transition(
        self, id: str, action: str, values: Values, *, publish: bool
    ) -> tuple[Experiment, int]:
        """Carry out a lifecycle call; return also the number of staged changes."""
        experiment = self.get(id)
        _lifecycle.check(action, experiment, values)
        _lifecycle.perform(action, experiment, values, self.now())
        self._changed(experiment)
        # `concurrentVersionChanges` counts this change as well.
        changes = 1 + self.releases.others(id)
        if publish:
            self.releases.publish(self.now())
        return experiment, changes

    def variant(self, id: str) -> Variant:
        """Find a variant."""
        return self._located(id)[1]

    def variants_of(self, experiment_id: str) -> list[Variant]:
        """Return the variants of an experiment, an empty list if there is none."""
        experiment = self._experiments.get(experiment_id)
        return [] if experiment is None else experiment.variants

    def create_variant(self, values: Values) -> Variant:
        """Add a treatment to a draft experiment."""
        kind = _variants.check_payload(
            values.get("variantType"),
            values.get("redirectUrl"),
            values.get("domModifications"),
        )
        experiment = self.get(_text(values.get("experimentId")))
        variant = self._new_variant(experiment, self._with_kept_name(values))
        _variants.add(experiment, variant, kind)
        self._variants[variant.id] = experiment, variant
        self._show(experiment)
        return variant

    def patch_variant(self, id: str, values: Values) -> Variant:
        """Update a variant."""
        experiment, variant = self._located(id)
        _variants.change(experiment, variant, self._with_kept_name(values))
        self._show(experiment)
        return variant

    def delete_variant(self, id: str) -> Variant:
        """Delete a treatment."""
        experiment, variant = self._located(id)
        _variants.remove(experiment, variant)
        del self._variants[id]
        self._show(experiment)
        return variant

    def find_settings(self, id: str) -> Settings:
        """Find a settings record."""
        try:
            return self.settings_by_id[id]
        except KeyError:
            raise not_found("experiment settings") from None

    def create_settings(self, values: Values) -> Settings:
        """Create the settings of the account; a second record is refused."""
        if self.settings_by_id:
            raise conflict("Experiment settings already exist for this account")
        settings = Settings(
            id=self.ids.new("settings"),
            account_id=self._account_id,
            name="Experiment Settings",
            pixel=self.ids.new("px"),
            cookie_name="_cord_exp",
            whitelist_domains=None,
            created_at=self.now(),
            user_id=self._user_id,
        )
        # Null means the default here, and clears in a patch.
        _assign_settings(
            settings, {name: v for name, v in values.items() if v is not None}
        )
        self.settings_by_id[settings.id] = settings
        self.releases.track(settings_key(settings), settings_snapshot(settings))
        return settings

    def patch_settings(self, id: str, values: Values) -> Settings:
        """Update settings."""
        settings = self.find_settings(id)
        _assign_settings(settings, values)
        settings.updated_at = self.now()
        self.releases.track(settings_key(settings), settings_snapshot(settings))
        return settings

    def delete_settings(self, id: str) -> Settings:
        """Delete settings, and all experiments and variants that they own."""
        settings = self.find_settings(id)
        # There is one record at most, so that all experiments are its own.
        for experiment_id in list(self._experiments):
            self.delete(experiment_id)
        del self.settings_by_id[id]
        self.releases.track(settings_key(settings), None)
        return settings

    def simulate(self, id: str, behavior: Behavior, seed: int | None) -> None:
        """Simulate the traffic of an experiment that has been started."""
        experiment = self.get(id)
        self.traffic.simulate(experiment, self.now(), behavior, seed)
        self._show(experiment)

    def adopt(self, experiment: Experiment) -> None:
        """Publish what was created in process, unless it is a draft."""
        if experiment.status == "draft":
            return
        for key, snapshot in experiment_snapshots(experiment):
            self.releases.seed(key, snapshot)

    def adopt_settings(self, settings: Settings) -> None:
        """Publish settings that were created in process."""
        key, snapshot = settings_key(settings), settings_snapshot(settings)
        self.releases.seed(key, snapshot)
        self.releases.track(key, snapshot)

    def _located(self, variant_id: str) -> tuple[Experiment, Variant]:
        try:
            return self._variants[variant_id]
        except KeyError:
            raise not_found("variant") from None

    def _new_variant(self, experiment: Experiment, values: Values) -> Variant:
        self._variants_made += 1
        weight = values.get("weight")
        return Variant(
            id=self.ids.new("var"),
            experiment_id=experiment.id,
            number=self._variants_made,
            name=_text(values.get("name")),
            is_control=values.get("isControl") is True,
            weight=weight if isinstance(weight, int) else 0,
            redirect_url=string(values.get("redirectUrl")),
            dom_modifications=array(values.get("domModifications")),
        )

    def _with_kept_name(self, values: Values) -> Values:
        name = string(values.get("name"))
        if name is None:
            return values
        # No suffix: variants of different experiments may share a name.
        return {**values, "name": self._names.rewrite(name)}

    def _free_key(self, sent: str, name: str, present: str | None = None) -> str:
        key = self._keys.normalize(sent if sent.strip() else slug(name), present)
        if self._unique_keys and key != present and key in self._keys:
            raise conflict(f"An experiment with the key {key} already exists")
        return key

    def _changed(self, experiment: Experiment) -> None:
        self._show(experiment)
        # Drafts appear in no diff, and no publish ships them.
        if experiment.status != "draft":
            self._track(experiment)

    def _show(self, experiment: Experiment) -> None:
        # The JSON of an experiment is encoded once for each change, not for each read.
        experiment.full_json = None
        self.index.put(experiment)

    def _track(self, experiment: Experiment, *, gone: bool = False) -> None:
        for key, snapshot in experiment_snapshots(experiment):
            self.releases.track(key, None if gone else snapshot)


def _text(value: Json) -> str:
    return string(value) or ""


def _assign(experiment: Experiment, values: Values) -> None:
    if "description" in values:
        experiment.description = string(values["description"])
    if "includeQueryString" in values:
        forward = values["includeQueryString"]
        experiment.include_query_string = forward if isinstance(forward, bool) else None
    if "targetingRules" in values:
        experiment.targeting_rules = mapping(values["targetingRules"])
    if "metrics" in values:
        experiment.metrics = mapping(values["metrics"])
    allocation = values.get("trafficAllocation")
    if isinstance(allocation, int):
        experiment.traffic_allocation = allocation


def _assign_settings(settings: Settings, values: Values) -> None:
    name = string(values.get("name"))
    settings.name = settings.name if name is None else name
    if "cookieName" in values:
        settings.cookie_name = string(values["cookieName"])
    if "whitelistDomains" in values:
        settings.whitelist_domains = array(values["whitelistDomains"])
