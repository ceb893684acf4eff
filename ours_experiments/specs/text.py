"""A plan for people: for a terminal, a pull request, and a check for drift."""

import json
from collections import Counter
from collections.abc import Iterator
from difflib import unified_diff
from textwrap import wrap
from typing import TYPE_CHECKING, cast

import attrs

from ours_experiments._text import printable
from ours_experiments.specs.changes import Action, Change, FieldChange, Subject


if TYPE_CHECKING:
    from ours_experiments.specs.plan import Plan, Target


WIDTH = 80
MAX_WIDTH = 40
"""Characters of one value."""
PATH_WIDTH = 28
FILE, SERVER = "only in the file", "only on the server"
MAX_DETAILS = 20
"""Lines of the diff of one long text."""
VERBS = {
    Action.CREATE: "created",
    Action.UPDATE: "changed",
    Action.CREATE_VARIANT: "changed",
    Action.UPDATE_VARIANT: "changed",
    Action.DELETE_VARIANT: "changed",
    Action.START: "started",
    Action.PAUSE: "paused",
    Action.RESUME: "resumed",
    Action.PUBLISH: "published",
    Action.STOP: "stopped",
    Action.WINNER: "with another winner",
    Action.ROLLOUT: "rolled out",
    Action.END_ROLLOUT: "no longer rolled out",
    Action.DELETE: "deleted",
}
SIGNS = {
    Action.CREATE: "+",
    Action.CREATE_VARIANT: "+",
    Action.UPDATE: "~",
    Action.UPDATE_VARIANT: "~",
    Action.DELETE_VARIANT: "-",
    Action.DELETE: "-",
}


@attrs.frozen
class Row:
    """One line of a plan."""

    sign: str
    """`+`, `~`, `-`, `>` for changes, `!` for conflicts, `?` for warnings."""
    text: str
    """What is changed."""
    mark: str = ""
    """What it means for visitors."""
    details: tuple[str, ...] = ()
    """The lines of a long text that differ."""


def format_plan(plan: "Plan") -> str:
    """Format a plan for a terminal of 80 columns; only the summary may be wider."""
    lines: list[str] = []
    for key, about, rows in sections_of(plan):
        heading = f"{printable(key):<18} {'  '.join(about)}"
        lines += wrap(
            heading.rstrip(),
            WIDTH,
            subsequent_indent="    ",
            break_long_words=False,
            break_on_hyphens=False,
        )
        for row in rows:
            lines += row_lines(row)
    lines += summary_lines(plan)
    return "\n".join(lines)


def row_lines(row: Row) -> Iterator[str]:
    """Format one line; a longer one goes on below."""
    width = WIDTH - 4 - (len(row.mark) + 2 if row.mark else 0)
    first, *more = wrap(row.text, width, break_on_hyphens=False) or [""]
    line = f"  {row.sign} {first}"
    yield f"{line}{row.mark:>{WIDTH - len(line)}}" if row.mark else line
    yield from (f"    {rest}" for rest in more)
    yield from (f"      {detail}"[:WIDTH] for detail in row.details)


def format_markdown(plan: "Plan") -> str:
    """Format a plan as Markdown."""
    lines = ["| experiment | change | visitors |", "|---|---|---|"]
    details: list[str] = []
    for key, about, rows in sections_of(plan):
        name = code(key) + (f" ({', '.join(about)})" if about else "")
        for row in rows:
            lines.append(f"| {name} | {row.sign} {escape(row.text)} | {row.mark} |")
            if row.details:
                details += ["", f"{code(key)}, {escape(row.text)}:", ""]
                details += [f"    {detail}" for detail in row.details]
    summary = [escape(line) for line in summary_lines(plan)]
    table = lines if len(lines) > 2 else []
    return (
        "\n".join([f"**{summary[0]}**", "", *summary[1:], "", *table, *details]) + "\n"
    )


def escape(text: str) -> str:
    """Escape what Markdown reads as its own."""
    for char in "\\`*_[]<>|#~":
        text = text.replace(char, f"\\{char}")
    return text


def code(text: str) -> str:
    """Format a text as code in a table."""
    return f"`{printable(text).replace('`', ' ').replace('|', ' ')}`"


def sections_of(plan: "Plan") -> list[tuple[str, tuple[str, ...], list[Row]]]:
    """Sort a plan by experiment: its key, its id and status if known, its rows."""
    targets = {(t.key, t.experiment_id): t for t in plan.targets}
    rows: dict[Subject, list[Row]] = {}
    for change in plan.changes:
        target = targets.get(change.subject)
        rows.setdefault(change.subject, []).extend(rows_of(change, target))
    for conflict in plan.conflicts:
        ids = conflict.experiment_ids
        subject = conflict.key, ids[0] if len(ids) == 1 else None
        rows.setdefault(subject, []).append(Row("!", printable(conflict.message)))
    for warning in plan.warnings:
        subject = warning.key, warning.experiment_id
        rows.setdefault(subject, []).append(Row("?", printable(warning.message)))
    sections: list[tuple[str, tuple[str, ...], list[Row]]] = []
    for (key, experiment_id), found in rows.items():
        target = targets.get((key, experiment_id))
        status = None if target is None else target.status or "new"
        about = tuple(part for part in (experiment_id, status) if part)
        sections.append((key, about, found))
    return sections


def rows_of(change: Change, target: "Target | None") -> Iterator[Row]:
    """Format a change as rows."""
    sign = SIGNS.get(change.action, ">")
    mark = "live" if change.live else ""
    if change.publishes:
        mark = "live, publishes at once"
    if change.action in (Action.UPDATE, Action.UPDATE_VARIANT):
        name = "" if change.variant is None else f"variant {change.variant}: "
        for field in change.fields:
            width = 0 if name else PATH_WIDTH
            text = f"{name}{field.path:<{width}} {difference(field)}"
            yield Row(sign, printable(text), mark, tuple(details_of(field)))
    else:
        yield Row(sign, printable(sentence(change, target)), mark)


def sentence(change: Change, target: "Target | None") -> str:
    """Describe a change that is no change of single fields."""
    fields = {field.path: field.new for field in change.fields}
    names = {v.id: v.name for v in (target.variants if target else None) or ()}
    winner = names.get(str(fields.get("winner")), fields.get("winner"))
    rollout = names.get(str(fields.get("rollout")), fields.get("rollout"))
    if change.action is Action.CREATE:
        return f"experiment, settings {fields.get('settings')}"
    if change.action is Action.CREATE_VARIANT:
        text = f"variant {change.variant}, weight {fields.get('weight')}"
        if "redirect_url" in fields:
            text += f", redirect to {show(fields['redirect_url'])}"
        count = len(cast("list[object]", fields.get("dom_modifications") or ()))
        return f"{text}, {plural(count, 'modification')}" if count else text
    if change.action is Action.DELETE_VARIANT:
        return f"variant {change.variant}"
    if change.action is Action.STOP:
        text = f"stop, winner {winner}" if winner else "stop"
        if not rollout:
            return text
        out = "rolled out" if rollout == winner else f"rollout of {rollout}"
        return f"{text}, {out}"
    sentences = {
        Action.PUBLISH: "publish what is staged",
        Action.WINNER: f"winner {winner or 'none'}",
        Action.ROLLOUT: f"rollout of {rollout}",
        Action.END_ROLLOUT: "end the rollout",
        Action.DELETE: "experiment",
    }
    return sentences.get(change.action, str(change.action))


def difference(field: FieldChange) -> str:
    """Format the old and the new value of a field."""
    if (lists := lists_in(field)) is None:
        return f"{show(field.old)} -> {show(field.new)}"
    old, new = lists
    added = [f"+ {show(text)}" for text in new if text not in old]
    removed = [f"- {show(text)}" for text in old if text not in new]
    return " ".join([*removed, *added]) or "in another order"


def lists_in(field: FieldChange) -> tuple[list[str], list[str]] | None:
    """Return the old and new list of texts; None where the values are no lists."""
    old, new = texts_in(field.old), texts_in(field.new)
    return None if old is None or new is None or not (old or new) else (old, new)


def texts_in(value: object) -> list[str] | None:
    """Return a list of texts, of which null is an empty one; else None."""
    if value is None:
        return []
    items = cast("list[object]", value) if isinstance(value, list) else [None]
    return cast("list[str]", items) if all(isinstance(i, str) for i in items) else None


def details_of(field: FieldChange) -> Iterator[str]:
    """List the lines that differ in long texts and lists of objects."""
    old, new = long_lines(field.old), long_lines(field.new)
    if old is None and new is None:
        return
    lines = list(unified_diff(old or [], new or [], lineterm="", n=1))[2:]
    yield from (printable(line) for line in lines[:MAX_DETAILS])
    if len(lines) > MAX_DETAILS:
        yield f"({len(lines) - MAX_DETAILS} more lines)"


def long_lines(value: object) -> list[str] | None:
    """Split a value into lines; None for what fits into one."""
    if isinstance(value, str) and "\n" in value:
        return value.splitlines()
    if texts_in(value) is None and isinstance(value, list):
        text = json.dumps(value, indent=1, ensure_ascii=False)
        return text.replace("\\n", "\n").splitlines()
    return None


def summary_lines(plan: "Plan") -> Iterator[str]:
    """Summarise a plan."""
    kinds: dict[Subject, set[str]] = {}
    for change in plan.changes:
        verbs = kinds.setdefault(change.subject, set())
        verbs.add(VERBS[change.action])
    counted: Counter[str] = Counter()
    for verbs in kinds.values():
        counted.update(verbs - {"changed"} if "created" in verbs else verbs)
    order = dict.fromkeys(VERBS.values())
    parts = [", ".join(f"{counted[verb]} {verb}" for verb in order if counted[verb])]
    if not plan.changes:
        parts = ["no changes"]
    if plan.conflicts:
        parts.append(plural(len(plan.conflicts), "conflict"))
    if plan.versions:
        parts.append(plural(plan.versions, "version"))
        live = {change.subject for change in plan.live}
        total = len(plan.specs) + sum(c.action is Action.DELETE for c in plan.changes)
        parts.append(f"{len(live)} of {plural(total, 'experiment')} live-changed")
    yield f"plan: {'; '.join(parts)}"
    if plan.others and plan.versions:
        others = plural(len(plan.others), "unpublished change")
        yield f"{others} of others would go live with it: --ship-others"
    if plan.unmanaged:
        count = plural(len(plan.unmanaged), "experiment")
        yield printable(f"not in these files: {count} of {', '.join(plan.owns)}")


def drift_lines(plan: "Plan") -> Iterator[str]:
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
    if (lists := lists_in(field)) is None:
        if field.old is None:
            yield f"{FILE}: {where} {show(field.new)}"
        elif field.new is None:
            yield f"{SERVER}: {where} {show(field.old)}"
        else:
            yield f"differs: {where}: {show(field.old)}, in the file {show(field.new)}"
        return
    old, new = lists
    yield from (f"{SERVER}: {where} {show(item)}" for item in old if item not in new)
    yield from (f"{FILE}: {where} {show(item)}" for item in new if item not in old)
    if sorted(old) == sorted(new):
        yield f"differs: {where}: in another order"


def show(value: object) -> str:
    """Format a value for people; what is long is cut."""
    if value is None:
        return "none"
    if isinstance(value, str):
        return cut(printable(value)) if value.strip() else repr(value)
    if isinstance(value, list):
        items = cast("list[object]", value)
        if all(isinstance(item, str) for item in items):
            return cut(printable(", ".join(cast("list[str]", items)))) or "none"
        return plural(len(items), "item")
    return cut(printable(json.dumps(value, ensure_ascii=False, default=str)))


def cut(text: str) -> str:
    """Cut a text that is too wide."""
    return text if len(text) <= MAX_WIDTH else f"{text[: MAX_WIDTH - 3]}..."


def plural(count: int, noun: str) -> str:
    """Format a count with its noun."""
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"
