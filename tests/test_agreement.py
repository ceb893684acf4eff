"""Client, emulator and a small model agree after every step, faults included."""

from collections.abc import Coroutine
from contextlib import AsyncExitStack
from typing import Any, TypeVar

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from ours_experiments import (
    Client,
    ConflictError,
    ExperimentType,
    Metric,
    Metrics,
    NewExperiment,
    OutcomeUnknownError,
    RetryPolicy,
)
from ours_experiments.emulator import Emulator
from tests.support.aging import age
from tests.support.clock import fast_runner
from tests.trials.guarantees import LOST_REPLIES


T = TypeVar("T")

NEXT = {
    ("draft", "start"): "running",
    ("running", "pause"): "paused",
    ("paused", "resume"): "running",
    ("running", "stop"): "completed",
    ("paused", "stop"): "completed",
}
FAULTS = st.none() | st.sampled_from(LOST_REPLIES)


class Lifecycles(RuleBasedStateMachine):
    """The model: one word for each experiment, and a table of transitions."""

    def __init__(self) -> None:
        super().__init__()
        self.runner = fast_runner()
        self.stack = AsyncExitStack()
        self.emulator = self.run(self.stack.enter_async_context(Emulator()))
        client = Client(
            self.emulator.api_key,
            base_url=self.emulator.url,
            attempt_timeout=5,
            retry=RetryPolicy(budget=100_000),
        )
        self.client = self.run(self.stack.enter_async_context(client))
        self.model: dict[str, str] = {}
        self.made = 0
        self.run(self.begin())

    async def begin(self) -> None:
        """Begin with two experiments that can be started."""
        for experiment_id in self.emulator.seed_experiments(2):
            self.model[experiment_id] = "draft"

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Let the fast clock run until some work is done."""
        return self.runner.run(work)

    def misbehave(self, fault: tuple[str, dict[str, Any]] | None, route: str) -> None:
        """Let the next call of a route meet a fault."""
        if fault is not None:
            word, parameters = fault
            self.emulator.faults.add(word, route=route, times=1, **parameters)

    @rule(
        verb=st.sampled_from(["start", "pause", "resume", "stop"]),
        pick=st.integers(0, 5),
        fault=FAULTS,
    )
    def move(
        self, verb: str, pick: int, fault: tuple[str, dict[str, Any]] | None
    ) -> None:
        """A lifecycle call moves an experiment, or is refused with a conflict."""
        experiment_id = sorted(self.model)[pick % len(self.model)]
        age(self.emulator)
        following = NEXT.get((self.model[experiment_id], verb))
        self.misbehave(fault, f"experiments.{verb}")
        call = getattr(self.client.experiments, verb)
        try:
            transition = self.run(call(experiment_id))
        except ConflictError:
            assert following is None
        else:
            # Where a reply was lost, "it is so" cannot be told from "it was so".
            was_so = transition.experiment.status == self.model[experiment_id]
            assert following is not None or (fault is not None and was_so)
            self.model[experiment_id] = transition.experiment.status
        self.emulator.faults.clear()

    @precondition(lambda self: self.made < 5)
    @rule(keyed=st.booleans(), fault=FAULTS)
    def create(self, *, keyed: bool, fault: tuple[str, dict[str, Any]] | None) -> None:
        """A create makes one experiment, or says that nobody can tell."""
        self.made += 1
        key = f"machine-{self.made}" if keyed else None
        settings_id = str(self.emulator.state.settings()[0]["id"])
        self.misbehave(fault, "experiments.create")
        draft = NewExperiment(
            settings_id,
            f"Machine {self.made}",
            key=key,
            type=ExperimentType.PERSONALIZATION,
            metrics=Metrics(primary=Metric("signup")),
        )
        try:
            created = self.run(self.client.experiments.create(draft))
        except OutcomeUnknownError:
            assert fault is not None
            assert not keyed
            for experiment in self.emulator.state.experiments():
                self.model.setdefault(str(experiment["id"]), "draft")
        else:
            self.model[created.id] = "draft"
        self.emulator.faults.clear()

    @invariant()
    def all_agree(self) -> None:
        """What the client lists, the emulator has and the model says is the same."""

        async def listed() -> dict[str, str]:
            return {
                experiment.id: str(experiment.status)
                async for experiment in self.client.experiments.list()
            }

        held = {
            str(experiment["id"]): experiment["status"]
            for experiment in self.emulator.state.experiments()
        }
        assert self.run(listed()) == held == self.model

    def teardown(self) -> None:
        """End client, emulator and clock."""
        self.run(self.stack.aclose())
        self.runner.close()


TestLifecycles = Lifecycles.TestCase
TestLifecycles.settings = settings(max_examples=8, stateful_step_count=12)
