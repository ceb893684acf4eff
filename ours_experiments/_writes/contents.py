"""Whether an experiment has the contents of a draft."""

from collections.abc import Mapping, Sequence
from typing import cast

import attrs

from ours_experiments.drafts import NewExperiment
from ours_experiments.models import Experiment


COMPARED = (
    "name",
    "description",
    "type",
    "traffic_allocation",
    "include_query_string",
    "targeting_rules",
    "metrics",
)
"""The fields that a draft and an experiment have in common, the key left out."""


def differing_fields(draft: NewExperiment, experiment: Experiment) -> list[str]:
    """Return the fields that a draft gives and in which an experiment differs.

    What a service may do to a value is no difference: folding a name, trimming a text,
    leaving out what is empty, adding fields of its own.
    """
    different: list[str] = []
    for name in COMPARED:
        given, found = getattr(draft, name), getattr(experiment, name)
        if name == "name":
            given, found = plain_text(given), plain_text(found)
        if not holds(found, given):
            different.append(name)
    return different


def plain_text(text: str) -> str:
    """Return the letters and digits of a text, as a key or a folded name has them."""
    return "".join(filter(str.isalnum, text.casefold()))


def holds(found: object, given: object) -> bool:
    """Return whether a value that was read has all that was given."""
    if given in (None, "", False, (), {}):
        return found in (given, None) or given is None
    if isinstance(given, str):
        return isinstance(found, str) and found.strip() == given.strip()
    if isinstance(given, Mapping):
        wanted = cast("Mapping[str, object]", given)
        members = cast("Mapping[str, object]", found)
        return isinstance(found, Mapping) and all(
            name in members and holds(members[name], value)
            for name, value in wanted.items()
        )
    if isinstance(given, Sequence):
        wanted_items = cast("Sequence[object]", given)
        items = cast("Sequence[object]", found)
        return (
            isinstance(found, Sequence)
            and len(items) == len(wanted_items)
            and all(map(holds, items, wanted_items))
        )
    if attrs.has(type(given)):
        return all(
            holds(getattr(found, field.name, None), getattr(given, field.name))
            for field in attrs.fields(cast("type[attrs.AttrsInstance]", type(given)))
        )
    return found == given
