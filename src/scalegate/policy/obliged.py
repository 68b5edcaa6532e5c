"""When an obligation is kept: a condition over when it is due next, and over whether a deadline was missed for good.

Facts of obligation O:

| fact | meaning |
|---|---|
| `obligation.O.due` | the first deadline of which nobody has signed yet, in time or late, that it was kept |
| `obligation.O.missed` | of one whose breach stands: some deadline was kept late |

Which deadlines there are, and which were kept, is worked out from the ledger (`gate.duties`).
"""

from __future__ import annotations

from scalegate.policy.document import Obligation, Policy
from scalegate.policy.syntax import All, Expr, Fact, Not, at_most, rewritten, term

__all__ = ["OBLIGATION", "kept", "name_of", "with_obligations"]

OBLIGATION = "obligation."
"""How the names of their facts begin."""


def name_of(obligation: Obligation) -> str:
    """The name by which conditions call an obligation, and the beginning of those of its facts."""
    return f"{OBLIGATION}{obligation.id}"


def kept(obligation: Obligation) -> Expr:
    """The condition that no deadline has passed unkept, and where a breach stands, that there never was one."""
    name = name_of(obligation)
    due = at_most(term("now"), term(f"{name}.due"))
    return All((Not(Fact(f"{name}.missed")), due)) if obligation.late == "stands" else due


def with_obligations(policy: Policy, expr: Expr) -> Expr:
    """A condition in which each obligation that it names stands with what it takes."""
    named = {name_of(it): it for it in policy.obligations}
    if not named:
        return expr

    return rewritten(expr, lambda it: kept(named[it.name]) if isinstance(it, Fact) and it.name in named else it)
