"""What comes from the service cannot act upon a terminal."""

import io
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from ours_experiments.cli.output.terminal import escape, is_ascii_only, safe_text


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        pytest.param("plain äöü 漢字 🙂", "plain äöü 漢字 🙂", id="text"),
        pytest.param("\x1b[31mred", "\\x1b[31mred", id="ansi"),
        pytest.param("a\r\nb\tc\x00", "a\\x0d\\x0ab\\x09c\\x00", id="c0"),
        pytest.param("\x7f\x9b2J", "\\x7f\\x9b2J", id="del-and-c1"),
        pytest.param("\u202egnp.exe", "\\u202egnp.exe", id="bidi"),
        pytest.param("\u2066a\u2069", "\\u2066a\\u2069", id="isolate"),
        pytest.param("a\u2028b\ufeff", "a\\u2028b\\ufeff", id="separator-and-bom"),
        pytest.param("\U000e0041", "\\U000e0041", id="tag"),
        pytest.param("\ud800", "\\ud800", id="surrogate"),
        pytest.param(12, "12", id="number"),
    ],
)
def test_shows_what_a_terminal_would_act_upon(written: object, shown: str) -> None:
    """Control characters are spelled out, all other text stays as it is."""
    assert escape(written) == shown


@given(st.text(alphabet=st.characters(exclude_categories=())))
def test_leaves_no_control_character(written: str) -> None:
    """Whatever is written, no control or surrogate character is left."""
    for character in escape(written):
        assert unicodedata.category(character) not in {"Cc", "Cs", "Zl", "Zp"}
        assert unicodedata.bidirectional(character) not in {
            "LRE",
            "RLE",
            "LRO",
            "RLO",
            "PDF",
            "LRI",
            "RLI",
            "FSI",
            "PDI",
        }


def test_text_is_no_markup() -> None:
    """Square brackets are shown, not interpreted."""
    out = io.StringIO()
    Console(file=out, force_terminal=True, markup=True).print(safe_text("[red]x[/red]"))
    assert out.getvalue() == "[red]x[/red]\n"


@pytest.mark.parametrize(
    ("encoding", "plain"), [("utf-8", False), ("UTF-16", False), ("cp1252", True)]
)
def test_knows_an_output_without_braille(encoding: str, *, plain: bool) -> None:
    """Outputs that are not Unicode get ASCII drawings."""
    out = Console(file=io.TextIOWrapper(io.BytesIO(), encoding=encoding))
    assert is_ascii_only(out) is plain
