"""The facts that a condition may read: each with its type, so that what is compared is of one kind.

A policy's own names (domains, safeguards, levels, people, tiers) make the vocabulary; `compile` says what each
fact means.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from typing import TypeAlias

from scalegate.policy.catalogue import holds_fact
from scalegate.policy.claimed import risk_fact, unclaimed
from scalegate.policy.determined import fact_of, unjudged
from scalegate.policy.document import Policy
from scalegate.policy.obliged import OBLIGATION, name_of
from scalegate.policy.scalars import FigureKind
from scalegate.policy.syntax import PARAMETER, parts
from scalegate.policy.witnessed import WITNESSED, vouched, witness_clauses

__all__ = ["Kind", "Vocabulary", "kind_of", "named", "vocabulary", "written"]


class Kind(Enum):
    """What a fact is, and what it is counted in."""

    YES_NO = "yes or no"
    FLOP = "FLOP"
    INSTANT = "an instant"
    DURATION = "a duration"
    COUNT = "a count"
    CHANCE = "a chance"
    FACTOR = "a factor"
    """Of a parameter that multiplies; no fact is one."""


Vocabulary: TypeAlias = Mapping[str, Kind]

_OF_EVERY_POLICY: dict[str, Kind] = {
    "compute": Kind.FLOP,
    "now": Kind.INSTANT,
    "ledger.time": Kind.INSTANT,
    "developer.others": Kind.FLOP,
    "lineage.compute": Kind.FLOP,
    "lineage.opened": Kind.INSTANT,
    "lineage.planned_end": Kind.FLOP,
    "lineage.declared": Kind.YES_NO,
    "meter.sound": Kind.YES_NO,
    "ledger.sound": Kind.YES_NO,
}
_OF_A_DOMAIN: dict[str, Kind] = {
    "ruled_out": Kind.YES_NO,
    "reached": Kind.YES_NO,
    "reached_early": Kind.YES_NO,
    "unevaluated": Kind.FLOP,
    "evidence.compute": Kind.FLOP,
    "evidence.time": Kind.INSTANT,
    "elicitation": Kind.FLOP,
    "missed": Kind.COUNT,
    "upheld": Kind.COUNT,
}


def vocabulary(policy: Policy) -> dict[str, Kind]:
    """Every fact of a policy, by name, with its kind."""
    known = dict(_OF_EVERY_POLICY)
    if policy.domains:
        known["developer.shown"] = Kind.FLOP
    for domain in policy.domains:
        known |= {f"{domain.id}.{name}": kind for name, kind in _OF_A_DOMAIN.items()}
        if not domain.of_capability:
            del known[f"{domain.id}.elicitation"]
        if domain.forecast is not None:
            known[f"{domain.id}.forecast.end"] = Kind.FLOP
    known |= {holds_fact(it.id): Kind.YES_NO for it in policy.assumptions}
    for level in policy.levels:
        known |= {f"safeguard.{safeguard.id}.until": Kind.INSTANT for safeguard in level.safeguards}
        if level.approvals:
            for person in policy.signers(level.approvals):
                known[f"approval.{level.number}.{person.id}.until"] = Kind.INSTANT
    for item in policy.determinations:
        known[fact_of(item)] = Kind.YES_NO
        for person in policy.signers(item.decided_by):
            mine = {"until": Kind.INSTANT, "denied": Kind.YES_NO}
            if item.about == "weights":
                mine |= {"time": Kind.INSTANT, "compute": Kind.FLOP, "denied_anywhere": Kind.YES_NO}
            known |= {f"{fact_of(item, person.id)}.{name}": kind for name, kind in mine.items()}
    known |= {unjudged(item): Kind.FLOP for item in policy.judged}
    for terms in policy.exceptions:
        for person in policy.signers(terms.granted_by):
            name = terms.fact_of(person.id)
            known |= {f"{name}.until": Kind.INSTANT, f"{name}.compute": Kind.FLOP}
    for duty in policy.obligations:
        known |= {name_of(duty): Kind.YES_NO, f"{name_of(duty)}.due": Kind.INSTANT}
        if duty.late == "stands":
            known[f"{name_of(duty)}.missed"] = Kind.YES_NO
    for risk in policy.risks:
        for person in policy.signers(risk.claimed_by):
            known[f"{risk_fact(risk, person.id)}.until"] = Kind.INSTANT
            known[f"{risk_fact(risk, person.id)}.compute"] = Kind.FLOP
        known |= {f"{risk_fact(risk)}.{name}": Kind.CHANCE for name in ("bound", "tenfold")}
        if risk.years_from is not None:
            known[f"{risk_fact(risk)}.year"] = Kind.CHANCE
        if risk.carries is not None:
            known[unclaimed(risk)] = Kind.FLOP
    known |= {vouched(clause): Kind.INSTANT for clause in witness_clauses(policy)}
    for tier in policy.tiers:
        known |= {f"tier.{tier.id}.adopters": Kind.COUNT, f"tier.{tier.id}.until": Kind.INSTANT}
    return known


_OF_PARAMETERS: Mapping[FigureKind, Kind] = {
    "factor": Kind.FACTOR,
    "share": Kind.FACTOR,
    "flop": Kind.FLOP,
    "duration": Kind.DURATION,
    "instant": Kind.INSTANT,
    "count": Kind.COUNT,
}


def named(policy: Policy) -> dict[str, Kind]:
    """What a condition is shown with: the policy's facts, and its parameters."""
    return vocabulary(policy) | {f"{PARAMETER}{it.id}": _OF_PARAMETERS[it.kind] for it in policy.parameters}


def written(policy: Policy) -> dict[str, Kind]:
    """What a condition of the policy may name: all but what one person signed, and what witnesses did.

    A determination is named as a whole, and so is an obligation; the risk that remains in clauses of its own kind.
    """
    whole = {*map(fact_of, policy.determinations), *map(name_of, policy.obligations)}
    signed = ("exception.", "determination.", OBLIGATION, WITNESSED, *(f"{risk_fact(risk)}." for risk in policy.risks))
    return {name: kind for name, kind in named(policy).items() if not name.startswith(signed) or name in whole}


def kind_of(name: str, known: Vocabulary) -> Kind | None:
    """The kind of a name in a condition: a parameter that multiplies changes none. None: there is no such."""
    *factors, last = parts(name)
    return known.get(last) if all(known.get(it) is Kind.FACTOR for it in factors) else None
