"""What lifts a clause without meeting what it asks for: its end, a date of its condition, a record on its tier."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from fractions import Fraction

from scalegate.policy.document import Clause, Moratorium, Policy
from scalegate.policy.entails import positive
from scalegate.policy.exceptions import excused
from scalegate.policy.syntax import Expr, compares, net
from scalegate.units import format_end

__all__ = ["lifted_by", "signed_away"]


def lifted_by(policy: Policy, clause: Clause, conditions: Iterable[Expr]) -> tuple[str, ...]:
    """Each as what releases it; empty: nothing does but what meets it."""
    return tuple(_dates(clause, conditions)) + tuple(_records(policy, clause))


def _dates(clause: Clause, conditions: Iterable[Expr]) -> Iterator[str]:
    if clause.in_force is not None and clause.in_force.until is not None:
        yield f"its end ({format_end(clause.in_force.until)})"
    if any(net(it).get("now", Fraction(0)) > 0 for tree in conditions for it in compares(positive(tree))):
        yield "its date" if isinstance(clause, Moratorium) else "a date that it names"


def _records(policy: Policy, clause: Clause) -> Iterator[str]:
    tier = next((it for it in policy.tiers if it.id == clause.tier), None)
    if tier is not None:
        yield f"one signature of the role `{tier.recorded_by}` that too few have adopted `{tier.id}`"


def signed_away(policy: Policy, clause: Clause, conditions: Iterable[Expr]) -> str:
    """Who can set aside what nothing meets, as a sentence goes on after "so nothing passes it, and "."""
    ways = lifted_by(policy, clause, conditions)
    named = [it.id for action in clause.actions for it in excused(policy, action).get(clause.id, ())]
    excepted = " or ".join(f"`{it}`" for it in dict.fromkeys(named))
    if not ways:
        return f"what it holds goes on only by the exception {excepted}" if excepted else "nobody can sign it away"
    by = f"; by the exception {excepted} what it holds may go on" if excepted else ""
    return f"what lifts it is {' or '.join(ways)}{by}"
