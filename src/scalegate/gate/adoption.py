"""A policy read against a ledger before it is adopted: what it would hold now, and what has ever been held.

A criterion that is met already, by everybody who is asked, may be a way of not pausing. So it is told which clauses are
met as things stand, which hold, which nothing can meet, and which have never held in all the decisions on record.
"""

from __future__ import annotations

import copy
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from math import ceil
from typing import Any, Literal, TypeAlias

from scalegate.errors import InputError
from scalegate.gate.changes import possible_changes, unforeseen_changes
from scalegate.gate.decide import decide
from scalegate.gate.decision import Decision
from scalegate.gate.facts import derive_facts, effective
from scalegate.gate.fold import Fold
from scalegate.gate.judge import REQUIRED_KINDS, Judge, Test
from scalegate.gate.lineage import members, total
from scalegate.gate.resumption import resumption
from scalegate.gate.since import latest_decision
from scalegate.gate.situation import Lineage, Situation
from scalegate.ledger.entries import DecisionMade
from scalegate.policy.document import Policy
from scalegate.policy.syntax import All

__all__ = ["NEW_RUN", "Adoption", "Now", "Outlook", "Tally", "never_held", "read_against", "record"]

NEW_RUN = "first step of a new run"
Now: TypeAlias = Literal["met", "holds", "stop", "not binding", "not applicable"]
"""`stop`: nothing that can be foreseen meets it."""


@dataclass(frozen=True)
class Outlook:
    """What the policy would say to one run, asked for its next step."""

    run: str
    verdict: Literal["PROCEED", "HOLD", "STOP"]
    clauses: dict[str, Now]
    """Each clause that is about training, by its id."""


@dataclass(frozen=True)
class Tally:
    """What the decisions on record say of one clause, under whatever version of the policy."""

    clause: str
    decisions: int
    """Those that it took part in: it was in force, and binding."""
    holds: int


@dataclass(frozen=True)
class Adoption:
    """A policy beside a ledger."""

    decisions: int
    holds: int
    outlooks: tuple[Outlook, ...]
    record: tuple[Tally, ...]
    """Of each clause of the policy, and of each that ever held and is none of it."""
    starts_anew: bool
    """Whether adopting it ends what was signed before."""


def read_against(fold: Fold, policy: Policy, now: int) -> Adoption:
    """The policy as if it were in force at the instant `now`. Raises InputError if the ledger has no policy."""
    decisions = list(_decisions(fold))
    held = record(fold)
    own = [clause.id for clause in policy.clauses]
    gone = [it for name, it in held.items() if name not in own and it.holds and not _of_the_gate(name)]
    return Adoption(
        decisions=len(decisions),
        holds=sum(decision.verdict == "HOLD" for decision in decisions),
        outlooks=tuple(_outlook(policy, situation) for situation in _situations(fold, policy, now)),
        record=(*(held.get(name, Tally(name, 0, 0)) for name in own), *gone),
        starts_anew=policy.digest() != fold.policy_digest,
    )


def record(fold: Fold) -> dict[str, Tally]:
    """How often each clause has been decided on and has held, by its id, over every decision in the ledger."""
    asked, holds = Counter[str](), Counter[str]()
    for decision in _decisions(fold):
        for finding in decision.findings:
            asked[finding.clause] += finding.status in ("met", "violated", "not shown")
            holds[finding.clause] += finding.status in ("violated", "not shown")
    return {name: Tally(name, number, holds[name]) for name, number in asked.items()}


def never_held(fold: Fold, policy: Policy) -> tuple[str, ...]:
    """Clauses of the policy that have been decided on, and have not held once."""
    held = record(fold)
    return tuple(
        clause.id for clause in policy.clauses if (it := held.get(clause.id)) and it.decisions and not it.holds
    )


def _of_the_gate(name: str) -> bool:
    return name.startswith(("standing.", "required."))


def _decisions(fold: Fold) -> Iterator[Decision]:
    for entry in (made.entry for made in fold.records):
        if isinstance(entry, DecisionMade):
            try:
                yield Decision.from_json(entry.decision)
            except InputError:
                continue  # it is a fault of the ledger, and is listed there


def _situations(fold: Fold, policy: Policy, now: int) -> Iterator[Situation]:
    """That of each run of the ledger, and of one that nobody has opened yet."""
    for name in (*fold.runs, NEW_RUN):
        situation = fold.situation(name, now=now, compute=_asked(fold, policy, name))
        if name == NEW_RUN:
            begun: dict[str, Any] = {"members": (name,), "opened": now, "openings": {name: now}}
            lineage = Lineage(run=name, compute=0, behind=0, planned_end=1, faults=(), **begun)
            situation = situation.model_copy(update={"lineage": lineage})
        if policy.digest() != fold.policy_digest:
            # What was denied stays known; whatever grants is signed anew.
            said = tuple(it.model_copy(update={"current": False}) for it in situation.statements)
            claimed = tuple(it.model_copy(update={"current": False}) for it in situation.claims)
            anew: dict[str, Any] = {"policy": policy.digest(), "signatures": (), "exceptions": (), "tiers": ()}
            anew |= {"statements": said, "claims": claimed}
            situation = situation.model_copy(update=anew | _owed(fold, policy, situation))
        yield situation


def _owed(fold: Fold, policy: Policy, situation: Situation) -> dict[str, object]:
    """What of obligations is carried over."""
    duties = copy.deepcopy(fold.duties)
    duties.adopted(policy, situation.now)
    return {"adopted": duties.since, "spans": duties.spans(situation.lineage.openings), "signing": ()}


def _asked(fold: Fold, policy: Policy, run: str) -> int:
    """Effective compute of the next step: that which was held last, or any."""
    used = effective(policy, total(fold.runs, members(fold.runs, run)))
    latest = latest_decision(fold, run, "train")
    if latest is None or latest[1].verdict == "PROCEED" or fold.policy is None:
        return used + 1
    flops = ceil(latest[1].compute / fold.policy.factor)
    return max(used + 1, effective(policy, flops))


def _outlook(policy: Policy, situation: Situation) -> Outlook:
    decision = decide(policy, situation, "train")
    judge, facts = Judge.of(policy, "train"), derive_facts(policy, situation, "train")
    changes = possible_changes(policy, situation, judge, facts)
    changes = (*unforeseen_changes(policy, situation, judge, facts, changes), *changes)
    found: dict[str, Now] = {}
    for test in judge.tests:
        if _of_the_gate(test.id):
            continue
        match test.status(facts):
            case "violated" | "not shown":
                stop = resumption(_alone(judge, test), facts, changes).stop
                found[test.id] = "stop" if stop else "holds"
            case status:
                found[test.id] = status
    way_out = decision.resumption
    return Outlook(situation.lineage.run, "STOP" if way_out and way_out.stop else decision.verdict, found)


def _alone(judge: Judge, test: Test) -> Judge:
    """A judge of one clause: what every policy must have beside it is taken as met."""
    always = All(())
    beside = (Test(f"beside.{it}", it, "will", "", "", True, always, always, always) for it in REQUIRED_KINDS)
    return Judge(judge.action, (test, *beside))
