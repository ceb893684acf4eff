"""Hostile input: a slice of `python -m tests.trials.fuzz`, and what parsers hold to.

Whatever comes in, each parser understands it or refuses it with its documented error.
"""

import random
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.trials.fuzz.bodies import judge_object, judge_page
from tests.trials.fuzz.examples import examples
from tests.trials.fuzz.replies import judge_date, judge_reply, judge_waits, reply_of
from tests.trials.fuzz.runs import Target, run
from tests.trials.fuzz.targets import targets


EXECUTIONS = 5_000
NAMES = [target.name for target in targets(Path())]

header_texts = st.binary(max_size=60).map(
    lambda raw: raw.decode(errors="surrogateescape")
)


@pytest.mark.parametrize("name", NAMES)
def test_a_slice(name: str, tmp_path: Path) -> None:
    """The documented errors and nothing else come out; every kind of answer does."""
    [target] = [target for target in targets(tmp_path) if target.name == name]
    result = run(target, max(EXECUTIONS * target.share // 100, 400), seed=1)
    assert not result.findings
    assert not result.dull


def test_all_is_shared_out() -> None:
    """The shares of the targets make up a whole."""
    assert sum(target.share for target in targets(Path())) == 100


def fussy(number: int) -> str:
    """Fail on a number that nobody thought of."""
    if number == 7:
        raise KeyError(number)
    return "taken"


def test_findings_are_found() -> None:
    """An error that nobody documented is a finding, reported once with its input."""
    target = Target(
        "fussy", 1, lambda chance: chance.randrange(9), fussy, frozenset({"taken"})
    )
    result = run(target, 200, seed=0)
    [finding] = result.findings.values()
    assert finding.drawn == 7
    assert finding.message.startswith("KeyError in fussy")
    assert result.failures + result.words["taken"] == 200
    assert not result.dull


def test_dull_inputs_are_noticed() -> None:
    """A word that never comes up is reported: the inputs do not reach its place."""
    target = Target("dull", 1, random.Random.random, lambda _: "a", frozenset("ab"))
    assert run(target, 3, seed=0).dull == {"b"}


def test_the_same_seed_draws_the_same(tmp_path: Path) -> None:
    """A run can be had again by its seed."""
    for target in targets(tmp_path):
        first, again, other = (
            [repr(target.draw(chance)) for _ in range(30)]
            for chance in map(random.Random, (3, 3, 4))
        )
        assert first == again != other


@given(st.sampled_from(examples()), st.binary(max_size=200))
def test_any_body(example: tuple[type, bytes], body: bytes) -> None:
    """Arbitrary bytes are hardly ever an object, and refused otherwise."""
    assert judge_object((example[0], body)) in {"not JSON", "refused", "decoded"}


@given(st.binary(max_size=200))
def test_any_page(body: bytes) -> None:
    """Arbitrary bytes are hardly ever a page, and refused otherwise."""
    assert judge_page(body)


@given(st.lists(header_texts, max_size=3).map(tuple))
def test_any_wait(values: tuple[str, ...]) -> None:
    """Arbitrary header values are a wait or none."""
    assert judge_waits(values) in {"no wait", "now", "wait"}


@given(header_texts)
def test_any_date(text: str) -> None:
    """Whatever the service's clock says, there is a time."""
    assert judge_date(text) in {"own clock", "theirs"}


@given(
    st.sampled_from(["GET", "POST", "PATCH", "DELETE"]),
    st.integers(100, 999),
    st.dictionaries(
        st.sampled_from(["Content-Type", "Date", "Location", "Retry-After", "Via"]),
        header_texts,
    ),
    st.binary(max_size=100),
)
def test_any_reply(
    method: str, status: int, headers: dict[str, str], body: bytes
) -> None:
    """Whatever a service answers, it is JSON, nothing, or an error to show."""
    reply = reply_of(status, "Reason", [*headers.items()], body)
    assert judge_reply((method, reply))
