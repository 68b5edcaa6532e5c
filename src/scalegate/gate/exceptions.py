"""Exceptions: who lets an action go on while the policy holds it, and how far. The verdict stays HOLD.

Guarantees: an exception meets no clause and takes part in no verdict. Its permit is that of the same policy judged with
each live exception beside the clauses that it names, so it ends where anything else would hold, with the grants, and
where compute has grown by as much as the policy lets it. What no exception names holds as ever: the standing
conditions, a required kind of which there is no clause, whatever is unknown. Nor does a grant cover what its signer had
not seen: a clause that did not hold then, or a level that was not open.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import replace
from fractions import Fraction
from math import ceil, floor
from typing import TYPE_CHECKING

from scalegate.gate.decision import ExceptionPermit, Permit
from scalegate.gate.judge import Judge
from scalegate.gate.lineage import carried, members
from scalegate.gate.permit import Ends, largest_permit, visited
from scalegate.gate.situation import Granted, Situation
from scalegate.ledger.entries import ExceptionGranted
from scalegate.policy.document import Action, ExceptionTerms, Policy
from scalegate.policy.exceptions import excused, live
from scalegate.policy.semantics import Facts, Reason, Unknown, Value, evaluate, number
from scalegate.policy.syntax import Any
from scalegate.truth import Truth
from scalegate.units import format_flop, format_instant

if TYPE_CHECKING:
    from scalegate.gate.fold import Fold

__all__ = ["exception_facts", "exception_names", "exception_permit", "excusing", "granted", "idle", "told"]


def granted(fold: Fold, entry: ExceptionGranted) -> str | None:
    """Take in what somebody granted, or took back. Returns why it counts for nothing, if it does."""
    if entry.withdrawn:
        mine = (entry.run, entry.exception, entry.actor)
        fold.exceptions = [it for it in fold.exceptions if (it[1], it[2].exception, it[2].by) != mine]
        return None
    found = _grant(fold, entry)
    if isinstance(found, str):
        return found
    same = (entry.run, found.exception, found.by, found.action)
    fold.exceptions = [it for it in fold.exceptions if (it[1], it[2].exception, it[2].by, it[2].action) != same]
    fold.exceptions.append((fold.adopted_at, entry.run, found))
    fold.grants[found.exception, entry.run] += 1
    return None


def _grant(fold: Fold, entry: ExceptionGranted) -> Granted | str:
    policy, seen = fold.policy, fold.decisions.get(entry.decision or "")
    terms = next((it for it in policy.exceptions if it.id == entry.exception), None) if policy else None
    if policy is None or terms is None:
        return f"the policy has no exception `{entry.exception}`"
    if seen is None or seen.run != entry.run:
        return "the decision that it names is not one on this run, as it is declared, under the policy in force"
    if seen.verdict != "HOLD" or seen.action not in terms.actions:
        return f"the decision that it names is no HOLD of an action that `{terms.id}` is an exception for"
    latest = next(it for it in reversed(fold.decisions.values()) if (it.run, it.action) == (seen.run, seen.action))
    if latest.digest() != seen.digest():
        return f"the decision that it names is not the latest on `{seen.run}` for `{seen.action}`"
    names = members(fold.runs, seen.run)
    if seen.action != "train":
        if seen.weights is None or seen.configuration is None:
            return "the decision that it names states no exact weights and configuration: there is nothing to let go on"
        if not any(seen.weights in fold.runs[name].weights for name in names):
            return "no run of the lineage has recorded the weights of the decision that it names"
    run = fold.runs.get(seen.run)
    behind = run.present + carried(fold.runs, run) if run else 0
    return Granted(
        exception=entry.exception,
        by=entry.actor,
        time=entry.time,
        until=entry.until,
        action=seen.action,
        weights=seen.weights,
        configuration=seen.configuration,
        # Elicitation and what a crash forfeited count against a run: here they would be for it.
        compute=min(ceil(behind * policy.factor), seen.compute),
        held=seen.resumption.because if seen.resumption else (),
        levels=seen.levels,
    )


def exception_names(policy: Policy, item: ExceptionTerms) -> tuple[str, ...]:
    """The names of the facts of one exception."""
    people = (item.fact_of(person.id) for person in policy.signers(item.granted_by))
    return tuple(f"{name}.{part}" for name in people for part in ("until", "compute"))


def exception_facts(
    policy: Policy, situation: Situation, action: Action, item: ExceptionTerms, levels: Collection[int]
) -> dict[str, Value]:
    """The facts of one exception, for each person who may grant it. `levels`: those that are open."""
    facts: dict[str, Value] = {}
    for person in policy.signers(item.granted_by):
        name = item.fact_of(person.id)
        last = next((it for it in _of(situation, action, item) if it.by == person.id), None)
        new = sorted(set(levels) - set(last.levels)) if last else []
        if last is None or new:
            why = f"{person.name} had not seen level {new[0]} open" if new else f"{person.name} has not granted it"
            missing = Unknown(Reason.UNDERMINED if new else Reason.UNSIGNED, f"`{item.id}`: {why}")
            facts |= {f"{name}.until": missing, f"{name}.compute": missing}
            continue
        growth = item.growth if item.growth is not None else Fraction(1)
        facts[f"{name}.until"] = min(last.until, last.time + item.valid_for)
        # But for training nothing is to grow: it is of these weights, whatever else the lineage spends.
        facts[f"{name}.compute"] = floor(last.compute * growth) if action == "train" else situation.compute
    return facts


def _of(situation: Situation, action: Action, item: ExceptionTerms) -> list[Granted]:
    """The grants of an exception that are of what is asked about."""
    exact = situation.is_exact(action) and situation.weights_trained is not None
    return [
        it
        for it in situation.exceptions
        if (it.exception, it.action) == (item.id, action)
        and (action == "train" or (exact and (it.weights, it.configuration) == situation.exact(action)))
    ]


def excusing(policy: Policy, judge: Judge, situation: Situation) -> Judge:
    """The judge with each exception beside the clauses that it names and that its signers saw hold. Its word is no
    verdict."""
    excuses = excused(policy, judge.action)

    def beside(name: str) -> Iterator[ExceptionTerms]:
        for item in excuses.get(name, ()):
            grants = _of(situation, judge.action, item)
            if grants and all(name in it.held for it in grants):
                yield item

    tests = tuple(
        replace(test, condition=Any((test.condition, *(live(policy, it, judge.action) for it in beside(test.id)))))
        for test in judge.tests
    )
    return replace(judge, tests=tests)


def exception_permit(policy: Policy, situation: Situation, judge: Judge, facts: Facts) -> ExceptionPermit | None:
    """How far exceptions let a HOLD go on; None: they do not, or nothing would end it."""
    if not situation.exceptions or judge.action == "release_weights":
        return None
    lenient = excusing(policy, judge, situation)
    if lenient.holding(facts):
        return None
    ends = largest_permit(lenient, facts)
    if ends.compute is None or ends.time is None:
        return None
    return _used(policy, situation, judge, lenient, facts, ends, ends.compute, ends.time)


def _used(
    policy: Policy,
    situation: Situation,
    judge: Judge,
    lenient: Judge,
    facts: Facts,
    ends: Ends,
    compute: int,
    time: int,
) -> ExceptionPermit:
    held: set[str] = set()
    used: dict[str, None] = {}
    by: dict[str, None] = {}
    for point in visited(lenient, facts, ends):
        here = set(judge.holding(point))
        held |= here
        for item in policy.exceptions:
            if set(item.clauses) & here and evaluate(live(policy, item, judge.action), point) is Truth.TRUE:
                used[item.id] = None
                by |= dict.fromkeys(_standing(policy, item, point))
    return ExceptionPermit(
        exceptions=tuple(it.id for it in policy.exceptions if it.id in used),
        clauses=tuple(test.id for test in judge.tests if test.id in held),
        granted_by=tuple(by),
        renewals=max((_renewals(situation, it) for it in policy.exceptions if it.id in used), default=0),
        permit=Permit(
            compute=compute,
            time=time,
            others=situation.developer_others,
            lease=policy.lease,
            compute_ends_by=ends.past_compute,
            time_ends_by=ends.past_time,
        ),
    )


def _standing(policy: Policy, item: ExceptionTerms, facts: Facts) -> Iterator[str]:
    """Who has granted it for what these facts ask."""
    for person in policy.signers(item.granted_by):
        name = item.fact_of(person.id)
        until, compute = number(facts.get(f"{name}.until")), number(facts.get(f"{name}.compute"))
        now, asked = number(facts.get("now")), number(facts.get("compute"))
        if until is None or compute is None or now is None or asked is None:
            continue
        if now <= until and asked <= compute:
            yield person.id


def _renewals(situation: Situation, item: ExceptionTerms) -> int:
    """How often as many signed as it takes, after the first time."""
    return -(-situation.grants.get(item.id, 0) // item.granted_by.at_least) - 1


def idle(policy: Policy, situation: Situation, judge: Judge, facts: Facts) -> Iterator[str]:
    """What was granted and lets nothing go on, with why."""
    holding = judge.holding(facts)
    for item in policy.exceptions:
        grants = _of(situation, judge.action, item)
        if not grants:
            continue
        standing = set(_standing(policy, item, facts))
        why = [_short(item, grant, facts) for grant in grants if grant.by not in standing]
        lacking = item.granted_by.at_least - len({it.by for it in grants})
        why += [f"{lacking} more must grant it"] if lacking > 0 else []
        others = [name for name in holding if name not in item.clauses]
        why += [f"{_listed(others)} {'holds' if len(others) == 1 else 'hold'} too"] if others else []
        unseen = [name for name in holding if name in item.clauses and any(name not in it.held for it in grants)]
        why += [f"{_listed(unseen)} did not hold yet when it was granted"] if unseen else []
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
    again = f", for the {_ordinal(permit.renewals + 1)} time" if permit.renewals > 0 else ""
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
