"""Every operation of the API in the order of its table, and the call for it."""

from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

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
    """The resource and the client's method, as in the emulator's log."""
    request: str
    """The HTTP method, and the path below /rest/v1."""
    scope: str
    """The scope that the key needs."""
    call: Callable[[Client, str], Awaitable[object]]
    """Call the operation with this id, where its path has one."""

    def path(self, id: str) -> str:
        """Return the path of the URL for a percent-encoded id."""
        path = self.request.partition(" ")[2].replace("{id}", id)
        return f"/rest/v1/{path}"


async def first_of(listing: Listing[T]) -> T | None:
    """Return the first entity of a listing, or None."""
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
        lambda client, id_: client.experiments.retrieve(id_),
    ),
    Operation(
        "experiments.update",
        "PATCH experiments/{id}",
        "experiment:update",
        lambda client, id_: client.experiments.update(id_, ExperimentPatch(name="B")),
    ),
    Operation(
        "experiments.delete",
        "DELETE experiments/{id}",
        "experiment:delete",
        lambda client, id_: client.experiments.delete(id_),
    ),
    Operation(
        "experiments.start",
        "POST experiments/{id}/start",
        "experiment:start",
        lambda client, id_: client.experiments.start(id_),
    ),
    Operation(
        "experiments.stop",
        "POST experiments/{id}/stop",
        "experiment:stop",
        lambda client, id_: client.experiments.stop(id_),
    ),
    Operation(
        "experiments.pause",
        "POST experiments/{id}/pause",
        "experiment:stop",
        lambda client, id_: client.experiments.pause(id_),
    ),
    Operation(
        "experiments.resume",
        "POST experiments/{id}/resume",
        "experiment:start",
        lambda client, id_: client.experiments.resume(id_),
    ),
    Operation(
        "experiments.results",
        "GET experiments/{id}/results",
        "experiment:find",
        lambda client, id_: client.experiments.results(id_),
    ),
    Operation(
        "experiments.results_time_series",
        "GET experiments/{id}/results-time-series",
        "experiment:find",
        lambda client, id_: client.experiments.results_time_series(id_),
    ),
    Operation(
        "experiments.rollout",
        "POST experiments/{id}/rollout",
        "experiment:stop",
        lambda client, id_: client.experiments.rollout(id_, variant_id="var_1"),
    ),
    Operation(
        "experiments.end_rollout",
        "POST experiments/{id}/end-rollout",
        "experiment:stop",
        lambda client, id_: client.experiments.end_rollout(id_),
    ),
    Operation(
        "experiments.winner",
        "POST experiments/{id}/winner",
        "experiment:stop",
        lambda client, id_: client.experiments.winner(id_),
    ),
    Operation(
        "experiments.session_replays",
        "GET experiments/{id}/session-replays",
        "experiment:find",
        lambda client, id_: first_of(client.experiments.session_replays(id_)),
    ),
    Operation(
        "variants.list",
        "GET experiment-variants",
        "experiment:find",
        lambda client, id_: client.variants.list_page(id_),
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
        lambda client, id_: client.variants.retrieve(id_),
    ),
    Operation(
        "variants.update",
        "PATCH experiment-variants/{id}",
        "experiment:update",
        lambda client, id_: client.variants.update(id_, VariantPatch(weight=1)),
    ),
    Operation(
        "variants.delete",
        "DELETE experiment-variants/{id}",
        "experiment:update",
        lambda client, id_: client.variants.delete(id_),
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
        lambda client, id_: client.settings.retrieve(id_),
    ),
    Operation(
        "settings.update",
        "PATCH experiment-settings/{id}",
        "experimentSettings:update",
        lambda client, id_: client.settings.update(id_, SettingsPatch(name="B")),
    ),
    Operation(
        "settings.delete",
        "DELETE experiment-settings/{id}",
        "experimentSettings:delete",
        lambda client, id_: client.settings.delete(id_, with_experiments=True),
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
        lambda client, id_: client.versions.retrieve(id_),
    ),
    Operation(
        "versions.update",
        "PATCH versions/{id}",
        "version:update",
        lambda client, id_: client.versions.update(id_, name="B"),
    ),
    Operation(
        "versions.republish",
        "POST versions/{id}/publish",
        "version:publish",
        lambda client, id_: client.versions.republish(id_),
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
        lambda client, id_: client.versions.changes(id_),
    ),
    Operation(
        "versions.snapshot",
        "GET versions/{id}/snapshot",
        "version:find",
        lambda client, id_: client.versions.snapshot(id_),
    ),
)

every_operation = pytest.mark.parametrize(
    "operation", OPERATIONS, ids=lambda operation: operation.name
)
every_operation_with_id = pytest.mark.parametrize(
    "operation",
    [operation for operation in OPERATIONS if "{id}" in operation.request],
    ids=lambda operation: operation.name,
)

BAD_IDS: dict[str, Any] = {
    "empty": "",
    "dot": ".",
    "two-dots": "..",
    "none": None,
    "number": 7,
    "bytes": b"exp_1",
    "too-long": "x" * 1025,
    "null-character": "a\0b",
    "line-break": "a\r\nb",
    "delete-character": "a\x7fb",
    "c1-character": "a\x85b",
    "lone-surrogate": "a\ud800b",
}
"""Values that are refused as ids."""
