"""What falls due, and which evaluations the gate takes: those that a hold asks for."""

from __future__ import annotations

import logging
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from scalegate.errors import InputError
from scalegate.gate import Decision
from scalegate.gate.assessing import assess
from scalegate.gate.changes import ways_out
from scalegate.gate.facts import derive_facts
from scalegate.gate.judge import Judge
from scalegate.gate.situation import Piece, Situation
from scalegate.policy import Domain, Policy
from scalegate.training.evaluation import Suite
from scalegate.training.notices import UNEVALUATED
from scalegate.training.session import Session
from scalegate.training.undisturbed import undisturbed

__all__ = ["NextDue", "asked_for", "due_next", "evaluated", "to_evaluate", "unfinished"]

LOG = logging.getLogger(__name__)


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


@undisturbed()
def due_next(session: Session, left: int) -> NextDue | None:
    """What ends the session's permit, of which `left` FLOP are reserved and not spent; None: it has none."""
    permit = session.decision.reach if session.decision else None
    if permit is None:
        return None
    session.refresh()
    if not session.permitted():
        return None
    room = session.left(permit.compute)
    return NextDue(
        compute=permit.compute,
        time=permit.time,
        flops_left=room + left,
        clauses=permit.compute_ends_by,
        time_clauses=permit.time_ends_by,
        elicitation_flops=sum(_asked(session.policy, _at_end(session, permit.compute, room)).values()),
    )


def _at_end(session: Session, end: int, room: int) -> Situation:
    """The situation in which the permit will have ended: `room` FLOP on, and asked for more than it reaches."""
    now = _situation(session, end + 1)
    lineage = now.lineage
    # What is reserved counts as trained already; elicitation that went before does not.
    trained = {"compute": lineage.compute + room, "behind": lineage.behind + room}
    return now.model_copy(update={"lineage": lineage.model_copy(update=trained)})


@undisturbed()
def asked_for(session: Session, hold: Decision, tried: Collection[str]) -> dict[Domain, int]:
    """Domains in which one more evaluation of the run's weights may release the hold, with the FLOP of its elicitation.

    None that was `tried`, and none in which an announced one has no result: that one comes first, and whoever announced
    it has it.
    """
    waiting = {piece.domain for piece in unfinished(session)}
    asked = _asked(session.policy, _situation(session, hold.compute))
    return {domain: flops for domain, flops in asked.items() if domain.id not in waiting and domain.id not in tried}


def _asked(policy: Policy, situation: Situation) -> dict[Domain, int]:
    """Domains in which one more evaluation of the run's weights is in what releases the hold, with its elicitation."""
    judge, facts = Judge.of(policy, "train"), derive_facts(policy, situation, "train")
    _, way_out = ways_out(policy, situation, judge, facts)
    concerned = [fact.concerns for way in way_out.sets for fact in way if fact.concerns[:1] == ("evaluation",)]
    asked = {concerns[1]: int(concerns[3]) for concerns in concerned}
    return {domain: asked[domain.id] for domain in policy.domains if domain.id in asked}


@undisturbed()
def to_evaluate(session: Session, weights: str, suites: Mapping[str, Suite]) -> dict[Domain, None]:
    """Domains in which a script may have these weights evaluated now. Raises InputError if each has a reason against,
    unless that is evidence everywhere."""
    reasons = {domain.id: _why_not(session, domain, weights, suites) for domain in session.policy.domains}
    due = {domain: None for domain in session.policy.domains if reasons[domain.id] is None}
    said = "; ".join(why for why in reasons.values() if why)
    if said and not due:
        raise InputError(f"nothing was evaluated: {said}")
    return due


def evaluated(session: Session, weights: str, decision: Decision) -> Decision:
    """The decision after an evaluation of these weights; what has not been evaluated after all is said."""
    for domain in session.policy.domains:
        if not _conclusive(session, domain, weights):
            spent = _spent(session, domain)
            LOG.error(UNEVALUATED, session.run, domain.id, f", and {spent}" if spent else "")
    return decision


def _conclusive(session: Session, domain: Domain, weights: str) -> bool:
    """Whether these weights have a conclusive evaluation in a domain."""
    pieces = [piece for piece in _situation(session).pieces if piece.domain == domain.id]
    bare = [piece for piece in pieces if piece.weights == weights and piece.configuration is None]
    return any(not assess(session.policy, domain, piece).faults for piece in bare)


def _why_not(session: Session, domain: Domain, weights: str, suites: Mapping[str, Suite]) -> str | None:
    """Why these weights are not to be evaluated in a domain; None: they are. Empty: they have a conclusive evaluation,
    and another would spend alpha for nothing."""
    pieces = [piece for piece in _situation(session).pieces if piece.domain == domain.id]
    if _conclusive(session, domain, weights):
        return ""
    if domain.id not in suites:
        return f"`{domain.id}` has no suite"
    if any(piece.status == "open" for piece in pieces):
        return f"an evaluation of `{domain.id}` is announced and has no result yet"
    return _spent(session, domain)


def _spent(session: Session, domain: Domain) -> str | None:
    budget = session.policy.budget.evaluations
    tried = max((piece.attempt for piece in _situation(session).pieces if piece.domain == domain.id), default=0)
    return f"all {budget} evaluations of `{domain.id}` are spent" if tried >= budget else None


@undisturbed()
def unfinished(session: Session) -> tuple[Piece, ...]:
    """Evaluations of the lineage that were announced and have no result."""
    return tuple(piece for piece in _situation(session).pieces if piece.status == "open")


def _situation(session: Session, compute: int | None = None) -> Situation:
    return session.journal.fold.situation(session.run, now=session.journal.now(), compute=compute)
