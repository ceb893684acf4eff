"""Lifecycle calls: start, stop, pause, resume, rollout, winner."""

from ours_experiments.emulator.api.service import Call, Service


async def start(service: Service, call: Call) -> object:
    """Start an experiment."""
    return await _transition(service, "start", call, "publishAfterStart")


async def pause(service: Service, call: Call) -> object:
    """Pause an experiment."""
    return await _transition(service, "pause", call, "publishAfterPause")


async def resume(service: Service, call: Call) -> object:
    """Resume an experiment."""
    return await _transition(service, "resume", call, "publishAfterResume")


async def stop(service: Service, call: Call) -> object:
    """Stop an experiment for good."""
    return await _transition(service, "stop", call)


async def rollout(service: Service, call: Call) -> object:
    """Serve one variant of a completed experiment to everybody."""
    return await _transition(service, "rollout", call)


async def end_rollout(service: Service, call: Call) -> object:
    """Serve the control again."""
    return await _transition(service, "end_rollout", call)


async def winner(service: Service, call: Call) -> object:
    """Record or clear the winner of a completed experiment."""
    experiment, _ = service.state.transition(
        call.id, "winner", call.body, publish=False
    )
    return service.bare(experiment)


async def _transition(
    service: Service, action: str, call: Call, option: str | None = None
) -> object:
    body = call.body
    publish = option is None or body.get(option, True) is True
    service.state.check_transition(call.id, action, body)
    if publish:
        async with service.publishing():
            experiment, changes = service.state.transition(
                call.id, action, body, publish=True
            )
    else:
        experiment, changes = service.state.transition(
            call.id, action, body, publish=False
        )
    return {
        "publishStatus": "published" if publish else "pending_publish",
        "concurrentVersionChanges": changes,
        "experiment": service.bare(experiment),
    }
