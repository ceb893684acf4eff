"""Commands on many experiments: start, pause, resume, stop, delete."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Literal

import attrs
from cyclopts import Parameter
from cyclopts.types import PositiveInt

from ours_experiments.cli.context import Context, Flag, InContext
from ours_experiments.cli.errors import UsageError
from ours_experiments.cli.event_loop import call_client, run_until_complete
from ours_experiments.cli.parser import app, examples
from ours_experiments.cli.rule_options import NO_RULE_OPTIONS, RuleOptions
from ours_experiments.cli.selection import NO_FILTERS, NO_SOURCE, Filters, IdSource
from ours_experiments.models import Experiment


Action = Literal["start", "pause", "resume", "stop", "delete"]
MAX_NAMES = 5
"""Experiments that a question names."""


@Parameter(name="*")
@attrs.frozen
class RunOptions:
    """How a bulk command is run."""

    concurrency: PositiveInt = 8
    """Experiments at the same time."""
    journal: Path | None = None
    """File that records every step; the same command continues from it."""
    dry_run: Flag = False
    """Only print what would happen."""
    yes: Flag = False
    """Do not ask."""


@Parameter(name="*")
@attrs.frozen
class Publishing:
    """When the changes go live."""

    publish: Literal["each", "once", "none"] = "each"
    """Publish with each call, once for all at the end, or not at all."""
    ship_others: Flag = False
    """Whether --publish once may publish other people's changes too."""


@Parameter(name="*")
@attrs.frozen
class DecisionOptions:
    """Stop only the experiments that the rules decide."""

    when_decided: Flag = False
    """Stop what `analyze` decides, with the winner that it names."""
    rollout: Flag = False
    """With --when-decided: serve the winner to all visitors."""
    ship_others: Flag = False
    """With --when-decided: publish other people's changes too."""
    rules: RuleOptions = NO_RULE_OPTIONS
    """Rules of the decision."""

    def check(self, winners: Mapping[str, str], run: RunOptions) -> None:
        """Check that the options fit together.

        Raises:
            UsageError: They do not.
        """
        if not self.when_decided:
            if self != NO_DECISION:
                raise UsageError("--rollout, --ship-others and rules: --when-decided")
        elif winners:
            raise UsageError("--when-decided chooses the winner: leave out --winner")
        elif run.dry_run or run.journal is not None:
            raise UsageError("--when-decided takes neither --dry-run nor --journal")


NO_DECISION = DecisionOptions()
RUN_OPTIONS = RunOptions()
PUBLISHING = Publishing()


def transition_command(
    action: Literal["start", "pause", "resume"],
) -> Callable[..., int]:
    """Return the command for an action that can be staged."""

    def command(
        *ids: str,
        source: IdSource = NO_SOURCE,
        filters: Filters = NO_FILTERS,
        publishing: Publishing = PUBLISHING,
        options: RunOptions = RUN_OPTIONS,
        context: InContext,
    ) -> int:
        """Run the action.

        Args:
            ids: Ids of experiments.
            source: More ids.
            filters: Properties of experiments, in place of ids.
            publishing: When the changes go live.
            options: How the command is run.
        """
        named = named_ids(action, ids, source, filters)
        return run_command(
            context, action, named, filters, options=options, publishing=publishing
        )

    return command


app.command(
    transition_command("start"),
    name="start",
    help="Start drafts.",
    help_epilogue=examples(
        "start exp_123 exp_456",
        "start --status draft --search hero --dry-run",
        "start --from-file ids.txt --publish once --journal j.log",
        "start - < ids.txt",
    ),
)
app.command(
    transition_command("pause"),
    name="pause",
    help="Pause running experiments.",
    help_epilogue=examples(
        "pause exp_123", "pause --status running --search hero --yes"
    ),
)
app.command(
    transition_command("resume"),
    name="resume",
    help="Resume paused experiments.",
    help_epilogue=examples("resume exp_123", "resume --status paused --publish none"),
)


@app.command(
    help_epilogue=examples(
        "stop exp_123 --yes",
        "stop --winner exp_123=var_1 --winner exp_456=var_7",
        "stop --status running --when-decided --yes",
    )
)
def stop(
    *ids: str,
    winner: Annotated[
        tuple[str, ...], Parameter(consume_multiple=True, show_default=False)
    ] = (),
    source: IdSource = NO_SOURCE,
    filters: Filters = NO_FILTERS,
    options: RunOptions = RUN_OPTIONS,
    decision: DecisionOptions = NO_DECISION,
    context: InContext,
) -> int:
    """Complete experiments for good; always publishes.

    Args:
        ids: Ids of experiments.
        winner: An experiment and the variant to record as its winner, `ID=VARIANT`.
        source: More ids.
        filters: Properties of experiments, in place of ids.
        options: How the command is run.
        decision: Stop only what the rules decide.
    """
    winners = parse_winners(winner)
    decision.check(winners, options)
    named = named_ids("stop", [*ids, *winners], source, filters)
    if decision.when_decided:
        return stop_when_decided(context, named, filters, decision, yes=options.yes)
    return run_command(
        context, "stop", named, filters, options=options, winners=winners
    )


@app.command(
    help_epilogue=examples("delete exp_123", "delete --from-file ids.txt --yes")
)
def delete(
    *ids: str,
    source: IdSource = NO_SOURCE,
    filters: Filters = NO_FILTERS,
    options: RunOptions = RUN_OPTIONS,
    context: InContext,
) -> int:
    """Delete experiments in any state.

    Args:
        ids: Ids of experiments.
        source: More ids.
        filters: Properties of experiments, in place of ids.
        options: How the command is run.
    """
    named = named_ids("delete", ids, source, filters)
    return run_command(context, "delete", named, filters, options=options)


def named_ids(
    action: Action, ids: Sequence[str], source: IdSource, filters: Filters
) -> list[str]:
    """Collect the ids from the command line, a file and standard input.

    Raises:
        UsageError: There are neither ids nor filters, or both.
    """
    named = list(dict.fromkeys([*ids, *source.read()]))
    explicit = bool(named) or source.given()
    if explicit and filters.any():
        raise UsageError("ids and filters exclude each other")
    if not explicit and not filters.any():
        raise UsageError(
            f"nothing to {action} is given",
            "give ids, --from-file FILE, - for standard input, or a filter such as "
            "--status draft",
        )
    return named


async def list_matching(context: Context, filters: Filters) -> list[Experiment]:
    """List the experiments that match the filters."""
    async with context.client() as client:
        listing = client.experiments.list(**filters.arguments())
        with context.err.status("looking for experiments"):
            return [experiment async for experiment in listing]


def format_question(
    action: Action, ids: Sequence[str], matching: Sequence[Experiment]
) -> str:
    """Format the question to ask before an action.

    Args:
        action: The action.
        ids: Ids of the experiments.
        matching: The experiments themselves, if filters found them.
    """
    subject = f"{len(ids):,} experiments"
    if len(ids) == 1:
        subject = "1 experiment" if matching else f"the experiment {ids[0]}"
    question = f"{action} {subject}"
    if action == "stop":
        question += " for good"
    if matching and len(matching) <= MAX_NAMES:
        question += f" ({', '.join(experiment.name for experiment in matching)})"
    elif matching:
        states = Counter(str(experiment.status) for experiment in matching)
        counts = ", ".join(f"{n:,} {state}" for state, n in states.most_common())
        question += f" ({counts})"
    return f"{question}?"


def run_command(
    context: Context,
    action: Action,
    ids: list[str],
    filters: Filters,
    *,
    options: RunOptions,
    publishing: Publishing = PUBLISHING,
    winners: Mapping[str, str] | None = None,
) -> int:
    """Find the experiments, ask, and run the action."""
    matching: list[Experiment] = []
    if filters.any():
        matching = run_until_complete(list_matching(context, filters))
        ids = [experiment.id for experiment in matching]
    # A dry run reads all experiments by itself, and its report has the warnings.
    if action == "start" and ids and not options.dry_run:
        note_warnings(context, ids, matching)
    # A filter may match more than was meant, so that it always asks.
    destructive = action in {"stop", "delete"} or bool(matching)
    if ids and destructive and not options.dry_run:
        context.confirm(format_question(action, ids, matching), yes=options.yes)
    from ours_experiments.cli.output.bulk_report import Options, run_bulk  # noqa: PLC0415 - not for help

    stream_options = Options(
        concurrency=options.concurrency,
        journal=options.journal,
        dry_run=options.dry_run,
        publish=publishing.publish,
        ship_others=publishing.ship_others,
    )
    subjects = ids if winners is None else {name: winners.get(name) for name in ids}
    return run_until_complete(run_bulk(context, action, subjects, stream_options))


def stop_when_decided(
    context: Context,
    ids: list[str],
    filters: Filters,
    decision: DecisionOptions,
    *,
    yes: bool,
) -> int:
    """Find the experiments, ask, and stop those that are decided."""
    if filters.any():
        matching = run_until_complete(list_matching(context, filters))
        ids = [experiment.id for experiment in matching]
    if not ids:
        context.note("nothing to stop")
        return 0
    noun = "experiment" if len(ids) == 1 else "experiments"
    context.confirm(f"stop {len(ids):,} {noun}, where decided?", yes=yes)
    from ours_experiments.cli.decided_stops import stop_decided  # noqa: PLC0415 - not for help

    return call_client(
        context,
        lambda client: stop_decided(
            context,
            client,
            ids,
            decision.rules,
            rollout=decision.rollout,
            ship_others=decision.ship_others,
        ),
    )


def note_warnings(
    context: Context, ids: Sequence[str], matching: Sequence[Experiment]
) -> None:
    """Print why experiments would be started in vain, before anything is asked."""
    from ours_experiments.cli.start_warnings import find_warnings  # noqa: PLC0415 - not for help

    for warning in call_client(
        context, lambda client: find_warnings(client, ids, matching)
    ):
        context.note(f"warning: {warning}")


def parse_winners(pairs: Sequence[str]) -> dict[str, str]:
    """Parse the values of `--winner`, `ID=VARIANT`.

    Raises:
        UsageError: A value has another form, or an experiment comes twice.
    """
    winners: dict[str, str] = {}
    for pair in pairs:
        experiment_id, equals, variant_id = pair.rpartition("=")
        if not (equals and experiment_id and variant_id):
            raise UsageError(f"--winner {pair}: expected ID=VARIANT")
        if experiment_id in winners:
            raise UsageError(f"--winner names {experiment_id} twice")
        winners[experiment_id] = variant_id
    return winners
