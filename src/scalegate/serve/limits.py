"""How much one client may send in: so many at once, and so many a minute after that."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable

__all__ = ["Limits"]

_MOST_CLIENTS = 4096


class Limits:
    """Of each client, by its address, what it may still send in: a bucket that fills up again evenly.

    Those that were away longest are forgotten first. Use it from one thread.
    """

    def __init__(self, burst: int = 30, per_minute: int = 60, clock: Callable[[], float] = time.monotonic) -> None:
        self._burst, self._a_second, self._clock = float(burst), per_minute / 60, clock
        self._clients: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def wait(self, client: str) -> float:
        """Take one from a client's bucket. Returns 0, or for how many seconds it is empty: then nothing was taken."""
        now = self._clock()
        left, at = self._clients.pop(client, (self._burst, now))
        left = min(self._burst, left + (now - at) * self._a_second)
        short = 1 - left
        self._clients[client] = (left if short > 0 else left - 1, now)
        while len(self._clients) > _MOST_CLIENTS:
            self._clients.popitem(last=False)
        return max(0.0, short / self._a_second)
