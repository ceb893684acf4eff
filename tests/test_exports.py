"""The package's public names."""

import inspect
import pydoc
import subprocess
import sys

import pytest

import ours_experiments


def test_all_is_sorted() -> None:
    """`__all__` is sorted: constants, classes, the rest."""

    def rank(name: str) -> tuple[int, str]:
        return (0 if name.isupper() else 1 if name[0].isupper() else 2, name)

    assert ours_experiments.__all__ == sorted(ours_experiments.__all__, key=rank)


@pytest.mark.parametrize("name", ours_experiments.__all__)
def test_every_name_can_be_had(name: str) -> None:
    """Every name in `__all__` exists and, unless it is private's, is documented."""
    value = getattr(ours_experiments, name)
    assert value is not None
    assert not isinstance(value, type) or value.__doc__


def test_a_star_import_gives_just_these_names() -> None:
    """`from ours_experiments import *` gives `__all__`."""
    names: dict[str, object] = {}
    exec("from ours_experiments import *", names)  # noqa: S102 - the thing under test
    del names["__builtins__"]
    assert sorted(names) == sorted(ours_experiments.__all__)


def test_an_unknown_name_is_an_attribute_error() -> None:
    """A name that does not exist is refused as in any module."""
    with pytest.raises(AttributeError, match="no attribute 'Klient'"):
        _ = ours_experiments.Klient


@pytest.mark.parametrize(
    ("statement", "absent"),
    [
        pytest.param("import ours_experiments", {"aiohttp"}, id="package"),
        pytest.param("import ours_experiments.testing", {"aiohttp"}, id="plugin"),
        pytest.param(
            "from ours_experiments import Client",
            {
                "matplotlib",
                "ours_experiments.analysis",
                "pytest",
                "redis",
                "rich",
                "scipy",
                "taskiq",
            },
            id="client",
        ),
        pytest.param("import ours_experiments.analysis", {"scipy"}, id="analysis"),
        pytest.param("import ours_experiments.integrations", {"redis"}, id="extras"),
        pytest.param(
            "import ours_experiments.integrations.redis", {"taskiq"}, id="one-extra"
        ),
    ],
)
def test_imports_stay_small(statement: str, absent: set[str]) -> None:
    """Nothing heavy is imported before it is needed."""
    script = f"import sys; {statement}; print(sorted({absent!r} & {{*sys.modules}}))"
    ran = subprocess.run(  # noqa: S603 - our own script
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert ran.stdout == "[]\n"


BUILD = """
import sys
from ours_experiments import Client, RetryPolicy
client = Client("key", retry=RetryPolicy(attempts=2))
"""
GROUPS = {
    "experiments": "ours_experiments.experiments",
    "variants": "ours_experiments.variants",
    "settings": "ours_experiments.settings",
    "versions": "ours_experiments.versions",
    "bulk": "ours_experiments.bulk.bulk",
}
HEAVY = ("analysis", "drafts", "models", "specs")


@pytest.mark.parametrize("group", GROUPS)
def test_a_client_loads_a_group_of_calls_on_first_use(group: str) -> None:
    """Building a client loads no group of calls, no models and no cattrs."""
    script = f"""{BUILD}
unwanted = {{*{[*GROUPS.values()]!r}, "cattrs"}}
unwanted |= {{f"ours_experiments.{{name}}" for name in {HEAVY!r}}}
assert not unwanted & {{*sys.modules}}, unwanted & {{*sys.modules}}
group = client.{group}
assert {GROUPS[group]!r} in sys.modules
assert client.{group} is group
view = client.with_options(timeout=3)
assert view.{group} is not group
assert type(view.{group}) is type(group)
"""
    subprocess.run([sys.executable, "-c", script], check=True)  # noqa: S603 - our own script


def test_the_help_of_a_client_describes_its_groups() -> None:
    """`help(Client)` shows each group of calls with its docstring."""
    text = pydoc.plain(pydoc.render_doc(ours_experiments.Client))
    for group in GROUPS:
        description = inspect.getdoc(
            inspect.getattr_static(ours_experiments.Client, group)
        )
        assert description
        assert description in text
