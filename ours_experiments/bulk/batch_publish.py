"""The one version that `publish="once"` makes of all that a run has staged."""

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING
from uuid import uuid4

import attrs

from ours_experiments._writes.unrelated_changes import (
    EXPERIMENTS,
    VARIANTS,
    Differences,
    describe_unrelated,
    ids_in,
)
from ours_experiments.bulk.journal import Journal
from ours_experiments.bulk.ledger import Ledger
from ours_experiments.bulk.outcomes import Outcome, OutcomeStatus
from ours_experiments.errors import (
    ConfigurationError,
    ConflictError,
    OursError,
    OutcomeUnknownError,
)
from ours_experiments.models import Version


if TYPE_CHECKING:
    from ours_experiments.experiments import Experiments
    from ours_experiments.versions import Versions


@attrs.define
class BatchPublish:
    """Publishes what a run has staged, and nothing of anybody else's."""

    action: str
    versions: "Versions"
    experiments: "Experiments"
    ship_others: bool
    """Whether to publish other people's changes too, in place of refusing."""
    dry_run: bool
    version: Version | None = attrs.field(init=False, default=None)
    """The version that was made."""
    error: OursError | None = attrs.field(init=False, default=None)
    """Why none was made, though there was something to publish."""

    async def prepare(self, ledger: Ledger, journal: Journal | None) -> None:
        """Refuse, before anything is staged, to publish other people's changes."""
        if journal is not None:
            await self.confirm_earlier(journal)
        changes = (await self.versions.draft_changes()).differences
        unrelated = describe_unrelated(ledger.entries.keys(), changes)
        if unrelated and not self.ship_others:
            refusal = ConfigurationError(
                f"publish='once' would publish other changes too: {unrelated}; pass "
                "ship_others=True if it may"
            )
            if not self.dry_run:
                raise refusal
            self.error = refusal

    async def confirm_earlier(self, journal: Journal) -> None:
        """Find the versions that earlier runs requested and saw no answer for."""
        for token in journal.unconfirmed():
            page = await self.versions.list_page(notes_contains=token)
            for version in page.entities:
                # A service that does not know the parameter lists all versions.
                if token in (version.notes or ""):
                    self.version = version
                    journal.publish(token)

    async def publish(self, ledger: Ledger, journal: Journal | None) -> None:
        """Publish what is staged and record in the ledger that it is live."""
        # All of it, also what the draft does not list: the list may be late, and an id
        # that is live already does no harm in a version.
        staged = ledger.ids_with(OutcomeStatus.STAGED)
        if not staged:
            return
        try:
            changes = (await self.versions.draft_changes()).differences
            include = await self.include_lists(ledger, staged, changes)
            self.version = await self.make_version(staged, include, journal)
        except ConflictError as conflict:
            await self.find_live(conflict, staged, ledger, journal)
        except OursError as problem:
            self.error = problem
        else:
            ledger.mark_applied(staged)

    async def include_lists(
        self, ledger: Ledger, staged: Sequence[str], changes: Differences
    ) -> Mapping[str, Iterable[str]]:
        """Return what may be in the version, by collection.

        What others have changed since `prepare` is left to them. That can be done for
        experiments and variants only: an empty list stands for a whole collection.
        """
        if self.ship_others and describe_unrelated(ledger.entries.keys(), changes):
            return {}
        experiments = ids_in(changes, EXPERIMENTS)
        unrelated = experiments.difference(ledger.entries.keys())
        elsewhere = describe_unrelated(ledger.entries.keys() | unrelated, changes)
        if elsewhere:
            raise OursError(f"others have changes meanwhile: {elsewhere}")
        variants = set(ids_in(changes, VARIANTS))
        if unrelated:
            for experiment_id in sorted(unrelated):
                variants -= await self.variants_of(experiment_id)
            # Without an id of our own the list would be empty.
            variants = variants or await self.variants_of(staged[0])
        return {EXPERIMENTS: staged} | (
            {VARIANTS: sorted(variants)} if variants else {}
        )

    async def variants_of(self, experiment_id: str) -> set[str]:
        """Return the variants of an experiment, which has one at least."""
        experiment = await self.experiments.retrieve(experiment_id)
        if not experiment.variants:
            raise OursError(
                f"others have changes meanwhile: experiments {experiment_id}, whose "
                "variants the service does not show"
            )
        return {variant.id for variant in experiment.variants}

    async def make_version(
        self,
        staged: Sequence[str],
        include: Mapping[str, Iterable[str]],
        journal: Journal | None,
    ) -> Version:
        """Publish, and record in the journal that it was announced and has happened."""
        token = str(uuid4())
        if journal is not None:
            journal.announce(token)
        self.error = OutcomeUnknownError(
            f"the publish was cut off: list the versions whose notes contain "
            f"{token!r} before you publish again",
            action="publish",
        )
        notes = f"bulk {self.action} of {len(staged)} experiments, {token}"
        version = await self.versions.publish(notes=notes, include=include)
        self.error = None
        if journal is not None:
            journal.publish(token)
        return version

    async def find_live(
        self,
        conflict: ConflictError,
        staged: Sequence[str],
        ledger: Ledger,
        journal: Journal | None,
    ) -> None:
        """Record as live what the draft does not list, after a publish was refused.

        Somebody else has published it then. An experiment that the draft still lists
        keeps its status, and the refusal is the run's error.
        """
        self.error = conflict
        try:
            changes = (await self.versions.draft_changes()).differences
        except OursError:
            return
        waiting = ids_in(changes, EXPERIMENTS).intersection(staged)
        live = [
            experiment_id for experiment_id in staged if experiment_id not in waiting
        ]
        ledger.mark_applied(live)
        if journal is not None:
            for experiment_id in live:
                applied = Outcome(experiment_id, self.action, OutcomeStatus.APPLIED)
                journal.record(applied)
        if not waiting:
            self.error = None
