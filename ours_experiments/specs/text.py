"""A plan for people: 80 columns for a terminal, Markdown for a pull request."""

import json
from collections import Counter
from collections.abc import Iterator
from difflib import unified_diff
from textwrap import wrap
from typing import cast

import attrs

from ours_experiments._text import printable
from ours_experiments.specs.changes import Action, Change, FieldChange
from ours_experiments.specs.plan import Plan, Target
from ours_experiments.specs.values import plural, show


WIDTH = 80
PATH_WIDTH = 28
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


@attrs.define
class Section:
    """The part of a plan about one experiment."""

    key: str
    about: tuple[str, ...]
    """Its id and its status, as far as they are known."""
    rows: list[Row] = attrs.field(factory=list[Row])


def format_plan(plan: Plan) -> str:
    """Format a plan for a terminal of 80 columns; only the summary may be wider."""
    lines: list[str] = []
    for section in sections_of(plan):
        heading = f"{printable(section.key):<18} {'  '.join(section.about)}"
        lines += wrap(
            heading.rstrip(),
            WIDTH,
            subsequent_indent="    ",
            break_long_words=False,
            break_on_hyphens=False,
        )
        for row in section.rows:
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


def format_markdown(plan: Plan) -> str:
    """Format a plan as Markdown."""
    lines = ["| experiment | change | visitors |", "|---|---|---|"]
    details: list[str] = []
    for section in sections_of(plan):
        about = f" ({', '.join(section.about)})" if section.about else ""
        name = f"{code(section.key)}{about}"
        for row in section.rows:
            lines.append(f"| {name} | {row.sign} {escape(row.text)} | {row.mark} |")
            if row.details:
                details += ["", f"{code(section.key)}, {escape(row.text)}:", ""]
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


def sections_of(plan: Plan) -> list[Section]:
    """Sort a plan by experiment, in the order of its changes."""
    targets = {(t.key, t.experiment_id): t for t in plan.targets}
    sections: dict[tuple[str, str | None], Section] = {}

    def section(key: str, experiment_id: str | None) -> Section:
        if (key, experiment_id) not in sections:
            target = targets.get((key, experiment_id))
            status = "" if target is None else target.status or ""
            if target is not None and experiment_id is None:
                status = "new"
            about = tuple(part for part in (experiment_id, status) if part)
            sections[key, experiment_id] = Section(key, about)
        return sections[key, experiment_id]

    for change in plan.changes:
        rows = rows_of(change, targets.get((change.key, change.experiment_id)))
        section(change.key, change.experiment_id).rows += rows
    for conflict in plan.conflicts:
        ids = conflict.experiment_ids
        row = Row("!", printable(conflict.message))
        section(conflict.key, ids[0] if len(ids) == 1 else None).rows.append(row)
    for warning in plan.warnings:
        row = Row("?", printable(warning.message))
        section(warning.key, warning.experiment_id).rows.append(row)
    return list(sections.values())


def rows_of(change: Change, target: Target | None) -> Iterator[Row]:
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


def sentence(change: Change, target: Target | None) -> str:
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
        return f"{text}, rolled out" if rollout == winner else f"{text}, {rollout} out"
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
    old, new = texts_in(field.old), texts_in(field.new)
    if old is None or new is None or not (old or new):
        return f"{show(field.old)} -> {show(field.new)}"
    added = [f"+ {show(text)}" for text in new if text not in old]
    removed = [f"- {show(text)}" for text in old if text not in new]
    return " ".join([*removed, *added]) or "in another order"


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


def summary_lines(plan: Plan) -> Iterator[str]:
    """Summarise a plan."""
    kinds: dict[tuple[str, str | None], set[str]] = {}
    for change in plan.changes:
        verbs = kinds.setdefault((change.key, change.experiment_id), set())
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
        live = {(change.key, change.experiment_id) for change in plan.live}
        total = len(plan.specs) + sum(c.action is Action.DELETE for c in plan.changes)
        parts.append(f"{len(live)} of {plural(total, 'experiment')} live-changed")
    yield f"plan: {'; '.join(parts)}"
    if plan.others and plan.versions:
        others = plural(len(plan.others), "unpublished change")
        yield f"{others} of others would go live with it: --ship-others"
    if plan.unmanaged:
        count = plural(len(plan.unmanaged), "experiment")
        yield printable(f"not in these files: {count} of {', '.join(plan.owns)}")
