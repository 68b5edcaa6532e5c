"""What falls due, and which evaluations the gate takes: those that a hold asks for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import floor

from scalegate.gate import Decision
from scalegate.gate.changes import possible_changes
from scalegate.gate.facts import assess, derive_facts
from scalegate.gate.judge import Judge
from scalegate.gate.measures import elicitation_due
from scalegate.gate.resumption import resumption
from scalegate.gate.situation import Piece, Situation
from scalegate.policy import Domain, Policy
from scalegate.training.evaluation import Suite
from scalegate.training.session import Session

__all__ = ["NextDue", "asked_for", "due_next", "unfinished", "why_not"]


@dataclass(frozen=True)
class NextDue:
    """What ends the permit first in compute, and what it will cost to go on."""

    compute: int
    """Effective compute of the lineage at which the permit ends."""
    time: int
    """Instant at which it ends, if compute does not end it before."""
    flops_left: int
    """Training FLOP left until then."""
    clauses: tuple[str, ...]
    """What ends it in compute."""
    time_clauses: tuple[str, ...]
    """What ends it in time."""
    elicitation_flops: int
    """Least FLOP that the elicitation then due will cost; 0 where an evaluation releases nothing."""


def due_next(session: Session, left: int) -> NextDue | None:
    """What ends the session's permit, of which `left` FLOP are reserved and not spent; None: it has none."""
    permit = session.decision.permit if session.decision else None
    if permit is None:
        return None
    session.refresh()
    if not session.permitted():
        return None
    policy, room = session.policy, session.left(permit.compute)
    return NextDue(
        compute=permit.compute,
        time=permit.time,
        flops_left=room + left,
        clauses=permit.compute_ends_by,
        time_clauses=permit.time_ends_by,
        elicitation_flops=_price(policy, _at_end(session, permit.compute, room)),
    )


def _at_end(session: Session, end: int, room: int) -> Situation:
    """The situation in which the permit will have ended: `room` FLOP on, and asked for more than it reaches."""
    now = _situation(session, end + 1)
    lineage = now.lineage
    # What is reserved counts as trained already; elicitation that went before does not.
    trained = {"compute": lineage.compute + room, "behind": lineage.behind + room}
    return now.model_copy(update={"lineage": lineage.model_copy(update=trained)})


def _price(policy: Policy, situation: Situation) -> int:
    """FLOP of elicitation of the evaluations that the hold in this situation asks for."""
    asked = _asked(policy, situation)
    if not asked:
        return 0
    cost, planned = 0, situation.lineage.planned_end
    for domain in policy.domains:
        if domain in asked:
            # Each one adds to the lineage's compute, and so to what the next is a share of.
            flops = elicitation_due(policy, domain, _evidence(policy, situation), planned)
            cost, planned = cost + flops, None if planned is None else planned + flops
    return cost


def _evidence(policy: Policy, situation: Situation) -> int:
    """Effective compute that an evaluation of the weights as they are may claim."""
    return floor(situation.lineage.behind * policy.effective_compute.factor)


def asked_for(session: Session, hold: Decision) -> tuple[Domain, ...]:
    """Domains in which one more evaluation of the run's weights may release the hold.

    None in which an announced one has no result: that one comes first, and whoever announced it has it.
    """
    waiting = {piece.domain for piece in unfinished(session)}
    asked = _asked(session.policy, _situation(session, hold.compute))
    return tuple(domain for domain in asked if domain.id not in waiting)


def _asked(policy: Policy, situation: Situation) -> tuple[Domain, ...]:
    """Domains in which one more evaluation of the run's weights would be in what releases the hold."""
    judge, facts = Judge.of(policy, "train"), derive_facts(policy, situation, "train")
    changes = possible_changes(policy, situation, judge, facts)
    ways = resumption(judge, facts, changes).sets
    offered = {fact.text for way in ways for fact in way if fact.kind == "measure"}
    # Evidence on the lineage's own weights, and not on what other runs have not evaluated.
    named = {name for change in changes if change.text in offered for name, _ in change.updates}
    return tuple(domain for domain in policy.domains if f"{domain.id}.evidence.time" in named)


def why_not(session: Session, domain: Domain, weights: str, suites: Mapping[str, Suite]) -> str | None:
    """Why these weights are not to be evaluated in a domain; None: they are. Empty: they have a conclusive evaluation,
    and another would spend alpha for nothing."""
    pieces = [piece for piece in _situation(session).pieces if piece.domain == domain.id]
    bare = [piece for piece in pieces if piece.weights == weights and piece.configuration is None]
    if any(not assess(session.policy, domain, piece).faults for piece in bare):
        return ""
    if domain.id not in suites:
        return f"`{domain.id}` has no suite"
    if any(piece.status == "open" for piece in pieces):
        return f"an evaluation of `{domain.id}` is announced and has no result yet"
    budget = session.policy.error_budget.evaluations
    spent = max((piece.attempt for piece in pieces), default=0) >= budget
    return f"all {budget} evaluations of `{domain.id}` are spent" if spent else None


def unfinished(session: Session) -> tuple[Piece, ...]:
    """Evaluations of the lineage that were announced and have no result."""
    return tuple(piece for piece in _situation(session).pieces if piece.status == "open")


def _situation(session: Session, compute: int | None = None) -> Situation:
    return session.journal.fold.situation(session.run, now=session.journal.now(), compute=compute)
