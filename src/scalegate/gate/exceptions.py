"""Exceptions: who lets an action go on while the policy holds it, and how far. The verdict stays HOLD.

Guarantees: an exception meets no clause and takes part in no verdict. Its permit is that of the same policy judged with
each live exception beside the clauses that it names, so it ends where anything else would hold, with the grants, and
where compute has grown by as much as the policy lets it. What no exception names holds as ever: the standing
conditions, a required kind of which there is no clause, whatever is unknown.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from fractions import Fraction
from math import floor

from scalegate.gate.decision import Decision, ExceptionPermit, Permit
from scalegate.gate.judge import Judge
from scalegate.gate.permit import largest_permit
from scalegate.gate.situation import Granted, Situation
from scalegate.ledger.entries import ExceptionGranted
from scalegate.policy.document import Action, ExceptionTerms, Policy
from scalegate.policy.exceptions import excused, live
from scalegate.policy.semantics import Facts, Reason, Unknown, Value, evaluate
from scalegate.policy.syntax import Any
from scalegate.truth import Truth
from scalegate.units import format_instant

__all__ = ["exception_facts", "exception_names", "exception_permit", "excusing", "grant", "told"]


def grant(policy: Policy | None, seen: Decision | None, entry: ExceptionGranted, counted: int) -> Granted | str:
    """What somebody granted, having seen a decision; or why it counts for nothing. `counted`: FLOP of the lineage."""
    terms = next((it for it in policy.exceptions if it.id == entry.exception), None) if policy else None
    if terms is None:
        return f"the policy has no exception `{entry.exception}`"
    if seen is None or seen.run != entry.run:
        return "the decision that it names is not one on this run, as it is declared, under the policy in force"
    if seen.verdict != "HOLD" or seen.action not in terms.actions:
        return f"the decision that it names is no HOLD of an action that `{terms.id}` is an exception for"
    return Granted(
        exception=entry.exception,
        by=entry.actor,
        time=entry.time,
        until=entry.until,
        action=seen.action,
        weights=seen.weights,
        configuration=seen.configuration,
        compute=counted,
    )


def exception_names(policy: Policy, item: ExceptionTerms) -> tuple[str, ...]:
    """The names of the facts of one exception."""
    people = (item.fact_of(person.id) for person in policy.signers(item.granted_by))
    return tuple(f"{name}.{part}" for name in people for part in ("until", "compute"))


def exception_facts(policy: Policy, situation: Situation, action: Action, item: ExceptionTerms) -> dict[str, Value]:
    """The facts of one exception: of each person the last grant, which may also cut short the one before."""
    facts: dict[str, Value] = {}
    for person in policy.signers(item.granted_by):
        name = item.fact_of(person.id)
        last = next((it for it in reversed(_of(situation, action, item)) if it.by == person.id), None)
        if last is None:
            missing = Unknown(Reason.UNSIGNED, f"{person.name} has not granted `{item.id}`")
            facts |= {f"{name}.until": missing, f"{name}.compute": missing}
            continue
        # But for training nothing is to grow: what is asked about are these weights.
        growth = item.growth if item.growth is not None and action == "train" else Fraction(1)
        # What is spent on the lineage is rounded up, and so is where it stood.
        stood = -floor(-last.compute * policy.factor)
        facts[f"{name}.until"] = min(last.until, last.time + item.valid_for)
        facts[f"{name}.compute"] = floor(stood * growth)
    return facts


def _of(situation: Situation, action: Action, item: ExceptionTerms) -> list[Granted]:
    """The grants of an exception that are of what is asked about."""
    return [
        it
        for it in situation.exceptions
        if (it.exception, it.action) == (item.id, action)
        and (action == "train" or (it.weights, it.configuration) == situation.exact(action))
    ]


def excusing(policy: Policy, judge: Judge) -> Judge:
    """The judge with each exception beside the clauses that it names. Its word is no verdict."""
    excuses = excused(policy, judge.action)
    if not excuses:
        return judge
    tests = tuple(
        replace(
            test, condition=Any((test.condition, *(live(policy, it, judge.action) for it in excuses.get(test.id, ()))))
        )
        for test in judge.tests
    )
    return replace(judge, tests=tests)


def exception_permit(policy: Policy, situation: Situation, judge: Judge, facts: Facts) -> ExceptionPermit | None:
    """How far exceptions let a HOLD go on; None: they do not, or nothing would end it."""
    if not situation.exceptions or judge.action == "release_weights":
        return None
    lenient = excusing(policy, judge)
    if lenient.holding(facts):
        return None
    ends = largest_permit(lenient, facts)
    if ends.compute is None or ends.time is None:
        return None
    corners = [
        {**facts, "compute": compute, "now": now}
        for compute in (situation.compute, ends.compute)
        for now in (situation.now, ends.time)
    ]
    held = {name for corner in corners for name in judge.holding(corner)}
    clauses = tuple(test.id for test in judge.tests if test.id in held)
    used = [
        it
        for it in policy.exceptions
        if set(it.clauses) & held and evaluate(live(policy, it, judge.action), facts) is Truth.TRUE
    ]
    grants = [grant for item in used for grant in _of(situation, judge.action, item)]
    return ExceptionPermit(
        exceptions=tuple(it.id for it in used),
        clauses=clauses,
        granted_by=tuple(dict.fromkeys(it.by for it in grants)),
        renewals=max((_again(situation, item) for item in used), default=0),
        permit=Permit(
            compute=ends.compute,
            time=ends.time,
            others=situation.developer_others,
            lease=policy.lease,
            compute_ends_by=ends.past_compute,
            time_ends_by=ends.past_time,
        ),
    )


def _again(situation: Situation, item: ExceptionTerms) -> int:
    """How often the person who granted it most often did so after the first time, to this run for whatever action."""
    by = [it.by for it in situation.exceptions if it.exception == item.id]
    return max((by.count(person) for person in by), default=1) - 1


def told(permit: ExceptionPermit) -> str:
    """What everybody who reads of the decision is told first."""
    names = ", ".join(f"`{name}`" for name in permit.exceptions)
    again = f", for the {_ordinal(permit.renewals + 1)} time" if permit.renewals else ""
    return (
        f"EXCEPTION {names}{again}: it may go on until {format_instant(permit.permit.time)} although"
        f" {_listed(permit.clauses)} {'holds' if len(permit.clauses) == 1 else 'hold'}; granted by"
        f" {_listed(permit.granted_by)}. No clause is met by it."
    )


def _listed(names: Iterable[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)


def _ordinal(number: int) -> str:
    ending = "th" if 10 <= number % 100 <= 20 else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{number}{ending}"
