"""The unpublished changes of an account that a publish would ship along."""

from collections.abc import Collection, Mapping

from ours_experiments.models import CollectionChanges


EXPERIMENTS, VARIANTS = "experiments", "experimentVariants"
"""The service's names for the collections of a version."""

Differences = Mapping[str, CollectionChanges]
"""The unpublished changes by collection."""


def ids_in(differences: Differences, collection: str) -> frozenset[str]:
    """Select what is changed in one collection."""
    changes = differences.get(collection)
    return changes.ids if changes else frozenset()


def describe_unrelated(own: Collection[str], differences: Differences) -> str:
    """List the changes to other experiments than these; empty when there are none."""
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
