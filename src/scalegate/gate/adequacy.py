"""What a policy does not have: the reasons for the INADEQUATE banner. It is the default.

The list names what is absent as well as what is undefined, so deleting an honest clause gains nothing. This
version of the language has no residual-risk gate and no way to adopt an understanding test, so it never
lifts: that is said, not hidden.
"""

from __future__ import annotations

from collections.abc import Iterator

from scalegate.policy.document import ACTIONS, Capability, Clause, Policy, Safeguards, UndefinedTest

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
    unset = [person.id for person in policy.people if person.key == "unset"]
    if unset:
        reasons.append(f"People without a key sign nothing that counts: {', '.join(unset)}.")
    return tuple(reasons)


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
