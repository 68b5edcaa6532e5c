"""Exceptions: who lets an action go on while the policy holds it, and how far. The verdict stays HOLD.

Guarantees: an exception meets no clause and takes part in no verdict. Its permit is that of the same policy judged with
each live exception beside the clauses that it names, so it ends where anything else would hold, with the grants, and
where compute has grown by as much as the policy lets it. What no exception names holds as ever: the standing
conditions, a required kind of which there is no clause, whatever is unknown. Nor does a grant cover what its signer had
not seen: a clause that did not hold then, or anything that is known against going on and was not, or is worse
(`gate.against`). So it ends at the next deadline of an obligation that such a clause names. As many as it takes must
have seen each clause.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator
from dataclasses import replace
from typing import TypeAlias

from scalegate.gate.against import unseen, worst
from scalegate.gate.decision import ExceptionPermit, Permit
from scalegate.gate.granting import grants_of
from scalegate.gate.judge import Judge
from scalegate.gate.obligations import next_deadline
from scalegate.gate.permit import largest_permit, visited
from scalegate.gate.situation import Against, Granted, Situation
from scalegate.policy.document import ExceptionTerms, Policy
from scalegate.policy.exceptions import NOW, excused, live
from scalegate.policy.obliged import name_of
from scalegate.policy.semantics import Facts, Unknown, evaluate, number
from scalegate.policy.syntax import All, Any, Expr, at_most, constant, fact_names
from scalegate.truth import Truth
from scalegate.units import format_flop, format_instant

__all__ = ["exception_permit", "excusing", "idle", "told"]


Beside: TypeAlias = "dict[str, list[tuple[ExceptionTerms, tuple[str, ...], Expr]]]"
"""Of each clause, by its id: the exceptions that may stand beside it, whose grants count there, and as a condition."""


def _beside(policy: Policy, situation: Situation, judge: Judge, against: Collection[Against]) -> Beside:
    """The exceptions to each clause of which as many as it takes saw it hold, and saw nothing less against it."""
    found: Beside = defaultdict(list)
    action = judge.action
    for name, items in excused(policy, action).items():
        deadlines = tuple(_deadlines(policy, situation, judge, name))
        for item in items:
            grants = [it for it in grants_of(situation, action, item) if not unseen(against, it.against)]
            among = tuple(dict.fromkeys(it.by for it in grants if name in it.held))
            if len(among) >= item.granted_by.at_least:
                found[name].append((item, among, All((live(policy, item, action, among), *deadlines))))
    return found


def _deadlines(policy: Policy, situation: Situation, judge: Judge, name: str) -> Iterator[Expr]:
    """That no further deadline of what the clause names has passed: of that whoever granted it saw nothing."""
    read = {fact for test in judge.tests if test.id == name for expr in test.exprs() for fact in fact_names(expr)}
    for duty in policy.obligations:
        due = next_deadline(situation, duty) if f"{name_of(duty)}.due" in read else None
        if due is not None:
            yield at_most(NOW, constant(due))


def excusing(judge: Judge, beside: Beside) -> Judge:
    """The judge with each exception beside the clauses that it may stand for. Its word is no verdict."""
    tests = tuple(
        replace(test, condition=Any((test.condition, *(it for *_, it in beside.get(test.id, ())))))
        for test in judge.tests
    )
    return replace(judge, tests=tests)


def exception_permit(
    policy: Policy, situation: Situation, judge: Judge, facts: Facts, against: Collection[Against]
) -> ExceptionPermit | None:
    """How far exceptions let a HOLD go on; None: they do not, or nothing would end it."""
    if not situation.exceptions or judge.action == "release_weights":
        return None
    beside = _beside(policy, situation, judge, against)
    lenient = excusing(judge, beside)
    if lenient.holding(facts):
        return None
    ends = largest_permit(lenient, facts)
    if ends.compute is None or ends.time is None:
        return None
    held: set[str] = set()
    used: set[str] = set()
    by: dict[str, None] = {}
    for point in visited(lenient, facts, ends):
        here = judge.holding(point)
        held.update(here)
        for item, among, condition in (it for name in here for it in beside.get(name, ())):
            if evaluate(condition, point) is Truth.TRUE:
                used.add(item.id)
                by |= dict.fromkeys(it for it in _reaching(policy, item, point) if it in among)
    return ExceptionPermit(
        exceptions=tuple(it.id for it in policy.exceptions if it.id in used),
        clauses=tuple(test.id for test in judge.tests if test.id in held),
        granted_by=tuple(by),
        grants=sum(situation.grants.get(name, 0) for name in used),
        permit=Permit(
            compute=ends.compute,
            time=ends.time,
            others=situation.developer_others,
            lease=policy.lease,
            compute_ends_by=ends.past_compute,
            time_ends_by=ends.past_time,
        ),
    )


def _reaching(policy: Policy, item: ExceptionTerms, facts: Facts) -> Iterator[str]:
    """Whose grant reaches to what these facts ask."""
    for person in policy.signers(item.granted_by):
        name = item.fact_of(person.id)
        until, compute = number(facts.get(f"{name}.until")), number(facts.get(f"{name}.compute"))
        now, asked = number(facts.get("now")), number(facts.get("compute"))
        if until is None or compute is None or now is None or asked is None:
            continue
        if now <= until and asked <= compute:
            yield person.id


def idle(
    policy: Policy, situation: Situation, judge: Judge, facts: Facts, against: Collection[Against]
) -> Iterator[str]:
    """What was granted and lets nothing go on, with why."""
    holding = judge.holding(facts)
    names = {person.id: person.name for person in policy.people}
    for item in policy.exceptions:
        grants = grants_of(situation, judge.action, item)
        if not grants:
            continue
        reaching, needed = set(_reaching(policy, item, facts)), item.granted_by.at_least
        why, standing = [], []
        for grant in grants:
            worse = unseen(against, grant.against)
            if worse:
                why.append(f"{names.get(grant.by, grant.by)} had not seen {', '.join(worst(worse))}")
            elif grant.by not in reaching:
                why.append(_short(item, grant, facts))
            else:
                standing.append(grant)
        lacking = needed - len({it.by for it in grants})
        why += [f"{lacking} more must grant it"] if lacking > 0 else []
        others = [name for name in holding if name not in item.clauses]
        why += [f"{_listed(others)} {'holds' if len(others) == 1 else 'hold'} too"] if others else []
        for name in holding if len(standing) >= needed else ():
            before = [it.by for it in standing if name not in it.held]
            if name in item.clauses and len(standing) - len(before) < needed:
                why.append(f"`{name}` did not hold yet when {_listed(before)} granted it")
        if not why:
            why = ["what must be determined as well is not, or its dates have not come or are over"]
        by = _listed(dict.fromkeys(it.by for it in grants))
        yield f"The exception `{item.id}` is granted by {by} and lets nothing go on: {'; '.join(why)}."


def _short(item: ExceptionTerms, grant: Granted, facts: Facts) -> str:
    """Why what somebody granted does not reach so far."""
    name = item.fact_of(grant.by)
    until, compute = facts.get(f"{name}.until"), facts.get(f"{name}.compute")
    if isinstance(until, int) and isinstance(compute, int):
        return f"what `{grant.by}` granted reaches to {format_flop(compute)} and {format_instant(until)}"
    return compute.detail if isinstance(compute, Unknown) else f"`{grant.by}` may not grant it"


def told(permit: ExceptionPermit) -> str:
    """What everybody who reads of the decision is told first."""
    names = ", ".join(f"`{name}`" for name in permit.exceptions)
    again = f", of which {permit.grants} grants were signed so far" if permit.grants > len(permit.granted_by) else ""
    return (
        f"EXCEPTION {names}{again}: it may go on until {format_instant(permit.permit.time)} although"
        f" {_listed(permit.clauses)} {'holds' if len(permit.clauses) == 1 else 'hold'}; granted by"
        f" {_listed(permit.granted_by)}. No clause is met by it."
    )


def _listed(names: Iterable[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)
