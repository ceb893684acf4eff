"""The table of the API: which method and path is which operation."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from urllib.parse import unquote

from ours_experiments.emulator.api import bodies as _bodies
from ours_experiments.emulator.api.handlers import Call, Handlers
from ours_experiments.emulator.api.validation import Shape


PREFIX = "/rest/v1/"


@dataclass(frozen=True, slots=True)
class Route:
    """One operation: its name, what it needs, and who carries it out."""

    name: str
    scope: str
    handler: Callable[[Handlers, Call], Awaitable[object]]
    body: Shape | None = None
    """None when the operation takes no body, and ignores one."""
    optional: bool = False
    """Whether the body may be left out."""
    documents_conflict: bool = False
    """Whether the vendor's document lists 409 among its answers."""


@dataclass(frozen=True, slots=True)
class Target:
    """Where a request goes."""

    route: Route | None
    """None when there is no such path, or the path has no such method."""
    id: str
    """Decoded; "" when the path has none."""
    allowed: tuple[str, ...]
    """The methods of the path; none when there is no such path."""


_OPERATIONS = {
    "GET experiments": Route(
        "experiments.list", "experiment:list", Handlers.list_experiments
    ),
    "POST experiments": Route(
        "experiments.create",
        "experiment:create",
        Handlers.create_experiment,
        _bodies.NEW_EXPERIMENT,
    ),
    "GET experiments/{id}": Route(
        "experiments.retrieve", "experiment:find", Handlers.retrieve_experiment
    ),
    "PATCH experiments/{id}": Route(
        "experiments.update",
        "experiment:update",
        Handlers.update_experiment,
        _bodies.EXPERIMENT_PATCH,
    ),
    "DELETE experiments/{id}": Route(
        "experiments.delete", "experiment:delete", Handlers.delete_experiment
    ),
    "POST experiments/{id}/start": Route(
        "experiments.start",
        "experiment:start",
        Handlers.start,
        _bodies.START,
        optional=True,
    ),
    "POST experiments/{id}/stop": Route(
        "experiments.stop",
        "experiment:stop",
        Handlers.stop,
        _bodies.STOP,
        optional=True,
    ),
    "POST experiments/{id}/pause": Route(
        "experiments.pause",
        "experiment:stop",
        Handlers.pause,
        _bodies.PAUSE,
        optional=True,
    ),
    "POST experiments/{id}/resume": Route(
        "experiments.resume",
        "experiment:start",
        Handlers.resume,
        _bodies.RESUME,
        optional=True,
    ),
    "GET experiments/{id}/results": Route(
        "experiments.results", "experiment:find", Handlers.results
    ),
    "GET experiments/{id}/results-time-series": Route(
        "experiments.results_time_series",
        "experiment:find",
        Handlers.results_time_series,
    ),
    "POST experiments/{id}/rollout": Route(
        "experiments.rollout", "experiment:stop", Handlers.rollout, _bodies.ROLLOUT
    ),
    "POST experiments/{id}/end-rollout": Route(
        "experiments.end_rollout", "experiment:stop", Handlers.end_rollout
    ),
    "POST experiments/{id}/winner": Route(
        "experiments.winner",
        "experiment:stop",
        Handlers.winner,
        _bodies.WINNER,
        optional=True,
    ),
    "GET experiments/{id}/session-replays": Route(
        "experiments.session_replays", "experiment:find", Handlers.session_replays
    ),
    "GET experiment-variants": Route(
        "variants.list", "experiment:find", Handlers.list_variants
    ),
    "POST experiment-variants": Route(
        "variants.create",
        "experiment:update",
        Handlers.create_variant,
        _bodies.NEW_VARIANT,
    ),
    "GET experiment-variants/{id}": Route(
        "variants.retrieve", "experiment:find", Handlers.retrieve_variant
    ),
    "PATCH experiment-variants/{id}": Route(
        "variants.update",
        "experiment:update",
        Handlers.update_variant,
        _bodies.VARIANT_PATCH,
    ),
    "DELETE experiment-variants/{id}": Route(
        "variants.delete", "experiment:update", Handlers.delete_variant
    ),
    "GET experiment-settings": Route(
        "settings.list", "experimentSettings:list", Handlers.list_settings
    ),
    "POST experiment-settings": Route(
        "settings.create",
        "experimentSettings:create",
        Handlers.create_settings,
        _bodies.SETTINGS,
        documents_conflict=True,
    ),
    "GET experiment-settings/{id}": Route(
        "settings.retrieve", "experimentSettings:find", Handlers.retrieve_settings
    ),
    "PATCH experiment-settings/{id}": Route(
        "settings.update",
        "experimentSettings:update",
        Handlers.update_settings,
        _bodies.SETTINGS,
    ),
    "DELETE experiment-settings/{id}": Route(
        "settings.delete", "experimentSettings:delete", Handlers.delete_settings
    ),
    "GET versions": Route("versions.list", "version:list", Handlers.list_versions),
    "POST versions": Route(
        "versions.publish",
        "version:publish",
        Handlers.publish,
        _bodies.NEW_VERSION,
        documents_conflict=True,
    ),
    "GET versions/{id}": Route(
        "versions.retrieve", "version:find", Handlers.retrieve_version
    ),
    "PATCH versions/{id}": Route(
        "versions.update",
        "version:update",
        Handlers.update_version,
        _bodies.VERSION_PATCH,
    ),
    "POST versions/{id}/publish": Route(
        "versions.republish",
        "version:publish",
        Handlers.republish,
        documents_conflict=True,
    ),
    "GET versions/{id}/snapshot": Route(
        "versions.snapshot", "version:find", Handlers.version_snapshot
    ),
    "GET versions/{id}/diff": Route(
        "versions.changes", "version:find", Handlers.version_changes
    ),
    "GET versions/draft/diff": Route(
        "versions.draft_changes", "version:find", Handlers.draft_changes
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
            literal = (parts[0], decoded, *parts[2:])
            parts[1] = decoded if literal in self._table else "{id}"
        methods = self._table.get(tuple(parts))
        if methods is None:
            return _NOT_FOUND
        return Target(methods.get(method), decoded, tuple(methods))
