"""Outcomes and the report that holds them."""

from datetime import UTC, datetime

import pytest

from ours_experiments import (
    BulkReport,
    NotFoundError,
    OursError,
    Outcome,
    OutcomeStatus,
    OutcomeUnknownError,
    Version,
)


MISSING = NotFoundError(404, "Not Found", method="POST", path="/experiments/b/start")
UNKNOWN = OutcomeUnknownError("nobody knows", action="start", experiment_id="c")
OUTCOMES = (
    Outcome("a", "start", OutcomeStatus.APPLIED, attempts=1, seconds=0.25),
    Outcome("b", "start", OutcomeStatus.FAILED, error=MISSING, attempts=1),
    Outcome("c", "start", OutcomeStatus.UNKNOWN, error=UNKNOWN, attempts=2),
    Outcome("d", "start", OutcomeStatus.ALREADY),
    Outcome("e", "start", OutcomeStatus.STAGED),
    Outcome("f", "start", OutcomeStatus.NOT_ATTEMPTED),
)
REPORT = BulkReport("start", OUTCOMES, 1.26)
VERSION = Version(
    id="ver_1",
    version_number=7,
    is_published=True,
    created_at=datetime(2026, 1, 1, tzinfo=UTC),
)


def ids(outcomes: tuple[Outcome, ...]) -> str:
    """Put the ids of outcomes in a row."""
    return "".join(outcome.experiment_id for outcome in outcomes)


def test_selections() -> None:
    """What is as asked for, what is not, and what to try again."""
    assert ids(REPORT.succeeded) == "ade"
    assert ids(REPORT.failed) == "bc"
    assert REPORT.failed_ids == ("b", "c")


def test_groups() -> None:
    """Every status has its group, if only an empty one."""
    groups = BulkReport("start", OUTCOMES[:2], 0.0).by_status
    assert list(groups) == list(OutcomeStatus)
    assert groups[OutcomeStatus.APPLIED] == OUTCOMES[:1]
    assert groups[OutcomeStatus.STAGED] == ()


def test_counts() -> None:
    """Every status has its count, if only zero."""
    counts = BulkReport("start", OUTCOMES[:2], 0.0).counts
    assert list(counts) == list(OutcomeStatus)
    assert counts[OutcomeStatus.APPLIED] == counts[OutcomeStatus.FAILED] == 1
    assert sum(counts.values()) == 2


def test_failed_creations_have_no_ids() -> None:
    """What could not be created has no id to try again."""
    outcome = Outcome("", "create", OutcomeStatus.FAILED, error=MISSING)
    report = BulkReport("create", (outcome,), 0.0)
    assert report.failed == (outcome,)
    assert report.failed_ids == ()


def test_raising_every_failure() -> None:
    """One group holds every error, the publish's included."""
    refused = OursError("no scope")
    report = BulkReport("start", OUTCOMES, 1.26, publish_error=refused)
    with pytest.raises(ExceptionGroup, match="1 failed, 1 unknown") as caught:
        report.raise_for_failures()
    assert caught.value.exceptions == (MISSING, UNKNOWN, refused)


def test_nothing_to_raise() -> None:
    """Without a failure nothing is raised, not even for what was not reached."""
    BulkReport("start", (OUTCOMES[0], *OUTCOMES[3:]), 0.0).raise_for_failures()


@pytest.mark.parametrize(
    ("report", "expected"),
    [
        pytest.param(
            REPORT,
            "start: 1 applied, 1 already, 1 staged, 1 failed, 1 unknown, "
            "1 not attempted in 1.3 s",
            id="everything",
        ),
        pytest.param(
            BulkReport("stop", (), 0.0), "stop: nothing to do in 0.0 s", id="nothing"
        ),
        pytest.param(
            BulkReport("start", OUTCOMES[:1], 0.1, VERSION),
            "start: 1 applied in 0.1 s; published as version 7",
            id="published",
        ),
        pytest.param(
            BulkReport("start", OUTCOMES[4:5], 0.1, None, OursError("no scope")),
            "start: 1 staged in 0.1 s; not published: no scope",
            id="not published",
        ),
        pytest.param(
            BulkReport("start", OUTCOMES, 0.1, dry_run=True),
            "start: 1 applied, 1 already, 1 staged, 1 would fail, 1 unknown, "
            "1 would be applied in 0.1 s",
            id="dry run",
        ),
    ],
)
def test_the_line_for_people(report: BulkReport, expected: str) -> None:
    """A report in one line, only with what there is."""
    assert str(report) == expected


def test_records() -> None:
    """Each outcome is a flat dict of plain values, alike in all rows.

    Tables that take a column's type from its first rows then take the later ones too.
    """
    records = REPORT.to_records()
    assert len({tuple(map(type, record.values())) for record in records}) == 1
    assert records[0] == {
        "experiment_id": "a",
        "action": "start",
        "status": "applied",
        "publish_status": "",
        "error": "",
        "attempts": 1,
        "seconds": 0.25,
        "note": "",
    }
    assert records[1]["error"] == "POST /experiments/b/start: 404 Not Found"


def test_in_a_notebook() -> None:
    """The line, and a table of what failed; nothing in it is markup of others."""
    outcome = Outcome("<b>", "start", OutcomeStatus.FAILED, error=OursError("a & b"))
    html = BulkReport("start", (OUTCOMES[0], outcome), 0.0)._repr_html_()
    assert html == (
        "<table><caption>start: 1 applied, 1 failed in 0.0 s</caption><thead><tr>"
        "<th>experiment</th><th>status</th><th>error</th></tr></thead><tbody><tr>"
        "<td>&lt;b&gt;</td><td>failed</td><td>a &amp; b</td></tr></tbody></table>"
    )


def test_in_a_notebook_without_failures() -> None:
    """Where nothing failed, there is no table."""
    html = BulkReport("start", OUTCOMES[:1], 0.0)._repr_html_()
    assert html == "<p>start: 1 applied in 0.0 s</p>"
