"""What becomes of a gate when its process ends or forks."""

from __future__ import annotations

import atexit
import os
import weakref
from typing import Protocol

__all__ = ["at_end", "ended"]


class Ending(Protocol):
    def close(self) -> None: ...

    def abandon(self) -> None: ...


def at_end(gate: Ending) -> None:
    """A script that ends without `close` gives back what it did not spend. A forked copy has no permit.

    A crash gives nothing back, and a copy would spend the same reservation a second time.
    """
    this = weakref.ref(gate)
    os.register_at_fork(after_in_child=lambda: _abandon(this))
    # A gate that nothing refers to any more is kept until then: what it reserved is not spent by anybody.
    atexit.register(gate.close)


def ended(gate: Ending) -> None:
    """The gate was closed: there is nothing left to do."""
    atexit.unregister(gate.close)


def _abandon(this: weakref.ref[Ending]) -> None:
    gate = this()
    if gate is not None:
        gate.abandon()
