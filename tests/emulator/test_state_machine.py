"""The state against a small model of the lifecycle and of the split of weights."""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    consumes,
    initialize,
    invariant,
    multiple,
    rule,
)

from ours_experiments.emulator import Clock, ProblemError, State
from ours_experiments.emulator.account.index import Filter
from ours_experiments.emulator.json_values import Json


# Where each call leads from where; written apart from the emulator's own table.
TRANSITIONS = {
    ("draft", "start"): "running",
    ("running", "pause"): "paused",
    ("paused", "resume"): "running",
    ("running", "stop"): "completed",
    ("paused", "stop"): "completed",
    ("completed", "winner"): "completed",
}


Fields = dict[str, Json]
Refused = Callable[[], object]


@dataclass
class Model:
    """What an experiment should be like."""

    ready: bool
    personal: bool
    status: str = "draft"
    live: str | None = None
    """The status that was published last, None before the first publish."""
    weights: dict[str, int] = field(default_factory=dict)
    """The treatments' weights."""
    winner: str | None = None

    @property
    def waits(self) -> bool:
        """Whether a publish would ship it."""
        return self.status not in ("draft", self.live)


class Lifecycle(RuleBasedStateMachine):
    """Create, split, start, pause, resume, stop, stage, publish and delete."""

    experiments = Bundle("experiments")

    def __init__(self) -> None:
        super().__init__()
        self.state = State(Clock(frozen=True))
        self.models: dict[str, Model] = {}

    @initialize()
    def settle(self) -> None:
        """Return the account its settings, published already."""
        self.settings_id = self.state.create_settings({}).id
        self.state.releases.publish(self.state.now())

    @rule(target=experiments, ready=st.booleans(), personal=st.booleans())
    def create(self, ready: bool, personal: bool) -> str:  # noqa: FBT001
        """Create an experiment, with or without what it takes to start."""
        values: Fields = {
            "experimentSettingsId": self.settings_id,
            "name": "x",
            "type": "personalization" if personal else "ab",
            "metrics": {"primary": {"eventName": "e"}} if ready else None,
        }
        id_ = self.state.create(values).id
        self.models[id_] = Model(ready, personal)
        return id_

    @rule(id_=experiments, weight=st.integers(0, 100))
    def add_treatment(self, id_: str, weight: int) -> None:
        """Add a treatment, refused where it leaves the control nothing."""
        model = self.models[id_]
        values: Fields = {"experimentId": id_, "name": "t", "weight": weight}
        if sum(model.weights.values()) + weight > 99:
            self.expect(400, lambda: self.state.create_variant(values))
        elif model.status != "draft":
            self.expect(409, lambda: self.state.create_variant(values))
        else:
            model.weights[self.state.create_variant(values).id] = weight

    @rule(id_=experiments, weight=st.integers(0, 100), data=st.data())
    def change_weight(self, id_: str, weight: int, data: st.DataObject) -> None:
        """Change the weight of a treatment."""
        model = self.models[id_]
        if not model.weights:
            return
        chosen = data.draw(st.sampled_from(sorted(model.weights)))
        others = sum(model.weights.values()) - model.weights[chosen]
        values: Fields = {"weight": weight}
        if others + weight > 99:
            self.expect(400, lambda: self.state.patch_variant(chosen, values))
        elif model.status != "draft":
            self.expect(409, lambda: self.state.patch_variant(chosen, values))
        else:
            self.state.patch_variant(chosen, values)
            model.weights[chosen] = weight

    @rule(id_=experiments, data=st.data())
    def remove_variant(self, id_: str, data: st.DataObject) -> None:
        """Delete a variant; the control stays."""
        model = self.models[id_]
        variants = self.state.get(id_).variants
        chosen = data.draw(st.sampled_from(variants)).id
        if chosen not in model.weights or model.status != "draft":
            self.expect(409, lambda: self.state.delete_variant(chosen))
        else:
            self.state.delete_variant(chosen)
            del model.weights[chosen]

    @rule(
        id_=experiments,
        action=st.sampled_from(["start", "pause", "resume", "stop", "winner"]),
        publish=st.booleans(),
        data=st.data(),
    )
    def transition(
        self,
        id_: str,
        action: str,
        publish: bool,  # noqa: FBT001
        data: st.DataObject,
    ) -> None:
        """Make a lifecycle call, which may publish everything that waits."""
        model = self.models[id_]
        winners: list[str | None] = [None, *sorted(model.weights)]
        winner = data.draw(st.sampled_from(winners))
        values: Fields = {} if winner is None else {"winnerVariantId": winner}
        goal = TRANSITIONS.get((model.status, action))
        if action == "start" and not (
            model.ready and (model.personal or len(model.weights) >= 1)
        ):
            goal = None
        call = partial(
            self.state.transition,
            *(id_, action, values),
            publish=publish and action != "winner",
        )
        if goal is None:
            self.expect(409, call)
            return
        model.status = goal
        if action in ("stop", "winner"):
            model.winner = winner
        waiting = {i for i, m in self.models.items() if m.waits}
        _, changes = call()
        assert changes == len(waiting | {id_})
        if publish and action != "winner":
            self.everything_is_live()

    @rule()
    def publish(self) -> None:
        """Publish what waits, if anything does."""
        if any(model.waits for model in self.models.values()):
            self.state.releases.check_publishable({})
            self.state.releases.publish(self.state.now())
            self.everything_is_live()
        else:
            self.expect(409, lambda: self.state.releases.check_publishable({}))

    @rule(target=experiments, id_=consumes(experiments))
    def delete(self, id_: str) -> object:
        """Delete an experiment that is not live; refuse to find it afterwards."""
        if self.models[id_].live is not None:
            return id_
        self.state.delete(id_)
        del self.models[id_]
        self.expect(404, lambda: self.state.get(id_))
        return multiple()

    @rule(seconds=st.integers(0, 100))
    def wait(self, seconds: int) -> None:
        """Let time pass, so that updates come apart."""
        self.state.clock.advance(seconds=seconds)

    @invariant()
    def agrees(self) -> None:
        """The state and the model agree on every experiment."""
        for id_, model in self.models.items():
            experiment = self.state.get(id_)
            control, *treatments = experiment.variants
            assert experiment.status == model.status
            assert experiment.winner_variant_id == model.winner
            assert {t.id: t.weight for t in treatments} == model.weights
            assert control.is_control
            assert not any(treatment.is_control for treatment in treatments)
            assert control.weight == 100 - sum(model.weights.values()) >= 1

    @invariant()
    def lists_in_order(self) -> None:
        """The listing holds each experiment once, the latest update first."""
        rows, _ = self.state.index.after(None, Filter(), 1000)
        assert {row.id for row in rows} == set(self.models)
        assert len(rows) == len(self.models)
        places = [
            (row.updated_at or row.created_at, row.created_at, row.number)
            for row in rows
        ]
        assert places == sorted(places, reverse=True)

    def everything_is_live(self) -> None:
        """Record in the models that all was published."""
        for model in self.models.values():
            model.live = None if model.status == "draft" else model.status

    def expect(self, status: int, call: Refused) -> None:
        """Make a call that is to be refused."""
        with pytest.raises(ProblemError) as refusal:
            call()
        assert refusal.value.status == status


Lifecycle.TestCase.settings = settings(max_examples=100, stateful_step_count=40)
TestLifecycle = Lifecycle.TestCase
