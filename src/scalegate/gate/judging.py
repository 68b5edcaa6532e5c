"""What people judge: how the fold takes in determinations and claims of risk, and which of them say nothing.

Guarantees: what allows anything is of what the policy in force asks for, and of a run and weights that the ledger
knows. What is against counts whatever it is of.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from scalegate.gate.determinations import judged_weights
from scalegate.gate.renaming import as_now, put_down
from scalegate.ledger.entries import Determination, RiskClaimed

if TYPE_CHECKING:
    from scalegate.gate.fold import Fold
    from scalegate.gate.renaming import Who

__all__ = ["claimed", "determined", "not_claimed", "not_judged"]

_UNKNOWN = "the ledger does not know the weights that it is of: they are saved first"


def determined(fold: Fold, entry: Determination) -> str | None:
    """Take in a determination. Returns why it counts for nothing, if it does."""
    if entry.holds:
        why = not_judged(fold, entry)
        if why is not None or not judged_weights(fold.runs, entry, as_now(fold.said, fold.adopted_at, _who(fold))):
            return why or _UNKNOWN
    put_down(fold.said, fold.adopted_at, entry, fold.policy, _who(fold))
    return None


def not_judged(fold: Fold, entry: Determination) -> str | None:
    """Why a determination is not of what the policy in force asks about; None: it is."""
    item = (
        next((it for it in fold.policy.determinations if it.id == entry.determination), None) if fold.policy else None
    )
    if item is None:
        return f"the policy has no determination `{entry.determination}`"
    if item.about == "developer":
        of = (entry.run, entry.weights, entry.configuration)
        return (
            None if of == (None, None, None) else f"`{item.id}` is about the developer, and it names a run or weights"
        )
    if entry.run is None or entry.weights is None:
        return f"`{item.id}` is about weights of a run, and it does not name both"
    return None if entry.run in fold.runs else f"no run `{entry.run}` has been opened in this ledger"


def claimed(fold: Fold, entry: RiskClaimed) -> str | None:
    """Take in a claim of risk. Returns why it counts for nothing, if it does."""
    if entry.configuration is not None and entry.action in ("train", "release_weights"):
        return f"for `{entry.action}` a risk is claimed of the bare weights"
    if entry.bound is not None:
        before = list(as_now(fold.claimed, fold.adopted_at, _who(fold)))
        # Whoever answers for what somebody said who is gone says it of the same, whatever that was.
        if not fold.spending.answers(entry, before, fold.policy):
            why = not_claimed(entry)
            if why is not None or not judged_weights(fold.runs, entry, before):
                return why or _UNKNOWN
    put_down(fold.claimed, fold.adopted_at, entry, fold.policy, _who(fold))
    fold.spending.say(entry, fold.runs, fold.policy, fold.deeds)
    return None


def not_claimed(entry: RiskClaimed) -> str | None:
    """Why a claim of risk is not of something that may be asked about; None: it is."""
    if entry.action not in ("train", "release_weights") and entry.configuration is None:
        return f"for `{entry.action}` a risk is claimed of a deployment configuration, and it names none"
    return None


def _who(fold: Fold) -> Who:
    return fold.deeds.who(fold.policy)
