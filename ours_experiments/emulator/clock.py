"""The clock of the emulator, which tests may move and stop."""

from datetime import UTC, datetime, timedelta


class Clock:
    """A clock that runs in real time, or stands still until it is advanced."""

    def __init__(self, start: datetime | None = None, *, frozen: bool = False) -> None:
        if start is not None and start.tzinfo is None:
            raise ValueError("start: a datetime with a time zone is needed")
        real = datetime.now(UTC)
        self._offset = timedelta(0) if start is None else start - real
        self._frozen = real + self._offset if frozen else None

    def now(self) -> datetime:
        """Return the time, in UTC."""
        if self._frozen is not None:
            return self._frozen
        return datetime.now(UTC) + self._offset

    def advance(self, *, seconds: float = 0.0, days: float = 0.0) -> None:
        """Move the clock forward."""
        step = timedelta(days=days, seconds=seconds)
        if step < timedelta(0):
            raise ValueError("a clock does not go back")
        if self._frozen is None:
            self._offset += step
        else:
            self._frozen += step

    def freeze(self) -> None:
        """Stop the clock at its present time."""
        self._frozen = self.now()


def milliseconds(moment: datetime) -> int:
    """Count the milliseconds from the epoch to `moment`."""
    return int(moment.timestamp() * 1000)


def timestamp(moment: int | None) -> str | None:
    """Format milliseconds since the epoch as the API does."""
    if moment is None:
        return None
    written = datetime.fromtimestamp(moment / 1000, UTC).isoformat(
        timespec="milliseconds"
    )
    return written.removesuffix("+00:00") + "Z"
