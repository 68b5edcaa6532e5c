"""What a policy does not have: the reasons for the INADEQUATE banner. It is the default.

The list names what is absent as well as what is undefined, so deleting an honest clause gains nothing. This
version of the language has no residual-risk gate and no way to adopt an understanding test, so it never
lifts: that is said, not hidden.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from fractions import Fraction

from scalegate.policy.document import ACTIONS, Cadence, Capability, Clause, Policy, Safeguards, UndefinedTest
from scalegate.units import format_factor, format_flop

__all__ = ["inadequate"]


def inadequate(policy: Policy) -> tuple[str, ...]:
    """Why the policy is inadequate to ensure safety, each reason a sentence."""
    reasons = ["It has no residual-risk gate: no number is given for the risk that remains when every clause is met."]
    tests = [clause.test for clause in policy.clauses if isinstance(clause, UndefinedTest)]
    reasons += [f"The test `{test.id}` is not defined: {test.purpose}" for test in tests]
    if not tests:
        reasons.append("It has no understanding test: nothing asks whether we know why the model is not dangerous.")
    if not policy.domains:
        reasons.append("It has no domain with a measurable threshold.")
    reasons += _ungated(policy)
    weak = [clause.id for clause in policy.clauses if not clause.gates]
    if weak:
        reasons.append(f"Clauses that are aims or illustrations protect nothing: {', '.join(weak)}.")
    reasons += _misquoted(policy)
    unset = [person.id for person in policy.people if person.key == "unset"]
    if unset:
        reasons.append(f"People without a key sign nothing that counts: {', '.join(unset)}.")
    return tuple(reasons)


def _misquoted(policy: Policy) -> Iterator[str]:
    """Clauses whose sentence names amounts with an exponent, or factors, none of them theirs: people sign for it."""
    for clause in policy.clauses:
        amounts = {value for name in ("at", "above") if (value := getattr(clause, name, None)) is not None}
        factors = {clause.every} if isinstance(clause, Cadence) else set[Fraction]()
        for known, pattern in (
            (amounts, r"\b[0-9]+(?:\.[0-9]+)?[eE]\+?[0-9]{1,2}\b"),
            (factors, r"\b[0-9]+(?:\.[0-9]+)?(?=x\b)"),
        ):
            said = [text for text in re.findall(pattern, clause.text) if known]
            if said and not any(Fraction(text) in known for text in said):
                has = " and ".join(
                    format_flop(int(it)) if known is amounts else format_factor(it) for it in sorted(known)
                )
                unit = "" if known is amounts else "x"
                yield f"The sentence of `{clause.id}` says {said[0]}{unit}, and what is decided by is {has}."


def _ungated(policy: Policy) -> Iterator[str]:
    """Domains that an action may pass by: no clause about them binds it at all times and for everyone."""

    def surely(clause: Clause, action: str) -> bool:
        return clause.gates and action in clause.actions and clause.tier is None and clause.in_force is None

    for action in ACTIONS:
        clauses = [clause for clause in policy.clauses if clause.gates and action in clause.actions]
        if not any(isinstance(clause, Capability) for clause in clauses):
            continue  # an action without such a clause is held
        sure = [clause for clause in clauses if surely(clause, action)]
        evaluated = {clause.domain for clause in sure if isinstance(clause, Capability)}
        guarded = {clause.level for clause in sure if isinstance(clause, Safeguards)}
        missed = [domain.id for domain in policy.domains if domain.id not in evaluated]
        unguarded = [domain.id for domain in policy.domains if domain.level not in guarded]
        if missed:
            yield f"For `{action}` no clause that binds at all times asks for evidence in: {', '.join(missed)}."
        if unguarded:
            yield f"For `{action}` no clause that binds at all times asks for safeguards in: {', '.join(unguarded)}."
