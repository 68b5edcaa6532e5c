"""What becomes of a gate when its process ends or forks."""

from __future__ import annotations

import atexit
import logging
import os
import weakref
from contextlib import suppress
from typing import Protocol, TypeAlias

from scalegate.errors import ScalegateError
from scalegate.gate import Decision
from scalegate.training.arguments import line
from scalegate.training.held import Held
from scalegate.training.left import Trace, Writer, keep_fault, trace, write_fault

__all__ = ["Authorised", "at_end", "authorised", "ended", "leave", "report", "tell"]

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


OPEN: dict[str, tuple[Ending, Trace]] = {}
"""The gates of this process that were not closed, by session."""
CLOSED: list[tuple[Trace, int]] = []
"""What is left of those that were, and what they authorised: a meter may be found out later."""
UNTOLD: list[tuple[Trace, str]] = []
"""Faults that could be kept nowhere yet."""


def at_end(gate: Ending, session: Writer) -> None:
    """A script that ends without `close` gives back what it did not spend. A forked copy has no permit.

    A crash gives nothing back, and a copy would spend the same reservation a second time.
    """
    this = weakref.ref(gate)
    os.register_at_fork(after_in_child=lambda: _abandon(this))
    # A gate that nothing refers to any more is kept until then: what it reserved is not spent by anybody.
    OPEN[session.token] = gate, trace(session)


def ended(gate: Ending, session: str) -> None:
    """The gate was closed: there is nothing left to do, unless a meter is found out."""
    known = OPEN.pop(session, None)
    if known is not None:
        CLOSED.append((known[1], gate.authorised))


@atexit.register
def _close_all() -> None:
    for gate, _ in reversed(list(OPEN.values())):
        try:
            gate.close()
        except ScalegateError as error:
            LOG.error("the gate cannot be closed: %s", error)
    tell()


def authorised() -> Authorised:
    """FLOP that the gates of this process have authorised by now: of each that is open, and which were closed."""
    return {session: gate.authorised for session, (gate, _) in list(OPEN.items())}, len(CLOSED)


def report(reason: str, before: Authorised) -> Decision | None:
    """A meter of this process was found to have counted too little: a fault of every run that was trained meanwhile.

    Which of them it counted for is not known. `before`: what they had authorised when it counted first. Returns the
    hold that it makes; None if no gate authorised a step since.
    """
    decision: Decision | None = None
    were, closed = before
    reason = line(reason, 2000)
    trained = [it for it in list(OPEN.values()) if it[0].authorised > were.get(it[1].session, 0)]
    over = [of for of, flops in CLOSED[closed:] if flops > were.get(of.session, 0)]
    # All are stored before the first is written: whatever ends the process meanwhile ends no other's.
    for _, of in trained:
        with suppress(OSError):
            keep_fault(of, reason)
    UNTOLD.extend((of, reason) for of in over)
    tell()
    for gate, _ in trained:
        try:
            gate.meter_fault(reason)
        except Held as held:
            decision = decision or held.decision
    return decision


def tell() -> str:
    """Keep what could be kept nowhere until now; what still cannot be is said: empty if nothing is left."""
    left: list[str] = []
    for untold in tuple(UNTOLD):
        of, reason = untold
        try:
            keep_fault(of, reason)
        except OSError as error:
            try:
                write_fault(of, reason)
            except (ScalegateError, OSError):
                left.append(f"run `{of.run}` of {of.ledger}")
                LOG.error("a fault of the meter of run `%s` of %s cannot be kept: %s", of.run, of.ledger, error)
                continue
        UNTOLD.remove(untold)
    return ", ".join(left)


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
        if not (ended or held):
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
