"""What a policy covers of the five components that METR asks of a responsible scaling policy, read off its structure.

The components are those of METR (then ARC Evals), "Responsible Scaling Policies (RSPs)", 2023. Nothing here judges
whether a part is good: a line says which parts speak to a component, and which kind of part is not there at all.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import chain

from scalegate.policy.compile import by_name
from scalegate.policy.document import (
    ACTIONS,
    Cadence,
    Capability,
    Clause,
    ComputeCap,
    Condition,
    Moratorium,
    NextLevel,
    Policy,
    Safeguards,
    ScaleCap,
    UndefinedTest,
)
from scalegate.policy.lifted import lifted_by
from scalegate.policy.lints import dead
from scalegate.policy.next_level import defined

__all__ = ["Coverage", "coverage", "modalities"]


@dataclass(frozen=True)
class Coverage:
    """One component."""

    component: str
    question: str
    has: tuple[str, ...]
    """The parts that speak to it, each as people call it."""
    lacks: tuple[str, ...]
    """The kinds of part that are not there, each a phrase."""


def coverage(policy: Policy, today: int = 0) -> tuple[Coverage, ...]:
    """Limits, protections, evaluation, response, accountability: what binds from the instant `today` on."""
    idle = {lint.about for lint in dead.lints(policy, today) if lint.rule in dead.IDLE}
    sure = [clause for clause in policy.clauses if _binds(policy, clause) and f"clause {clause.id}" not in idle]
    return (
        _limits(policy, sure),
        _protections(policy, sure),
        _evaluation(policy, sure),
        _response(policy, sure),
        _accountability(policy),
    )


def modalities(policy: Policy) -> dict[str, int]:
    """How many clauses have each modality, in the order in which the language lists them."""
    names = ("will", "conditional", "law", "aim", "illustrative")
    counted = {name: sum(clause.modality == name for clause in policy.clauses) for name in names}
    return {name: number for name, number in counted.items() if number}


def _binds(policy: Policy, clause: Clause) -> bool:
    """Whether it can hold, and no date and no record alone lifts it; a moratorium says itself that it ends."""
    trees = [condition for it, condition in by_name(policy) if it.id == clause.id]
    ends = clause.tier or clause.in_force if isinstance(clause, Moratorium) else lifted_by(policy, clause, trees)
    return clause.gates and not ends and not defined(policy, clause)


def _of(clauses: Iterable[Clause], *kinds: type) -> list[str]:
    return [f"`{clause.id}`" for clause in clauses if isinstance(clause, kinds)]


def _lacking(*asked: tuple[object, str]) -> tuple[str, ...]:
    return tuple(what for there, what in asked if not there)


def _limits(policy: Policy, sure: list[Clause]) -> Coverage:
    domains = [f"threshold of `{domain.id}`" for domain in policy.domains]
    judged = [f"judgement `{item.id}`" for item in policy.judged]
    caps, other = _of(sure, ComputeCap), _of(sure, UndefinedTest, Moratorium, ScaleCap, NextLevel)
    has = (*domains, *judged, *caps, *other, *_of(sure, Condition))
    lacks = _lacking(
        (domains, "a domain with a threshold that is measured"),
        (caps, "a limit on compute that holds whatever evaluations say"),
        (_of(sure, UndefinedTest), "a point past which we must understand why the model is not dangerous"),
    )
    return Coverage("limits", "what would show that going on is unsafe", has, lacks)


def _protections(policy: Policy, sure: list[Clause]) -> Coverage:
    asked = {clause.level for clause in sure if isinstance(clause, Safeguards)}
    safeguards = [it for level in policy.levels if level.number in asked for it in level.safeguards]
    bare = [level.number for level in policy.levels if level.number in asked and not level.safeguards]
    lacks = _lacking(
        (any(it.kind == "security" for it in safeguards), "a safeguard of kind `security`: the weights"),
        (any(it.kind == "deployment" for it in safeguards), "a safeguard of kind `deployment`: the use"),
        (not bare, f"any safeguard at level {', '.join(map(str, bare))}"),
    )
    has = tuple(f"`{it.id}` ({it.kind})" for it in safeguards)
    return Coverage("protections", "which protections are needed to contain it", has, lacks)


def _evaluation(policy: Policy, sure: list[Clause]) -> Coverage:
    watched = {clause.domain for clause in sure if isinstance(clause, Capability)}
    asked = [*(it.id for it in policy.domains if it.of_capability), *(item.id for item in policy.judged)]
    missed = [name for name in asked if name not in watched]
    cadences = _of(sure, Cadence)
    has = (*_of(sure, Capability), *cadences, *(["`first_evaluation_at`"] if policy.first_evaluation_at else []))
    lacks = _lacking(
        (watched, "a clause that asks for evidence of a capability"),
        (not missed, f"a clause about {', '.join(missed)}"),
        (cadences, "a cadence"),
        (policy.first_evaluation_at, "`first_evaluation_at`"),
    )
    return Coverage("evaluation", "what catches early warning signs in time", has, lacks)


def _response(policy: Policy, sure: list[Clause]) -> Coverage:
    gated = set(chain.from_iterable(clause.actions for clause in sure))
    holds = _of(sure, Safeguards)
    signed = [f"approvals of level {level.number}" for level in policy.levels if level.approvals]
    idle = [action for action in ACTIONS if action not in gated]
    lacks = _lacking(
        (holds, "a clause that holds until a level's safeguards are in place"),
        (signed, "anybody who must look before a run goes on at a level"),
        ("train" in gated, "a clause that holds training"),
        (not idle, f"a clause for {', '.join(f'`{it}`' for it in idle)}: the gate holds what it is asked about these"),
    )
    gates = [f"gates {', '.join(f'`{it}`' for it in ACTIONS if it in gated)}"] if gated else []
    return Coverage("response", "what happens when protections lag", (*holds, *signed, *gates), lacks)


def _accountability(policy: Policy) -> Coverage:
    amends = [f"amendment by {it.at_least} of `{it.role}`"] if (it := policy.amendment) else []
    sourced = sum(clause.source.section is not None for clause in policy.clauses)
    keys = sum(person.key != "unset" for person in policy.people)
    has = [*amends, f"{keys} of {len(policy.people)} people have a key"]
    has += [f"{sourced} of {len(policy.clauses)} clauses name their section"] if policy.clauses else []
    has += [f"tier `{tier.id}` of {len(tier.parties)} parties" for tier in policy.tiers]
    lacks = _lacking(
        (policy.amendment, "a way to change it that several must sign"),
        (keys, "a key of anybody: nothing can be signed yet"),
        (policy.tiers, "a tier: what would bind once others commit to it too"),
    )
    return Coverage("accountability", "how others can see that it is kept", tuple(has), lacks)
