"""An append-only file that records a bulk call, from which the same call resumes.

Each line is a JSON object. The first says which call the journal belongs to. Then
follow `{"begun": id, "at": time}` before anything is sent for an id, in seconds since
the epoch, `{"id": …, "status": …}` with its outcome, and `{"publishing": token}` and
`{"published": token}` around a publish. The token is part of the version's notes.
"""

import asyncio
import os
import stat
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from io import BufferedReader, FileIO
from itertools import islice
from typing import Self, cast

import attrs
import orjson

from ours_experiments.bulk.outcomes import Outcome, OutcomeStatus
from ours_experiments.errors import ConfigurationError


if sys.platform != "win32":
    import fcntl

LINES_AT_ONCE = 1000
"""Lines decoded by one call, which halves the time of decoding."""
MAX_HEADER = 4096
MADE_WITH = "ours-experiments/1"
NUL = b"\0"
STATUS_OF: Mapping[str, OutcomeStatus] = {
    status.value: status for status in OutcomeStatus
}


@attrs.frozen
class Header:
    """The first line: the call that the journal belongs to."""

    action: str
    account: str
    """A fingerprint of base URL and key, which reveals neither."""
    publish: str
    service: str = ""
    """A fingerprint of the base URL alone; journals of 0.1.0 have none."""

    def to_line(self) -> bytes:
        """Return the line as it is written."""
        return line_of({"journal": MADE_WITH, **attrs.asdict(self)})


class Journal:
    """One open journal file, and what earlier runs wrote in it."""

    def __init__(self, file: FileIO) -> None:
        self.file = file
        self.size: int = 0
        """Bytes of whole lines."""
        self.states: dict[str, OutcomeStatus | int] = {}
        """The latest status of each id; UNKNOWN for what was only started. A number
        stands for STAGED: how many publishes had been announced before."""
        self.sent_times: dict[str, float] = {}
        """When each id whose outcome is not known was first sent, in seconds since the
        epoch; journals of 0.1.0 do not record it."""
        self.experiments: dict[str, str] = {}
        """The experiment that each draft became, in the journal of a create."""
        self.announced: list[str] = []
        """The token of every publish that was started, in this order."""
        self.published: int = 0
        """How many of them, counted from the first, are known to be live."""
        self.age: float = max(0.0, time.time() - os.fstat(file.fileno()).st_mtime)
        """Seconds since an earlier run wrote last."""
        self.accounts: set[str] = set()
        """The fingerprints of all keys that the journal was used with."""

    @classmethod
    async def open(cls, path: str | os.PathLike[str], header: Header) -> Self:
        """Open or create a journal in a thread: a million ids take 2 s to read."""
        cancelled = threading.Event()
        opening = asyncio.ensure_future(
            asyncio.to_thread(cls.open_here, path, header, cancelled)
        )
        try:
            return await asyncio.shield(opening)
        except asyncio.CancelledError:
            # The thread ends within milliseconds, and the file must not stay locked.
            cancelled.set()
            await asyncio.wait([opening])
            if opening.exception() is None:
                opening.result().close()
            raise

    @classmethod
    def open_here(
        cls,
        path: str | os.PathLike[str],
        header: Header,
        cancelled: threading.Event | None = None,
    ) -> Self:
        """Open or create a journal; a torn or zero-filled end is cut off.

        Raises:
            ConfigurationError: It cannot be opened, another run has it open, or it
                belongs to another call; such a file is left as it is.
        """
        try:
            journal = cls(FileIO(path, "a+", opener=open_private))
            try:
                journal.lock()
                journal.read(header, cancelled or threading.Event())
            except BaseException:
                journal.close()
                raise
        except (OSError, ValueError) as problem:
            raise ConfigurationError(f"journal {os.fspath(path)}: {problem}") from None
        return journal

    def lock(self) -> None:
        """Refuse a file that another run has open; a killed run holds no lock."""
        if not stat.S_ISREG(os.fstat(self.file.fileno()).st_mode):
            raise ValueError("it is no regular file")
        if sys.platform != "win32":
            # It is of the open file: two runs of one process exclude each other too,
            # which they would not by the locks of `fcntl.lockf`.
            try:
                fcntl.flock(self.file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise ValueError("another run has it open") from None

    def read(self, header: Header, cancelled: threading.Event) -> None:
        """Read what earlier runs have written; write the header if none has."""
        first = header.to_line()
        with open(self.file.fileno(), "rb", closefd=False) as lines:
            lines.seek(0)
            # Another file may be a single line of gigabytes.
            line = lines.readline(MAX_HEADER)
            torn = line != first and first.startswith(line.rstrip(NUL))
            if torn and not lines.read().strip(NUL):
                self.file.truncate(0)
                self.accounts.add(header.account)
                self.write(first)
                return
            self.accounts.add(account_in(line, header))
            self.size = len(line)
            self.read_entries(lines, cancelled)
        if header.account in self.accounts:
            self.cut()

    def read_entries(self, lines: BufferedReader, cancelled: threading.Event) -> None:
        """Read all lines behind the header, up to an end that was not written whole."""
        number, torn = 2, 0
        while batch := list(islice(lines, LINES_AT_ONCE)):
            if cancelled.is_set():
                raise ValueError("the run was cancelled")
            for entry in decode_lines(batch):
                if entry is None:
                    torn = torn or number
                elif torn or not self.read_entry(entry):
                    raise ValueError(f"line {torn or number} is no journal entry")
                number += 1
            whole = batch if not torn else batch[: torn - number]
            self.size += sum(map(len, whole))

    def read_entry(self, entry: Mapping[str, object]) -> bool:
        """Read one entry; return whether it is one."""
        if isinstance(started := entry.get("begun"), str):
            self.read_start(started, entry.get("at"))
        elif isinstance(identifier := entry.get("id"), str):
            word = entry.get("status")
            status = STATUS_OF.get(word) if isinstance(word, str) else None
            if status is None:
                return False
            # A number, not a set of ids for each publish: a set of a million ids takes
            # 32 MiB.
            self.states[identifier] = (
                len(self.announced) if status is OutcomeStatus.STAGED else status
            )
            if status is not OutcomeStatus.UNKNOWN:
                self.sent_times.pop(identifier, None)
            if isinstance(experiment := entry.get("experiment"), str):
                self.experiments[identifier] = experiment
        elif isinstance(token := entry.get("publishing"), str):
            self.announced.append(token)
        elif isinstance(token := entry.get("published"), str):
            self.confirm(token)
        elif isinstance(account := entry.get("account"), str):
            self.accounts.add(account)
        else:
            return False
        return True

    def read_start(self, identifier: str, moment: object) -> None:
        """Note that an id was about to be sent at a moment."""
        states = self.states
        state = states.setdefault(identifier, OutcomeStatus.UNKNOWN)
        if state is OutcomeStatus.FAILED or state is OutcomeStatus.NOT_ATTEMPTED:
            states[identifier] = OutcomeStatus.UNKNOWN
        if isinstance(moment, float):
            # The first of several: any of them may have been applied.
            self.sent_times.setdefault(identifier, moment)

    def confirm(self, token: str) -> None:
        """Note that an announced publish is live, and with it all staged before."""
        if token in self.announced:
            self.published = max(self.published, self.announced.index(token) + 1)

    def status_of(self, identifier: str) -> OutcomeStatus | None:
        """Return the status that earlier runs recorded; None if there is none."""
        state = self.states.get(identifier)
        if isinstance(state, int):
            live = state < self.published
            return OutcomeStatus.APPLIED if live else OutcomeStatus.STAGED
        return state

    def sent_at(self, identifier: str) -> float | None:
        """Return when earlier runs first sent an id whose outcome is not known.

        Returns:
            Seconds since the epoch; 0 where the journal has no time, or one that lies
            ahead since the clock was set back; None where they sent nothing, or the
            outcome is known.
        """
        if self.states.get(identifier) is not OutcomeStatus.UNKNOWN:
            return None
        moment = self.sent_times.get(identifier, 0.0)
        return moment if moment <= time.time() else 0.0

    def unconfirmed(self) -> Iterator[str]:
        """Yield the announced publishes that may have made something live, in order."""
        staged = {state for state in self.states.values() if isinstance(state, int)}
        for number, token in enumerate(self.announced):
            if any(self.published <= state <= number for state in staged):
                yield token

    def accept(self, account: str) -> None:
        """Record that a further key of the same account uses the journal."""
        self.cut()
        self.accounts.add(account)
        self.write(line_of({"account": account}))

    def cut(self) -> None:
        """Cut off an end that was not written whole."""
        self.file.truncate(self.size)

    def begin(self, identifier: str) -> None:
        """Record, before anything is sent, that an id is being worked on."""
        self.write(line_of({"begun": identifier, "at": round(time.time(), 3)}))

    def record(self, outcome: Outcome, draft: str | None = None) -> None:
        """Record an outcome.

        Args:
            outcome: What happened.
            draft: Identifies the draft of a create, whose experiment is the result.
        """
        entry: dict[str, object] = {
            "id": draft or outcome.experiment_id,
            "status": outcome.status.value,
            "attempts": outcome.attempts,
            "seconds": round(outcome.seconds, 6),
        }
        if draft is not None and outcome.experiment_id:
            entry["experiment"] = outcome.experiment_id
        self.write(line_of(entry))

    def announce(self, token: str) -> None:
        """Record, before it is sent, that all that is staged is to be published."""
        self.announced.append(token)
        self.write(line_of({"publishing": token}))

    def publish(self, token: str) -> None:
        """Record that an announced publish has happened."""
        self.confirm(token)
        self.write(line_of({"published": token}))

    def write(self, line: bytes) -> None:
        """Write one line; the operating system has all of it when this returns."""
        written = 0
        try:
            while written < len(line):
                written += self.file.write(line[written:])
        except OSError:
            # The next line must not follow half a line.
            self.file.truncate(self.size)
            raise
        self.size += len(line)

    def close(self) -> None:
        """Close the file, which releases its lock."""
        self.file.close()


def open_private(path: str, flags: int) -> int:
    """Open a file; a new one is readable by its owner only."""
    return os.open(path, flags, 0o600)


def line_of(entry: Mapping[str, object]) -> bytes:
    """Format one entry."""
    return orjson.dumps(entry, option=orjson.OPT_APPEND_NEWLINE)


def account_in(line: bytes, header: Header) -> str:
    """Return the account of a journal's first line, if it is of the same call.

    Raises:
        ValueError: It belongs to another call, or is no first line at all.
    """
    entry = decode_line(line)
    if not entry or entry.get("journal") != MADE_WITH:
        raise ValueError("it is no journal")
    for name in ("action", "publish"):
        if entry.get(name) != getattr(header, name):
            raise ValueError(
                f"it belongs to another {name}: {entry.get(name)!r:.40}, not "
                f"{getattr(header, name)!r}"
            )
    account, service = entry.get("account"), entry.get("service")
    if account != header.account and service != (header.service or None):
        raise ValueError(
            "it belongs to another account or base URL: resume it where it was started"
        )
    return str(account)


def decode_lines(lines: Sequence[bytes]) -> Sequence[Mapping[str, object] | None]:
    """Decode lines; {} for one that is no object, None for one not written whole."""
    if lines[-1].endswith(b"\n"):
        try:
            entries: list[Mapping[str, object]] = orjson.loads(
                b"[%s]" % b",".join(lines)
            )
        except ValueError:
            pass
        else:
            if len(entries) == len(lines) and {*map(type, entries)} == {dict}:
                return entries
    return [decode_line(line) for line in lines]


def decode_line(line: bytes) -> Mapping[str, object] | None:
    """Decode one line, which a crash may have torn or filled with zeros."""
    if not line.endswith(b"\n"):
        return None
    try:
        entry: object = orjson.loads(line.lstrip(NUL))
    except ValueError:
        return None if NUL in line else {}
    return cast("Mapping[str, object]", entry) if isinstance(entry, dict) else {}
