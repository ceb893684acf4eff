"""Every parser that gets input from outside."""

from pathlib import Path

from tests.trials.fuzz.bodies import draw_object, draw_page, judge_object, judge_page
from tests.trials.fuzz.files import (
    draft_judge,
    draw_draft,
    draw_ids,
    draw_journal,
    ids_judge,
    journal_judge,
)
from tests.trials.fuzz.replies import (
    draw_date,
    draw_reply,
    draw_waits,
    judge_date,
    judge_reply,
    judge_waits,
)
from tests.trials.fuzz.runs import Target


def targets(folder: Path) -> tuple[Target, ...]:
    """List all targets; those that read files write them into a folder."""
    return (
        Target(
            "codec",
            45,
            draw_object,
            judge_object,
            frozenset({"decoded", "refused", "not JSON"}),
        ),
        Target(
            "page",
            12,
            draw_page,
            judge_page,
            frozenset({"page", "refused envelope", "refused entities", "not JSON"}),
        ),
        Target(
            "reply",
            12,
            draw_reply,
            judge_reply,
            frozenset({"answer", "UnexpectedResponseError", "BadRequestError"}),
        ),
        Target(
            "retry-after",
            10,
            draw_waits,
            judge_waits,
            frozenset({"no wait", "now", "wait"}),
        ),
        Target("date", 10, draw_date, judge_date, frozenset({"own clock", "theirs"})),
        Target(
            "journal",
            5,
            draw_journal,
            journal_judge(folder),
            frozenset({"read", "refused", "started anew"}),
        ),
        Target(
            "draft-file",
            3,
            draw_draft,
            draft_judge(folder),
            frozenset({"draft", "refused"}),
        ),
        Target(
            "ids-file", 3, draw_ids, ids_judge(folder), frozenset({"ids", "refused"})
        ),
    )
