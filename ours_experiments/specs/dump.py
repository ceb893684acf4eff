"""Write specs to files: the same specs give the same bytes."""

import re
from collections.abc import Iterable, Mapping, Sequence
from os import PathLike
from pathlib import Path
from typing import Any, cast

import attrs

from ours_experiments._unset import UNSET
from ours_experiments.errors import ConfigurationError
from ours_experiments.specs.kinds import EXTRA
from ours_experiments.specs.nodes import ScalarReader, import_yaml
from ours_experiments.specs.spec import ExperimentSpec


ONE_FILE = "experiments.yaml"
MAX_STEM = 80
"""Characters of a file's name, without its suffix."""
LONG_TEXT = 80
"""Characters from which on text is written as a block."""
UNSAFE_IN_NAME = re.compile(r"[^A-Za-z0-9_-]")
MISREAD = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff]")
"""Characters that PyYAML writes as they are, and reads as something else."""


def dump_specs(
    specs: Iterable[ExperimentSpec],
    directory: str | PathLike[str],
    *,
    one_file: bool = False,
    overwrite: bool = False,
) -> tuple[Path, ...]:
    """Write specs as YAML into a directory, and return the files' paths.

    A file is named after its spec's key; `one_file` writes `experiments.yaml`.

    Raises:
        ConfigurationError: A file exists and `overwrite` is false, then nothing is
            written; or a file cannot be written, or PyYAML is not installed.
    """
    target = Path(directory)
    texts = spec_texts(specs, one_file=one_file)
    try:
        existing = sorted(name for name in texts if (target / name).exists())
        if existing and not overwrite:
            more = f" and {len(existing) - 1} more" if len(existing) > 1 else ""
            raise ConfigurationError(f"{target / existing[0]}{more}: exists already")
        target.mkdir(parents=True, exist_ok=True)
        for name, text in texts.items():
            (target / name).write_text(text, encoding="utf-8", newline="\n")
    except OSError as error:
        raise ConfigurationError(
            f"{error.filename or target}: cannot be written: {error.strerror}"
        ) from None
    return tuple(target / name for name in texts)


def spec_texts(
    specs: Iterable[ExperimentSpec], *, one_file: bool = False
) -> dict[str, str]:
    """Return the YAML text of each file, by its name; sorted by key."""
    yaml = import_yaml()
    dumper = make_dumper(yaml)
    ordered = sorted(specs, key=lambda spec: (spec.key, str(spec.id)))
    documents: list[str] = [
        yaml.dump(
            to_plain(spec),
            Dumper=dumper,
            sort_keys=False,
            allow_unicode=True,
            default_flow_style=False,
            width=2**31,
        )
        for spec in ordered
    ]
    if one_file and documents:
        return {ONE_FILE: "---\n".join(documents)}
    return dict(zip(file_names(ordered), documents, strict=True))


def file_names(specs: Sequence[ExperimentSpec]) -> list[str]:
    """Name a file for each spec; file systems may ignore the case of letters."""
    names: list[str] = []
    taken = {"ours"}
    for spec in specs:
        stem = UNSAFE_IN_NAME.sub("-", spec.key)[:MAX_STEM]
        name, number = stem, 1
        while name.lower() in taken:
            number += 1
            suffix = f"-{number}"
            name = stem[: MAX_STEM - len(suffix)] + suffix
        taken.add(name.lower())
        names.append(f"{name}.yaml")
    return names


def to_plain(value: object) -> object:
    """Turn a spec into dicts and lists, without fields that are left out."""
    if attrs.has(type(value)):
        plain: dict[str, object] = {}
        for field in attrs.fields(type(cast("attrs.AttrsInstance", value))):
            content = getattr(value, field.name)
            # None is a value of a spec, and the absence of one in a model.
            left_out = content is UNSET or (content is None and field.default is None)
            if field.name != EXTRA and not left_out:
                plain[field.name] = to_plain(content)
        return plain
    if isinstance(value, Mapping):
        items = cast("Mapping[str, object]", value).items()
        return {key: to_plain(element) for key, element in items}
    if isinstance(value, list | tuple):
        return [to_plain(element) for element in cast("list[object]", value)]
    return str(value) if isinstance(value, str) else value


def make_dumper(yaml: Any) -> Any:
    """Return a dumper without aliases, whose text both versions of YAML read alike."""
    scalars = ScalarReader(yaml)

    class Dumper(yaml.SafeDumper):  # type: ignore[misc]
        def ignore_aliases(self, data: object) -> bool:  # noqa: ARG002
            """Write no aliases."""
            return True

    def represent(dumper: Any, text: str) -> Any:
        return dumper.represent_scalar(
            "tag:yaml.org,2002:str", text, style=style_of(text, scalars)
        )

    Dumper.add_representer(str, represent)
    return Dumper


def style_of(text: str, scalars: ScalarReader) -> str | None:
    """Choose how a text is written; None leaves it to PyYAML."""
    if MISREAD.search(text):
        return '"'
    if "\n" in text or len(text) > LONG_TEXT:
        return "|"
    return None if scalars.is_text(text) else "'"
