"""Standard input: other encodings, bytes that are no text, and none at all."""

import codecs
import io
import json
import sys
from pathlib import Path

import pytest

from tests.cli.runner import COMMAND, Invoke, Ran, Service, process


CLOSED = ("sh", "-c", 'exec "$@" <&-', "sh", *COMMAND)
ENCODINGS = {
    "utf-8-sig": codecs.BOM_UTF8,
    "utf-16-le": codecs.BOM_UTF16_LE,
    "utf-16-be": codecs.BOM_UTF16_BE,
}
NO_TEXT = {
    "latin-1": b"# caf\xe9\n",
    "utf-16 without a mark": "exp_1\n".encode("utf-16-le"),
    "half a utf-16 character": codecs.BOM_UTF16_LE + b"e\x00x",
}


def encoded(text: str, encoding: str) -> bytes:
    """Encode a text with its byte order mark, as Windows PowerShell does."""
    return ENCODINGS[encoding] + text.encode(encoding.removesuffix("-sig"))


@pytest.fixture
def pipe(invoke: Invoke, monkeypatch: pytest.MonkeyPatch) -> Invoke:
    """Return a function that runs a command line with bytes at standard input."""

    def invoking(content: bytes, *arguments: object) -> Ran:
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(content)))
        return invoke(*arguments)

    return invoking


def assert_one_error(ran: Ran, *codes: int) -> None:
    """Check that a command ended with an exit code and one line of error."""
    assert ran.code in codes, ran.err
    assert ran.err.startswith("error: ")
    assert ran.err.count("\n") == 1


@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize("option", ["-", "--from-file"])
def test_ids_may_have_a_byte_order_mark(
    service: Service, pipe: Invoke, tmp_path: Path, encoding: str, option: str
) -> None:
    """The mark decides the encoding and is no part of the first id."""
    content = encoded("\r\n".join(service.seed(2)), encoding)
    source = tmp_path / "ids.txt"
    source.write_bytes(content)
    words = ("-",) if option == "-" else (option, str(source))
    ran = pipe(content, "start", *words, "--dry-run")
    assert ran.code == 0, ran.err
    assert "2 would be applied" in ran.out


@pytest.mark.parametrize("content", NO_TEXT.values(), ids=NO_TEXT.keys())
@pytest.mark.parametrize("option", ["-", "--from-file", "--from"])
def test_bytes_that_are_no_text_are_an_error(
    service: Service, pipe: Invoke, tmp_path: Path, content: bytes, option: str
) -> None:
    """What is neither UTF-8 nor marked UTF-16 ends with code 3, and nothing is sent."""
    source = tmp_path / "ids.txt"
    source.write_bytes(content)
    words = {
        "-": ("start", "-"),
        "--from-file": ("start", "--from-file", str(source)),
        "--from": ("create", "--from", "-"),
    }
    ran = pipe(content, *words[option])
    assert_one_error(ran, 3)
    assert "not UTF-8 text" in ran.err
    assert service.emulator.log.received() == 0


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_a_draft_may_have_a_byte_order_mark(
    service: Service, pipe: Invoke, encoding: str
) -> None:
    """`create --from -` reads what PowerShell pipes."""
    service.seed(1)
    content = encoded(json.dumps({"name": "Überschrift"}), encoding)
    ran = pipe(content, "create", "--from", "-", "--format", "json")
    assert ran.code == 0, ran.err
    assert ran.json["name"] == "Überschrift"


@pytest.mark.parametrize(
    "words",
    [
        ("delete", "exp_1"),
        ("stop", "exp_1"),
        ("variants", "delete", "var_1"),
        ("settings", "delete", "set_1"),
    ],
    ids=" ".join,
)
def test_a_question_needs_standard_input(
    service: Service, words: tuple[str, ...]
) -> None:
    """With standard input closed nobody can be asked: code 2, and nothing is sent."""
    ran = process(*words, env=service.environment, command=CLOSED)
    assert_one_error(ran, 2)
    assert "--yes" in ran.err
    assert service.emulator.log.received() == 0


@pytest.mark.parametrize(
    "words",
    [
        ("start", "-"),
        ("start", "--stdin", "--dry-run"),
        ("start", "--from-file", "-"),
        ("create", "--from", "-"),
    ],
    ids=" ".join,
)
def test_closed_standard_input_cannot_be_read(
    service: Service, words: tuple[str, ...]
) -> None:
    """Reading from closed standard input ends with code 3 and one line."""
    ran = process(*words, env=service.environment, command=CLOSED)
    assert_one_error(ran, 3)
    assert "closed" in ran.err
    assert service.emulator.log.received() == 0
