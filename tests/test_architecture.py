"""The import directions of the package, and the sizes of its rooms."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import ours_experiments


ROOT = Path(ours_experiments.__file__).parent

LAYERS = [
    {"_deadlines", "_reference", "_tables", "_tracing", "_version", "errors"},
    {"_arguments", "_checks", "_key", "models"},
    {"_content_checks", "drafts", "outcomes", "_retry", "_address"},
    {"_hooks", "_flat", "_codec", "_pacing", "_journal"},
    {"_transport"},
    {"_session"},
    {"_pagination", "_parallel"},
    {"_settle"},
    {"_lifecycle", "_creation"},
    {"experiments", "variants", "settings", "versions"},
    {"_bulk_run"},
    {"_bulk_work", "_bulk_creation"},
    {"bulk"},
    {"client"},
    {"__init__"},
    {"testing", "plotting", "emulator"},
    {"cli", "integrations"},
]
"""From the ground up: a module imports from its own layer or from below."""

FLOOR_OF = {name: floor for floor, names in enumerate(LAYERS) for name in names}
LARGEST_MODULE = 400
MODULES = sorted(ROOT.rglob("*.py"))


def room_of(path: Path) -> str:
    """Name the module, or the package inside the package, that a file belongs to."""
    return path.relative_to(ROOT).parts[0].removesuffix(".py")


def imported_by(path: Path) -> Iterator[str]:
    """Name everything that a file imports, wherever in it."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def rooms_imported_by(path: Path) -> set[str]:
    """Name the rooms of this package that a file imports from."""
    rooms: set[str] = set()
    for name in imported_by(path):
        package, *rest = name.split(".")
        if package == "ours_experiments":
            rooms.add(rest[0] if rest and rest[0] in FLOOR_OF else "__init__")
    return rooms - {room_of(path)}


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_imports_go_downward(path: Path) -> None:
    """No module imports from a floor above its own."""
    room = room_of(path)
    if room == "__init__":
        return
    above = {
        other for other in rooms_imported_by(path) if FLOOR_OF[other] > FLOOR_OF[room]
    }
    assert not above


def test_no_two_rooms_import_each_other() -> None:
    """The rooms' imports have no cycle."""
    edges: dict[str, set[str]] = {}
    for path in MODULES:
        edges.setdefault(room_of(path), set()).update(rooms_imported_by(path))
    del edges["__init__"]
    while edges:
        leaves = {room for room, others in edges.items() if not others & edges.keys()}
        assert leaves, f"a cycle among {sorted(edges)}"
        edges = {room: others for room, others in edges.items() if room not in leaves}


def test_the_emulator_shares_nothing_with_the_client() -> None:
    """The emulator imports the standard library, aiohttp and orjson, and itself."""
    foreign: set[str] = set()
    for path in (ROOT / "emulator").rglob("*.py"):
        for name in imported_by(path):
            if name.startswith("ours_experiments."):
                if not name.startswith("ours_experiments.emulator"):
                    foreign.add(name)
            elif name.split(".")[0] in {"attrs", "cattrs", "yarl", "multidict"}:
                foreign.add(name)
    assert not foreign


def test_models_stand_on_attrs_alone() -> None:
    """The models import the standard library, attrs and what checks arguments."""
    packages = {
        name.split(".")[0]
        for path in (ROOT / "models").glob("*.py")
        for name in imported_by(path)
    }
    assert packages.isdisjoint({"aiohttp", "cattrs", "orjson", "yarl"})


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_module_is_too_long(path: Path) -> None:
    """Every module can be read in one sitting."""
    assert len(path.read_text(encoding="utf-8").splitlines()) <= LARGEST_MODULE
