"""What this process may still spend of the compute that it has reserved, and what of it went into the weights.

An interrupt may come between any two lines. So what is given back is gone from here before the ledger hears of it,
what is granted comes here after the ledger has it, and training is counted last: what is cut short can only forfeit.
"""

from __future__ import annotations

import logging
import time
from collections import deque
from collections.abc import Callable

from scalegate.training.notices import CHANGED, SKIPPED, UNTAKEN

__all__ = ["Tranche"]

LOG = logging.getLogger(__name__)
FIRST_STEPS = 64
FIRST_PART = 16
"""While no pace is known, a tranche is at most so many steps, and at most one part in so many of the room."""
PART = 4
"""After that it is at most one part in so many of the room: a crash forfeits no whole permit."""
SECONDS = 20.0
"""Unless a size is given, it is fitted to last about this long: what a crash forfeits at most."""


class Tranche:
    """Reserved training FLOP, counted down step by step."""

    def __init__(self, size: int | None, run: str) -> None:
        self._size, self._run = size, run
        self._told = self._told_changed = self._told_untaken = False
        self._spent_untaken = False
        """Whether the guarded optimizer has taken nothing since compute was last granted."""
        self.left = 0
        """Reserved in the ledger and not authorised for any step."""
        self.spent = 0
        """Authorised for steps of this process, less what is known not to have been taken."""
        self.authorised = 0
        """All that was ever authorised."""
        self.pending = 0
        """Of `spent`, what the guarded optimizer has not taken."""
        self._latest: deque[int] = deque()
        """The last of these steps: no more than the optimizer takes at once."""
        self.guarded = False
        self.version: Callable[[], int] = lambda: 0
        """Moves on whenever the weights change."""
        self._known = 0
        """The version that the optimizer left, or that was recorded."""
        self._last = 0
        """Of `spent`, the step that was authorised last."""
        self._granted_after = 0
        self._granted_at = 0.0

    @property
    def trained(self) -> int:
        """FLOP that went into the weights in this process: never more than it was."""
        return self.spent - self.pending

    def spend(self, flops: int) -> bool:
        """Authorise a step, if so much is left: a signal handler may have given it back a moment ago."""
        if flops > self.left:
            return False
        self.left -= flops
        if self.guarded:
            self.pending += flops
            self._latest.append(flops)
        self.spent += flops
        self.authorised += flops
        self._last = flops
        return True

    def taken(self, at_once: int) -> None:
        """The guarded optimizer took the last steps that were authorised, so many. Those before were skipped."""
        skipped = self.pending - sum(list(self._latest)[-at_once:])
        self.spent -= skipped
        self._spent_untaken = False
        self.known()
        self._settle_pending()
        if skipped and not self._told:
            self._told = True
            LOG.warning(SKIPPED, self._run, skipped)

    def look(self) -> None:
        """Say once if something else than the guarded optimizer has changed the weights since they were known."""
        if self.version() != self._known and not self._told_changed:
            self._told_changed = True
            LOG.warning(CHANGED, self._run)

    def known(self) -> None:
        """The weights are what they are said to be."""
        self._known = self.version()

    def saved(self, *, new: bool) -> None:
        """They are recorded; `new`: for the first time, so that they are none that were loaded back."""
        if new:
            self.look()
        self.known()

    def drop(self) -> None:
        """A step that was authorised will not be taken: it stays reserved, and is never in the weights."""
        self.spent -= self.pending
        self._settle_pending()

    def _settle_pending(self) -> None:
        # An interrupt in between must not leave more in `_latest` than is pending.
        self._last = 0 if self.guarded else self._last
        self._latest.clear()
        self.pending = 0

    def skip(self) -> None:
        """The step that was authorised last was not taken: it stays reserved, and is never in the weights."""
        skipped, self._last = self._last, 0
        self.spent -= skipped
        if self._latest and skipped:
            self._latest[-1] = 0  # it keeps its place: none before it is taken instead
            self.pending -= skipped

    def guard(self, authorised: bool, at_once: int) -> None:
        """From now on the optimizer says which steps were taken, so many at once; one that is `authorised` already was
        not taken yet."""
        if not self.guarded:
            self.pending = self._last if authorised else 0
            self._latest = deque([self.pending] if self.pending else (), at_once)
        elif at_once > (self._latest.maxlen or 0):
            self._latest = deque(self._latest, at_once)
        self.guarded = True

    def doubt(self) -> int:
        """Nobody can tell whether the last step was taken: it stays reserved, and counts as in no weights. Its FLOP."""
        doubted = 0 if self.guarded else self._last
        self.spent -= doubted
        self._last = 0
        return doubted

    def believe(self, flops: int) -> None:
        """The step that was in doubt was taken."""
        self.spent += flops

    def add(self, granted: int) -> None:
        """Take what the ledger has reserved."""
        if self._spent_untaken and self.pending > sum(self._latest) and not self._told_untaken:
            self._told_untaken = True
            LOG.warning(UNTAKEN, self._run)
        self._spent_untaken = self.guarded
        self._granted_after, self._granted_at = self.spent, time.monotonic()
        self.left += granted

    def give_back(self) -> int:
        """Take out what is left, to be given back: from here on it may not be spent, whatever comes of it."""
        unspent, self.left = self.left, 0
        return unspent

    def wanted(self, flops: int, room: int) -> int:
        """FLOP to reserve for steps of `flops` where the permit has `room`.

        They last SECONDS at the pace of the last ones, and are at most twice as much and a part of the room. The first
        are a small part of it: a crash before anything is saved forfeits them, and nothing can be evaluated that would
        make it good.
        """
        if self._size is not None:
            return self._size
        spent, lasted = self.spent - self._granted_after, time.monotonic() - self._granted_at
        if spent <= 0 or lasted <= 0:
            return max(flops, min(FIRST_STEPS * flops, room // FIRST_PART))
        paced = int(min(2.0, SECONDS / lasted) * spent)
        return max(flops, min(paced, max(room // PART, FIRST_STEPS * flops)))
