"""Commands on many experiments: start, pause, resume, stop, delete."""

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Literal

import attrs
from cyclopts import Parameter
from cyclopts.types import PositiveInt

from ours_experiments.cli.context import Context, Flag, InContext
from ours_experiments.cli.errors import UsageError
from ours_experiments.cli.runtime import complete
from ours_experiments.cli.selection import NO_FILTERS, NO_SOURCE, Filters, Source
from ours_experiments.models import Experiment


Publish = Literal["each", "once", "none"]
NAMED = 5
"""Experiments that a question names."""


@Parameter(name="*")
@attrs.frozen
class Common:
    """How a bulk command is carried out."""

    concurrency: PositiveInt = 8
    """How many at the same time."""
    journal: Path | None = None
    """A file on which every step is noted; the same command goes on from there."""
    dry_run: Flag = False
    """Only say what would happen."""
    yes: Flag = False
    """Do not ask."""


@Parameter(name="*")
@attrs.frozen
class Publishing:
    """When the changes go live."""

    publish: Publish = "each"
    """With each call, once for all at the end, or not at all."""
    ship_others: Flag = False
    """Whether --publish once may ship other people's changes too."""


COMMON = Common()
PUBLISHING = Publishing()


def start(
    *ids: str,
    source: Source = NO_SOURCE,
    filters: Filters = NO_FILTERS,
    publishing: Publishing = PUBLISHING,
    common: Common = COMMON,
    context: InContext,
) -> int:
    """Start drafts.

    Args:
        ids: The experiments.
        source: More of them.
        filters: Or those that match.
        publishing: When it goes live.
        common: How.
    """
    targets = Targets(context, "start", ids, source, filters)
    return carry_out(targets, common, publishing)


def pause(
    *ids: str,
    source: Source = NO_SOURCE,
    filters: Filters = NO_FILTERS,
    publishing: Publishing = PUBLISHING,
    common: Common = COMMON,
    context: InContext,
) -> int:
    """Pause running experiments.

    Args:
        ids: The experiments.
        source: More of them.
        filters: Or those that match.
        publishing: When it goes live.
        common: How.
    """
    targets = Targets(context, "pause", ids, source, filters)
    return carry_out(targets, common, publishing)


def resume(
    *ids: str,
    source: Source = NO_SOURCE,
    filters: Filters = NO_FILTERS,
    publishing: Publishing = PUBLISHING,
    common: Common = COMMON,
    context: InContext,
) -> int:
    """Resume paused experiments.

    Args:
        ids: The experiments.
        source: More of them.
        filters: Or those that match.
        publishing: When it goes live.
        common: How.
    """
    targets = Targets(context, "resume", ids, source, filters)
    return carry_out(targets, common, publishing)


def stop(
    *ids: str,
    winner: Annotated[
        tuple[str, ...], Parameter(consume_multiple=True, show_default=False)
    ] = (),
    source: Source = NO_SOURCE,
    filters: Filters = NO_FILTERS,
    common: Common = COMMON,
    context: InContext,
) -> int:
    """Complete experiments for good; always publishes.

    Args:
        ids: The experiments.
        winner: An experiment and the variant to record as its winner, `ID=VARIANT`.
        source: More of them.
        filters: Or those that match.
        common: How.
    """
    targets = Targets(context, "stop", ids, source, filters, winners_of(winner))
    return carry_out(targets, common, PUBLISHING)


def delete(
    *ids: str,
    source: Source = NO_SOURCE,
    filters: Filters = NO_FILTERS,
    common: Common = COMMON,
    context: InContext,
) -> int:
    """Delete experiments, whatever their state.

    Args:
        ids: The experiments.
        source: More of them.
        filters: Or those that match.
        common: How.
    """
    targets = Targets(context, "delete", ids, source, filters)
    return carry_out(targets, common, PUBLISHING)


@attrs.frozen
class Targets:
    """What a bulk command is about."""

    context: Context
    action: Literal["start", "pause", "resume", "stop", "delete"]
    given: Sequence[str]
    source: Source
    filters: Filters
    winners: Mapping[str, str] = attrs.field(factory=dict[str, str])

    def named(self) -> list[str]:
        """Collect the ids that are named, wherever.

        Raises:
            UsageError: Nothing is named, or ids and filters at the same time.
        """
        ids = list(dict.fromkeys([*self.given, *self.winners, *self.source.ids()]))
        explicit = bool(ids) or self.source.given()
        if explicit and self.filters.any():
            raise UsageError("ids and filters exclude each other")
        if not explicit and not self.filters.any():
            raise UsageError(
                f"say what to {self.action}",
                "ids, --from-file FILE, - for standard input, or a filter such as "
                "--status draft",
            )
        return ids

    async def matching(self) -> list[Experiment]:
        """List the experiments that match the filters."""
        async with self.context.client() as client:
            listing = client.experiments.list(**self.filters.arguments())
            with self.context.err.status("looking for experiments"):
                return [experiment async for experiment in listing]

    def question(self, ids: Sequence[str], matched: Sequence[Experiment]) -> str:
        """Word the question that is asked before anything is done."""
        things = f"{len(ids):,} experiments"
        if len(ids) == 1:
            things = "1 experiment" if matched else f"the experiment {ids[0]}"
        told = f"{self.action} {things}"
        if self.action == "stop":
            told += " for good"
        if matched and len(matched) <= NAMED:
            told += f" ({', '.join(each.name for each in matched)})"
        elif matched:
            states = Counter(str(each.status) for each in matched).most_common()
            told += f" ({', '.join(f'{count:,} {state}' for state, count in states)})"
        return f"{told}?"


def carry_out(targets: Targets, common: Common, publishing: Publishing) -> int:
    """Choose, ask, and do it."""
    context = targets.context
    ids = targets.named()
    matched: list[Experiment] = []
    if targets.filters.any():
        matched = complete(targets.matching())
        ids = [each.id for each in matched]
    destructive = targets.action in {"stop", "delete"} or bool(matched)
    if ids and destructive and not common.dry_run:
        context.confirm(targets.question(ids, matched), yes=common.yes)
    from ours_experiments.cli.output.report import Options, run_bulk  # noqa: PLC0415 - not for help

    options = Options(
        concurrency=common.concurrency,
        journal=common.journal,
        dry_run=common.dry_run,
        publish=publishing.publish,
        ship_others=publishing.ship_others,
    )
    winners = {each: targets.winners.get(each) for each in ids}
    stopping = targets.action == "stop"
    return complete(
        run_bulk(context, targets.action, winners if stopping else ids, options)
    )


def winners_of(pairs: Sequence[str]) -> dict[str, str]:
    """Split `ID=VARIANT`.

    Raises:
        UsageError: It is not of that form, or names one experiment twice.
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
