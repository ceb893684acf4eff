"""The package uses standard terms: words that once needed their docstring are gone."""

import re
from pathlib import Path

import pytest

import ours_experiments


ROOT = Path(ours_experiments.__file__).parent
DROPPED = re.compile(
    # `tell()` is a file's, "begun" a word of journals that exist already, `settle()` a
    # public method of the emulator's faults.
    r"\b(?:told|tells?(?!\()|telling|MANNERS|NO_CLOCK|SHOWN\w*|[Ff]ates?|"
    r"settle(?!\()|settle[sd]|settling|recognisable|learn_from|tell_pause|Workshop|"
    r"ITEMS_A_TURN|OneVersion|[Ss]hipments?|Lineage|Sendings|ORIGINS|obstacles?|"
    r"_speak_through|begun(?!\")\w*|began|mission_only)\b|"
    r"\b(?:LONGEST|LARGEST|MOST|DEEPEST|LEAST|SHORTEST)_|"
    r"\.another\(|\bfor (?:one|each) in\b"
)


@pytest.mark.parametrize(
    "path", sorted(ROOT.rglob("*.py")), ids=lambda path: str(path.relative_to(ROOT))
)
def test_no_dropped_word(path: Path) -> None:
    """No name, error, docstring or comment uses a word of the old idiom."""
    text = path.read_text(encoding="utf-8")
    assert sorted({found[0] for found in DROPPED.finditer(text)}) == []
