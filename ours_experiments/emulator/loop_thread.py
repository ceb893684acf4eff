"""An event loop in a thread of its own, for tests that are not asynchronous."""

import asyncio
import selectors
from collections.abc import Coroutine
from threading import RLock, Thread
from typing import TypeVar


T = TypeVar("T")


class _SharingSelector(selectors.DefaultSelector):
    """A selector that gives a lock to other threads while it waits.

    All callbacks of the loop run with the lock held. So one lock keeps other threads
    out of every handler, and no handler needs to take it.
    """

    def __init__(self, lock: RLock) -> None:
        super().__init__()
        self._lock = lock

    def select(
        self, timeout: float | None = None
    ) -> list[tuple[selectors.SelectorKey, int]]:
        """Wait for events, the lock released meanwhile."""
        self._lock.release()
        try:
            return super().select(timeout)
        finally:
            self._lock.acquire()


class LoopThread:
    """Run an event loop in a thread, each of its callbacks under a lock."""

    def __init__(self, lock: RLock) -> None:
        self._lock = lock
        self._loop = asyncio.SelectorEventLoop(_SharingSelector(lock))
        # A daemon: a test that never ends its block must not keep Python from exiting.
        self._thread = Thread(target=self._serve, name="emulator", daemon=True)
        self._thread.start()

    def run(self, coroutine: Coroutine[object, object, T]) -> T:
        """Run a coroutine in the thread, and return its result."""
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result()

    def close(self) -> None:
        """Stop the loop, and wait for the thread to end."""
        self.run(self._loop.shutdown_asyncgens())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def _serve(self) -> None:
        with self._lock:
            asyncio.set_event_loop(self._loop)
            self._loop.run_forever()
