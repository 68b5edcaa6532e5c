"""The best that evidence could come to say, and who can sign: what a hold may hope for and never promises."""

from __future__ import annotations

from collections.abc import Iterator

from scalegate.gate.assessing import assess
from scalegate.gate.assumptions import defeating
from scalegate.gate.forecasts import forecast_fact, points_in, still_due
from scalegate.gate.situation import Situation
from scalegate.policy.catalogue import unaccepted
from scalegate.policy.document import Domain, Policy
from scalegate.policy.semantics import Facts, Value
from scalegate.units import MAX_FLOP

__all__ = ["able_to_sign", "anew", "best", "evaluators"]


def able_to_sign(policy: Policy) -> frozenset[str]:
    """People with a key; everybody where nobody has one, as in a policy that is not in force yet."""
    keyed = frozenset(person.id for person in policy.people if person.signing != "unset")
    return keyed or frozenset(person.id for person in policy.people)


def evaluators(policy: Policy) -> frozenset[str]:
    """Who may sign what a measurement showed."""
    return frozenset(person.id for person in policy.with_role("evaluator"))


def best(policy: Policy, situation: Situation, facts: Facts, *, broken: bool = False) -> list[tuple[str, Value]]:
    """The best that evidence could come to say. `broken`: once what broke is signed to hold again."""
    found: list[tuple[str, Value]] = []
    for domain in policy.domains:
        found += _in(policy, situation, facts, domain, broken)
    return found


def anew(policy: Policy, situation: Situation, facts: Facts, *, broken: bool = False) -> list[tuple[str, Value]]:
    """The best that evaluations which are still to be announced could come to say: where all are spent, none."""
    found: list[tuple[str, Value]] = []
    for domain in policy.domains:
        left = policy.budget.evaluations - _spent(situation, domain)
        due = still_due(domain, points_in(policy, domain, situation)) if domain.forecast is not None else 0
        if left > 0:
            known = _in(policy, situation, facts, domain, broken)
            found += [(name, value) for name, value in known if name != forecast_fact(domain) or due <= left]
    return found


def _in(
    policy: Policy, situation: Situation, facts: Facts, domain: Domain, broken: bool
) -> Iterator[tuple[str, Value]]:
    if any(unaccepted(policy, domain)) or (not broken and defeating(situation.broken, domain.id)):
        return
    mine = [piece for piece in situation.pieces if piece.domain == domain.id]
    left = _spent(situation, domain) < policy.budget.evaluations
    if facts.get(f"{domain.id}.reached") is not True:
        if not left and all(assess(policy, domain, piece).faults for piece in mine):
            return
        yield f"{domain.id}.ruled_out", True
        yield f"{domain.id}.reached", False
    yield f"{domain.id}.evidence.compute", situation.compute
    yield f"{domain.id}.evidence.time", situation.now
    if domain.of_capability:
        yield f"{domain.id}.elicitation", MAX_FLOP
    if domain.forecast is not None:
        yield forecast_fact(domain), MAX_FLOP


def _spent(situation: Situation, domain: Domain) -> int:
    """Evaluations of the domain by the lineage."""
    return max((piece.attempt for piece in situation.pieces if piece.domain == domain.id), default=0)
