"""What becomes of a gate when its process ends or forks."""

from __future__ import annotations

import atexit
import logging
import os
import weakref
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, TypeAlias

from scalegate.errors import ScalegateError
from scalegate.gate import Decision
from scalegate.training.beside import fault_of, store
from scalegate.training.held import Held

__all__ = ["Authorised", "at_end", "authorised", "ended", "leave", "report"]

LOG = logging.getLogger(__name__)


class Ending(Protocol):
    def close(self) -> None: ...

    def abandon(self) -> None: ...

    def save(self) -> str: ...

    def doubt(self) -> None: ...

    def meter_fault(self, reason: str) -> None: ...

    @property
    def authorised(self) -> int: ...

    @property
    def unsaved(self) -> bool: ...


Authorised: TypeAlias = tuple[dict[str, int], int]


@dataclass(frozen=True)
class Closed:
    """A gate that was closed."""

    folder: Path
    """Where its project keeps what is not in the ledger."""
    session: str
    authorised: int


OPEN: dict[str, Ending] = {}
"""The gates of this process that were not closed, by session."""
CLOSED: list[Closed] = []
"""What is left of those that were: a meter may be found out later."""


def at_end(gate: Ending, session: str) -> None:
    """A script that ends without `close` gives back what it did not spend. A forked copy has no permit.

    A crash gives nothing back, and a copy would spend the same reservation a second time.
    """
    this = weakref.ref(gate)
    os.register_at_fork(after_in_child=lambda: _abandon(this))
    # A gate that nothing refers to any more is kept until then: what it reserved is not spent by anybody.
    OPEN[session] = gate


def ended(gate: Ending, folder: Path, session: str) -> None:
    """The gate was closed: there is nothing left to do, unless a meter is found out."""
    if OPEN.pop(session, None) is not None:
        CLOSED.append(Closed(folder, session, gate.authorised))


@atexit.register
def _close_all() -> None:
    for gate in reversed(list(OPEN.values())):
        try:
            gate.close()
        except ScalegateError as error:
            LOG.error("the gate cannot be closed: %s", error)


def authorised() -> Authorised:
    """FLOP that the gates of this process have authorised by now: of each that is open, and which were closed."""
    return {session: gate.authorised for session, gate in OPEN.items()}, len(CLOSED)


def report(reason: str, before: Authorised) -> Decision | None:
    """A meter of this process was found to have counted too little: a fault of every run that was trained meanwhile.

    Which of them it counted for is not known. `before`: what they had authorised when it counted first. Returns the
    hold that it makes; None if no gate authorised a step since.
    """
    decision: Decision | None = None
    were, closed = before
    for session, gate in list(OPEN.items()):
        if gate.authorised > were.get(session, 0):
            try:
                gate.meter_fault(reason)
            except Held as held:
                decision = decision or held.decision
    for past in CLOSED[closed:]:
        if past.authorised > were.get(past.session, 0):
            # Whoever opens a run of that ledger next takes it up.
            try:
                store(past.folder, fault_of(past.session, reason))
            except OSError as error:
                LOG.error("a fault of the meter cannot be stored in %s: %s", past.folder, error)
    return decision


def leave(gate: Ending, *, save: bool, last: bool, ended: type[BaseException] | None, held: bool) -> None:
    """The block that the gate was opened for has ended, by an exception or well: save what was trained, and close.

    `last`: whether a step was authorised last of all. Raises what the script's own functions raise, unless something
    else ended the block, or it was `held` before.
    """
    try:
        if save and last:
            gate.doubt()
        if save and gate.unsaved:
            gate.save()
    except Exception as error:
        if not (ended or held or isinstance(error, Held)):
            raise
        LOG.error("what was trained last cannot be saved: %s", error)
    finally:
        try:
            gate.close()
        except ScalegateError as error:
            if ended is None:
                raise
            # What ended the block is what the script is to see.
            LOG.error("the gate cannot be closed: %s", error)


def _abandon(this: weakref.ref[Ending]) -> None:
    gate = this()
    if gate is not None:
        gate.abandon()
