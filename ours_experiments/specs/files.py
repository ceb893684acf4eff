"""Read a directory of specs."""

from collections.abc import Iterator, Mapping, Sequence
from os import PathLike
from pathlib import Path
from typing import overload

import attrs

from ours_experiments.specs.errors import Problem, SpecError
from ours_experiments.specs.identity import Identity, identity_problems
from ours_experiments.specs.kinds import word_warnings
from ours_experiments.specs.nodes import (
    MAX_BYTES,
    MAX_DOCUMENTS,
    Node,
    UnreadableError,
    read_json,
)
from ours_experiments.specs.ours_file import OURS, Limits, read_ours
from ours_experiments.specs.reading import DocumentReader
from ours_experiments.specs.spec import ExperimentSpec
from ours_experiments.specs.yaml_nodes import read_yaml


YAML_SUFFIXES = frozenset({".yaml", ".yml"})
SUFFIXES = YAML_SUFFIXES | {".json"}
SCHEMA_SUFFIX = ".schema.json"
"""A schema lies beside the files that it describes."""


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
    for path in paths:
        loader.add(Path(path))
    return loader.result()


@attrs.define
class Loader:
    """Collect specs and problems from files."""

    specs: list[ExperimentSpec] = attrs.field(factory=list[ExperimentSpec])
    places: list[str] = attrs.field(factory=list[str])
    identities: list[Identity] = attrs.field(factory=list[Identity])
    """Of all documents, those with problems too."""
    problems: list[Problem] = attrs.field(factory=list[Problem])
    warnings: list[Problem] = attrs.field(factory=list[Problem])
    files: set[Path] = attrs.field(factory=set[Path])
    """Files that were read, so that none is read twice."""
    ours: dict[Path, Mapping[str, object]] = attrs.field(
        factory=dict[Path, Mapping[str, object]]
    )
    documents: int = 0

    def add(self, path: Path) -> None:
        """Read a file, or the files of a directory."""
        if not path.is_dir():
            self.add_ours(path.parent)
            self.add_file(path)
            return
        self.add_ours(path)
        found = sorted(spec_files(path))
        if not found:
            self.refuse(path, 1, f"has no {', '.join(sorted(SUFFIXES))} files")
        for file in found:
            self.add_file(file)

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
        self.identities.append(
            Identity(
                key=reader.text_of(node, "key"),
                id=reader.text_of(node, "id"),
                file=str(path),
                line=reader.line_of("key"),
            )
        )
        if spec is None:
            return
        self.specs.append(spec)
        self.places.append(f"{path}:{reader.line_of('key')}")
        for warning in word_warnings(spec):
            line = reader.line_of(warning.field)
            self.warnings.append(attrs.evolve(warning, file=str(path), line=line))

    def refuse(self, path: Path, line: int, message: str) -> None:
        """Note a problem of a file."""
        self.problems.append(Problem("", message, file=str(path), line=line))

    def add_ours(self, directory: Path) -> None:
        """Read the `ours.yaml` of a directory, if there is one."""
        path = directory / OURS
        if path.resolve() in self.ours or not path.is_file():
            return
        try:
            nodes = list(documents_of(path))
        except UnreadableError as error:
            self.refuse(path, error.line, error.message)
            return
        if len(nodes) != 1 or nodes[0].fields is None:
            self.refuse(path, 1, "expected one document with fields")
            return
        values, problems = read_ours(nodes[0])
        for line, message in problems:
            self.refuse(path, line, message)
        if self.ours:
            self.refuse(path, 1, f"another {OURS} than {next(iter(self.ours))}")
        self.ours[path.resolve()] = values

    def result(self) -> Specs:
        """Return the specs.

        Raises:
            SpecError: There were problems.
        """
        self.problems += identity_problems(self.identities)
        if self.problems:
            raise SpecError(self.problems)
        none: Mapping[str, object] = {}
        values = next(iter(self.ours.values()), none)
        return Specs(
            specs=tuple(self.specs),
            places=tuple(self.places),
            warnings=tuple(self.warnings),
            **values,  # type: ignore[arg-type]
        )


def spec_files(directory: Path) -> Iterator[Path]:
    """List the files of a directory that hold specs."""
    for path in directory.iterdir():
        name = path.name
        if (
            path.suffix.lower() in SUFFIXES
            and not name.startswith(".")
            and name != OURS
            and not name.endswith(SCHEMA_SUFFIX)
            and not path.is_dir()
        ):
            yield path


def documents_of(path: Path) -> Iterator[Node]:
    """Read the documents of a file.

    Raises:
        UnreadableError: It cannot be read any further.
    """
    text = text_of(path)
    if path.suffix.lower() in YAML_SUFFIXES:
        yield from read_yaml(text)
    elif path.suffix.lower() == ".json":
        yield from read_json(text)
    else:
        raise UnreadableError(1, "is no .json, .yaml or .yml file")


def text_of(path: Path) -> str:
    """Read a file.

    Raises:
        UnreadableError: It cannot be read, is no text, or too large.
    """
    try:
        with path.open("rb") as file:
            content = file.read(MAX_BYTES + 1)
        if len(content) > MAX_BYTES:
            raise UnreadableError(1, f"larger than {MAX_BYTES} bytes")
        return content.decode("utf-8-sig")
    except OSError as error:
        raise UnreadableError(1, f"cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise UnreadableError(1, "is not UTF-8 text") from None
