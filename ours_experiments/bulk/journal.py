"""An append-only record of a bulk call, from which the same call resumes.

Each line is a JSON object. The first tells what the journal is of; then follow
`{"begun": id}` before anything is sent for an id, `{"id": …, "status": …}` with its
outcome, and `{"publishing": token}` and `{"published": token}` around a publish. The
token stands in the notes of the version.
"""

import os
import stat
from collections.abc import Mapping
from io import FileIO
from typing import Self

import attrs
import orjson

from ours_experiments.bulk.outcomes import Outcome, OutcomeStatus
from ours_experiments.errors import ConfigurationError


LASTING = frozenset(
    {OutcomeStatus.APPLIED, OutcomeStatus.ALREADY, OutcomeStatus.STAGED}
)
"""What a resumed call leaves as it is."""


@attrs.frozen
class Header:
    """The first line: what the journal is of."""

    action: str
    account: str
    """A fingerprint of base URL and key, from which neither can be told."""
    publish: str

    def to_line(self) -> bytes:
        """Return it as it is written."""
        return line_of({"journal": "ours-experiments/1", **attrs.asdict(self)})


class Journal:
    """One open journal file, and what earlier runs wrote in it."""

    def __init__(self, file: FileIO) -> None:
        self.file = file
        self.size: int = 0
        """Bytes of whole lines."""
        self.settled: dict[str, OutcomeStatus] = {}
        """What need not be sent again: applied, already, staged."""
        self.begun: set[str] = set()
        """What may have been applied, nobody knows."""
        self.announced: dict[str, frozenset[str]] = {}
        """Each publish begun and not known to have ended: what was staged for it."""

    @classmethod
    def open(cls, path: str | os.PathLike[str], header: Header) -> Self:
        """Open or begin a journal; a torn last line is cut off.

        Raises:
            ConfigurationError: It cannot be opened, it is another call's journal, or
                no journal at all; a file that is none is left as it is.
        """
        try:
            journal = cls(FileIO(path, "a+", opener=open_private))
            try:
                journal.read(header)
            except BaseException:
                journal.close()
                raise
        except (OSError, ValueError) as problem:
            told = f"journal {os.fspath(path)}: {problem}"
            raise ConfigurationError(told) from None
        return journal

    def read(self, header: Header) -> None:
        """Take over what earlier runs have written; write the header if none has."""
        if not stat.S_ISREG(os.fstat(self.file.fileno()).st_mode):
            raise ValueError("it is no regular file")
        first = header.to_line()
        with open(self.file.fileno(), "rb", closefd=False) as lines:
            lines.seek(0)
            found = lines.readline(len(first))
            if found != first:
                if not first.startswith(found):
                    raise ValueError(
                        "it belongs to another action, account or way to publish, or "
                        "it is no journal"
                    )
                self.file.truncate(0)
                self.write(first)
                return
            self.size = len(first)
            for number, line in enumerate(lines, 2):
                if not line.endswith(b"\n"):
                    break
                try:
                    self.take(orjson.loads(line))
                except (KeyError, ValueError):
                    raise ValueError(f"line {number} is no journal entry") from None
                self.size += len(line)
        self.file.truncate(self.size)

    def take(self, entry: object) -> None:
        """Take over one entry."""
        match entry:
            case {"begun": str(identifier)}:
                self.begun.add(identifier)
            case {"id": str(identifier), "status": str(word)}:
                status = OutcomeStatus(word)
                if status is not OutcomeStatus.UNKNOWN:
                    self.begun.discard(identifier)
                if status in LASTING:
                    self.settled[identifier] = status
            case {"publishing": str(token)}:
                self.announced[token] = self.staged()
            case {"published": str(token)}:
                self.note_published(token)
            case _:
                raise ValueError(entry)

    def staged(self) -> frozenset[str]:
        """Select what earlier runs staged and nobody is known to have published."""
        return frozenset(
            identifier
            for identifier, status in self.settled.items()
            if status is OutcomeStatus.STAGED
        )

    def note_published(self, token: str) -> None:
        """Take over that a publish which an earlier run began has happened."""
        for identifier in self.announced.pop(token):
            self.settled[identifier] = OutcomeStatus.APPLIED

    def begin(self, identifier: str) -> None:
        """Note, before anything is sent, that an id is being worked on."""
        self.write(line_of({"begun": identifier}))

    def settle(self, outcome: Outcome) -> None:
        """Note an outcome."""
        self.write(
            line_of(
                {
                    "id": outcome.experiment_id,
                    "status": outcome.status.value,
                    "attempts": outcome.attempts,
                    "seconds": round(outcome.seconds, 6),
                }
            )
        )

    def announce(self, token: str) -> None:
        """Note, before it is sent, that all that is staged is to be published."""
        self.write(line_of({"publishing": token}))

    def publish(self, token: str) -> None:
        """Note that an announced publish has happened."""
        self.write(line_of({"published": token}))

    def write(self, line: bytes) -> None:
        """Write one line, handed to the operating system when this returns."""
        written = 0
        try:
            while written < len(line):
                written += self.file.write(line[written:])
        except OSError:
            # The next line must not follow upon half a one.
            self.file.truncate(self.size)
            raise
        self.size += len(line)

    def close(self) -> None:
        """Close the file."""
        self.file.close()


def open_private(path: str, flags: int) -> int:
    """Open a file; one that is made is for its owner alone."""
    return os.open(path, flags, 0o600)


def line_of(entry: Mapping[str, object]) -> bytes:
    """Spell one entry."""
    return orjson.dumps(entry, option=orjson.OPT_APPEND_NEWLINE)
