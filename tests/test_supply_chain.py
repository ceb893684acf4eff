"""What the package needs, what CI locks, and how it looks vulnerabilities up."""

import json
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version


ROOT = Path(__file__).resolve().parent.parent
CI = ROOT / ".ci"
PIN = re.compile(r"^(\S+)==(\S+)(?: ; .*?)? \\\n((?: .*\n)+)", re.MULTILINE)
HASH = re.compile(r"    --hash=sha256:[0-9a-f]{64}( \\)?")
OF_DEVELOPERS = {"bench", "test"}
needs_ci = pytest.mark.skipif(not CI.is_dir(), reason="an unpacked archive has no .ci")


def project() -> Any:
    """Read the project's own table."""
    return tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]


def requirements(*, of_users_only: bool) -> Iterator[Requirement]:
    """List what the package and its extras name, itself aside."""
    extras = project()["optional-dependencies"]
    names = extras.keys() - (OF_DEVELOPERS if of_users_only else set())
    lines = [line for name in sorted(names) for line in extras[name]]
    for line in [*project()["dependencies"], *lines]:
        requirement = Requirement(line)
        if requirement.name != project()["name"]:
            yield requirement


def pins(file: str) -> dict[str, Version]:
    """Read a lock file; where one has two versions, the first is for Python 3.11."""
    found = PIN.findall((CI / file).read_text())
    return {name: Version(version) for name, version, _ in reversed(found)}


def test_the_core_needs_five_packages() -> None:
    """Whoever installs the client alone gets these and what they need."""
    names = {Requirement(line).name for line in project()["dependencies"]}
    assert names == {"aiohttp", "attrs", "cattrs", "orjson", "yarl"}


@needs_ci
@pytest.mark.parametrize("file", ["requirements.txt", "lowest.txt"])
def test_a_lock_is_pins_with_hashes(file: str) -> None:
    """A lock has pins with hashes, and neither a host nor a path of a machine."""
    written = (CI / file).read_text()
    found = PIN.findall(written)
    assert sum(len(hashes) for *_, hashes in found) > len(written) / 2
    assert PIN.sub("", written) == ""
    for *_, hashes in found:
        assert all(HASH.fullmatch(line) for line in hashes.splitlines())


@needs_ci
def test_the_lock_holds_everything() -> None:
    """Everything that pyproject.toml names is locked, at a version that it allows."""
    locked = pins("requirements.txt")
    for requirement in requirements(of_users_only=False):
        version = locked[canonicalize_name(requirement.name)]
        assert requirement.specifier.contains(version), requirement


@needs_ci
def test_the_floors_are_tested() -> None:
    """The lowest versions that users may have are those that CI tests."""
    tested = pins("requirements.txt") | pins("lowest.txt")
    for requirement in requirements(of_users_only=True):
        [floor] = [each for each in requirement.specifier if each.operator == ">="]
        assert tested[canonicalize_name(requirement.name)] == Version(floor.version)


FAKE = """
import json, sys, time
word = sys.argv[sys.argv.index("--vulnerability-service") + 1]
told = json.loads(sys.argv[0] and open(__file__ + ".json").read())[word]
print(json.dumps(told) if told else "no route to host")
"""
UNKNOWN = {"dependencies": [{"name": "a", "skip_reason": "not found"}]}
CLEAN = {"dependencies": [{"name": "a", "version": "1", "vulns": []}]}
BAD = {"dependencies": [{"name": "a", "version": "1", "vulns": [{"id": "CVE-1"}]}]}


@needs_ci
@pytest.mark.parametrize(
    ("pypi", "osv", "code", "told"),
    [
        pytest.param(CLEAN, None, 0, "pypi: knows 1 of 1 packages", id="clean"),
        pytest.param(BAD, None, 1, "VULNERABLE: a 1: CVE-1", id="vulnerable"),
        pytest.param(UNKNOWN, CLEAN, 0, "osv: knows 1 of 1 packages", id="second"),
        pytest.param(UNKNOWN, BAD, 1, "VULNERABLE: a 1: CVE-1", id="second-bad"),
        pytest.param(UNKNOWN, None, 0, "SKIPPED: no database", id="nobody"),
        pytest.param(None, None, 0, "osv: no answer", id="no-network"),
    ],
)
def test_the_audit(
    tmp_path: Path, pypi: object, osv: object, code: int, told: str
) -> None:
    """A vulnerability fails the audit; nobody to ask is said, and no good news."""
    (tmp_path / "pip_audit.py").write_text(FAKE)
    answers = json.dumps({"pypi": pypi, "osv": osv})
    (tmp_path / "pip_audit.py.json").write_text(answers)
    ran = subprocess.run(  # noqa: S603 - our own script
        [sys.executable, str(CI / "audit")],
        capture_output=True,
        text=True,
        check=False,
        env={"PYTHONPATH": str(tmp_path)},
    )
    assert ran.returncode == code, ran.stderr
    assert told in ran.stdout
