"""The package's public names."""

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
        pytest.param("import ours_experiments", "aiohttp", id="package"),
        pytest.param("import ours_experiments.testing", "aiohttp", id="plugin"),
        pytest.param("from ours_experiments import Client", "rich", id="client"),
        pytest.param("from ours_experiments import Client", "pytest", id="frames"),
        pytest.param("from ours_experiments import Client", "matplotlib", id="plots"),
        pytest.param("from ours_experiments import Client", "scipy", id="analysis"),
        pytest.param(
            "from ours_experiments import Client",
            "ours_experiments.analysis",
            id="decisions",
        ),
        pytest.param("import ours_experiments.analysis", "scipy", id="figures"),
        pytest.param("from ours_experiments import Client", "redis", id="redis"),
        pytest.param("from ours_experiments import Client", "taskiq", id="taskiq"),
        pytest.param("import ours_experiments.integrations", "redis", id="extras"),
        pytest.param(
            "import ours_experiments.integrations.redis", "taskiq", id="one-extra"
        ),
    ],
)
def test_imports_stay_small(statement: str, absent: str) -> None:
    """Nothing heavy is imported before it is needed."""
    script = f"import sys; {statement}; sys.exit({absent!r} in sys.modules)"
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 0  # noqa: S603 - our own script
