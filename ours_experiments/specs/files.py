"""Read files of specs, and the `ours.yaml` beside them."""

from codecs import BOM_UTF16_BE, BOM_UTF16_LE
from collections.abc import Callable, Iterator, Mapping, Sequence
from os import PathLike
from pathlib import Path
from typing import cast, overload

import attrs

from ours_experiments.specs.checks import repeated_identities
from ours_experiments.specs.errors import Problem, SpecError
from ours_experiments.specs.kinds import describe, suggestion, word_warnings
from ours_experiments.specs.nodes import (
    MAX_BYTES,
    MAX_DOCUMENTS,
    Node,
    UnreadableError,
    read_json,
    read_yaml,
)
from ours_experiments.specs.reading import DocumentReader
from ours_experiments.specs.spec import ExperimentSpec


OURS = "ours.yaml"
YAML_SUFFIXES = frozenset({".yaml", ".yml"})
SUFFIXES = YAML_SUFFIXES | {".json"}
SCHEMA_SUFFIX = ".schema.json"
"""A schema lies beside the files that it describes."""


@attrs.frozen
class Limits:
    """How much a plan may change of what visitors see."""

    changed: float = 0.3
    """The largest share of managed experiments, 0 to 1."""
    from_: int = 10
    """How many have to exist for the share to count."""


@attrs.frozen(kw_only=True)
class Specs(Sequence[ExperimentSpec]):
    """The specs of a directory, with the settings in its `ours.yaml`."""

    specs: tuple[ExperimentSpec, ...] = ()
    """The specs, by file and place in it."""
    places: tuple[str, ...] = attrs.field(default=(), eq=False)
    """`file:line` of each spec."""
    settings: str | None = None
    """Name or id of the settings of new experiments; None: the only ones."""
    owns: tuple[str, ...] = ()
    """Patterns of the keys that the directory owns; empty: none."""
    limits: Limits = attrs.field(factory=Limits)
    """How much a plan may change."""
    warnings: tuple[Problem, ...] = attrs.field(default=(), eq=False)
    """What may be a mistake: words that this version does not know."""

    @overload
    def __getitem__(self, index: int) -> ExperimentSpec: ...

    @overload
    def __getitem__(self, index: slice) -> Sequence[ExperimentSpec]: ...

    def __getitem__(
        self, index: int | slice
    ) -> ExperimentSpec | Sequence[ExperimentSpec]:
        return self.specs[index]

    def __len__(self) -> int:
        return len(self.specs)


def load_specs(*paths: str | PathLike[str]) -> Specs:
    """Read specs from files and directories, and check them; nothing is sent.

    A directory gives its `*.yaml`, `*.yml` and `*.json` files, without those of
    subdirectories. An `ours.yaml` beside the files applies to all of them.

    Raises:
        SpecError: A file or a spec is refused; the error has every problem.
        ConfigurationError: A file is YAML, and PyYAML is not installed.
    """
    loader = Loader()
    for path in map(Path, paths):
        loader.add_ours(path if path.is_dir() else path.parent)
        files = spec_files(path) if path.is_dir() else [path]
        if not files:
            loader.refuse(path, 1, f"has no {', '.join(sorted(SUFFIXES))} files")
        for file in files:
            loader.add_file(file)
    return loader.result()


@attrs.define
class Loader:
    """Collect specs and problems from files."""

    specs: list[ExperimentSpec] = attrs.field(factory=list[ExperimentSpec])
    places: list[str] = attrs.field(factory=list[str])
    identities: list[tuple[Problem, str | None, str | None]] = attrs.field(
        factory=list[tuple[Problem, "str | None", "str | None"]]
    )
    """Place, key and id of all documents, those with problems too."""
    problems: list[Problem] = attrs.field(factory=list[Problem])
    warnings: list[Problem] = attrs.field(factory=list[Problem])
    files: set[Path] = attrs.field(factory=set[Path])
    """Files that were read, so that none is read twice."""
    ours: dict[str, object] = attrs.field(factory=dict[str, object])
    ours_path: Path | None = None
    documents: int = 0

    def add_file(self, path: Path) -> None:
        """Read a file of specs."""
        if path.resolve() in self.files:
            return
        self.files.add(path.resolve())
        before = self.documents
        try:
            for node in documents_of(path):
                self.documents += 1
                if self.documents > MAX_DOCUMENTS:
                    self.refuse(path, node.line, f"more than {MAX_DOCUMENTS} specs")
                    raise SpecError(self.problems)
                self.add_document(path, node)
        except UnreadableError as error:
            self.refuse(path, error.line, error.message)
        else:
            if self.documents == before:
                self.refuse(path, 1, "is empty")

    def add_document(self, path: Path, node: Node) -> None:
        """Read one spec."""
        if node.is_null:
            self.refuse(path, node.line, "an empty document")
            return
        reader = DocumentReader(str(path))
        spec = reader.read(node)
        self.problems += sorted(reader.problems, key=lambda problem: problem.line or 1)
        place = Problem("", "", str(path), reader.line_of("key"))
        self.identities.append((place, node.text_of("key"), node.text_of("id")))
        if spec is None:
            return
        self.specs.append(spec)
        self.places.append(place.place)
        for warning in word_warnings(spec):
            line = reader.line_of(warning.field)
            self.warnings.append(attrs.evolve(warning, file=str(path), line=line))

    def refuse(self, path: Path, line: int, message: str) -> None:
        """Record a problem of a file."""
        self.problems.append(Problem("", message, file=str(path), line=line))

    def add_ours(self, directory: Path) -> None:
        """Read the `ours.yaml` of a directory, if there is one."""
        path = directory / OURS
        if path.resolve() in self.files or not path.is_file():
            return
        self.files.add(path.resolve())
        try:
            nodes = list(documents_of(path))
        except UnreadableError as error:
            self.refuse(path, error.line, error.message)
            return
        if len(nodes) != 1 or nodes[0].fields is None:
            self.refuse(path, 1, "expected one document with fields")
            return
        if self.ours_path is not None:
            self.refuse(path, 1, f"another {OURS} than {self.ours_path.resolve()}")
        self.ours_path = path
        for field in nodes[0].repeated:
            self.refuse(path, field.line, f"{field.name} is given twice")
        for name, field in nodes[0].fields.items():
            try:
                self.ours[name] = ours_value(name, field.node)
            except ValueError as error:
                self.refuse(path, field.line, f"{name}{error}")

    def result(self) -> Specs:
        """Return the specs."""
        self.problems += repeated_identities(self.identities)
        if self.problems:
            raise SpecError(self.problems)
        return Specs(
            specs=tuple(self.specs),
            places=tuple(self.places),
            warnings=tuple(self.warnings),
            **self.ours,  # type: ignore[arg-type]
        )


def ours_value(name: str, node: Node) -> object:
    """Read a field of `ours.yaml`."""
    reader = OURS_FIELDS.get(name)
    if reader is None:
        raise ValueError(f": unknown field{suggestion(name, list(OURS_FIELDS))}")
    return reader(node)


def read_settings(node: Node) -> str:
    """Read the default settings' name or id."""
    if not isinstance(node.value, str) or not node.value.strip():
        raise ValueError(f": expected text, not {describe(node.plain())}")
    return node.value


def read_owns(node: Node) -> tuple[str, ...]:
    """Read the patterns of the keys that are owned."""
    if node.items is None:
        raise ValueError(f": expected a list of patterns, not {describe(node.plain())}")
    patterns: list[str] = []
    for item in node.items:
        if not isinstance(item.value, str) or not item.value.strip():
            raise ValueError(f": expected text, not {describe(item.plain())}: quote it")
        patterns.append(item.value)
    return tuple(patterns)


def read_limits(node: Node) -> Limits:
    """Read the limits of a plan."""
    if node.fields is None:
        raise ValueError(f": expected fields, not {describe(node.plain())}")
    changed: object = Limits().changed
    least: object = Limits().from_
    for name, field in node.fields.items():
        if name == "changed":
            changed = field.node.plain()
        elif name == "from":
            least = field.node.plain()
        else:
            near = suggestion(name, ["changed", "from"])
            raise ValueError(f".{name}: unknown field{near}")
    # True is an int to isinstance.
    is_number = isinstance(changed, int | float) and not isinstance(changed, bool)
    if not (is_number and 0 <= cast("float", changed) <= 1):
        raise ValueError(f".changed: expected 0 to 1, not {describe(changed)}")
    if not isinstance(least, int) or isinstance(least, bool) or least < 0:
        raise ValueError(f".from: expected 0 or more, not {describe(least)}")
    return Limits(changed=float(cast("float", changed)), from_=least)


OURS_FIELDS: Mapping[str, Callable[[Node], object]] = {
    "settings": read_settings,
    "owns": read_owns,
    "limits": read_limits,
}


def spec_files(directory: Path) -> list[Path]:
    """List the files of a directory that hold specs, sorted."""
    return sorted(
        path
        for path in directory.iterdir()
        if path.suffix.lower() in SUFFIXES
        and not path.name.startswith(".")
        and path.name != OURS
        and not path.name.endswith(SCHEMA_SUFFIX)
        and not path.is_dir()
    )


def documents_of(path: Path) -> Iterator[Node]:
    """Read the documents of a file."""
    suffix = path.suffix.lower()
    if suffix not in SUFFIXES:
        raise UnreadableError(1, "is no .json, .yaml or .yml file")
    try:
        with path.open("rb") as file:
            content = file.read(MAX_BYTES + 1)
        if len(content) > MAX_BYTES:
            raise UnreadableError(1, f"larger than {MAX_BYTES} bytes")
        # Windows PowerShell writes UTF-16 with a byte order mark.
        is_utf_16 = content.startswith((BOM_UTF16_LE, BOM_UTF16_BE))
        text = content.decode("utf-16" if is_utf_16 else "utf-8-sig")
    except OSError as error:
        raise UnreadableError(1, f"cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise UnreadableError(1, "is not UTF-8 text") from None
    yield from read_yaml(text) if suffix in YAML_SUFFIXES else read_json(text)
