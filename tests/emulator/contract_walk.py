"""A walk at random through the whole surface of the emulator."""

from collections.abc import Awaitable, Callable
from random import Random
from typing import Any

from aiohttp import ClientSession

from ours_experiments.emulator import Emulator
from tests.emulator.contract_document import Contract


NAMES = ("Hero", "", "Füße & <b>", "x" * 300, None, 7)
FITTING = {
    "draft": ("start", "start", "start"),
    "running": ("pause", "stop"),
    "paused": ("resume", "stop"),
    "completed": ("rollout", "end-rollout", "winner"),
}
ACTIONS = ("start", "pause", "resume", "stop", "rollout", "end-rollout", "winner")
EVENTS = ("signup", "purchase", "other")


Step = Callable[[], Awaitable[object]]


class Walk:
    """Make calls, sensible and senseless ones, and have every answer checked."""

    def __init__(
        self, emulator: Emulator, http: ClientSession, contract: Contract, seed: int
    ) -> None:
        self.emulator = emulator
        self.http = http
        self.contract = contract
        self.dice = Random(seed)  # noqa: S311
        self.steps: tuple[tuple[int, Step], ...] = (
            (2, self.create_settings),
            (1, self.change_settings),
            (6, self.create_experiment),
            (6, self.create_variant),
            (3, self.change_variant),
            (6, self.change_experiment),
            (22, self.transition),
            (3, self.list_experiments),
            (3, self.report),
            (3, self.read),
            (4, self.version),
            (2, self.nonsense),
            (2, self.live_on),
        )

    async def call(
        self,
        method: str,
        path: str,
        body: object = None,
        **query: str,
    ) -> Any:
        """Make a call and have its answer checked."""
        path = f"/rest/v1/{path}"
        async with self.http.request(method, path, params=query, json=body) as response:
            assert response.content_type == "application/json"
            payload = await response.json()
            self.contract.check(method, path, response.status, payload)
            return payload

    async def step(self) -> None:
        """Make one step at random."""
        weights = [weight for weight, _ in self.steps]
        (chosen,) = self.dice.choices([step for _, step in self.steps], weights)
        await chosen()

    def experiment(self) -> Any:
        """Choose an experiment, rarely one that does not exist."""
        ids = self.emulator.state.experiments()[:12]
        if not ids or self.dice.random() < 0.03:
            return {"id": "exp_x", "variants": [{"id": "var_x"}]}
        return self.dice.choice(ids)

    def variant(self) -> str:
        """Choose a variant."""
        id_: str = self.dice.choice(self.experiment()["variants"])["id"]
        return id_

    def some(self, **fields: tuple[object, ...]) -> dict[str, object]:
        """Choose some of the fields, and a value for each."""
        return {
            name: self.dice.choice(values)
            for name, values in fields.items()
            if self.dice.random() < 0.6
        }

    async def create_settings(self) -> None:
        """Create the settings, again and again."""
        await self.call("POST", "experiment-settings", self.settings_fields())

    async def change_settings(self) -> None:
        """Read, change, and rarely delete the settings."""
        listed = await self.call("GET", "experiment-settings")
        ids = [settings["id"] for settings in listed["entities"]] or ["settings_x"]
        path = f"experiment-settings/{ids[0]}"
        await self.call("GET", path)
        await self.call("PATCH", path, self.settings_fields())
        if self.dice.random() < 0.2:
            await self.call("DELETE", path)

    def settings_fields(self) -> dict[str, object]:
        """Choose fields of settings."""
        return self.some(
            name=NAMES, cookieName=("c", None), whitelistDomains=(["a.io"], [], None)
        )

    def experiment_fields(self) -> dict[str, object]:
        """Choose fields of an experiment."""
        rules = {
            "urlPatterns": ["/a*"],
            "visitorProperties": {"plan": {"in": [1, "b", None]}},
            "queryParams": [{"key": "k", "operator": "regex", "value": "."}],
            "unknown": 1,
        }
        return self.some(
            name=NAMES,
            key=("k", "", None),
            description=("why", None),
            trafficAllocation=(0, 12.5, 100, None, 101),
            includeQueryString=(True, False, None),
            targetingRules=(rules, {"urlPatterns": []}, None, {}),
        )

    async def create_experiment(self) -> None:
        """Create an experiment, mostly one that can be started."""
        settings = self.emulator.state.settings()
        metrics = {
            "primary": {"eventName": "signup"},
            "secondary": [{"eventName": "purchase"}, {"funnelId": "f"}],
        }
        body = {
            "experimentSettingsId": settings[0]["id"] if settings else "settings_x",
            "name": "Hero",
            **self.experiment_fields(),
            **self.some(
                type=("ab", "multivariate", "personalization", None, "x"),
                metrics=(metrics, metrics, metrics, {"secondary": []}, None),
                controlWeight=(1, 100, None, 0),
            ),
        }
        created = await self.call("POST", "experiments", body)
        if "id" in created:
            await self.add_variant(created["id"], 30)

    async def change_experiment(self) -> None:
        """Change an experiment, rarely delete it."""
        path = f"experiments/{self.experiment()['id']}"
        if self.dice.random() < 0.1:
            await self.call("DELETE", path)
        else:
            await self.call("PATCH", path, self.experiment_fields())

    async def create_variant(self) -> None:
        """Add a variant to some experiment."""
        weight = self.dice.choice((0, 5, 20, 60, 100))
        await self.add_variant(self.experiment()["id"], weight)

    async def add_variant(self, experiment_id: str, weight: int) -> None:
        """Add a variant with some payload."""
        body = {
            "experimentId": experiment_id,
            "name": self.dice.choice(NAMES),
            "weight": weight,
            **self.dice.choice((self.payload(), {})),
            **self.some(isControl=(False, None, True)),
        }
        await self.call("POST", "experiment-variants", body)

    def payload(self) -> dict[str, object]:
        """Choose a payload, rarely one that is refused."""
        mutations = [
            {"selector": "h1", "action": "setText", "value": "x"},
            {
                "selector": "h1",
                "action": "setStyle",
                "styles": [{"property": "color", "value": "red"}],
            },
            {"selector": "a", "action": "setAttribute", "attribute": {"href": "/x"}},
            {"selector": "a", "action": "setAttribute", "value": "no JSON"},
            {"selector": "p", "action": "remove"},
        ]
        payloads: tuple[dict[str, object], ...] = (
            {"redirectUrl": "/b"},
            {"variantType": "redirect", "redirectUrl": "https://x.io/"},
            {"domModifications": self.dice.sample(mutations, 2)},
            {"domModifications": mutations, "redirectUrl": "/b"},
            {"variantType": "redirect"},
        )
        return self.dice.choice(payloads)

    async def change_variant(self) -> None:
        """Read, change or delete a variant."""
        path = f"experiment-variants/{self.variant()}"
        await self.call("GET", path)
        body = {
            **self.some(name=NAMES, weight=(0, 1, 40, 99, None)),
            **self.dice.choice((self.payload(), {})),
        }
        await self.call("PATCH", path, body)
        if self.dice.random() < 0.3:
            await self.call("DELETE", path)

    async def transition(self) -> None:
        """Make a lifecycle call, allowed or not."""
        experiment = self.experiment()
        fitting = FITTING.get(str(experiment.get("status")), ())
        action = self.dice.choice((*fitting, *fitting, *ACTIONS))
        own = self.dice.choice(experiment["variants"])["id"]
        chosen = self.dice.choice((own, own, own, self.variant()))
        flag = self.dice.choice((True, False))
        bodies: dict[str, object] = {
            "start": self.dice.choice((None, {}, {"publishAfterStart": flag})),
            "pause": self.dice.choice((None, {"publishAfterPause": flag})),
            "resume": self.dice.choice((None, {"publishAfterResume": flag})),
            "stop": self.some(winnerVariantId=(chosen,), rolloutVariantId=(own,)),
            "rollout": {"variantId": chosen},
            "end-rollout": None,
            "winner": self.some(winnerVariantId=(chosen, None)),
        }
        path = f"experiments/{experiment['id']}/{action}"
        await self.call("POST", path, bodies[action])

    async def list_experiments(self) -> None:
        """List experiments with some filters, and follow the cursor once."""
        query = {
            name: str(value)
            for name, value in self.some(
                limit=(1, 3, 0, "x"),
                status=("draft", "running", "completed", "paused", "x"),
                type=("ab", "personalization"),
                search=("hero", "exp_0"),
            ).items()
        }
        page = await self.call("GET", "experiments", **{"limit": "4", **query})
        cursor = page.get("pagination", {}).get("nextCursor")
        if cursor:
            await self.call("GET", "experiments", **{**query, "cursor": cursor})
            await self.call("GET", "versions", cursor=cursor)

    async def report(self) -> None:
        """Simulate traffic and read the reports."""
        experiment = self.experiment()
        if experiment.get("startedAt"):
            self.emulator.simulate(experiment["id"], days=3, visitors_per_day=50)
        path = f"experiments/{experiment['id']}"
        query = {
            name: str(value)
            for name, value in self.some(
                eventName=EVENTS, startDate=("2026-01-01", "x")
            ).items()
        }
        await self.call("GET", f"{path}/results", **query)
        await self.call("GET", f"{path}/results-time-series", **query)
        await self.call("GET", f"{path}/session-replays", limit="5")

    async def read(self) -> None:
        """Read an experiment and its variants."""
        id_ = self.experiment()["id"]
        await self.call("GET", f"experiments/{id_}")
        await self.call("GET", "experiment-variants", experimentId=id_, limit="3")

    async def version(self) -> None:
        """Look at what is unpublished, publish, annotate, and roll back."""
        await self.call("GET", "versions/draft/diff")
        body = self.some(
            name=("n", None),
            notes=("marker", None),
            includeExperiments=([], [self.experiment()["id"]]),
        )
        await self.call("POST", "versions", body)
        page = await self.call("GET", "versions", limit="3", notesContains="mark")
        ids = [version["id"] for version in page["entities"]] or ["x"]
        path = f"versions/{self.dice.choice(ids)}"
        await self.call("GET", path)
        await self.call("PATCH", path, {"notes": "marker", "name": None})
        await self.call("GET", f"{path}/snapshot")
        await self.call("GET", f"{path}/diff", against=self.dice.choice(ids))
        await self.call("POST", f"{path}/publish")

    async def nonsense(self) -> None:
        """Make calls that no client should make."""
        await self.call("PUT", "experiments")
        await self.call("GET", "experiments/x/nothing")
        await self.call("GET", "versions/x/diff")
        await self.call("POST", "versions/draft/abandon")
        headers = {"Authorization": "Bearer wrong"}
        for path in ("/rest/v1/experiments", "/rest/v1/versions"):
            async with self.http.get(path, headers=headers) as response:
                payload = await response.json()
                self.contract.check("GET", path, response.status, payload)

    async def live_on(self) -> None:
        """Let time pass."""
        self.emulator.clock.advance(days=self.dice.choice((0, 1, 20)))
