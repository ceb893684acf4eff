"""Reports: results, results day by day, session replays."""

from datetime import date

from ours_experiments.emulator.account import traffic as _traffic
from ours_experiments.emulator.account.records import Experiment
from ours_experiments.emulator.api.pages import page_after
from ours_experiments.emulator.api.query import Query
from ours_experiments.emulator.api.service import Call, Service
from ours_experiments.emulator.problems import bad_request


MAX_WINDOW_DAYS = 366


async def results(service: Service, call: Call) -> object:
    """Return the results of the whole run."""
    experiment = service.state.get(call.id)
    event = _event(experiment, call.query)
    return {"variants": service.state.traffic.results(experiment, event)}


async def results_time_series(service: Service, call: Call) -> object:
    """Return the results day by day."""
    start, end = call.query.day("startDate"), call.query.day("endDate")
    if start is not None and end is not None:
        _check_window(start, end)
    experiment = service.state.get(call.id)
    event = _event(experiment, call.query)
    run = _traffic.run_of(experiment, service.state.now())
    if run is None:
        return {"days": []}
    first, last = run
    first = first if start is None else max(first, start)
    last = last if end is None else min(last, end)
    if (start is not None or end is not None) and first <= last:
        _check_window(first, last)
    return {"days": service.state.traffic.series(experiment, event, first, last)}


async def session_replays(service: Service, call: Call) -> object:
    """Return a page of recorded sessions, the newest first."""
    query = call.query
    limit = query.limit(default=25, maximum=100)
    variant_id = query.text("variant_id")
    listing = f"replays\0{call.id}\0{variant_id}"
    cursor = query.text("cursor")
    position = None if cursor is None else service.cursors.read(listing, cursor)
    experiment = service.state.get(call.id)
    replays, following = page_after(
        service.state.traffic.replays(call.id, variant_id),
        lambda replay: (replay.started_at, replay.number),
        position,
        limit,
    )
    names = {variant.id: variant.name for variant in experiment.variants}
    entities = [replay.wire(names[replay.variant_id]) for replay in replays]
    return service.page(listing, entities, following)


def _event(experiment: Experiment, query: Query) -> str:
    event = (query.text("eventName") or "").strip() or experiment.primary_event()
    if event is None:
        raise bad_request("eventName: none is given, and the experiment has none")
    return event


def _check_window(first: date, last: date) -> None:
    if last < first:
        raise bad_request("endDate: lies before startDate")
    if (last - first).days >= MAX_WINDOW_DAYS:
        raise bad_request(f"startDate: the window is over {MAX_WINDOW_DAYS} days")
