"""How faults are named, read and checked."""

import pytest

from ours_experiments.emulator.faults.bodies import GzipBomb, MalformedJson
from ours_experiments.emulator.faults.delivery import Drip, Late, Latency, Reset, Stale
from ours_experiments.emulator.faults.exchange import FaultKind
from ours_experiments.emulator.faults.kinds import KINDS, build, describe
from ours_experiments.emulator.faults.payloads import UnknownFields
from ours_experiments.emulator.faults.rules import Faults, parse
from ours_experiments.emulator.faults.status import Redirect, Status


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        pytest.param("reset", Reset(), id="name-alone"),
        pytest.param("reset:", Reset(), id="nothing-after-the-colon"),
        pytest.param(" reset:applied=true ", Reset(applied=True), id="true"),
        pytest.param("reset:applied=false", Reset(applied=False), id="false"),
        pytest.param(
            "drip:interval=1e-3, headers=true",
            Drip(interval=0.001, headers=True),
            id="spaces",
        ),
        pytest.param("late:reply=504,delay=2", Late(2, 504), id="union-number"),
        pytest.param("late:reply=hang", Late(reply="hang"), id="union-word"),
        pytest.param("gzip_bomb:size=1000", GzipBomb(1000), id="integer"),
        pytest.param("stale:upon=next_request", Stale("next_request"), id="word"),
        pytest.param("malformed_json:defect=nan", MalformedJson("nan"), id="optional"),
        pytest.param("unknown_fields", UnknownFields(), id="no-parameters"),
        pytest.param(
            "status:code=429,retry_after=1|x",
            Status(429, retry_after=("1", "x")),
            id="own-reader",
        ),
        pytest.param(
            "redirect:origin=http://[::1]:80,code=308",
            Redirect("http://[::1]:80", 308),
            id="colons",
        ),
    ],
)
def test_fault_is_read_from_text(text: str, kind: FaultKind) -> None:
    """The text names a kind and its parameters."""
    assert parse(text).kind == kind


def test_schedule_is_read_from_text() -> None:
    """The text may carry the schedule as well."""
    fault = parse("reset:route=experiments.*,probability=0.25,times=3,after=2")
    assert (fault.route, fault.probability) == ("experiments.*", 0.25)
    assert (fault.times, fault.after) == (3, 2)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        pytest.param("", "Unknown fault kind ''; known are latency, ", id="empty"),
        pytest.param("rest", "Unknown fault kind 'rest'; known are", id="kind"),
        pytest.param("reset:applied", "reset: 'applied' is not of the form", id="pair"),
        pytest.param(
            "reset:aplied=true",
            "reset: unknown parameter 'aplied'; known are applied, route, prob",
            id="parameter",
        ),
        pytest.param(
            "reset:applied=yes",
            "reset: applied cannot be 'yes'; it takes true or false",
            id="flag",
        ),
        pytest.param(
            "reset:times=often",
            "reset: times cannot be 'often'; it takes a whole number",
            id="whole-number",
        ),
        pytest.param(
            "latency:seconds=long",
            "latency: seconds cannot be 'long'; it takes a number",
            id="number",
        ),
        pytest.param(
            "stale:upon=x", "upon cannot be 'x'; it takes answer or next_", id="word"
        ),
        pytest.param(
            "malformed_json:defect=x", "takes comma or nan or encoding or tail", id="or"
        ),
        pytest.param(
            "late:reply=x", "it takes reset or hang or a whole number", id="union"
        ),
        pytest.param(
            "reset:times=1,times=2", "reset: times is given twice", id="twice"
        ),
        pytest.param("redirect", "redirect: origin is missing", id="missing"),
        pytest.param("status:retry_after=date+x", "status: retry_after ", id="date"),
        pytest.param(
            "reset:probability=2", "probability must be at most 1, not 2", id="probable"
        ),
        pytest.param("reset:probability=nan", "probability must be at le", id="nan"),
        pytest.param("reset:times=0", "reset: times must be at least 1", id="times"),
        pytest.param("reset:after=-1", "after must be at least 0", id="after"),
        pytest.param("latency:seconds=-1", "seconds must be at least 0", id="seconds"),
        pytest.param("hang:seconds=-1", "seconds must be at least 0", id="hang"),
        pytest.param("refuse:seconds=-1", "seconds must be at least 0", id="refuse"),
        pytest.param("drip:interval=-1", "interval must be at least 0", id="drip"),
        pytest.param("late:reply=200", "reply must be at least 400", id="reply"),
        pytest.param("late:reply=600", "reply must be at most 599", id="high-reply"),
        pytest.param("partial_reply:share=2", "share must be at most 1", id="share"),
        pytest.param("truncated_json:share=2", "share must be at mo", id="cut-share"),
        pytest.param("status:code=100", "code must be at least 200", id="code"),
        pytest.param("html:code=600", "code must be at most 599", id="html-code"),
        pytest.param("empty:code=600", "code must be at most 599", id="empty-code"),
        pytest.param("redirect:origin=x,code=304", "301 or 302 or 303", id="redirect"),
        pytest.param("rate_limit:rate=0", "rate must be at least 0.001", id="rate"),
        pytest.param("rate_limit:burst=0", "burst must be at least 1", id="burst"),
        pytest.param("deep_body:depth=0", "depth must be at least 1", id="depth"),
        pytest.param("huge_body:size=0", "size must be at least 1", id="size"),
        pytest.param("gzip_bomb:size=0", "size must be at least 1", id="bomb-size"),
        pytest.param("cursor_loop:period=0", "period must be at least 1", id="period"),
        pytest.param("empty_pages:pages=0", "pages must be at least 1", id="pages"),
        pytest.param("stale:applied=true", "applied is for upon=next", id="stale"),
    ],
)
def test_errors_name_what_is_wrong(text: str, message: str) -> None:
    """An error says which parameter of which kind is wrong, and what it takes."""
    with pytest.raises(ValueError) as raised:  # noqa: PT011 - compared below
        parse(text)
    assert message in str(raised.value)


@pytest.mark.parametrize(
    ("kind", "parameters", "message"),
    [
        pytest.param("reset", {"applied": "no"}, "takes true or false", id="flag"),
        pytest.param("reset", {"applied": 1}, "takes true or false", id="number"),
        pytest.param("latency", {"seconds": "1"}, "takes a number", id="text"),
        pytest.param("status", {"code": True}, "takes a whole number", id="bool"),
        pytest.param("status", {"code": 503.0}, "takes a whole number", id="float"),
        pytest.param("late", {"reply": "504"}, "reset or hang or", id="union"),
        pytest.param("html", {"kode": 1}, "known are code, applied", id="unknown"),
        pytest.param("unknown_fields", {"x": 1}, "takes none of its own", id="none"),
    ],
)
def test_wrong_arguments_are_refused(
    kind: str, parameters: dict[str, object], message: str
) -> None:
    """Arguments from Python are checked as those from text are."""
    with pytest.raises(ValueError, match=message):
        Faults().add(kind, **parameters)  # type: ignore[arg-type]


def test_numbers_may_be_whole() -> None:
    """A whole number does where a number is expected."""
    assert build("status", {"retry_after": 2}) == Status(retry_after=2)
    assert build("latency", {"seconds": 2}) == Latency(2)


def test_description_lists_every_kind() -> None:
    """The list names each kind with its parameters, defaults and purpose."""
    text = describe()
    assert "\nstatus:code=503,applied=False,retry_after=None," in text
    assert "\n    Reset the connection (RST) without an answer.\n" in text
    assert "\nunknown_fields\n" in text
    assert len(text.splitlines()) == 2 * len(KINDS)
    assert max(map(len, text.splitlines())) < 100
