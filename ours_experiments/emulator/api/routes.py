"""The operations of the API, by method and path."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from urllib.parse import unquote

from ours_experiments.emulator.api import bodies as _bodies
from ours_experiments.emulator.api import (
    experiments,
    reports,
    settings,
    transitions,
    variants,
    versions,
)
from ours_experiments.emulator.api.service import Call, Service
from ours_experiments.emulator.api.validation import Shape


PREFIX = "/rest/v1/"


@dataclass(frozen=True, slots=True)
class Route:
    """An operation, and what a call of it needs."""

    name: str
    scope: str
    handler: Callable[[Service, Call], Awaitable[object]]
    body: Shape | None = None
    """None when the operation ignores the body."""
    optional: bool = False
    """Whether the body may be left out."""
    documents_conflict: bool = False
    """Whether the vendor's document lists 409 among its answers."""


@dataclass(frozen=True, slots=True)
class Target:
    """What a method and a path stand for."""

    route: Route | None
    """None when there is no such path, or the path has no such method."""
    id: str
    """Decoded; "" when the path has none."""
    allowed: tuple[str, ...]
    """The methods of the path; none when there is no such path."""


_OPERATIONS = {
    "GET experiments": Route(
        "experiments.list", "experiment:list", experiments.list_page
    ),
    "POST experiments": Route(
        "experiments.create",
        "experiment:create",
        experiments.create,
        _bodies.NEW_EXPERIMENT,
    ),
    "GET experiments/{id}": Route(
        "experiments.retrieve", "experiment:find", experiments.retrieve
    ),
    "PATCH experiments/{id}": Route(
        "experiments.update",
        "experiment:update",
        experiments.update,
        _bodies.EXPERIMENT_PATCH,
    ),
    "DELETE experiments/{id}": Route(
        "experiments.delete", "experiment:delete", experiments.delete
    ),
    "POST experiments/{id}/start": Route(
        "experiments.start",
        "experiment:start",
        transitions.start,
        _bodies.START,
        optional=True,
    ),
    "POST experiments/{id}/stop": Route(
        "experiments.stop",
        "experiment:stop",
        transitions.stop,
        _bodies.STOP,
        optional=True,
    ),
    "POST experiments/{id}/pause": Route(
        "experiments.pause",
        "experiment:stop",
        transitions.pause,
        _bodies.PAUSE,
        optional=True,
    ),
    "POST experiments/{id}/resume": Route(
        "experiments.resume",
        "experiment:start",
        transitions.resume,
        _bodies.RESUME,
        optional=True,
    ),
    "GET experiments/{id}/results": Route(
        "experiments.results", "experiment:find", reports.results
    ),
    "GET experiments/{id}/results-time-series": Route(
        "experiments.results_time_series",
        "experiment:find",
        reports.results_time_series,
    ),
    "POST experiments/{id}/rollout": Route(
        "experiments.rollout", "experiment:stop", transitions.rollout, _bodies.ROLLOUT
    ),
    "POST experiments/{id}/end-rollout": Route(
        "experiments.end_rollout", "experiment:stop", transitions.end_rollout
    ),
    "POST experiments/{id}/winner": Route(
        "experiments.winner",
        "experiment:stop",
        transitions.winner,
        _bodies.WINNER,
        optional=True,
    ),
    "GET experiments/{id}/session-replays": Route(
        "experiments.session_replays", "experiment:find", reports.session_replays
    ),
    "GET experiment-variants": Route(
        "variants.list", "experiment:find", variants.list_page
    ),
    "POST experiment-variants": Route(
        "variants.create",
        "experiment:update",
        variants.create,
        _bodies.NEW_VARIANT,
    ),
    "GET experiment-variants/{id}": Route(
        "variants.retrieve", "experiment:find", variants.retrieve
    ),
    "PATCH experiment-variants/{id}": Route(
        "variants.update",
        "experiment:update",
        variants.update,
        _bodies.VARIANT_PATCH,
    ),
    "DELETE experiment-variants/{id}": Route(
        "variants.delete", "experiment:update", variants.delete
    ),
    "GET experiment-settings": Route(
        "settings.list", "experimentSettings:list", settings.list_all
    ),
    "POST experiment-settings": Route(
        "settings.create",
        "experimentSettings:create",
        settings.create,
        _bodies.SETTINGS,
        documents_conflict=True,
    ),
    "GET experiment-settings/{id}": Route(
        "settings.retrieve", "experimentSettings:find", settings.retrieve
    ),
    "PATCH experiment-settings/{id}": Route(
        "settings.update",
        "experimentSettings:update",
        settings.update,
        _bodies.SETTINGS,
    ),
    "DELETE experiment-settings/{id}": Route(
        "settings.delete", "experimentSettings:delete", settings.delete
    ),
    "GET versions": Route("versions.list", "version:list", versions.list_page),
    "POST versions": Route(
        "versions.publish",
        "version:publish",
        versions.publish,
        _bodies.NEW_VERSION,
        documents_conflict=True,
    ),
    "GET versions/{id}": Route("versions.retrieve", "version:find", versions.retrieve),
    "PATCH versions/{id}": Route(
        "versions.update",
        "version:update",
        versions.update,
        _bodies.VERSION_PATCH,
    ),
    "POST versions/{id}/publish": Route(
        "versions.republish",
        "version:publish",
        versions.republish,
        documents_conflict=True,
    ),
    "GET versions/{id}/snapshot": Route(
        "versions.snapshot", "version:find", versions.snapshot
    ),
    "GET versions/{id}/diff": Route(
        "versions.changes", "version:find", versions.changes
    ),
    "GET versions/draft/diff": Route(
        "versions.draft_changes", "version:find", versions.draft_changes
    ),
}
_INITIAL: dict[str, Shape | None] = {
    "GET experiments": None,
    "POST experiments": _bodies.NEW_EXPERIMENT,
    "GET experiments/{id}": None,
    "PATCH experiments/{id}": _bodies.EXPERIMENT_PATCH,
    "DELETE experiments/{id}": None,
    "POST experiments/{id}/start": _bodies.NOTHING,
    "POST experiments/{id}/stop": _bodies.WINNER,
    "POST experiments/{id}/pause": _bodies.NOTHING,
    "POST experiments/{id}/resume": _bodies.NOTHING,
    "GET experiments/{id}/results": None,
    "GET experiments/{id}/results-time-series": None,
    "GET experiment-variants": None,
    "POST experiment-variants": _bodies.NEW_VARIANT,
    "GET experiment-settings": None,
    "POST experiment-settings": _bodies.SETTINGS,
}
"""The operations of the first version of the API, with their bodies."""
_NOT_FOUND = Target(None, "", ())
ROUTES = tuple(route.name for route in _OPERATIONS.values())
"""The names of all operations."""


class Routes:
    """Find the operation of a request, in the current or in the initial API."""

    def __init__(self, *, is_initial: bool = False) -> None:
        self._table: dict[tuple[str, ...], dict[str, Route]] = {}
        for operation in _INITIAL if is_initial else _OPERATIONS:
            route = _OPERATIONS[operation]
            if is_initial:
                route = replace(route, body=_INITIAL[operation])
            method, _, path = operation.partition(" ")
            self._table.setdefault(tuple(path.split("/")), {})[method] = route

    def find(self, method: str, path: str) -> Target:
        """Find the operation of a method and a path that is percent-encoded."""
        prefix, found, below = path.partition(PREFIX)
        if prefix or not found:
            return _NOT_FOUND
        parts = below.split("/")
        decoded = ""
        if len(parts) > 1:
            decoded = unquote(parts[1])
            if not decoded:
                return _NOT_FOUND
            # `versions/draft/diff` has a literal where other paths have an id.
            literal = (parts[0], decoded, *parts[2:])
            parts[1] = decoded if literal in self._table else "{id}"
        methods = self._table.get(tuple(parts))
        if methods is None:
            return _NOT_FOUND
        return Target(methods.get(method), decoded, tuple(methods))
