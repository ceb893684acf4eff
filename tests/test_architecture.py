"""Forbidden imports, each with its reason, and the sizes of modules and functions."""

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

import ours_experiments


ROOT = Path(ours_experiments.__file__).parent
PROJECT = ROOT.parent
MODULES = sorted(ROOT.rglob("*.py"))
MAX_MODULE_LINES = 400
MAX_FUNCTION_LINES = 60
MAX_IMPORT_LEVELS = 14
CORE = {"_codec", "_http", "_pagination", "_watching", "_writes", "bulk", "client",
        "decisions", "drafts", "experiments", "models", "settings", "variants",
        "versions"}  # fmt: skip

RANKS = (
    {"errors", "_text", "_unset", "_html", "_version"},
    {"_validation"},
    {"_codec"},
    {"_http"},
    {"models", "drafts"},
    {"_pagination"},
    {"_writes"},
    {"analysis"},
    {"decisions", "_watching", "experiments", "variants", "settings", "versions"},
    {"bulk"},
    {"specs"},
    {"client"},
    {"__init__"},
    {"testing", "plotting", "emulator", "integrations"},
    {"cli"},
)
"""What may be imported stands in an earlier line, or in the same folder."""
RANK_OF = {name: rank for rank, names in enumerate(RANKS) for name in names}

FORBIDDEN = (
    ("_http", "bulk", "a single call must not depend on calls of many"),
    ("_http", "models", "the wire knows nothing about experiments"),
    ("_http", "drafts", "the wire knows nothing about experiments"),
    ("_codec", "drafts", "the codec converts any class, and knows none"),
    ("models", "_http", "what the API answers is data, and needs no connection"),
    ("models", "_codec", "classes do not know how they are spelled in JSON"),
    ("analysis", "_http", "a decision can be recomputed without a connection"),
)
OPTIONAL = {
    "cyclopts", "django", "matplotlib", "numpy", "opentelemetry", "pandas", "plotext",
    "pytest", "pytest_asyncio", "redis", "rich", "ruamel", "scipy", "taskiq",
    "taskiq_redis", "yaml",
}  # fmt: skip
"""What only an extra installs: imported inside the functions that need it."""
NEEDS_ITS_EXTRA = {"cli", "integrations", "plotting", "testing"}
"""Where an extra may be imported at the top: nobody imports these without it."""


def part_of(path: Path) -> str:
    """Return the folder or module of the package that a file belongs to."""
    return path.relative_to(ROOT).parts[0].removesuffix(".py")


def imported_names(tree: ast.AST) -> Iterator[str]:
    """Yield the dotted name of everything that is imported below a node."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def imported_by(path: Path) -> set[str]:
    """Return the dotted name of everything that a file imports."""
    return set(imported_names(ast.parse(path.read_text(encoding="utf-8"))))


def imported_at_import(path: Path) -> set[str]:
    """Return what a file imports as soon as it is imported itself."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    top = [node for node in tree.body if isinstance(node, ast.Import | ast.ImportFrom)]
    return {name for node in top for name in imported_names(node)}


def parts_imported_by(path: Path) -> set[str]:
    """Return the parts of this package that a file imports from, without its own."""
    parts: set[str] = set()
    for name in imported_by(path):
        package, *rest = name.split(".")
        if package == "ours_experiments":
            parts.add(rest[0] if rest and rest[0] in RANK_OF else "__init__")
    return parts - {part_of(path)}


def named(path: Path) -> str:
    """Return a short name for a test's parameter."""
    return str(path.relative_to(PROJECT))


@pytest.mark.parametrize("path", MODULES, ids=named)
def test_imports_go_downward(path: Path) -> None:
    """No module imports from a part that stands above its own."""
    part = part_of(path)
    if part in {"__init__", "__main__"}:
        return
    above = {name for name in parts_imported_by(path) if RANK_OF[name] > RANK_OF[part]}
    assert not above


@pytest.mark.parametrize(
    ("part", "other", "reason"), FORBIDDEN, ids=[f"{a}-{b}" for a, b, _ in FORBIDDEN]
)
def test_forbidden_imports(part: str, other: str, reason: str) -> None:
    """What must not know of something else does not import it."""
    importers = {
        named(path)
        for path in MODULES
        if part_of(path) == part and other in parts_imported_by(path)
    }
    assert not importers, reason


def test_the_emulator_shares_nothing_with_the_client() -> None:
    """The emulator imports the standard library, aiohttp, orjson, and itself.

    Tests take it for the service: a fault that both shared would go unseen.
    """
    shared: set[str] = set()
    for path in (ROOT / "emulator").rglob("*.py"):
        for name in imported_by(path):
            if name.startswith("ours_experiments."):
                if not name.startswith("ours_experiments.emulator"):
                    shared.add(name)
            elif name.split(".")[0] in {"attrs", "cattrs", "yarl", "multidict"}:
                shared.add(name)
    assert not shared


def test_models_stand_on_attrs_alone() -> None:
    """The models import the standard library, attrs and the checks of arguments."""
    packages = {
        name.split(".")[0]
        for path in (ROOT / "models").glob("*.py")
        for name in imported_by(path)
    }
    assert packages.isdisjoint({"aiohttp", "cattrs", "orjson", "yarl"})


@pytest.mark.parametrize(
    "path",
    [path for path in MODULES if part_of(path) not in NEEDS_ITS_EXTRA],
    ids=named,
)
def test_no_optional_dependency_is_imported_at_import(path: Path) -> None:
    """A plain install can import everything but what needs an extra as a whole."""
    packages = {name.split(".")[0] for name in imported_at_import(path)}
    assert packages.isdisjoint(OPTIONAL)


@pytest.mark.parametrize("path", sorted((PROJECT / "tests").rglob("*.py")), ids=named)
def test_tests_never_import_benchmarks(path: Path) -> None:
    """Benchmarks hold speed and cost only, so that no test depends on them."""
    assert not {name for name in imported_by(path) if name.startswith("benchmarks")}


def test_the_core_has_few_import_levels() -> None:
    """A module of the core stands on at most thirteen others, one upon the other."""
    modules = {
        ".".join(path.relative_to(PROJECT).with_suffix("").parts): path
        for path in MODULES
        if path.name != "__init__.py"
    }

    @cache
    def level(name: str) -> int:
        imported = imported_at_import(modules[name])
        found = {
            module
            for full in imported
            for module in (full, full.rpartition(".")[0])
            if module in modules
        }
        return 1 + max(map(level, found), default=0)

    levels = {name: level(name) for name in modules if name.split(".")[1] in CORE}
    assert max(levels.values()) <= MAX_IMPORT_LEVELS, levels


@pytest.mark.parametrize("path", MODULES, ids=named)
def test_no_module_is_too_long(path: Path) -> None:
    """Every module can be read in one sitting."""
    lines = len(path.read_text(encoding="utf-8").splitlines())
    assert lines <= MAX_MODULE_LINES


@pytest.mark.parametrize("path", MODULES, ids=named)
def test_no_function_is_too_long(path: Path) -> None:
    """Every function, its docstring left out, fits on a screen."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            first = node.body[0]
            documented = ast.get_docstring(node) is not None
            text = (first.end_lineno or 0) - first.lineno + 1 if documented else 0
            lines = (node.end_lineno or 0) - node.lineno + 1 - text
            assert lines <= MAX_FUNCTION_LINES, node.name
