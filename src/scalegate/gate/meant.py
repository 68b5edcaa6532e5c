"""What was signed elsewhere and would be written, and is not what its signer can have meant.

The fold takes what is against whatever it is of, as it may be in the ledger already. Before it is written it is told to
whoever signed it, as the commands tell it before a signature: a run that nobody opened is a slip of the pen.
"""

from __future__ import annotations

from scalegate.errors import InputError
from scalegate.gate.fold import Fold
from scalegate.gate.judging import not_claimed, not_judged
from scalegate.gate.pieces import trained_in
from scalegate.gate.risks import claimed_compute
from scalegate.ledger import entries
from scalegate.ledger.entries import Entry

__all__ = ["check_meant"]


def check_meant(fold: Fold, entry: Entry) -> None:
    """Raise InputError for a judgement, a claim, an exception or an incident of what the ledger does not know."""
    match entry:
        case entries.Determination():
            why = not_judged(fold, entry)
            if why is None and entry.holds and entry.weights is not None:
                known = trained_in(fold.runs, entry.weights)[1] is not None
                why = None if known else "the ledger does not know these weights"
        case entries.RiskClaimed():
            why = not_claimed(entry) or _opened(fold, entry.run) or _claimable(fold, entry)
        case entries.ExceptionGranted():
            why = _opened(fold, entry.run)
        case entries.IncidentReported():
            why = _seen(fold, entry)
        case _:
            return
    if why is not None:
        raise InputError(why, fix="`scalegate status` shows the runs and their weights; sign it of these")


def _opened(fold: Fold, run: str | None) -> str | None:
    if run is None:
        return "it names no run, and is of one"
    return None if run in fold.runs else f"no run `{run}` has been opened in this ledger"


def _claimable(fold: Fold, entry: entries.RiskClaimed) -> str | None:
    """Of weights that nobody saved somebody may have said that it cannot be bounded, and then it may be taken back."""
    said = any(it.entry.weights == entry.weights and it.entry.bound is None for it in fold.claimed)
    known = claimed_compute(fold.runs, entry.weights) is not None
    return None if entry.bound is None or known or said else "the ledger does not know these weights"


def _seen(fold: Fold, entry: entries.IncidentReported) -> str | None:
    if entry.run is None:
        return None if entry.weights is None else "weights are of a run, and it names none"
    if (unopened := _opened(fold, entry.run)) or entry.weights is None:
        return unopened
    run = fold.runs[entry.run]
    had = entry.weights in run.weights or entry.weights in run.starts
    return None if had else f"run `{entry.run}` never had weights {entry.weights[:12]}"
