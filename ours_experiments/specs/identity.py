"""Which experiment a spec means: that with its id, else that with its key."""

from collections.abc import Iterable, Sequence

import attrs

from ours_experiments.specs.errors import Problem, SpecError
from ours_experiments.specs.spec import ExperimentSpec


@attrs.frozen(kw_only=True)
class Identity:
    """The identity of a spec, and where it is."""

    key: str | None
    """The key; None where it is missing."""
    id: str | None
    """The id; None: the key is the identity."""
    file: str | None = None
    """The file; None for a spec that was made in Python."""
    line: int | None = None
    """The line in the file."""
    number: int = 0
    """The place in a list of specs, from 1."""

    @property
    def place(self) -> str:
        """Format where the spec is."""
        return (
            f"spec {self.number}" if self.file is None else f"{self.file}:{self.line}"
        )


def identity_problems(identities: Iterable[Identity]) -> list[Problem]:
    """Find specs that mean one experiment, each with the place of the other."""
    problems: list[Problem] = []
    by_id: dict[str, Identity] = {}
    by_key: dict[str, list[Identity]] = {}
    for identity in identities:
        message = None
        if identity.id is not None:
            other = by_id.setdefault(identity.id, identity)
            if other is not identity:
                message = f"the id {identity.id!r} is also at {other.place}"
        if identity.key is not None:
            for other in by_key.get(identity.key, ()):
                if None in (identity.id, other.id):
                    message = f"the key {identity.key!r} is also at {other.place}"
            by_key.setdefault(identity.key, []).append(identity)
        if message is not None:
            where = "" if identity.file else identity.place
            problems.append(Problem(where, message, identity.file, identity.line))
    return problems


def check_identities(specs: Sequence[ExperimentSpec]) -> None:
    """Refuse specs of which two mean one experiment.

    Raises:
        SpecError: There are such specs.
    """
    problems = identity_problems(
        Identity(
            key=spec.key,
            id=spec.id if isinstance(spec.id, str) else None,
            number=number,
        )
        for number, spec in enumerate(specs, 1)
    )
    if problems:
        raise SpecError(problems)
