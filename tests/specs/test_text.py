"""What `drift` says: on which side a value is."""

import pytest

from ours_experiments.specs import Action, Change, Conflict, FieldChange
from ours_experiments.specs.plan import Plan
from ours_experiments.specs.text import drift_lines, format_plan


CHANGES = {
    "a new variant": (
        Change(action=Action.CREATE_VARIANT, key="k", variant="A"),
        ["only in the file: k variant A"],
    ),
    "another variant": (
        Change(action=Action.DELETE_VARIANT, key="k", variant="A"),
        ["only on the server: k variant A"],
    ),
    "staged": (Change(action=Action.PUBLISH, key="k"), ["not published: k"]),
    "a value": (
        Change(
            action=Action.UPDATE_VARIANT,
            key="k",
            variant="A",
            fields=(FieldChange("weight", 10, 20),),
        ),
        ["differs: k variant A weight: 10, in the file 20"],
    ),
    "values that one side has": (
        Change(
            action=Action.UPDATE,
            key="k",
            fields=(
                FieldChange("description", None, "x" * 50),
                FieldChange("metrics", {"primary": 1}, None),
                FieldChange("metrics.secondary", [{}], None),
            ),
        ),
        [
            f"only in the file: k description {'x' * 37}...",
            'only on the server: k metrics {"primary": 1}',
            "only on the server: k metrics.secondary 1 item",
        ],
    ),
    "the order": (
        Change(
            action=Action.UPDATE,
            key="k",
            fields=(FieldChange("urls", ["/a", "/b"], ["/b", "/a"]),),
        ),
        ["differs: k urls: in another order"],
    ),
}


@pytest.mark.parametrize(("change", "lines"), CHANGES.values(), ids=CHANGES.keys())
def test_a_difference_has_a_side(change: Change, lines: list[str]) -> None:
    """Each difference is named with the side that has the value."""
    assert list(drift_lines(Plan(changes=(change,)))) == lines


def test_a_conflict_is_drift() -> None:
    """A difference that cannot be applied is named with its reason."""
    plan = Plan(conflicts=(Conflict("k", "locked: completed"),))
    assert list(drift_lines(plan)) == ["conflict: k: locked: completed"]


SENTENCES = {
    "another order": (
        Change(
            action=Action.UPDATE,
            key="k",
            fields=(FieldChange("urls", ["/a", "/b"], ["/b", "/a"]),),
        ),
        "  ~ urls                         in another order",
    ),
    "an empty value": (
        Change(action=Action.UPDATE, key="k", fields=(FieldChange("name", " ", None),)),
        "  ~ name                         ' ' -> none",
    ),
    "a rollout of another": (
        Change(
            action=Action.STOP,
            key="k",
            fields=(
                FieldChange("winner", None, "A"),
                FieldChange("rollout", None, "B"),
            ),
        ),
        "  > stop, winner A, rollout of B",
    ),
    "a bare stop": (Change(action=Action.STOP, key="k"), "  > stop"),
    "a variant": (
        Change(action=Action.DELETE_VARIANT, key="k", variant="A"),
        "  - variant A",
    ),
    "a winner": (
        Change(
            action=Action.WINNER, key="k", fields=(FieldChange("winner", "A", None),)
        ),
        "  > winner none",
    ),
    "a redirect": (
        Change(
            action=Action.CREATE_VARIANT,
            key="k",
            variant="A",
            fields=(
                FieldChange("weight", None, 9),
                FieldChange("redirect_url", 0, "/a"),
            ),
        ),
        "  + variant A, weight 9, redirect to /a",
    ),
}


@pytest.mark.parametrize(("change", "line"), SENTENCES.values(), ids=SENTENCES.keys())
def test_a_change_is_a_line(change: Change, line: str) -> None:
    """Each kind of change has a line of its own in a plan."""
    assert format_plan(Plan(changes=(change,))).splitlines()[1] == line


def test_only_the_first_lines_of_a_long_text_are_shown() -> None:
    """Of a text that differs in many lines a plan shows the first 20."""
    old, new = ("".join(f"{side} {n}\n" for n in range(30)) for side in "ab")
    field = FieldChange("value", old, new)
    plan = Plan(changes=(Change(action=Action.UPDATE, key="k", fields=(field,)),))
    lines = format_plan(plan).splitlines()
    assert sum(line.startswith("      ") for line in lines) == 21
    assert "      (41 more lines)" in lines
