"""A thread that folds a served ledger: what it is given goes through it in turn.

What is submitted goes through one, and what is told of runs through another with a fold of its own: it decides again on
every run, and whoever asks for that keeps nobody from signing.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

from scalegate.errors import NotVerified, ScalegateError
from scalegate.gate import Journal
from scalegate.gate.journal import wall_time
from scalegate.ledger import SigningKey

__all__ = ["MOST_READING", "Busy", "Desk"]

T = TypeVar("T")
MOST_WAITING = 16
MOST_READING = 4
"""With more waiting, nobody else is told of runs."""


class Busy(ScalegateError):
    """Too much waits already. Nothing was done."""


class Desk:
    """A journal that stays open, used in a thread of its own: it is opened there, and anew after an error."""

    def __init__(
        self,
        path: Path,
        log_key: SigningKey | None,
        *,
        now: Callable[[], int] = wall_time,
        most_waiting: int = MOST_WAITING,
    ) -> None:
        self.path = path
        self.takes = log_key is not None
        """Whether anything can be written."""
        self.now = now
        self._log_key = log_key
        self._thread = ThreadPoolExecutor(1, "ledger")
        self._journal: Journal | None = None
        self._file: tuple[int, int] | None = None
        self._waiting, self._most = 0, most_waiting

    async def do(self, work: Callable[[Journal], T]) -> T:
        """What `work` returns of the journal at the ledger's head. Call it from the event loop.

        Raises Busy where too many wait already, what opening raises, and what `work` raises.
        """
        if self._waiting >= self._most:
            raise Busy("too many wait for the ledger", fix="send it again in some seconds: it is written once")
        self._waiting += 1
        try:
            future = asyncio.get_running_loop().run_in_executor(self._thread, self._done, work)
        except BaseException:
            self._waiting -= 1
            raise
        # Also where its client is gone: what was begun goes on.
        future.add_done_callback(self._left)
        return await asyncio.shield(future)

    def begin(self, work: Callable[[Journal], T]) -> T:
        """The same before there is an event loop: all of the ledger is read once, and who asks first need not wait.

        Raises what opening raises, and what `work` raises.
        """
        return self._thread.submit(self._done, work).result()

    def close(self) -> None:
        """Let go of the ledger, once what is under way is done."""
        self._thread.submit(self._drop).result()
        self._thread.shutdown()

    def _left(self, future: asyncio.Future[T]) -> None:
        self._waiting -= 1
        if not future.cancelled():
            # Of a client that is gone nobody asks.
            future.exception()

    def _done(self, work: Callable[[Journal], T]) -> T:
        file = self._there()
        if file != self._file:
            # Another file is in its place: what is written to the one that is open would be lost.
            self._drop()
        try:
            if self._journal is None:
                self._journal, self._file = Journal.open(self.path, log_key=self._log_key, now=self.now), file
            self._journal.refresh()
            return work(self._journal)
        except NotVerified:
            # What is put right is read from its start again.
            self._drop()
            raise

    def _there(self) -> tuple[int, int] | None:
        """Which file is in the ledger's place."""
        try:
            stat = self.path.stat()
        except OSError:
            # Opening it says why.
            return None
        return stat.st_dev, stat.st_ino

    def _drop(self) -> None:
        journal, self._journal, self._file = self._journal, None, None
        if journal is not None:
            journal.close()
