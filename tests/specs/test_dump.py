"""Writing spec files: what was written is read back, and the bytes do not vary."""

from pathlib import Path
from tempfile import TemporaryDirectory

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ours_experiments.errors import ConfigurationError
from ours_experiments.models import Experiment
from ours_experiments.specs import ExperimentSpec, VariantSpec, dump_specs, load_specs
from ours_experiments.specs.dump import spec_texts
from ours_experiments.specs.export import export_specs
from tests.specs import examples


@given(specs=st.lists(examples.specs(), max_size=3, unique_by=lambda spec: spec.key))
def test_what_is_dumped_is_loaded_again(specs: list[ExperimentSpec]) -> None:
    """Loading what was dumped gives the same specs, and dumping them the same bytes."""
    wanted = sorted(specs, key=lambda spec: spec.key)
    ids = [spec.id for spec in specs if isinstance(spec.id, str)]
    if not specs or len(set(ids)) < len(ids):
        return
    for one_file in (False, True):
        with TemporaryDirectory() as directory:
            paths = dump_specs(specs, directory, one_file=one_file)
            loaded = load_specs(directory)
            assert sorted(loaded, key=lambda spec: spec.key) == wanted
            before = [path.read_bytes() for path in paths]
            dump_specs(loaded, directory, one_file=one_file, overwrite=True)
            assert [path.read_bytes() for path in paths] == before


@given(found=st.lists(examples.experiments(), max_size=3))
def test_an_export_can_be_loaded(found: list[Experiment]) -> None:
    """Whatever the service has is written as files that load without a problem."""
    listed = [
        attrs.evolve(experiment, id=f"e{number}")
        for number, experiment in enumerate(found)
    ]
    specs = export_specs(listed)
    with TemporaryDirectory() as directory:
        dump_specs(specs, directory)
        if specs:
            loaded = load_specs(directory)
            assert {str(spec) for spec in loaded} == {str(spec) for spec in specs}


def test_files_are_named_after_keys() -> None:
    """A name has only safe characters, is short, never `ours`, and not taken."""
    keys = ["a/b", "A.B", "a-b", "ours", "x" * 100, "x" * 99, "é"]
    texts = spec_texts(ExperimentSpec(key) for key in keys)
    assert sorted(texts) == sorted(
        [
            "A-B.yaml",
            "a-b-2.yaml",
            "a-b-3.yaml",
            "ours-2.yaml",
            f"{'x' * 80}.yaml",
            f"{'x' * 78}-2.yaml",
            "-.yaml",
        ]
    )


def test_one_file_holds_all_sorted() -> None:
    """With `one_file` all documents are in `experiments.yaml`, sorted by key."""
    texts = spec_texts([ExperimentSpec("b"), ExperimentSpec("a")], one_file=True)
    assert texts == {"experiments.yaml": "key: a\n---\nkey: b\n"}


def test_nothing_is_overwritten(tmp_path: Path) -> None:
    """Where a file exists nothing is written, unless `overwrite` is given."""
    (tmp_path / "b.yaml").write_text("mine")
    specs = [ExperimentSpec("a"), ExperimentSpec("b")]
    with pytest.raises(ConfigurationError, match=r"b\.yaml: exists already"):
        dump_specs(specs, tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["b.yaml"]
    dump_specs(specs, tmp_path, overwrite=True)
    assert (tmp_path / "b.yaml").read_text() == "key: b\n"


def test_a_directory_that_cannot_be_written(tmp_path: Path) -> None:
    """A file in the directory's place is one clear error."""
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigurationError, match="cannot be written"):
        dump_specs([ExperimentSpec("a")], tmp_path / "file")


def test_text_is_readable() -> None:
    """Long text is a block; text that YAML could misread is quoted."""
    html = "<b>\n  Start\n</b>\n"
    spec = ExperimentSpec(
        "k",
        name="No",
        description=html,
        variants=[VariantSpec(name="0o14"), VariantSpec(name="next\u0085line")],
    )
    (text,) = spec_texts([spec]).values()
    assert text == (
        "key: k\nname: 'No'\ndescription: |\n  <b>\n    Start\n  </b>\n"
        "variants:\n- name: '0o14'\n- name: \"next\\Nline\"\n"
    )


def test_repeated_keys_get_ids() -> None:
    """An export has `id` where a key, or the name of a variant, occurs twice."""
    twin = attrs.evolve(examples.BOLD, id="v3")
    first = examples.experiment(variants=(*examples.VARIANTS, twin))
    second = examples.experiment(id="e2", key="other")
    third = examples.experiment(id="e3", key="other")
    one, two, three = export_specs([first, second, third])
    assert (two.id, three.id) == ("e2", "e3")
    assert isinstance(one.variants, tuple)
    assert [variant.id for variant in one.variants][1:] == ["v2", "v3"]
