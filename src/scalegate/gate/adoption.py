"""A policy read against a ledger before it is adopted: what it would hold now, and what has ever been held.

A criterion that is met already, by everybody who is asked, may be a way of not pausing. So it is told which clauses are
met as things stand, which hold, which of these are expected to pass, which nothing can meet, and which have never held
in all the decisions on record.
"""

from __future__ import annotations

import copy
from collections import Counter
from collections.abc import Container, Iterable, Iterator
from dataclasses import dataclass
from math import ceil, floor
from typing import Any, Literal, TypeAlias

from scalegate.errors import InputError
from scalegate.gate.assessing import assess
from scalegate.gate.changes import possible_changes, unforeseen_changes
from scalegate.gate.decide import decide
from scalegate.gate.decision import Decision
from scalegate.gate.determinations import statements
from scalegate.gate.facts import derive_facts, effective
from scalegate.gate.fold import Fold
from scalegate.gate.goes_on import refused_of
from scalegate.gate.judge import Judge
from scalegate.gate.lineage import members, total
from scalegate.gate.renaming import judged_of, risks_of
from scalegate.gate.resumption import WHATEVER, Change, resumption
from scalegate.gate.risks import claims
from scalegate.gate.since import latest_decision
from scalegate.gate.situation import Lineage, Situation
from scalegate.ledger.entries import DecisionMade
from scalegate.policy.document import Policy
from scalegate.policy.forecast_faults import LEAST_RESULTS

__all__ = ["NEW_RUN", "PAST_FIRST", "Adoption", "Now", "Outlook", "Tally", "never_held", "read_against", "record"]

NEW_RUN = "first step of a new run"
PAST_FIRST = "a new run past its first evaluation"
UNDER_NONE = -2
"""No adoption: nothing was claimed under a version that is not in force yet."""
Now: TypeAlias = Literal["met", "holds", "expected", "stop", "not binding", "not applicable"]
"""`expected`: it holds, and is met by what the policy's own people do and sign, and by evaluations whatever they show,
or that come out as every conclusive one on record in their domain. `stop`: nothing that can be foreseen meets it."""


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
    refused: str | None
    """Why it does not come into force at all, whoever signs; None: nothing is known to be in its way."""
    keys: tuple[str, ...] = ()
    """What of keys that were replaced it would undo."""


def read_against(fold: Fold, policy: Policy, now: int) -> Adoption:
    """The policy as if it were in force at the instant `now`. Raises InputError if the ledger has no policy."""
    decisions = list(_decisions(fold))
    held = record(fold)
    situations = tuple(_situations(fold, policy, now))
    ruled_out = frozenset(_always_ruled_out(policy, situations))
    own = [clause.id for clause in policy.clauses]
    gone = [it for name, it in held.items() if name not in own and it.holds and not _of_the_gate(name)]
    return Adoption(
        decisions=len(decisions),
        holds=sum(decision.verdict == "HOLD" for decision in decisions),
        outlooks=tuple(_outlook(policy, situation, ruled_out) for situation in situations),
        record=(*(held.get(name, Tally(name, 0, 0)) for name in own), *gone),
        starts_anew=policy.digest() != fold.policy_digest,
        refused=fold.hands.misnamed(policy) or (refused_of(fold.policy, policy, now) if fold.policy else None),
        keys=tuple(fold.hands.forgotten(policy)),
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
    """That of each run of the ledger, and of one that nobody has opened: as it begins, and as it is first evaluated."""
    first = policy.first_evaluation_at
    spending = copy.deepcopy(fold.spending)
    deeds = copy.deepcopy(fold.deeds)
    deeds.adopted(fold.policy, policy, fold.size)
    who = deeds.who(policy)
    spending.adopted(policy, who)
    assumptions = copy.deepcopy(fold.assumptions)
    assumptions.adopted(policy)
    said = [it.carried(judged_of(policy)) for it in fold.said]
    claimed = [it.carried(risks_of(policy)) for it in fold.claimed]
    imagined = {NEW_RUN: 0} | ({} if first is None else {PAST_FIRST: floor(first / policy.factor)})
    for name in (*fold.runs, *imagined):
        trained = imagined.get(name, 0)
        asked = effective(policy, trained + 1) if name in imagined else _asked(fold, policy, name)
        situation = fold.situation(name, now=now, compute=asked)
        if name in imagined:
            begun: dict[str, Any] = {"members": (name,), "opened": now, "openings": {name: now}}
            # Weights that it recorded on the way, from whose evaluations a forecast can be made.
            most = max((it.forecast.at_least for it in policy.domains if it.forecast is not None), default=0)
            parts = range(1, most + LEAST_RESULTS + 1) if most else ()
            begun["recorded"] = tuple(sorted({trained // part for part in parts} - {0}))
            lineage = Lineage(run=name, compute=trained, behind=trained, planned_end=trained + 1, faults=(), **begun)
            situation = situation.model_copy(update={"lineage": lineage})
        if policy.digest() != fold.policy_digest:
            # What was denied stays known; whatever grants is signed anew.
            words = {
                "witnessed": fold.witnessing.under(policy),
                "statements": tuple(statements(said, fold.runs, name, UNDER_NONE, judged_of(policy), who)),
                "claims": tuple(claims(claimed, fold.runs, name, UNDER_NONE, risks_of(policy), who)),
            }
            anew: dict[str, Any] = {"policy": policy.digest(), "signatures": (), "exceptions": (), "tiers": ()}
            anew |= words | {
                "spent": spending.under(policy),
                "broken": assumptions.under(policy, deeds.anywhere(policy)),
            }
            anew["acted"] = deeds.on_each(policy, fold.runs, name)
            anew["elsewhere"] = tuple(
                it.model_copy(update={"acted": deeds.on(policy, fold.runs, it.run)}) for it in situation.elsewhere
            )
            situation = situation.model_copy(update=anew | _owed(fold, policy, situation))
        yield situation


def _owed(fold: Fold, policy: Policy, situation: Situation) -> dict[str, object]:
    """What of obligations is carried over."""
    duties = copy.deepcopy(fold.duties)
    duties.adopted(policy, situation.now)
    spans = duties.spans(situation.lineage.openings)
    return {"adopted": duties.since, "origins": duties.origins, "spans": spans, "signing": ()}


def _asked(fold: Fold, policy: Policy, run: str) -> int:
    """Effective compute of the next step: that which was held last, or any."""
    used = effective(policy, total(fold.runs, members(fold.runs, run)))
    latest = latest_decision(fold, run, "train")
    if latest is None or latest[1].verdict == "PROCEED" or fold.policy is None:
        return used + 1
    flops = ceil(latest[1].compute / fold.policy.factor)
    return max(used + 1, effective(policy, flops))


def _always_ruled_out(policy: Policy, situations: Iterable[Situation]) -> Iterator[str]:
    """Domains in which there is conclusive evidence on record, and all of it rules the alarm out."""
    pieces = {piece.evaluation: piece for situation in situations for piece in situation.pieces}
    for domain in policy.domains:
        judged = (assess(policy, domain, piece) for piece in pieces.values() if piece.domain == domain.id)
        conclusive = [item for item in judged if not item.faults or item.reached or item.leaves_open]
        if conclusive and all(item.rules_out for item in conclusive):
            yield domain.id


def _routine(policy: Policy, change: Change, ruled_out: Container[str]) -> bool:
    """Whether it can be expected: an act or a signature of the policy's people, or a result like all before it."""
    if change.kind != "measure":
        return change.kind in ("act", "sign")
    about = [domain.id for domain in policy.domains if domain.id in change.concerns]
    good = bool(about) and all(domain in ruled_out for domain in about)
    return good or change.text.startswith(WHATEVER)


def _outlook(policy: Policy, situation: Situation, ruled_out: Container[str]) -> Outlook:
    decision = decide(policy, situation, "train")
    judge, facts = Judge.of(policy, "train"), derive_facts(policy, situation, "train")
    changes = possible_changes(policy, situation, judge, facts)
    routine = [change for change in changes if _routine(policy, change, ruled_out)]
    changes = (*unforeseen_changes(policy, situation, judge, facts, changes), *changes)
    found: dict[str, Now] = {}
    for test in judge.tests:
        if _of_the_gate(test.id):
            continue
        match test.status(facts):
            case "violated" | "not shown":
                alone = judge.alone(test.id)
                if resumption(alone, facts, routine).sets:
                    found[test.id] = "expected"
                else:
                    found[test.id] = "stop" if resumption(alone, facts, changes).stop else "holds"
            case status:
                found[test.id] = status
    way_out = decision.resumption
    return Outlook(situation.lineage.run, "STOP" if way_out and way_out.stop else decision.verdict, found)
