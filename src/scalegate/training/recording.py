"""Whether a run's weights may be recorded: an entry that cannot be is a fault of the run for good."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import TYPE_CHECKING

from scalegate.errors import InputError
from scalegate.gate.bookkeeping import recording_faults, weights_in
from scalegate.gate.lineage import lineage_faults
from scalegate.training.held import Held
from scalegate.training.keys import names_gate
from scalegate.weights import manifest_of

if TYPE_CHECKING:
    from scalegate.training.session import Session

__all__ = ["check_recordable", "files_saved"]

LOG = logging.getLogger(__name__)


def check_recordable(session: Session, weights: str, trained: int) -> None:
    """Raise Held if recording these weights would be a fault of the run for good."""
    nothing = "nothing was written, and the checkpoint is as it was"
    untrained = session.state.latest.start_weights if trained == session.base else None
    had, start = session.state.known(weights), session.state.first.start_weights
    if session.state.latest.session != session.token:
        why = f"run `{session.run}` is another process's by now"
        raise Held(why, session.decision, fix=f"what this one trained since its last save is lost; {nothing}")
    if session.superseded and not names_gate(session.policy, session.keys):
        raise Held(
            f"run `{session.run}`: the policy in force names another key for the gate",
            session.decision,
            fix=f"open the run again with that key, from weights that are recorded; {nothing}",
        )
    if had is not None and had > trained - session.state.lost.get(session.token, 0):
        raise Held(
            f"run `{session.run}`: these weights hold {had} FLOP of it, more than this gate counts",
            session.decision,
            fix=f"load a checkpoint before the gate is opened: close it and open the run again; {nothing}",
        )
    if trained > session.base and weights == start == session.state.tip and start not in session.state.weights:
        raise Held(
            f"run `{session.run}`: training was metered, and the weights are those that it started from",
            session.decision,
            fix="save after a step that was taken; if the run went back to its start, open it again from there;"
            f" {nothing}",
        )
    if had is None and session.state.recorded.get((session.token, trained), untrained or weights) != weights:
        raise Held(
            f"run `{session.run}`: the weights have changed, and no training was metered meanwhile",
            session.decision,
            fix="leave buffers and parameters alone between steps, or meter what changes them; to go back to a"
            f" checkpoint, load one that was recorded; {nothing}",
        )
    runs = session.journal.fold.runs
    unknown = lineage_faults(runs, session.run)
    if unknown:
        mends = "; ".join(fault.mend for fault in unknown if fault.mend)
        why = f"run `{session.run}`: these weights cannot be recorded, since {unknown[0].text}"
        raise Held(why, session.decision, fix=f"{mends or 'another run must declare it'}; {nothing}")
    faults = recording_faults(runs, session.state, session.recording(weights, trained))
    if faults:
        raise Held(
            f"run `{session.run}`: an entry that it writes now {faults[0]}",
            session.decision,
            fix="what went into weights is declared by the run that made them; two runs that are trained alike from"
            f" one start come to the same weights: take another seed or order of data; {nothing}",
        )


def files_saved(session: Session, weights: str, saved: object) -> str | None:
    """The digest of the files that a checkpoint function says it wrote, hashed here; None: nothing is to be recorded.

    Raises Held where the ledger has them as the files of other weights: then they do not hold these, and the run could
    not go on from them. What cannot be hashed is logged: the weights are recorded, and no verdict rests on their files.
    """
    if not isinstance(saved, Path):
        return None
    try:
        files = manifest_of(saved).digest
    except InputError as error:
        LOG.error("run `%s`: it is not recorded which files hold its weights: %s", session.run, error)
        return None
    named = weights_in(session.journal.fold.runs, files)
    if set(named) - {weights}:
        raise Held(
            f"run `{session.run}`: the files that were saved, {saved}, hold weights {named[0][:12]}, and not these",
            session.decision,
            fix="have `checkpoint` write the weights as they now are, and return where it did",
        )
    return None if named else files
