"""The one version that `publish="once"` makes of all that a run has staged."""

from collections.abc import Collection, Iterable, Mapping
from uuid import uuid4

import attrs

from ours_experiments.bulk.journal import Journal
from ours_experiments.bulk.ledger import Ledger
from ours_experiments.bulk.outcomes import OutcomeStatus
from ours_experiments.bulk.staged import EXPERIMENTS, VARIANTS
from ours_experiments.errors import ConfigurationError, OursError, OutcomeUnknownError
from ours_experiments.models import CollectionChanges, Version
from ours_experiments.versions import Versions


@attrs.define
class BatchPublish:
    """Publishes what a run has staged, and nothing of anybody else's."""

    action: str
    versions: Versions
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
                if token in (version.notes or ""):
                    self.version = version
                    journal.publish(token)

    async def publish(self, ledger: Ledger, journal: Journal | None) -> None:
        """Publish what is staged and record in the ledger that it is live."""
        staged = ledger.ids_with(OutcomeStatus.STAGED)
        if not staged:
            return
        try:
            changes = (await self.versions.draft_changes()).differences
            unrelated = describe_unrelated(ledger.entries.keys(), changes)
            if unrelated and not self.ship_others:
                self.error = OursError(f"others have changes meanwhile: {unrelated}")
                return
            include: dict[str, Iterable[str]] = {}
            if not unrelated:
                include[EXPERIMENTS] = staged
                if variants := ids_in(changes, VARIANTS):
                    include[VARIANTS] = sorted(variants)
            token = str(uuid4())
            if journal is not None:
                journal.announce(token)
            self.error = OutcomeUnknownError(
                f"the publish was cut off: list the versions whose notes contain "
                f"{token!r} before you publish again",
                action="publish",
            )
            notes = f"bulk {self.action} of {len(staged)} experiments, {token}"
            self.version = await self.versions.publish(notes=notes, include=include)
        except OursError as problem:
            self.error = problem
            return
        self.error = None
        ledger.mark_applied(staged)
        if journal is not None:
            journal.publish(token)


def ids_in(
    differences: Mapping[str, CollectionChanges], collection: str
) -> frozenset[str]:
    """Select what is changed in one collection."""
    changes = differences.get(collection)
    return changes.ids if changes else frozenset()


def describe_unrelated(
    own: Collection[str], differences: Mapping[str, CollectionChanges]
) -> str:
    """List the changes that are not of this run; empty when there are none."""
    touched = {
        collection: ids_in(differences, collection) for collection in differences
    }
    if touched.get(EXPERIMENTS):
        # Variants change with their experiments, which are listed themselves.
        touched.pop(VARIANTS, None)
    return ", ".join(
        f"{collection} {identifier}"
        for collection, ids in touched.items()
        for identifier in sorted(ids.difference(own))
    )
