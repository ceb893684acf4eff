"""Variants: list, create, retrieve, update, delete."""

from ours_experiments.emulator.api.pages import page_after
from ours_experiments.emulator.api.service import Call, Service
from ours_experiments.emulator.problems import bad_request


async def list_page(service: Service, call: Call) -> object:
    """Return a page of variants, the control first."""
    query = call.query
    limit = query.limit(default=200, maximum=200)
    experiment_id = query.text("experimentId")
    if not experiment_id:
        raise bad_request("experimentId: is required")
    listing = f"variants\0{experiment_id}"
    cursor = query.text("cursor")
    position = None if cursor is None else service.cursors.read(listing, cursor)
    variants, following = page_after(
        service.state.variants_of(experiment_id),
        lambda variant: (-variant.number,),
        position,
        limit,
    )
    return service.page(listing, [v.wire() for v in variants], following)


async def create(service: Service, call: Call) -> object:
    """Create a variant."""
    return service.state.create_variant(call.body).wire()


async def retrieve(service: Service, call: Call) -> object:
    """Return a variant."""
    return service.state.variant(call.id).wire()


async def update(service: Service, call: Call) -> object:
    """Update a variant."""
    return service.state.patch_variant(call.id, call.body).wire()


async def delete(service: Service, call: Call) -> object:
    """Delete a variant."""
    return service.state.delete_variant(call.id).wire()
