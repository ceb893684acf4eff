"""The journal file: what is read from it, and what is refused."""

from io import FileIO
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ours_experiments import ConfigurationError, Outcome, OutcomeStatus
from ours_experiments._http.api_key import account_fingerprint
from ours_experiments.bulk.journal import Header, Journal, line_of


HEADER = Header("start", account_fingerprint("https://a/rest/v1", "Bearer key"), "once")

identifiers = st.text(st.characters(codec="utf-8"), min_size=1, max_size=8)
written = st.one_of(
    st.builds(lambda one: {"begun": one}, identifiers),
    st.builds(
        lambda one, status: {"id": one, "status": status},
        identifiers,
        st.sampled_from(["applied", "already", "staged", "failed", "unknown"]),
    ),
    st.builds(lambda one: {"publishing": one}, identifiers),
)
anything = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.text(max_size=4),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["begun", "id", "status", "publishing", "published"]),
            inner,
            max_size=3,
        )
    ),
    max_leaves=5,
)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Name a journal."""
    return tmp_path / "journal"


def read(path: Path) -> Journal:
    """Open a journal and close it."""
    journal = Journal.open_here(path, HEADER)
    journal.close()
    return journal


def write(path: Path, *entries: object) -> None:
    """Write a journal by hand."""
    lines = [orjson.dumps(entry) + b"\n" for entry in entries]
    path.write_bytes(HEADER.to_line() + b"".join(lines))


def test_a_new_journal(path: Path) -> None:
    """A journal begins with what it is of."""
    read(path)
    [header] = path.read_bytes().splitlines()
    assert orjson.loads(header) == {
        "journal": "ours-experiments/1",
        "action": "start",
        "account": HEADER.account,
        "publish": "once",
        "service": HEADER.service,
    }


def test_what_is_written_is_read(path: Path) -> None:
    """Each status leads to what a resumed call has to do."""
    journal = Journal.open_here(path, HEADER)
    for status in OutcomeStatus:
        journal.begin(status.value)
        if status is not OutcomeStatus.NOT_ATTEMPTED:
            journal.record(Outcome(status.value, "start", status, attempts=2))
    journal.close()
    again = read(path)
    statuses = {status: again.status_of(status.value) for status in OutcomeStatus}
    unknown = OutcomeStatus.UNKNOWN
    expected = {status: status for status in OutcomeStatus}
    assert statuses == {**expected, OutcomeStatus.NOT_ATTEMPTED: unknown}
    assert again.size == path.stat().st_size


def test_a_publish(path: Path) -> None:
    """An announced publish knows what was staged; one that happened settles that."""
    journal = Journal.open_here(path, HEADER)
    journal.record(Outcome("first", "start", OutcomeStatus.STAGED))
    journal.announce("token")
    journal.record(Outcome("second", "start", OutcomeStatus.STAGED))
    journal.close()
    before = read(path)
    assert [*before.unconfirmed()] == ["token"]
    assert before.status_of("first") is OutcomeStatus.STAGED
    journal = Journal.open_here(path, HEADER)
    journal.publish("token")
    journal.close()
    again = read(path)
    assert [*again.unconfirmed()] == []
    assert again.status_of("first") is OutcomeStatus.APPLIED
    assert again.status_of("second") is OutcomeStatus.STAGED


@pytest.mark.parametrize("cut", [1, 5, 12])
def test_a_torn_last_line(path: Path, cut: int) -> None:
    """Half a line at the end is cut off, and the next one stands by itself."""
    write(path, {"begun": "whole"}, {"begun": "torn"})
    path.write_bytes(path.read_bytes()[:-cut])
    journal = Journal.open_here(path, HEADER)
    assert journal.states.keys() == {"whole"}
    journal.begin("next")
    journal.close()
    assert read(path).states.keys() == {"whole", "next"}


@pytest.mark.parametrize(
    "tail",
    [
        pytest.param(b"\0" * 5000, id="zeros"),
        pytest.param(b'{"beg' + b"\0" * 50, id="torn, then zeros"),
        pytest.param(b"\0" * 50 + b"\n", id="zeros, then a line break"),
        pytest.param(b'{"beg\0\0\n\0\0\0', id="torn in a block of zeros"),
    ],
)
def test_a_zero_filled_tail(path: Path, tail: bytes) -> None:
    """What a power failure leaves at the end is cut off."""
    write(path, {"begun": "whole"})
    content = path.read_bytes()
    path.write_bytes(content + tail)
    assert read(path).states.keys() == {"whole"}
    assert path.read_bytes() == content


@pytest.mark.parametrize("content", [b"\0" * 9, b"\0" * 10_000, b'{"jo\0'], ids=len)
def test_a_zero_filled_file(path: Path, content: bytes) -> None:
    """A journal of which nothing has reached the disk is begun anew."""
    path.write_bytes(content)
    read(path)
    assert path.read_bytes() == HEADER.to_line()


def test_zeros_in_the_midst(path: Path) -> None:
    """A whole entry behind what was not written whole is not thrown away."""
    write(path, {"begun": "first"})
    path.write_bytes(path.read_bytes() + b'{"beg\0\0\n{"begun":"second"}\n')
    with pytest.raises(ConfigurationError, match="line 3 is no journal entry"):
        read(path)


@given(order=st.permutations(range(8)))
def test_any_order_of_entries(
    tmp_path_factory: pytest.TempPathFactory, order: list[int]
) -> None:
    """What two runs wrote to one file is a journal, in whatever order."""
    path = tmp_path_factory.mktemp("any") / "journal"
    entries: list[object] = [
        {"begun": "a"},
        {"id": "a", "status": "staged"},
        {"publishing": "mine"},
        {"published": "mine"},
        {"begun": "b"},
        {"id": "b", "status": "applied"},
        {"published": "never announced"},
        {"publishing": "in vain"},
    ]
    write(path, *(entries[number] for number in order))
    journal = read(path)
    assert journal.status_of("b") is OutcomeStatus.APPLIED
    assert journal.status_of("a") in {OutcomeStatus.STAGED, OutcomeStatus.APPLIED}


def test_twenty_publishes(path: Path) -> None:
    """Each publish covers what was staged before it, and no more."""
    entries: list[object] = []
    for number in range(20):
        entries += [
            {"id": f"exp_{number}", "status": "staged"},
            {"publishing": f"token {number}"},
        ]
    write(path, *entries, {"published": "token 14"})
    journal = read(path)
    statuses = [journal.status_of(f"exp_{number}") for number in range(20)]
    assert statuses == [OutcomeStatus.APPLIED] * 15 + [OutcomeStatus.STAGED] * 5
    assert [*journal.unconfirmed()] == [f"token {number}" for number in range(15, 20)]


def test_a_torn_header(path: Path) -> None:
    """A journal whose header was cut off is begun anew."""
    path.write_bytes(HEADER.to_line()[:-7])
    read(path)
    assert path.read_bytes() == HEADER.to_line()


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b"a letter without an end", id="one line"),
        pytest.param(b"\n", id="blank line"),
        pytest.param(b"{}\n", id="another object"),
        pytest.param(HEADER.to_line()[:9] + b"\n", id="half a header"),
        pytest.param(Header("stop", HEADER.account, "once").to_line(), id="action"),
        pytest.param(Header("start", "other", "once").to_line(), id="account"),
        pytest.param(Header("start", HEADER.account, "each").to_line(), id="publish"),
        pytest.param(b"x" * 100_000, id="long"),
    ],
)
def test_a_file_that_is_no_journal_of_this_call(path: Path, content: bytes) -> None:
    """It is refused, and left as it is."""
    path.write_bytes(content)
    with pytest.raises(
        ConfigurationError, match=r"journal .*: it (is no journal|belongs to another)"
    ):
        Journal.open_here(path, HEADER)
    assert path.read_bytes() == content


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"[]",
        b"{}",
        b"null",
        b"{",
        b"\xff",
        b'{"begun": 5}',
        b'{"id": "exp_1"}',
        b'{"id": "exp_1", "status": "done"}',
        b'{"id": "exp_1", "status": null}',
    ],
)
def test_a_line_that_is_no_entry(path: Path, line: bytes) -> None:
    """A whole line that makes no sense is refused with its number."""
    content = HEADER.to_line() + line_of({"begun": "exp_1"}) + line + b"\n"
    path.write_bytes(content)
    with pytest.raises(ConfigurationError, match="line 3 is no journal entry"):
        Journal.open_here(path, HEADER)
    assert path.read_bytes() == content


def test_what_cannot_be_a_file(tmp_path: Path) -> None:
    """A folder, a device, a path with a null: each is refused by its name."""
    for impossible in (tmp_path, Path("/dev/null"), tmp_path / "no" / "file", "a\0b"):
        with pytest.raises(ConfigurationError, match="journal"):
            Journal.open_here(impossible, HEADER)


class ThreeBytesAtATime(FileIO):
    """A file on a system that takes little at once."""

    def write(self, data: Any) -> int:
        """Write the first three bytes."""
        return super().write(data[:3])


def test_short_writes(path: Path) -> None:
    """A line that the system takes in pieces is written to its end."""
    read(path)
    journal = Journal(ThreeBytesAtATime(path, "a+"))
    journal.begin("exp_1")
    journal.close()
    assert read(path).states.keys() == {"exp_1"}


def test_accounts_are_told_apart_and_not_told() -> None:
    """Another key or another service has another fingerprint, which hides both."""
    prints = {
        account_fingerprint(prefix, secret)
        for prefix in ("https://a", "https://b")
        for secret in ("key-1", "key-2")
    }
    assert len(prints) == 4
    assert not any("key" in text or "http" in text for text in prints)


@given(content=st.binary(max_size=80), behind_header=st.booleans())
def test_arbitrary_bytes(
    tmp_path_factory: pytest.TempPathFactory, content: bytes, *, behind_header: bool
) -> None:
    """Whatever a file holds, it is a journal or refused."""
    path = tmp_path_factory.mktemp("any") / "journal"
    path.write_bytes(HEADER.to_line() * behind_header + content)
    check_any(path)


@given(entries=st.lists(anything | written, max_size=5), torn=st.binary(max_size=9))
def test_arbitrary_entries(
    tmp_path_factory: pytest.TempPathFactory, entries: list[object], torn: bytes
) -> None:
    """Whatever JSON the lines hold, it is a journal or refused."""
    path = tmp_path_factory.mktemp("any") / "journal"
    write(path, *entries)
    with path.open("ab") as file:
        file.write(torn)
    check_any(path)


def check_any(path: Path) -> None:
    """Open a file; what is no journal stays, what is one goes on."""
    before = path.read_bytes()
    try:
        journal = Journal.open_here(path, HEADER)
    except ConfigurationError:
        assert path.read_bytes() == before
        return
    known = {name: journal.status_of(name) for name in journal.states}
    journal.begin("one more")
    journal.close()
    again = read(path)
    assert {name: again.status_of(name) for name in known} == known
    assert again.status_of("one more") is not None


@pytest.mark.parametrize(
    ("entries", "moment"),
    [
        pytest.param([{"begun": "a", "at": 5.0}], 5.0, id="begun"),
        pytest.param(
            [{"begun": "a", "at": 5.0}, {"begun": "a", "at": 7.0}], 5.0, id="twice"
        ),
        pytest.param(
            [
                {"begun": "a", "at": 5.0},
                {"id": "a", "status": "unknown"},
                {"begun": "a", "at": 7.0},
            ],
            5.0,
            id="unknown",
        ),
        pytest.param(
            [
                {"begun": "a", "at": 5.0},
                {"id": "a", "status": "failed"},
                {"begun": "a", "at": 7.0},
            ],
            7.0,
            id="failed",
        ),
        pytest.param(
            [{"begun": "a", "at": 5.0}, {"id": "a", "status": "applied"}],
            None,
            id="applied",
        ),
        pytest.param([{"begun": "a"}], 0.0, id="no time"),
        pytest.param([{"begun": "a", "at": 9e12}], 0.0, id="ahead"),
        pytest.param([], None, id="nothing"),
    ],
)
def test_when_an_id_was_sent(
    path: Path, entries: list[object], moment: float | None
) -> None:
    """The time is that of the first request whose outcome is not known."""
    write(path, *entries)
    assert read(path).sent_at("a") == moment
