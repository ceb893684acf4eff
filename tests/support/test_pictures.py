"""The script that makes the pictures of the pages."""

import re
import subprocess
import sys
from pathlib import Path

from tests.support.blocks import ROOT


MAKE = """
import sys
from pathlib import Path
from tests.support.pictures import record
record(Path(sys.argv[1]))
"""


def test_the_pictures_are_made(tmp_path: Path) -> None:
    """The commands run, and the pictures are written, with nothing from elsewhere."""
    made = subprocess.run(  # noqa: S603 - our own script
        [sys.executable, "-c", MAKE, str(tmp_path)],
        cwd=ROOT,
        check=False,
        capture_output=True,
        text=True,
    )
    assert (made.returncode, made.stderr) == (0, "")
    terminal = (tmp_path / "terminal.svg").read_text(encoding="utf-8")
    text = re.sub(r"<[^>]+>", "", terminal).replace("&#160;", " ")
    for word in (
        "list --status draft",
        "Pricing headline",
        "4 applied",
        "Benefit first",
        "ship Question",
        "traffic_allocation",
    ):
        assert word in text
    addresses = re.findall(r"https?://[^\"\s<]+", terminal)
    assert set(addresses) <= {"http://www.w3.org/2000/svg", "https://www.textualize.io"}
    assert str(Path.home()) not in terminal
    for name in ("results.png", "lift.png"):
        assert (tmp_path / name).read_bytes().startswith(b"\x89PNG")
