"""Every operation of the API in the order of its table, and how the client calls it."""

from collections.abc import Awaitable, Callable
from typing import TypeVar

import attrs
import pytest

from ours_experiments import (
    Client,
    ExperimentPatch,
    Listing,
    NewExperiment,
    NewSettings,
    NewVariant,
    SettingsPatch,
    VariantPatch,
)


T = TypeVar("T")


@attrs.frozen
class Operation:
    """One row of the API's table."""

    name: str
    """Resource and method, as the client and the emulator's log have it."""
    request: str
    """The HTTP method, and the path below /rest/v1."""
    scope: str
    """What the key must be allowed to do."""
    call: Callable[[Client, str], Awaitable[object]]
    """Makes the call with this id, where the path has one."""

    def path(self, id: str) -> str:
        """Give the whole path for an id that needs no escaping."""
        path = self.request.partition(" ")[2].replace("{id}", id)
        return f"/rest/v1/{path}"


async def first_of(listing: Listing[T]) -> T | None:
    """Get the first thing that a listing serves; None when there is nothing."""
    walk = aiter(listing)
    return await anext(walk, None)


OPERATIONS = (
    Operation(
        "experiments.list",
        "GET experiments",
        "experiment:list",
        lambda client, _: client.experiments.list_page(),
    ),
    Operation(
        "experiments.create",
        "POST experiments",
        "experiment:create",
        lambda client, _: client.experiments.create(NewExperiment("settings_1", "A")),
    ),
    Operation(
        "experiments.retrieve",
        "GET experiments/{id}",
        "experiment:find",
        lambda client, one: client.experiments.retrieve(one),
    ),
    Operation(
        "experiments.update",
        "PATCH experiments/{id}",
        "experiment:update",
        lambda client, one: client.experiments.update(one, ExperimentPatch(name="B")),
    ),
    Operation(
        "experiments.delete",
        "DELETE experiments/{id}",
        "experiment:delete",
        lambda client, one: client.experiments.delete(one),
    ),
    Operation(
        "experiments.start",
        "POST experiments/{id}/start",
        "experiment:start",
        lambda client, one: client.experiments.start(one),
    ),
    Operation(
        "experiments.stop",
        "POST experiments/{id}/stop",
        "experiment:stop",
        lambda client, one: client.experiments.stop(one),
    ),
    Operation(
        "experiments.pause",
        "POST experiments/{id}/pause",
        "experiment:stop",
        lambda client, one: client.experiments.pause(one),
    ),
    Operation(
        "experiments.resume",
        "POST experiments/{id}/resume",
        "experiment:start",
        lambda client, one: client.experiments.resume(one),
    ),
    Operation(
        "experiments.results",
        "GET experiments/{id}/results",
        "experiment:find",
        lambda client, one: client.experiments.results(one),
    ),
    Operation(
        "experiments.results_time_series",
        "GET experiments/{id}/results-time-series",
        "experiment:find",
        lambda client, one: client.experiments.results_time_series(one),
    ),
    Operation(
        "experiments.rollout",
        "POST experiments/{id}/rollout",
        "experiment:stop",
        lambda client, one: client.experiments.rollout(one, variant_id="var_1"),
    ),
    Operation(
        "experiments.end_rollout",
        "POST experiments/{id}/end-rollout",
        "experiment:stop",
        lambda client, one: client.experiments.end_rollout(one),
    ),
    Operation(
        "experiments.winner",
        "POST experiments/{id}/winner",
        "experiment:stop",
        lambda client, one: client.experiments.winner(one),
    ),
    Operation(
        "experiments.session_replays",
        "GET experiments/{id}/session-replays",
        "experiment:find",
        lambda client, one: first_of(client.experiments.session_replays(one)),
    ),
    Operation(
        "variants.list",
        "GET experiment-variants",
        "experiment:find",
        lambda client, one: client.variants.list_page(one),
    ),
    Operation(
        "variants.create",
        "POST experiment-variants",
        "experiment:update",
        lambda client, _: client.variants.create(NewVariant("exp_1", "A", 50)),
    ),
    Operation(
        "variants.retrieve",
        "GET experiment-variants/{id}",
        "experiment:find",
        lambda client, one: client.variants.retrieve(one),
    ),
    Operation(
        "variants.update",
        "PATCH experiment-variants/{id}",
        "experiment:update",
        lambda client, one: client.variants.update(one, VariantPatch(weight=1)),
    ),
    Operation(
        "variants.delete",
        "DELETE experiment-variants/{id}",
        "experiment:update",
        lambda client, one: client.variants.delete(one),
    ),
    Operation(
        "settings.list",
        "GET experiment-settings",
        "experimentSettings:list",
        lambda client, _: client.settings.list(),
    ),
    Operation(
        "settings.create",
        "POST experiment-settings",
        "experimentSettings:create",
        lambda client, _: client.settings.create(NewSettings(name="A")),
    ),
    Operation(
        "settings.retrieve",
        "GET experiment-settings/{id}",
        "experimentSettings:find",
        lambda client, one: client.settings.retrieve(one),
    ),
    Operation(
        "settings.update",
        "PATCH experiment-settings/{id}",
        "experimentSettings:update",
        lambda client, one: client.settings.update(one, SettingsPatch(name="B")),
    ),
    Operation(
        "settings.delete",
        "DELETE experiment-settings/{id}",
        "experimentSettings:delete",
        lambda client, one: client.settings.delete(one, with_experiments=True),
    ),
    Operation(
        "versions.list",
        "GET versions",
        "version:list",
        lambda client, _: client.versions.list_page(),
    ),
    Operation(
        "versions.publish",
        "POST versions",
        "version:publish",
        lambda client, _: client.versions.publish(),
    ),
    Operation(
        "versions.retrieve",
        "GET versions/{id}",
        "version:find",
        lambda client, one: client.versions.retrieve(one),
    ),
    Operation(
        "versions.update",
        "PATCH versions/{id}",
        "version:update",
        lambda client, one: client.versions.update(one, name="B"),
    ),
    Operation(
        "versions.republish",
        "POST versions/{id}/publish",
        "version:publish",
        lambda client, one: client.versions.republish(one),
    ),
    Operation(
        "versions.draft_changes",
        "GET versions/draft/diff",
        "version:find",
        lambda client, _: client.versions.draft_changes(),
    ),
    Operation(
        "versions.changes",
        "GET versions/{id}/diff",
        "version:find",
        lambda client, one: client.versions.changes(one),
    ),
    Operation(
        "versions.snapshot",
        "GET versions/{id}/snapshot",
        "version:find",
        lambda client, one: client.versions.snapshot(one),
    ),
)

EACH = [pytest.param(each, id=each.name) for each in OPERATIONS]
EACH_WITH_ID = [
    pytest.param(each, id=each.name) for each in OPERATIONS if "{id}" in each.request
]

BAD_IDS = [
    pytest.param("", id="empty"),
    pytest.param(".", id="dot"),
    pytest.param("..", id="two-dots"),
    pytest.param(None, id="none"),
    pytest.param(7, id="number"),
    pytest.param(b"exp_1", id="bytes"),
    pytest.param("x" * 1025, id="too-long"),
    pytest.param("a\0b", id="null-character"),
    pytest.param("a\r\nb", id="line-break"),
    pytest.param("a\x7fb", id="delete-character"),
    pytest.param("a\x85b", id="c1-character"),
    pytest.param("a\ud800b", id="lone-surrogate"),
]
"""What no id can be."""
