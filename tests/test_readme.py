"""The README is true: its pieces run, its links lead somewhere, its names exist."""

import asyncio
import inspect
import re
import threading
import tomllib
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from ours_experiments.emulator import Emulator
from tests.support.blocks import (
    ALL_BLOCKS,
    BLOCKS,
    CELLS,
    FILES,
    HEADING,
    PIECES,
    PROGRAMS,
    PYTHON,
    README,
    TEXT,
    Block,
    blocks_in,
    check_output,
    prose_of,
)


ROOT = README.parent
PROSE = prose_of(TEXT)
HEADINGS = HEADING.findall(PROSE)
LINKS = re.findall(r"\]\(([^)\s]+)\)", PROSE)
LARGEST_PICTURE = 100_000


@pytest.fixture
def service(monkeypatch: pytest.MonkeyPatch) -> Iterator[Emulator]:
    """Serve from a thread of its own, named in the environment."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    emulator = Emulator()
    asyncio.run_coroutine_threadsafe(emulator.start(), loop).result()
    monkeypatch.setenv("OURS_PRIVACY_API_KEY", emulator.api_key)
    monkeypatch.setenv("OURS_PRIVACY_PLATFORM_BASE_URL", emulator.url)
    yield emulator
    asyncio.run_coroutine_threadsafe(emulator.aclose(), loop).result()
    loop.call_soon_threadsafe(loop.stop)
    thread.join()
    loop.close()


@pytest.mark.parametrize("block", PROGRAMS, ids=lambda block: f"line-{block.line}")
def test_programs_run(block: Block, capsys: pytest.CaptureFixture[str]) -> None:
    """Each whole program runs by itself, and prints what its comments say."""
    exec(block.compiled(), {"__name__": "__main__"})  # noqa: S102 - the README is ours
    check_output([block], capsys.readouterr().out)


async def run_pieces(blocks: list[Block]) -> None:
    """Run pieces one after the other, in one namespace."""
    names: dict[str, object] = {"__name__": "__main__"}
    for block in blocks:
        result = eval(block.compiled(), names)  # noqa: S307 - the README is ours
        if inspect.isawaitable(result):
            await result


@pytest.mark.usefixtures("service")
def test_the_tour_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The pieces of the tour run in turn, and print what their comments say."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MPLBACKEND", "Agg")
    asyncio.run(run_pieces(PIECES))
    check_output(PIECES, capsys.readouterr().out)
    assert (tmp_path / "results.png").stat().st_size > 5_000


def test_nothing_is_left_out() -> None:
    """Every fence has a language that is known, and all Python in it is run somewhere.

    The files among the blocks are run in `test_readme_recipes.py`.
    """
    assert {block.language for block in BLOCKS} <= {"python", "console", "text"}
    assert TEXT.count("\n```") == 2 * len(ALL_BLOCKS)
    assert len(PYTHON) == len(PROGRAMS) + len(PIECES) + len(FILES) + len(CELLS)
    assert len(PROGRAMS) >= 2
    assert len(PIECES) >= 10


PAGE = """\
# A page

```python
client = None
```

```python
{}
```
"""


@pytest.mark.parametrize(
    ("broken", "problem"),
    [
        pytest.param("import ours_experiments.nothing", ImportError, id="import"),
        pytest.param("await client.begin('a')", AttributeError, id="method"),
    ],
)
async def test_a_broken_piece_is_noticed(broken: str, problem: type[Exception]) -> None:
    """A page whose code is wrong fails at the line where it stands."""
    blocks = list(blocks_in(PAGE.format(broken)))
    with pytest.raises(problem) as caught:
        await run_pieces(blocks)
    places = [(Path(entry.path).name, entry.lineno + 1) for entry in caught.traceback]
    assert (README.name, 8) in places


def test_a_wrong_output_is_noticed() -> None:
    """A comment beside a print has to tell what is printed, seconds apart."""
    blocks = list(blocks_in(PAGE.format("print(report)  # 3 applied in 0.1 s")))
    check_output(blocks, "something\n3 applied in 2.7 s\n")
    with pytest.raises(AssertionError, match="not printed: 3 applied"):
        check_output(blocks, "2 applied in 0.1 s\n")


def anchor_of(heading: str) -> str:
    """Make the anchor that repository hosts give a heading."""
    words = re.sub(r"[^\w\- ]", "", heading.strip().lower())
    return words.replace(" ", "-")


def test_anchors_resolve() -> None:
    """Every link into the page meets a heading, and no two headings are alike."""
    anchors = [anchor_of(heading) for heading in HEADINGS]
    assert len(set(anchors)) == len(anchors)
    wanted = {link[1:] for link in LINKS if link.startswith("#")}
    assert wanted
    assert wanted <= set(anchors)


def test_the_contents_are_complete() -> None:
    """The table of contents has every chapter."""
    chapters = re.findall(r"^## (.+)$", PROSE, re.MULTILINE)
    listed = re.findall(r"^- \[([^\]]+)\]\(#", PROSE, re.MULTILINE)
    assert listed == chapters


def test_links_to_files_resolve() -> None:
    """Every relative link leads to a file."""
    files = [link for link in LINKS if not link.startswith(("#", "https://"))]
    assert files
    for link in files:
        assert (ROOT / link).is_file(), link


def test_a_package_index_shows_no_broken_links() -> None:
    """What is built leaves out the pictures, and links to files beside the page."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    hook = project["tool"]["hatch"]["metadata"]["hooks"]["fancy-pypi-readme"]
    page = TEXT
    for each in hook["substitutions"]:
        page = re.sub(each["pattern"], each["replacement"], page)
    assert "![" not in page
    left = re.findall(r"\]\(([^)\s]+)\)", page)
    assert left
    assert all(link.startswith(("#", "https://")) for link in left)
    assert "CHANGELOG.md" in page


@pytest.mark.parametrize("picture", re.findall(r"!\[[^\]]+\]\(([^)]+)\)", PROSE))
def test_pictures_are_small(picture: str) -> None:
    """Each picture is of a kind that shows everywhere, and loads at once."""
    path = ROOT / picture
    assert path.stat().st_size < LARGEST_PICTURE
    if path.suffix == ".svg":
        ET.fromstring(path.read_text(encoding="utf-8"))  # noqa: S314 - our own
    else:
        assert path.read_bytes().startswith(b"\x89PNG")


def test_what_is_named_exists() -> None:
    """Extras that are to be installed and modules that are to be run are there."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    extras = {
        extra
        for group in re.findall(r"\.\[([\w,-]+)\]", TEXT)
        for extra in group.split(",")
    }
    assert extras
    assert extras <= project["project"]["optional-dependencies"].keys()
    modules = set(re.findall(r"python\s+-m\s+((?:benchmarks|tests)[\w.]*)", TEXT))
    assert modules
    for module in modules:
        assert find_spec(module), module
