"""What was learned against going on: what whoever lets it go on all the same must have seen.

Guarantees: it is read off what each measurement, judgement and claim shows by itself, so that an announcement without a
result, a second result, or going back to earlier weights takes nothing out of it; only a person who takes back their
own word does. What is asked for, and the time, put nothing in.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from fractions import Fraction

from scalegate.evidence import binomial
from scalegate.gate.facts import Assessment, assess
from scalegate.gate.risks import worst_word
from scalegate.gate.situation import Against, Situation
from scalegate.policy.claimed import gating_risk
from scalegate.policy.determined import fact_of
from scalegate.policy.document import Action, Determination, Domain, Policy, Risk
from scalegate.policy.semantics import Facts
from scalegate.units import format_chance

__all__ = ["known_against", "unseen", "worst"]


def known_against(policy: Policy, situation: Situation, action: Action, facts: Facts) -> Iterator[Against]:
    """All of it, the worse after what it is worse than: who has seen an alarm reached has seen it left open."""
    for domain in policy.domains:
        yield from _of_domain(policy, situation, action, domain, facts)
    for item in policy.determinations:
        yield from _of_determination(policy, item, facts)
    for risk in policy.risks:
        yield from _of_risk(policy, situation, action, risk)


def unseen(now: Collection[Against], seen: Collection[Against]) -> tuple[Against, ...]:
    """What is worse now than what somebody saw."""
    return tuple(it for it in now if not any(_covers(other, it) for other in seen))


def _covers(seen: Against, it: Against) -> bool:
    if (seen.what, seen.about, seen.by) != (it.what, it.about, it.by):
        return False
    return it.bound is None or (seen.bound is not None and it.bound <= seen.bound)


def _of_domain(policy: Policy, situation: Situation, action: Action, domain: Domain, facts: Facts) -> Iterator[Against]:
    judged = [assess(policy, domain, it) for it in situation.pieces if it.domain == domain.id]
    if facts.get(f"{domain.id}.reached_early") is True:
        yield Against(what="reached early", about=domain.id)
    reached = facts.get(f"{domain.id}.reached") is True or any(it.reached for it in judged)
    asked = situation.exact(action) if action != "train" else None
    about = (it for it in judged if asked is None or (it.piece.weights, it.piece.configuration) == asked)
    if reached or any(it.leaves_open for it in about):
        yield Against(what="left open", about=domain.id)
    if reached:
        yield Against(what="reached", about=domain.id)
        of_descendants = (assess(policy, domain, it) for it in situation.descendants if it.domain == domain.id)
        if any(_over(domain, it) for it in (*judged, *of_descendants)):
            yield Against(what="over", about=domain.id)


def _over(domain: Domain, item: Assessment) -> bool:
    piece = item.piece
    return item.reached and binomial.reached(piece.successes, piece.completed, domain.threshold)


def _of_determination(policy: Policy, item: Determination, facts: Facts) -> Iterator[Against]:
    for person in policy.signers(item.decided_by):
        name = fact_of(item, person.id)
        if facts.get(f"{name}.denied_anywhere") is True:
            yield Against(what="denied anywhere", about=item.id, by=person.id)
        if facts.get(f"{name}.denied") is True:
            yield Against(what="denied", about=item.id, by=person.id)


def _of_risk(policy: Policy, situation: Situation, action: Action, risk: Risk) -> Iterator[Against]:
    numbers = [clause.at_most for clause in gating_risk(policy, risk, action)]
    most, unbounded = worst_word(policy, situation, action, risk)
    if numbers and most > min(numbers):
        yield Against(what="too much", about=risk.id, bound=most)
    if numbers and unbounded:
        yield Against(what="unbounded", about=risk.id)


def worst(found: Collection[Against]) -> tuple[str, ...]:
    """In words, of each domain, judgement and risk the worst."""
    return tuple(map(_worded, {(it.about, it.by): it for it in found}.values()))


def _worded(it: Against) -> str:
    match it.what:
        case "left open":
            return f"the alarm of `{it.about}` left open"
        case "reached":
            return f"the alarm of `{it.about}` reached"
        case "over":
            return f"the threshold of `{it.about}` reached"
        case "reached early":
            return f"the alarm of `{it.about}` reached early, by another run"
        case "denied":
            return f"`{it.about}` denied by `{it.by}`"
        case "denied anywhere":
            return f"`{it.about}` denied by `{it.by}` of other weights"
        case "too much":
            return f"{format_chance(it.bound or Fraction(1))} claimed of the risk `{it.about}`"
        case "unbounded":
            return f"the risk `{it.about}` said to be without a bound"
