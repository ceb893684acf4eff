"""Name on which side the account and its specs differ."""

from collections.abc import Iterator

from ours_experiments._text import printable
from ours_experiments.specs.changes import Action, Change, FieldChange
from ours_experiments.specs.plan import Plan
from ours_experiments.specs.text import texts_in
from ours_experiments.specs.values import show


FILE = "only in the file"
SERVER = "only on the server"


def drift_lines(plan: Plan) -> Iterator[str]:
    """List how the account differs from its specs, a line for each difference."""
    created = {change.key for change in plan.changes if change.action is Action.CREATE}
    for change in plan.changes:
        if change.key not in created:
            yield from map(printable, change_lines(change))
    for key in sorted(created):
        yield printable(f"{FILE}: {key}")
    for conflict in plan.conflicts:
        yield printable(f"conflict: {conflict.key}: {conflict.message}")
    for found in plan.unmanaged:
        yield printable(f"{SERVER}: {found.key} ({found.status})")
    if plan.is_empty and not plan.unmanaged:
        yield "no drift"


def change_lines(change: Change) -> Iterator[str]:
    """Describe what one change would make equal."""
    name = change.key
    if change.variant is not None:
        name += f" variant {change.variant}"
    match change.action:
        case Action.CREATE_VARIANT:
            yield f"{FILE}: {name}"
        case Action.DELETE_VARIANT:
            yield f"{SERVER}: {name}"
        case Action.PUBLISH:
            yield f"not published: {name}"
        case _:
            for field in change.fields:
                yield from field_lines(name, field)


def field_lines(name: str, field: FieldChange) -> Iterator[str]:
    """Describe how one field differs."""
    where = f"{name} {field.path}"
    old, new = texts_in(field.old), texts_in(field.new)
    if old is None or new is None or not (old or new):
        if field.old is None:
            yield f"{FILE}: {where} {show(field.new)}"
        elif field.new is None:
            yield f"{SERVER}: {where} {show(field.old)}"
        else:
            yield f"differs: {where}: {show(field.old)}, in the file {show(field.new)}"
        return
    yield from (f"{SERVER}: {where} {show(item)}" for item in old if item not in new)
    yield from (f"{FILE}: {where} {show(item)}" for item in new if item not in old)
    if sorted(old) == sorted(new):
        yield f"differs: {where}: in another order"
