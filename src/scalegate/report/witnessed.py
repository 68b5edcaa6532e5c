"""What a clause on witnesses asks for, in a sentence for people."""

from __future__ import annotations

from scalegate.policy.clause_figures import shown
from scalegate.policy.document import Witnessed
from scalegate.units import format_duration

__all__ = ["witnessed"]


def witnessed(clause: Witnessed, held: str) -> str:
    """The sentence; `held`: how it begins, with what is held."""
    names = ", ".join(f"`{key.partition('+')[0]}`" for key in clause.witnesses)
    within, have = shown(clause.within, format_duration), "has" if clause.at_least == 1 else "have"
    return (
        f"{held} unless {clause.at_least} of {len(clause.witnesses)} witnesses ({names}) {have} cosigned this very"
        f" ledger no longer ago than {within}, with all of its entries but those that are no older than that. A ledger"
        " that was rolled back, or that others are shown otherwise, has no such cosignatures."
    )
