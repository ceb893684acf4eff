"""The reference: what `help()` and `pydoc` show of the public names."""

import ast
import copy
import inspect
import pickle
import pydoc
import re
import subprocess
import sys
from collections.abc import Iterator
from enum import Enum
from textwrap import dedent
from types import FunctionType

import attrs
import pytest

import ours_experiments
from ours_experiments import Client, Metric, NewExperiment, emulator, plotting, testing
from ours_experiments._reference import FieldTexts, documented, texts_beneath_fields
from ours_experiments.bulk.bulk import Bulk, PublishOptions, StreamOptions
from ours_experiments.experiments import Experiments
from ours_experiments.settings import SettingsRecords
from ours_experiments.variants import Variants
from ours_experiments.versions import Versions


GROUPS = [Experiments, Variants, SettingsRecords, Versions, Bulk]
NAMED = [
    *(getattr(ours_experiments, name) for name in ours_experiments.__all__),
    *(getattr(emulator, name) for name in emulator.__all__),
    *GROUPS,
    PublishOptions,
    StreamOptions,
]
CLASSES = [value for value in NAMED if isinstance(value, type)]


def reference(value: object) -> str:
    """Give the page of the reference as plain text."""
    return pydoc.render_doc(value, renderer=pydoc.plaintext)  # type: ignore[attr-defined]


def members_without_text(cls: type) -> Iterator[str]:
    """Name the public methods and properties of a class that have no docstring."""
    for name, member in vars(cls).items():
        if name.startswith("_"):
            continue
        kinds = (property, classmethod, staticmethod, FunctionType)
        if isinstance(member, kinds) and not inspect.getdoc(member):
            yield name


def fields_of(cls: type) -> set[str]:
    """Name the public fields that the class itself has, and the members of an enum."""
    (tree,) = ast.parse(dedent(inspect.getsource(cls))).body
    assert isinstance(tree, ast.ClassDef)
    names = {
        node.target.id
        for node in tree.body
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name)
    }
    return {name for name in names if not name.startswith("_")}


@pytest.mark.parametrize("cls", CLASSES, ids=lambda cls: cls.__qualname__)
def test_every_class_is_written_about(cls: type) -> None:
    """Each public class, method, property and field says what it is."""
    assert inspect.getdoc(cls)
    assert not list(members_without_text(cls))
    written = texts_beneath_fields(cls).keys()
    told = inspect.getdoc(cls) or ""
    assert not [
        name for name in fields_of(cls) - written if f"\n    {name}: " not in told
    ]


ENUMS = [cls for cls in CLASSES if issubclass(cls, Enum)]


@pytest.mark.parametrize("cls", ENUMS)
def test_every_word_is_written_about(cls: type) -> None:
    """Each member of an enum has a text beneath it."""
    (tree,) = ast.parse(dedent(inspect.getsource(cls))).body
    assert isinstance(tree, ast.ClassDef)
    kinds = [type(node) for node in tree.body]
    assert ast.Assign in kinds
    for kind, beneath in zip(kinds, [*kinds[1:], None], strict=True):
        assert kind is not ast.Assign or beneath is ast.Expr


@pytest.mark.parametrize("module", [plotting, testing])
def test_every_function_is_written_about(module: object) -> None:
    """Each public function of the extras says what it does."""
    functions = {
        name: value
        for name, value in vars(module).items()
        if inspect.isfunction(value) and value.__module__ == module.__name__  # type: ignore[attr-defined]
    }
    assert functions
    assert all(inspect.getdoc(value) for value in functions.values())


ENDPOINT = re.compile(r"`(GET|POST|PATCH|DELETE) /[a-z]")
ALIKE = re.compile(r"arguments are those of `list`")
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
def test_every_endpoint_is_named(method: FunctionType) -> None:
    """Each method tells which endpoint it calls, or which other method it is like."""
    told = inspect.getdoc(method) or ""
    assert ENDPOINT.search(told) or ALIKE.search(told)


def test_the_package_shows_its_names() -> None:
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


def test_where_to_read_on() -> None:
    """Every name that the package's page sends to can be found by pydoc."""
    names = [
        word
        for part in (ours_experiments.__doc__ or "").split("`")
        if (word := part.strip()).startswith("ours_experiments.")
    ]
    assert len(names) >= 10
    for name in names:
        assert pydoc.locate(name) is not None, name


def test_fields_are_shown() -> None:
    """The page of a class shows what is written beneath its fields."""
    page = reference(NewExperiment)
    assert "traffic_allocation\n |      Percent of the eligible traffic" in page
    assert reference(Client).count("Seconds for one") == 4


def test_the_texts_change_nothing_else() -> None:
    """Classes with texts are copied, pickled, evolved and compared as before."""
    metric = Metric("bought", additional_properties={"new": 1})
    slots = vars(Metric)["__slots__"]
    assert isinstance(slots, FieldTexts)
    assert list(slots) == [
        "event_name",
        "funnel_id",
        "additional_properties",
        "__weakref__",
    ]
    assert pickle.loads(pickle.dumps(metric)) == metric  # noqa: S301 - our own
    assert copy.deepcopy(metric) == metric
    assert attrs.evolve(metric, event_name="sold").event_name == "sold"
    assert not hasattr(metric, "__dict__")


def test_without_source_there_are_no_texts() -> None:
    """A class whose source is not there has slots without texts."""
    names: dict[str, type] = {"frozen": attrs.frozen}  # type: ignore[dict-item]
    exec("@frozen\nclass Made:\n    name: str\n", names)  # noqa: S102 - our own text
    made = documented(names["Made"])
    assert isinstance(made, type)
    assert vars(made)["__slots__"]["name"] is None
    assert "name" in reference(made)
