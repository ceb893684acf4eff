"""Commands on experiments in files: validate, plan, apply, drift, export, schema."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import attrs
from cyclopts import Parameter
from cyclopts.types import PositiveInt

from ours_experiments.cli.context import Context, Flag, InContext
from ours_experiments.cli.errors import (
    CONFIGURATION,
    CONFLICT,
    DIFFERENT,
    DIFFERENT_DETAILED,
    UsageError,
)
from ours_experiments.cli.parser import app, examples
from ours_experiments.errors import ConfigurationError
from ours_experiments.models import ExperimentStatus


if TYPE_CHECKING:
    from ours_experiments.client import Client
    from ours_experiments.specs import Plan, Specs


Globs = Annotated[tuple[str, ...], Parameter(name="--key", show_default=False)]


@Parameter(name="*")
@attrs.frozen
class Allowances:
    """What a plan may do that is refused otherwise."""

    prune: Flag = False
    """Delete what `owns` of ours.yaml names and no file has."""
    force: Flag = False
    """Exceed the limits of live changes."""
    ship_others: Flag = False
    """Publish unpublished changes of others too."""
    skip_conflicts: Flag = False
    """Do the rest of a plan with conflicts."""


NO_ALLOWANCES = Allowances()


@app.command(help_epilogue=examples("validate experiments/"))
def validate(*paths: Path, context: InContext) -> int:
    """Check files of experiments; nothing is sent.

    Args:
        paths: Files and directories of YAML or JSON.
    """
    check_format(context, "table", "json")
    from ours_experiments.specs import SpecError, load_specs  # noqa: PLC0415 - not for help
    from ours_experiments.specs.text import plural  # noqa: PLC0415 - not for help

    try:
        specs = load_specs(*given(paths))
    except SpecError as error:
        if context.format == "table":
            return refuse(context, error)
        problems = [attrs.asdict(problem) for problem in error.problems]
        write_json(context, {"specs": 0, "problems": problems, "warnings": []})
        return CONFIGURATION
    if context.format == "json":
        warnings = [attrs.asdict(warning) for warning in specs.warnings]
        found = {"specs": len(specs), "problems": [], "warnings": warnings}
        write_json(context, found)
        return 0
    for warning in specs.warnings:
        context.note(f"warning: {warning}")
    context.write(f"{plural(len(specs), 'experiment')}: no problems\n")
    return 0


@app.command(
    help_epilogue=examples(
        "plan experiments/",
        "plan experiments/ --check --format markdown > plan.md",
        "plan experiments/ --out plan.json",
    )
)
async def plan(
    *paths: Path,
    key: Globs = (),
    out: Path | None = None,
    check: Flag = False,
    detailed_exitcode: Flag = False,
    prune: Flag = False,
    context: InContext,
) -> int:
    """Show what would bring the account to files; writes nothing.

    Args:
        paths: Files and directories of YAML or JSON.
        key: Pattern of keys, to leave out all other experiments.
        out: File to save the plan to, for `apply`.
        check: Exit with 11 if anything differs, 6 if there are conflicts.
        detailed_exitcode: Like --check, but exit with 2 if anything differs.
        prune: Delete what `owns` of ours.yaml names and no file has.
    """
    check_format(context, "table", "json", "markdown")
    specs = load(context, paths)
    if specs is None:
        return CONFIGURATION
    async with context.client() as client:
        found = await make_plan(client, specs, key, prune=prune)
    if out is not None:
        save(out, found.to_json())
    write_plan(context, found)
    if not (check or detailed_exitcode):
        return 0
    if found.conflicts:
        return CONFLICT
    if found.is_empty:
        return 0
    return DIFFERENT_DETAILED if detailed_exitcode else DIFFERENT


@app.command(
    help_epilogue=examples(
        "apply experiments/ --journal apply.journal", "apply plan.json --yes"
    )
)
async def apply(
    *paths: Path,
    key: Globs = (),
    allow: Allowances = NO_ALLOWANCES,
    journal: Path | None = None,
    concurrency: PositiveInt = 8,
    yes: Flag = False,
    context: InContext,
) -> int:
    """Bring the account to files, or carry out a saved plan.

    Args:
        paths: Files and directories of YAML or JSON, or one plan of `plan --out`.
        key: Pattern of keys, to leave out all other experiments.
        allow: What a plan may do that is refused otherwise.
        journal: File that records every step; the same command continues from it.
        concurrency: Experiments at the same time.
        yes: Do not ask.
    """
    check_format(context, "table", "json")
    from ours_experiments.cli.output.plan import (  # noqa: PLC0415 - not for help
        exit_code,
        show_progress,
        write_report,
    )

    saved = saved_plan(given(paths))
    specs = None if saved is not None else load(context, paths)
    if saved is None and specs is None:
        return CONFIGURATION
    if saved is not None and (key or allow.prune):
        raise UsageError("a saved plan takes neither --key nor --prune")
    async with context.client() as client:
        if specs is None:
            found = client.plan_from(saved or "")
            if not yes and not continues(journal):
                await found.check_current()
        else:
            found = await make_plan(client, specs, key, prune=allow.prune)
        found.check(
            ship_others=allow.ship_others,
            force=allow.force,
            skip_conflicts=allow.skip_conflicts,
        )
        if context.format == "table" and not found.is_empty:
            write_plan(context, found)
        if found.changes:
            context.confirm(f"apply {len(found.changes)} changes?", yes=yes)
        with show_progress(context) as on_progress:
            report = await found.apply(
                journal=journal,
                ship_others=allow.ship_others,
                force=allow.force,
                skip_conflicts=allow.skip_conflicts,
                concurrency=concurrency,
                on_progress=on_progress,
            )
    write_report(context, report, found)
    return exit_code(report, found)


@app.command(help_epilogue=examples("drift experiments/"))
async def drift(*paths: Path, context: InContext) -> int:
    """Exit with 11 if the account differs from files, and name the side.

    Args:
        paths: Files and directories of YAML or JSON.
    """
    check_format(context, "table", "json", "markdown")
    specs = load(context, paths)
    if specs is None:
        return CONFIGURATION
    from ours_experiments.specs.text import drift_lines  # noqa: PLC0415 - not for help

    async with context.client() as client:
        found = await client.plan(specs)
    if context.format == "json":
        write_plan(context, found)
    elif context.format == "markdown":
        context.write("".join(f"- {line}\n" for line in drift_lines(found)))
    else:
        context.write("".join(f"{line}\n" for line in drift_lines(found)))
    return 0 if found.is_empty and not found.unmanaged else DIFFERENT


@app.command(
    help_epilogue=examples("export experiments/", "export . --key 'web-*' --one-file")
)
async def export(
    directory: Path,
    *,
    key: Globs = (),
    status: ExperimentStatus | None = None,
    one_file: Flag = False,
    yes: Flag = False,
    context: InContext,
) -> int:
    """Write the account's experiments as YAML files.

    Args:
        directory: Where to write; it is created if need be.
        key: Pattern of keys, to leave out all other experiments.
        status: Only experiments in this state.
        one_file: Write all of them to experiments.yaml.
        yes: Replace files that exist.
    """
    check_format(context, "table", "json")
    from ours_experiments.specs import dump_specs  # noqa: PLC0415 - not for help
    from ours_experiments.specs.text import plural  # noqa: PLC0415 - not for help

    async with context.client() as client:
        specs = await client.export(
            status=status,
            keys=key or None,
            on_left_out=lambda found, reason: context.note(
                f"left out: {found.id}: {reason}"
            ),
        )
    try:
        files = dump_specs(specs, directory, one_file=one_file, overwrite=yes)
    except ConfigurationError as error:
        hint = "; add --yes to replace it" if "exists already" in str(error) else ""
        raise ConfigurationError(f"{error}{hint}") from None
    if context.format == "json":
        write_json(context, [str(file) for file in files])
    else:
        count = plural(len(specs), "experiment")
        context.write(f"{count} in {plural(len(files), 'file')}\n")
    return 0


@app.command(help_epilogue=examples("schema > experiments.schema.json"))
def schema(*, context: InContext) -> int:
    """Write the JSON Schema of the files, for editors."""
    check_format(context, "table", "json")
    from ours_experiments.specs import spec_schema  # noqa: PLC0415 - not for help

    write_json(context, spec_schema())
    return 0


def check_format(context: Context, *formats: str) -> None:
    """Refuse a format that a command does not write."""
    if context.format not in formats:
        raise UsageError(
            f"--format {context.format}: this command writes {' or '.join(formats)}"
        )


def given(paths: Sequence[Path]) -> Sequence[Path]:
    """Refuse a command line without files."""
    if not paths:
        raise UsageError("PATH is missing", "give a directory, or files")
    return paths


def load(context: Context, paths: Sequence[Path]) -> "Specs | None":
    """Read specs; print every problem and return None where there are some."""
    from ours_experiments.specs import SpecError, load_specs  # noqa: PLC0415 - not for help

    try:
        return load_specs(*given(paths))
    except SpecError as error:
        refuse(context, error)
        return None


def refuse(context: Context, error: Exception) -> int:
    """Print the problems of files, a line each."""
    from ours_experiments.specs.text import plural  # noqa: PLC0415 - not for help

    problems = str(error).splitlines()
    for problem in problems:
        context.note(problem)
    count = plural(len(problems), "problem")
    context.note(f"error: {count} in the files; nothing was sent")
    return CONFIGURATION


async def make_plan(
    client: "Client", specs: "Specs", globs: Sequence[str], *, prune: bool
) -> "Plan":
    """Plan the specs, or those whose keys match."""
    if not globs:
        return await client.plan(specs, prune=prune)
    if prune:
        raise UsageError("--key and --prune exclude each other")
    from ours_experiments.specs.planner import matches  # noqa: PLC0415 - not for help

    selected = [spec for spec in specs if matches(spec.key, globs)]
    # Without `owns`, or the experiments left out would look like orphans.
    return await client.plan(selected, settings=specs.settings, limits=specs.limits)


def continues(journal: Path | None) -> bool:
    """Return whether an earlier run may have left a journal, and part of its plan."""
    return journal is not None and journal.exists()


def saved_plan(paths: Sequence[Path]) -> str | None:
    """Return the text of a saved plan; None for files of specs."""
    if len(paths) != 1 or paths[0].suffix.lower() != ".json" or not paths[0].is_file():
        return None
    try:
        text = paths[0].read_text(encoding="utf-8")
        document: object = json.loads(text)
    except (OSError, ValueError, RecursionError):
        return None
    return text if isinstance(document, dict) and "plan" in document else None


def save(path: Path, text: str) -> None:
    """Write a plan to a file.

    Raises:
        ConfigurationError: It cannot be written.
    """
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise ConfigurationError(
            f"--out {path}: cannot be written: {error.strerror}"
        ) from None


def write_plan(context: Context, found: "Plan") -> None:
    """Write a plan in the format that was asked for."""
    from ours_experiments.cli.output.plan import print_plan  # noqa: PLC0415 - not for help

    if context.format == "json":
        context.write(found.to_json())
    elif context.format == "markdown":
        context.write(found.to_markdown())
    else:
        print_plan(context, found)


def write_json(context: Context, value: object) -> None:
    """Write a value as JSON."""
    context.write(json.dumps(value, indent=2, ensure_ascii=False) + "\n")
