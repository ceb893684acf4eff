"""Experiments: list, create, retrieve, update, delete."""

from ours_experiments.emulator.account.index import Filter
from ours_experiments.emulator.account.records import STATUSES, TYPES, Experiment
from ours_experiments.emulator.account.state import State
from ours_experiments.emulator.api.pages import Position
from ours_experiments.emulator.api.service import Call, Service


async def list_page(service: Service, call: Call) -> object:
    """Return a page of experiments, the maximum recently updated first."""
    query = call.query
    limit = query.limit(default=25, maximum=100)
    conditions = Filter(
        status=query.one_of("status", STATUSES),
        type=query.one_of("type", TYPES),
        search=query.text("search") or "",
    )
    listing = (
        f"experiments\0{conditions.status}\0{conditions.type}\0{conditions.search}"
    )
    cursor = query.text("cursor")
    position = None if cursor is None else service.cursors.read(listing, cursor)
    cut = _after_key if service.cursor_kind == "keyset" else _after_offset
    rows, following = cut(service.state, position, conditions, limit)
    entities = [service.list_item(row, call) for row in rows]
    return service.page(listing, entities, following)


async def create(service: Service, call: Call) -> object:
    """Create an experiment."""
    return service.full(service.state.create(call.body), call)


async def retrieve(service: Service, call: Call) -> object:
    """Return an experiment."""
    return service.full(service.state.get(call.id), call)


async def update(service: Service, call: Call) -> object:
    """Update an experiment."""
    return service.full(service.state.patch(call.id, call.body), call)


async def delete(service: Service, call: Call) -> object:
    """Delete an experiment."""
    service.state.delete(call.id)
    return True


def _after_key(
    state: State, position: Position | None, conditions: Filter, limit: int
) -> tuple[list[Experiment], Position | None]:
    order = None if position is None else (position[0], position[1], position[2])
    return state.index.after(order, conditions, limit)


def _after_offset(
    state: State, position: Position | None, conditions: Filter, limit: int
) -> tuple[list[Experiment], Position | None]:
    # What is created after the first page does not count, or rows would come twice.
    count, newest = (0, state.created) if position is None else position[:2]
    rows, more = state.index.skipping(count, newest, conditions, limit)
    return rows, (count + len(rows), newest) if more else None
