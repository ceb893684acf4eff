"""Docstrings: what editors, `help()` and generated pages show of the public names."""

import ast
import inspect
import pydoc
import re
import subprocess
import sys
from collections.abc import Iterator
from enum import Enum
from textwrap import dedent
from types import FunctionType

import pytest

import ours_experiments
from ours_experiments import emulator, plotting, testing
from ours_experiments.bulk import Bulk
from ours_experiments.bulk.options import PublishOptions, StreamOptions
from ours_experiments.decisions import Decisions
from ours_experiments.experiments import Experiments
from ours_experiments.settings import SettingsRecords
from ours_experiments.variants import Variants
from ours_experiments.versions import Versions


GROUPS = [Decisions, Experiments, Variants, SettingsRecords, Versions, Bulk]
NAMED = [
    *(getattr(ours_experiments, name) for name in ours_experiments.__all__),
    *(getattr(emulator, name) for name in emulator.__all__),
    *GROUPS,
    PublishOptions,
    StreamOptions,
]
CLASSES = [value for value in NAMED if isinstance(value, type)]
ENUMS = [cls for cls in CLASSES if issubclass(cls, Enum)]


def class_body(cls: type) -> list[ast.stmt]:
    """Return the statements of a class."""
    (tree,) = ast.parse(dedent(inspect.getsource(cls))).body
    assert isinstance(tree, ast.ClassDef)
    return tree.body


def undocumented_members(cls: type) -> Iterator[str]:
    """Yield the public methods and properties of a class that have no docstring."""
    kinds = (property, classmethod, staticmethod, FunctionType)
    for name, member in vars(cls).items():
        public = not name.startswith("_") and isinstance(member, kinds)
        if public and not inspect.getdoc(member):
            yield name


def undocumented_fields(cls: type) -> Iterator[str]:
    """Yield the public fields of a class without a text of their own.

    It is a string beneath the field, or an entry of the class's docstring.
    """
    body = class_body(cls)
    docstring = inspect.getdoc(cls) or ""
    for field, beneath in zip(body, [*body[1:], None], strict=True):
        if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name):
            name = field.target.id
            if name.startswith("_") or f"\n    {name}: " in docstring:
                continue
            if not isinstance(beneath, ast.Expr):
                yield name


@pytest.mark.parametrize("cls", CLASSES, ids=lambda cls: cls.__qualname__)
def test_classes_are_documented(cls: type) -> None:
    """Each public class, method, property and field has a text of its own."""
    assert inspect.getdoc(cls)
    assert not list(undocumented_members(cls))
    assert not list(undocumented_fields(cls))


@pytest.mark.parametrize("cls", ENUMS)
def test_members_of_enums_are_documented(cls: type) -> None:
    """Each member of an enum has a text beneath it."""
    kinds = [type(node) for node in class_body(cls)]
    assert ast.Assign in kinds
    for kind, beneath in zip(kinds, [*kinds[1:], None], strict=True):
        assert kind is not ast.Assign or beneath is ast.Expr


@pytest.mark.parametrize("module", [plotting, testing])
def test_functions_are_documented(module: object) -> None:
    """Each public function of the extras has a docstring."""
    functions = {
        name: value
        for name, value in vars(module).items()
        if inspect.isfunction(value) and value.__module__ == module.__name__  # type: ignore[attr-defined]
    }
    assert functions
    assert all(inspect.getdoc(value) for value in functions.values())


ENDPOINT = re.compile(r"`(GET|POST|PATCH|DELETE) /[a-z]")
LIKE_LIST = re.compile(r"arguments are those of `list`")
NO_ENDPOINT = {"find_by_key", "stream"}


@pytest.mark.parametrize(
    "method",
    [
        pytest.param(member, id=f"{cls.__name__}.{name}")
        for cls in GROUPS
        for name, member in vars(cls).items()
        if isinstance(member, FunctionType)
        and not name.startswith("_")
        and name not in NO_ENDPOINT
    ],
)
def test_methods_name_their_endpoint(method: FunctionType) -> None:
    """Each method names the endpoint that it calls, or the method it is like."""
    docstring = inspect.getdoc(method) or ""
    assert ENDPOINT.search(docstring) or LIKE_LIST.search(docstring)


def test_the_package_lists_its_names() -> None:
    """The page of the package has every public class, though they load lazily."""
    page = subprocess.run(
        [sys.executable, "-m", "pydoc", "ours_experiments"],
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    for name in ours_experiments.__all__:
        if isinstance(getattr(ours_experiments, name), type):
            assert f"\n    class {name}(" in page


def test_the_package_names_what_exists() -> None:
    """Every name in the package's docstring can be found by pydoc."""
    names = [
        word
        for part in (ours_experiments.__doc__ or "").split("`")
        if (word := part.strip()).startswith("ours_experiments.")
    ]
    assert len(names) >= 10
    for name in names:
        assert pydoc.locate(name) is not None, name
