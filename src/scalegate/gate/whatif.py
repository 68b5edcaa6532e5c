"""What a policy says of a situation that somebody states: no ledger, no decision, and nothing is written.

The very judge of `decide` judges the facts. What is not stated is unknown, and holds. Only what a ledger alone can give
(that it is sound, that the lineage is declared) is assumed, and each assumption is listed. Never raises for a policy
that was read, whatever the facts.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from fractions import Fraction

from scalegate.gate.covering import words_of
from scalegate.gate.decision import Finding
from scalegate.gate.findings import findings, required
from scalegate.gate.judge import Judge
from scalegate.gate.permit import Ends, largest_permit
from scalegate.policy.catalogue import holds_fact
from scalegate.policy.clause_figures import model_facts
from scalegate.policy.determined import fact_of
from scalegate.policy.document import Action, Policy
from scalegate.policy.next_level import level_facts
from scalegate.policy.obliged import name_of
from scalegate.policy.parameters import parameter_facts
from scalegate.policy.semantics import Reason, Unknown, Value, number
from scalegate.policy.stated import FOR_GOOD
from scalegate.policy.syntax import Compare, Expr, Linear, rewritten
from scalegate.policy.vocabulary import vocabulary

__all__ = ["LIKE", "PLAN", "Assumed", "WhatIf", "house", "what_if"]

HOUSE = ("standing.", "required.")
"""Ids of what holds whatever the policy says: no clause may have such a one."""
PLAN = "lineage.planned_end"
LIKE = {"ledger.time": "now", "lineage.opened": "now", "lineage.compute": "compute", PLAN: "compute"}
"""Facts that are taken to be as another is stated."""


@dataclass(frozen=True)
class Assumed:
    """A fact that only a ledger can give, and that was not stated."""

    name: str
    value: Value
    like: str | None = None
    """The fact that it is taken to be equal to; None: it is a value of its own."""


@dataclass(frozen=True)
class WhatIf:
    """What a policy says of stated facts."""

    policy: Policy
    judge: Judge
    facts: Mapping[str, Value]
    """Every fact of the policy: stated, assumed, or unknown."""
    assumed: tuple[Assumed, ...]
    findings: tuple[Finding, ...]
    holding: tuple[str, ...]
    """Ids of what holds, in the order of the findings; empty: PROCEED."""
    ends: Ends | None
    """How far the PROCEED reaches, both ends inclusive; None: a HOLD."""

    @property
    def proceeds(self) -> bool:
        return self.ends is not None


def house(identifier: str) -> bool:
    """Whether it is a hold of scalegate's own, and no clause of the policy."""
    return identifier.startswith(HOUSE)


def what_if(policy: Policy, action: Action, stated: Mapping[str, Value]) -> WhatIf:
    """Judge an action at the facts that are stated; names that are no facts of the policy count for nothing."""
    known = vocabulary(policy)
    # A permit ends at whole FLOP and seconds.
    stated = {n: Unknown(Reason.MISSING, f"`{n}` is not whole") if _broken(n, v) else v for n, v in stated.items()}
    assumed = tuple(it for it in _assumptions(policy, stated) if it.name in known and it.name not in stated)
    missing = {name: Unknown(Reason.MISSING, f"`{name}` is not stated") for name in known}
    facts = {**missing, **{it.name: it.value for it in assumed}, **{n: v for n, v in stated.items() if n in known}}
    facts |= parameter_facts(policy, facts["now"]) | model_facts(policy) | level_facts(policy, action)
    judge = Judge.of(policy, action)
    found, holding = findings(judge, facts, {}), judge.holding(facts)
    if holding:
        return WhatIf(policy, judge, facts, assumed, found, holding, None)
    ends = _ends(judge, facts, follows=any(it.name == PLAN for it in assumed))
    for end, of in ((ends.compute, "compute"), (ends.time, "time")):
        if end is None:
            endless = required("required.permit", f"no clause in force bounds the permit in {of}")
            return WhatIf(policy, judge, facts, assumed, (*found, endless), (endless.clause,), None)
    return WhatIf(policy, judge, facts, assumed, found, (), ends)


def _broken(name: str, value: Value) -> bool:
    return name in ("compute", "now") and isinstance(value, Fraction)


def _assumptions(policy: Policy, stated: Mapping[str, Value]) -> Iterator[Assumed]:
    """What a ledger would say of a run with which nothing is wrong, opened now, beside no other."""
    for name in ("lineage.declared", "meter.sound", "ledger.sound"):
        yield Assumed(name, True)
    for name, other in LIKE.items():
        value = stated.get(other)
        if value is not None and not isinstance(value, Unknown):
            yield Assumed(name, value, other)
    yield Assumed("developer.others", 0)
    for assumption in policy.assumptions:
        yield Assumed(holds_fact(assumption.id), True)
    for item in policy.determinations:
        names = [fact_of(item, person.id) for person in policy.signers(item.decided_by)]
        # Of what is only stated to be so, or not: it was judged of what is asked about, and now.
        for name in (it for it in names if number(stated.get(f"{it}.until")) == FOR_GOOD):
            for part, other in (("time", "now"), ("compute", "compute")):
                value = stated.get(other)
                if value is not None and not isinstance(value, Unknown):
                    yield Assumed(f"{name}.{part}", value, other)
        for name in names:
            yield Assumed(f"{name}.denied", False)
            # As of other runs: what was said of them is not known, once there are any.
            if number(stated.get("developer.others", 0)) == 0 or stated.get(f"{name}.denied") is True:
                yield Assumed(f"{name}.denied_anywhere", stated.get(f"{name}.denied") is True)
    if number(stated.get("developer.others", 0)) == 0:
        for words in words_of(policy):
            yield Assumed(words.fact, 0)
    for duty in policy.obligations:
        yield Assumed(f"{name_of(duty)}.missed", False)
    for domain in policy.domains:
        # Of other runs that are stated, nobody but a ledger knows what they have shown.
        if number(stated.get("developer.others", 0)) == 0:
            yield Assumed(f"{domain.id}.unevaluated", 0)
            yield Assumed(f"{domain.id}.reached_early", False)
        # As the gate has it: what was reached is not ruled out.
        if stated.get(f"{domain.id}.reached") is True:
            yield Assumed(f"{domain.id}.ruled_out", False)


def _ends(judge: Judge, facts: Mapping[str, Value], *, follows: bool) -> Ends:
    """The ends; a planned end that nobody stated goes as far as the clauses let it."""
    if follows:
        tests = tuple(
            replace(
                test,
                in_force=_following(test.in_force),
                binds=_following(test.binds),
                condition=_following(test.condition),
            )
            for test in judge.tests
        )
        ends = largest_permit(replace(judge, tests=tests), facts)
        if ends.compute is not None:
            return ends
    return largest_permit(judge, facts)


def _following(expr: Expr) -> Expr:
    """The condition with what is asked for in place of the planned end."""

    def side(linear: Linear) -> Linear:
        return replace(linear, terms=tuple((c, "compute" if name == PLAN else name) for c, name in linear.terms))

    def put(it: Expr) -> Expr:
        return Compare(it.op, side(it.left), side(it.right)) if isinstance(it, Compare) else it

    return rewritten(expr, put)
