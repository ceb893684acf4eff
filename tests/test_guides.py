"""The pages are true: pieces run, links lead somewhere, names exist."""

import asyncio
import json
import re
import signal
import sys
import tomllib
from importlib.util import find_spec
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from ours_experiments.emulator import Emulator
from tests.support.blocks import (
    README,
    ROOT,
    Block,
    Page,
    blocks_in,
    check_output,
    pages,
    run_pieces,
)


PAGES = pages()
PROGRAMS = [block for page in PAGES for block in page.blocks if block.is_program]
WITH_PIECES = [page for page in PAGES if page.pieces]
PICTURES = [
    page.path.parent / link
    for page in PAGES
    for link in re.findall(r"!\[[^\]]+\]\(([^)]+)\)", page.prose)
]
MAX_PICTURE_BYTES = 100_000
MAX_README_LINES = 250


def named(page: Page) -> str:
    """Return a page's name for a test's parameter."""
    return page.name


@pytest.mark.parametrize(
    "block", PROGRAMS, ids=lambda block: f"{block.page}:{block.line}"
)
def test_programs_run(block: Block, capsys: pytest.CaptureFixture[str]) -> None:
    """Each whole program runs by itself, and prints what its comments say."""
    exec(block.compiled(), {"__name__": "__main__"})  # noqa: S102 - the pages are ours
    check_output([block], capsys.readouterr().out)


@pytest.mark.parametrize("page", WITH_PIECES, ids=named)
async def test_pieces_run(
    page: Page,
    emulator: Emulator,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """The pieces of a page run in turn against an account that is in use already."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MPLBACKEND", "Agg")
    monkeypatch.setenv("OURS_PRIVACY_API_KEY", emulator.api_key)
    monkeypatch.setenv("OURS_PRIVACY_PLATFORM_BASE_URL", emulator.url)
    for experiment_id in emulator.seed_experiments(3, status="running"):
        control, treatment = emulator.state.get(experiment_id).variants
        rates = {control.id: 0.10, treatment.id: 0.14}
        emulator.simulate(
            experiment_id, days=28, visitors_per_day=4_000, conversion_rates=rates
        )
    for block in page.blocks:
        if block.file:
            (tmp_path / block.file).parent.mkdir(exist_ok=True, parents=True)
            (tmp_path / block.file).write_text(block.text, encoding="utf-8")
    await run_pieces(page.pieces)
    check_output(page.pieces, capsys.readouterr().out)


async def test_the_tour_runs_at_the_emulator_of_the_command_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The tour runs as a reader types it: the emulator is a process of its own."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MPLBACKEND", "Agg")
    monkeypatch.setenv("OURS_PRIVACY_API_KEY", "test-key")
    command = "-m ours_experiments emulator --port 0 --experiments 8 --format jsonl"
    serving = await asyncio.create_subprocess_exec(
        sys.executable, *command.split(), stdout=asyncio.subprocess.PIPE
    )
    assert serving.stdout is not None
    url = json.loads(await serving.stdout.readline())["url"]
    monkeypatch.setenv("OURS_PRIVACY_PLATFORM_BASE_URL", url)
    (tour,) = (page for page in PAGES if page.name == "ours_experiments/README.md")
    try:
        await run_pieces(tour.pieces)
    finally:
        serving.send_signal(signal.SIGINT)
        await serving.communicate()
    check_output(tour.pieces, capsys.readouterr().out)


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_every_block_is_known(page: Page) -> None:
    """Every fence is closed and has a language; Python is run, console lines typed."""
    languages = {block.language for block in page.blocks}
    assert languages <= {"python", "console", "text", "yaml", "sh", "json", "toml"}
    assert page.text.count("\n```") == 2 * len(page.blocks)


EXAMPLE = """\
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
    blocks = list(blocks_in(EXAMPLE.format(broken), "README.md"))
    with pytest.raises(problem) as caught:
        await run_pieces(blocks)
    places = [(Path(entry.path).name, entry.lineno + 1) for entry in caught.traceback]
    assert ("README.md", 8) in places


def test_a_wrong_output_is_noticed() -> None:
    """A comment beside a print has to say what is printed, apart from seconds."""
    text = EXAMPLE.format("print(report)  # 3 applied in 0.1 s")
    blocks = list(blocks_in(text, "README.md"))
    check_output(blocks, "something\n3 applied in 2.7 s\n")
    with pytest.raises(AssertionError, match="not printed: 3 applied"):
        check_output(blocks, "2 applied in 0.1 s\n")


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_links_resolve(page: Page) -> None:
    """Every link leads to a heading or a file of the checkout, or to another site."""
    assert len(set(page.anchors)) == len(page.anchors)
    for link in page.links:
        if link.startswith("https://"):
            continue
        path, _, anchor = link.partition("#")
        target = (page.path.parent / path).resolve() if path else page.path
        assert target.exists(), link
        if anchor:
            assert anchor in Page(target).anchors, link


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_named_files_exist(page: Page) -> None:
    """Files and modules of the checkout that a page names are there."""
    for path in re.findall(
        r"`((?:tests|benchmarks|ours_experiments)/[\w./]+)`", page.text
    ):
        assert (ROOT / path).exists(), path
    modules = re.findall(r"python\s+-m\s+((?:benchmarks|tests)[\w.]*)", page.text)
    for module in modules:
        assert find_spec(module), module


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_named_extras_exist(page: Page) -> None:
    """Extras that a page tells to install are extras of the package."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    extras = {
        extra
        for group in re.findall(
            r"(?:\.|ours-experiments|\.whl)\[([\w,-]+)\]", page.text
        )
        for extra in group.split(",")
    }
    assert extras <= project["project"]["optional-dependencies"].keys()


def test_the_readme_is_short() -> None:
    """A newcomer reads the README to its end; the guides have the rest."""
    assert len(README.text.splitlines()) <= MAX_README_LINES


def test_every_guide_is_found() -> None:
    """Each page is reached from the README, in two steps at most."""
    reached = {README.path}
    for _ in range(2):
        reached |= {
            (path.parent / link.partition("#")[0]).resolve()
            for path in set(reached)
            if path.suffix == ".md"
            for link in Page(path).links
            if not link.startswith(("https://", "#"))
        }
    assert {page.path for page in PAGES} <= reached


def test_a_package_index_shows_no_broken_links() -> None:
    """What is built leaves out the pictures, and links to files beside the page."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    hook = project["tool"]["hatch"]["metadata"]["hooks"]["fancy-pypi-readme"]
    text = README.text
    for substitution in hook["substitutions"]:
        text = re.sub(substitution["pattern"], substitution["replacement"], text)
    assert "![" not in text
    left = re.findall(r"\]\(([^)\s]+)\)", text)
    assert all(link.startswith(("#", "https://")) for link in left)


@pytest.mark.parametrize("path", PICTURES, ids=lambda path: path.name)
def test_pictures_are_small(path: Path) -> None:
    """Each picture is of a kind that shows everywhere, and loads at once."""
    assert path.stat().st_size < MAX_PICTURE_BYTES
    if path.suffix == ".svg":
        ET.fromstring(path.read_text(encoding="utf-8"))  # noqa: S314 - our own
    else:
        assert path.read_bytes().startswith(b"\x89PNG")
