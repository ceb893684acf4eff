"""Experiment settings: list, create, retrieve, update, delete."""

from ours_experiments.emulator.api.service import Call, Service


async def list_all(service: Service, _call: Call) -> object:
    """Return the settings of the account."""
    return {"entities": service.state.settings()}


async def create(service: Service, call: Call) -> object:
    """Create the settings of the account."""
    return service.state.create_settings(call.body).wire()


async def retrieve(service: Service, call: Call) -> object:
    """Return a settings record."""
    return service.state.find_settings(call.id).wire()


async def update(service: Service, call: Call) -> object:
    """Update settings."""
    return service.state.patch_settings(call.id, call.body).wire()


async def delete(service: Service, call: Call) -> object:
    """Delete settings, and every experiment that they own."""
    return service.state.delete_settings(call.id).wire()
