"""An append-only record of a bulk call, from which the same call resumes."""

import hashlib
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Self

import attrs
import orjson

from ours_experiments.errors import ConfigurationError
from ours_experiments.outcomes import Outcome, OutcomeStatus


SETTLED = frozenset(
    {
        OutcomeStatus.APPLIED,
        OutcomeStatus.ALREADY,
        OutcomeStatus.STAGED,
        OutcomeStatus.FAILED,
    }
)


@attrs.frozen
class Header:
    """The first line: what the journal is of."""

    action: str
    account: str
    """A fingerprint of base URL and key, from which neither can be told."""
    publish: str

    def to_line(self) -> dict[str, str]:
        """Return it as it is written."""
        return {"journal": "ours-experiments/1", **attrs.asdict(self)}


def fingerprint_of(prefix: str, secret: str) -> str:
    """Tell accounts apart without naming them."""
    return hashlib.blake2b(
        f"{prefix}\n{secret}".encode(), digest_size=8, person=b"ours-journal"
    ).hexdigest()


class Journal:
    """One open journal file."""

    def __init__(self, descriptor: int) -> None:
        self.descriptor = descriptor
        self.settled: dict[str, Outcome] = {}
        self.begun: set[str] = set()

    @classmethod
    def open(cls, path: str | os.PathLike[str], header: Header) -> Self:
        """Open or begin a journal; a torn last line is cut off.

        Raises:
            ConfigurationError: It is another call's journal, or none at all.
        """
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        journal = cls(descriptor)
        try:
            with os.fdopen(os.dup(descriptor), "rb") as file:
                content = file.read()
            whole = content.rpartition(b"\n")[0]
            lines = whole.split(b"\n") if whole else []
            os.ftruncate(descriptor, len(whole) + 1 if whole else 0)
            os.lseek(descriptor, 0, os.SEEK_END)
            if lines:
                journal.read(Path(path), lines, header)
            else:
                journal.append(header.to_line())
        except BaseException:
            journal.close()
            raise
        return journal

    def read(self, path: Path, lines: list[bytes], header: Header) -> None:
        """Take over what an earlier call has written."""
        entries = [entry_of(path, number, line) for number, line in enumerate(lines, 1)]
        if entries[0] != header.to_line():
            raise ConfigurationError(
                f"journal {path} belongs to another action, account or way to publish"
            )
        for number, entry in enumerate(entries[1:], 2):
            try:
                self.take(entry, header.action)
            except (KeyError, TypeError, ValueError):
                raise ConfigurationError(
                    f"journal {path}: line {number} is no journal entry"
                ) from None

    def take(self, entry: Mapping[str, object], action: str) -> None:
        """Take over one entry."""
        if "begun" in entry:
            self.begun.add(text_of(entry["begun"]))
            return
        identifier = text_of(entry["id"])
        status = OutcomeStatus(text_of(entry["status"]))
        attempts, seconds = entry["attempts"], entry["seconds"]
        if not isinstance(attempts, int) or not isinstance(seconds, int | float):
            raise TypeError
        if status in SETTLED:
            self.settled[identifier] = Outcome(
                identifier, action, status, attempts=attempts, seconds=seconds
            )

    def begin(self, identifier: str) -> None:
        """Note, before anything is sent, that an id is being worked on."""
        self.append({"begun": identifier})

    def settle(self, outcome: Outcome) -> None:
        """Note an outcome."""
        self.append(
            {
                "id": outcome.experiment_id,
                "status": outcome.status.value,
                "attempts": outcome.attempts,
                "seconds": round(outcome.seconds, 6),
            }
        )

    def append(self, entry: Mapping[str, object]) -> None:
        """Write one line, handed to the operating system when this returns."""
        os.write(self.descriptor, orjson.dumps(entry) + b"\n")

    def close(self) -> None:
        """Close the file."""
        os.close(self.descriptor)


def entry_of(path: Path, number: int, line: bytes) -> dict[str, object]:
    """Parse one line."""
    try:
        entry = orjson.loads(line)
    except ValueError:
        entry = None
    if not isinstance(entry, dict):
        raise ConfigurationError(f"journal {path}: line {number} is no journal entry")
    return entry


def text_of(value: object) -> str:
    """Take text, and nothing else."""
    if not isinstance(value, str):
        raise TypeError
    return value
