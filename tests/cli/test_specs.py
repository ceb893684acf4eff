"""Commands on experiments in files."""

import json
from collections.abc import Callable
from pathlib import Path

import jsonschema
import pytest

from ours_experiments.emulator import Emulator
from tests.cli.runner import Invoke, Service, Terminal
from tests.specs.examples import PRICING


METHODS = {"POST", "PATCH", "DELETE"}
Write = Callable[..., Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Write files of specs into one directory."""
    folder = tmp_path / "experiments"
    folder.mkdir()

    def writing(text: str = PRICING, name: str = "pricing.yaml") -> Path:
        (folder / name).write_text(text, encoding="utf-8")
        return folder

    return writing


@pytest.fixture
def shop(service: Service) -> Emulator:
    """Serve an account with published settings, and count from there."""

    async def publish() -> None:
        service.emulator.seed_experiments(1, status="running")

    service.call(publish())
    service.emulator.log.clear()
    return service.emulator


def writes_in(emulator: Emulator) -> int:
    """Count the writes that arrived."""
    return sum(entry.method in METHODS for entry in emulator.log.entries)


def test_files_are_validated(invoke: Invoke, write: Write, service: Service) -> None:
    """A good directory is counted; nothing is sent."""
    ran = invoke("validate", write())
    assert (ran.code, ran.out) == (0, "1 experiment: no problems\n")
    assert service.emulator.log.received() == 0


def test_every_problem_is_printed(invoke: Invoke, write: Write) -> None:
    """Each problem has a line of its own with file and line; the exit code is 3."""
    text = PRICING.replace("name: Pricing", "nme: Pricing").replace(
        "weight: 30", "weight: 12.5"
    )
    folder = write(text)
    for command in ("validate", "plan", "apply", "drift"):
        ran = invoke(command, folder)
        assert ran.code == 3
        assert f"{folder}/pricing.yaml:2: nme: unknown field" in ran.err
        assert "did you mean name?" in ran.err
        assert f"{folder}/pricing.yaml:12: variants[0].weight" in ran.err
        assert "error: 2 problems in the files" in ran.err
    ran = invoke("validate", folder, "--format", "json")
    assert ran.code == 3
    assert [problem["line"] for problem in ran.json["problems"]] == [2, 12]


def test_unknown_words_are_warned_of(invoke: Invoke, write: Write) -> None:
    """A word that this version does not know is loaded, and named."""
    ran = invoke("validate", write(PRICING.replace("type: ab", "type: abn")))
    assert ran.code == 0
    assert "warning" in ran.err
    assert "abn" in ran.err


@pytest.mark.usefixtures("shop")
def test_a_plan_is_printed(invoke: Invoke, write: Write, service: Service) -> None:
    """A plan fits 80 columns, and writes nothing."""
    ran = invoke("plan", write())
    assert ran.code == 0
    assert ran.out.splitlines()[0].split() == ["pricing-headline", "new"]
    assert "+ variant Bold, weight 20, 1 modification" in ran.out
    assert "plan: 1 created, 1 started; 1 version" in ran.out
    assert max(map(len, ran.out.splitlines())) <= 80
    assert writes_in(service.emulator) == 0


def test_exit_codes_of_a_plan(invoke: Invoke, write: Write, shop: Emulator) -> None:
    """`--check` tells differences from conflicts, with the codes of section 5."""
    folder = write()
    assert invoke("plan", folder).code == 0
    assert invoke("plan", folder, "--check").code == 11
    assert invoke("plan", folder, "--detailed-exitcode").code == 2
    assert invoke("plan", folder, "--nonsense").code == 2
    assert invoke("plan", folder, "--detailed-exitcode", "--nonsense").code == 1
    assert invoke("apply", folder, "--yes").code == 0
    assert invoke("plan", folder, "--check").code == 0
    assert invoke("plan", folder, "--detailed-exitcode").code == 0
    write(PRICING.replace("weight: 30", "weight: 31"))
    assert invoke("plan", folder, "--check").code == 6
    assert invoke("plan", folder, "--detailed-exitcode").code == 6
    shop.log.clear()
    ran = invoke("apply", folder, "--yes")
    assert ran.code == 6
    assert "30 -> 31" in ran.err
    assert writes_in(shop) == 0


def test_formats_of_a_plan(invoke: Invoke, write: Write, shop: Emulator) -> None:
    """A plan is a table, JSON or Markdown, and nothing else."""
    folder = write()
    assert invoke("plan", folder, "--format", "json").json["plan"] == 1
    markdown = invoke("plan", folder, "--format", "markdown").out
    assert markdown.startswith("**plan: 1 created, 1 started")
    assert "| `pricing-headline` (new) |" in markdown
    shop.log.clear()
    for arguments in (
        ["plan", folder, "--format", "csv"],
        ["apply", folder, "--yes", "--format", "markdown"],
        ["list", "--format", "markdown"],
        ["schema", "--format", "csv"],
    ):
        assert invoke(*arguments).code == 2
    assert shop.log.received() == 0


def test_a_plan_is_limited_to_keys(invoke: Invoke, write: Write) -> None:
    """`--key` leaves out the experiments that do not match."""
    write(PRICING.replace("pricing-headline", "other"), "other.yaml")
    ran = invoke("plan", write(), "--key", "pricing-*")
    assert "pricing-headline" in ran.out
    assert "other" not in ran.out


def test_apply_asks_first(invoke: Invoke, write: Write, shop: Emulator) -> None:
    """Without a terminal, `--yes` is needed; with nothing to do it is not."""
    folder = write()
    ran = invoke("apply", folder)
    assert ran.code == 2
    assert "add --yes" in ran.err
    assert writes_in(shop) == 0
    ran = invoke("apply", folder, "--yes", "--journal", folder.parent / "journal")
    assert ran.code == 0
    assert ran.out.splitlines()[-1] == "4 applied"
    shop.log.clear()
    ran = invoke("apply", folder)
    assert (ran.code, ran.out) == (0, "nothing to do\n")
    assert writes_in(shop) == 0


def test_a_saved_plan(
    invoke: Invoke, write: Write, shop: Emulator, tmp_path: Path
) -> None:
    """A saved plan is applied once; afterwards it is stale."""
    saved = tmp_path / "plan.json"
    assert invoke("plan", write(), "--out", saved).code == 0
    assert invoke("apply", saved).code == 2
    assert invoke("apply", saved, "--prune").code == 2
    assert writes_in(shop) == 0
    ran = invoke("apply", saved, "--yes", "--format", "json")
    assert ran.code == 0
    assert {outcome["status"] for outcome in ran.json["outcomes"]} == {"applied"}
    ran = invoke("apply", saved, "--yes")
    assert ran.code == 6
    assert "exists by now" in ran.err
    saved.write_text(saved.read_text().replace("Bold", "Shy"))
    ran = invoke("apply", saved, "--yes")
    assert ran.code == 3
    assert "edited" in ran.err


def test_what_failed_is_named(invoke: Invoke, write: Write, shop: Emulator) -> None:
    """A change that failed has a line with its reason; the exit code is 10."""
    shop.faults.add("status", code=400, route="variants.create", times=1)
    ran = invoke("apply", write(), "--yes")
    assert ran.code == 10
    assert "create_variant Benefit first: failed" in ran.out
    assert "start: not attempted" in ran.out


def test_skipped_conflicts_are_not_success(
    invoke: Invoke, write: Write, shop: Emulator
) -> None:
    """`--skip-conflicts` does the rest, and says that it was not all."""
    folder = write()
    assert invoke("apply", folder, "--yes").code == 0
    changed = PRICING.replace("weight: 30", "weight: 31").replace("50", "40")
    write(changed)
    shop.log.clear()
    ran = invoke("apply", folder, "--yes", "--skip-conflicts")
    assert ran.code == 10
    assert shop.log.received("experiments.update") == 1


def test_drift(invoke: Invoke, write: Write, shop: Emulator) -> None:
    """Drift names the side, counts what is owned and in no file, and exits with 11."""
    folder = write()
    assert shop.url
    ran = invoke("drift", folder)
    assert (ran.code, ran.out) == (11, "only in the file: pricing-headline\n")
    assert invoke("apply", folder, "--yes").code == 0
    ran = invoke("drift", folder)
    assert (ran.code, ran.out) == (0, "no drift\n")
    write(PRICING.replace("[/pricing*]", "[/plans]"))
    ran = invoke("drift", folder)
    assert ran.code == 11
    where = "pricing-headline targeting_rules.url_patterns"
    assert ran.out.splitlines() == [
        f"only on the server: {where} /pricing*",
        f"only in the file: {where} /plans",
    ]
    write(PRICING)
    write("owns: ['experiment-*']\n", "ours.yaml")
    ran = invoke("drift", folder)
    assert ran.code == 11
    assert ran.out == "only on the server: experiment-1 (running)\n"
    assert invoke("plan", folder, "--check").code == 0
    assert invoke("plan", folder, "--check", "--prune").code == 6


def test_export(invoke: Invoke, tmp_path: Path, shop: Emulator) -> None:
    """An export can be planned without a change; it replaces files on request only."""
    folder = tmp_path / "exported"
    ran = invoke("export", folder)
    assert (ran.code, ran.out) == (0, "1 experiment in 1 file\n")
    assert invoke("plan", folder, "--check").code == 0
    ran = invoke("export", folder)
    assert ran.code == 3
    assert "--yes" in ran.err
    assert invoke("export", folder, "--yes").code == 0
    assert invoke("export", tmp_path / "none", "--status", "draft").code == 0
    assert invoke("export", folder, "--key", "exp*", "--one-file").code == 0
    names = sorted(path.name for path in folder.iterdir())
    assert names == ["experiment-1.yaml", "experiments.yaml"]
    assert writes_in(shop) == 0


def test_the_schema(invoke: Invoke) -> None:
    """The schema is one of JSON Schema 2020-12, and needs no key."""
    ran = invoke("schema")
    assert ran.code == 0
    jsonschema.Draft202012Validator.check_schema(ran.json)
    assert json.loads(ran.out)["required"] == ["key"]


def test_files_are_needed(invoke: Invoke, tmp_path: Path) -> None:
    """A command line without files makes no sense; a file that is missing is named."""
    for command in ("validate", "plan", "apply", "drift"):
        assert invoke(command).code == 2
        ran = invoke(command, tmp_path / "missing.yaml")
        assert ran.code == 3
        assert "missing.yaml" in ran.err


def test_files_are_decided_by_their_own_rules(
    invoke: Invoke, write: Write, service: Service
) -> None:
    """`analyze --specs` takes the running experiments of files, with their rules."""
    first, second = service.seed(2, "running")
    service.seed(1, "draft")
    for experiment_id in (first, second):
        service.emulator.simulate(experiment_id, days=28, visitors_per_day=4000, seed=1)
    rules = "rules: {planned_sample: 1000000}\n"
    write(f"key: experiment-1\n{rules}---\nkey: experiment-3\n")
    folder = write("key: experiment-2\nrules: {mde: 5}\n", "second.yaml")
    ran = invoke("analyze", "--specs", folder, "--format", "jsonl", "--check")
    assert [line["experiment_id"] for line in ran.lines] == [first, second]
    assert ran.lines[0]["rules"]["planned_sample"] == 1_000_000
    assert ran.lines[1]["rules"]["mde"] == 5
    assert invoke("analyze", "--specs", folder, "--mde", "0.1").code == 2
    assert invoke("analyze", first, "--specs", folder).code == 2
    write("key: experiment-2\nrules: {alpha: 7}\n", "second.yaml")
    ran = invoke("analyze", "--specs", folder)
    assert ran.code == 3
    assert "alpha" in ran.err
    assert invoke("analyze", "--specs", folder.parent / "missing").code == 3


def test_conflicts_that_are_all_of_a_plan_are_named(
    invoke: Invoke, write: Write, shop: Emulator
) -> None:
    """`--skip-conflicts` names what it skipped where nothing else was to do."""
    folder = write()
    assert invoke("apply", folder, "--yes").code == 0
    write(PRICING.replace("weight: 30", "weight: 31"))
    shop.log.clear()
    ran = invoke("apply", folder, "--yes", "--skip-conflicts")
    assert ran.code == 10
    assert "! variant Benefit first: weight 30 -> 31: locked" in ran.out
    assert ran.out.splitlines()[-1] == "nothing to do: 1 conflict skipped"
    ran = invoke("apply", folder, "--skip-conflicts", "--format", "json")
    assert ran.code == 10
    assert [skipped["key"] for skipped in ran.json["skipped"]] == ["pricing-headline"]
    assert writes_in(shop) == 0


def test_a_stale_plan_is_refused_before_the_question(
    invoke: Invoke, write: Write, shop: Emulator, tmp_path: Path
) -> None:
    """Nobody is asked about a saved plan that cannot be applied any more."""
    saved = tmp_path / "plan.json"
    assert invoke("plan", write(), "--out", saved).code == 0
    assert invoke("apply", saved, "--yes").code == 0
    shop.log.clear()
    ran = invoke("apply", saved)
    assert ran.code == 6
    assert "exists by now" in ran.err
    assert writes_in(shop) == 0


def test_a_terminal_shows_the_progress_of_apply(service: Service, write: Write) -> None:
    """A terminal gets a question and then a bar with the changes that are done."""
    service.seed(1, "running")
    terminal = Terminal("apply", str(write()), env=service.environment)
    terminal.wait_for("[y/N]")
    terminal.type("y\n")
    assert terminal.end() == 0
    frames = [line for line in terminal.lines if "━" in line]
    assert any(frame.startswith("apply ") and "4/4" in frame for frame in frames)


def test_an_export_names_what_a_file_cannot_hold(
    invoke: Invoke, tmp_path: Path, service: Service
) -> None:
    """An experiment with a blank key is left out with a note; the others are kept."""
    blank, _ = service.seed(2)
    service.emulator.state.get(blank).key = " "
    ran = invoke("export", tmp_path / "exported")
    assert (ran.code, ran.out) == (0, "1 experiment in 1 file\n")
    assert ran.err == f"left out: {blank}: key: must not be blank\n"


def test_a_spec_is_not_a_draft(invoke: Invoke, write: Write, service: Service) -> None:
    """`create --from` of a spec file names the command that the file is for."""
    file = write() / "pricing.yaml"
    ran = invoke("create", "--from", file)
    assert ran.code == 3
    assert f"state belongs to experiments as code: ours-experiments apply {file}" in (
        " ".join(ran.err.split())
    )
    assert service.emulator.log.received() == 0
