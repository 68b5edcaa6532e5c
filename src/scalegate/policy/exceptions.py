"""What lets an action go on while clauses hold it: as a condition over who granted it, until when and how far.

It is no way to meet a clause. The gate judges twice: by the policy, which gives the verdict, and where that is a HOLD,
with each exception beside the clauses that it names, which gives no more than an exception permit (`gate.exceptions`).
Facts of exception E and person P: `exception.E.P.until` (instant), how long P's grant counts; `exception.E.P.compute`
(FLOP), the effective compute of the lineage that it reaches to.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator

from scalegate.policy.compile import condition_of
from scalegate.policy.dating import by_date
from scalegate.policy.determined import determined
from scalegate.policy.document import (
    Action,
    Capability,
    Clause,
    ExceptionTerms,
    InForce,
    Moratorium,
    Policy,
    ResidualRisk,
    UndefinedTest,
)
from scalegate.policy.near import or_like
from scalegate.policy.syntax import All, AtLeast, Compare, Expr, at_most, constant, term, undefined

__all__ = ["NOW", "exception_faults", "excused", "live", "undefined_in"]

NOW = term("now")
COMPUTE = term("compute")


def live(policy: Policy, item: ExceptionTerms, action: Action, among: Collection[str]) -> Expr:
    """The condition that it is granted, and counts for what is asked, by the grants of some people."""
    granted = tuple(
        All((at_most(NOW, term(f"{name}.until")), at_most(COMPUTE, term(f"{name}.compute"))))
        for name in (item.fact_of(person.id) for person in policy.signers(item.granted_by) if person.id in among)
    )
    named = [it for it in policy.determinations if it.id in item.determined]
    parts = (*_dates(item.in_force), *(determined(policy, it, action) for it in named))
    return by_date(policy, All((*parts, AtLeast(item.granted_by.at_least, granted))))


def excused(policy: Policy, action: Action) -> dict[str, tuple[ExceptionTerms, ...]]:
    """The exceptions to each clause for an action, by the clause's id."""
    found: defaultdict[str, tuple[ExceptionTerms, ...]] = defaultdict(tuple)
    for item in policy.exceptions:
        for name in dict.fromkeys(item.clauses) if action in item.actions and action != "release_weights" else ():
            found[name] += (item,)
    return dict(found)


def _dates(dates: InForce | None) -> Iterator[Expr]:
    if dates is not None and dates.from_ is not None:
        yield at_most(constant(dates.from_), NOW)
    if dates is not None and dates.until is not None:
        yield Compare("<", NOW, constant(dates.until))


_MEANT = ("clauses", "people", "domains", "determinations", "risks", "levels")
"""What the condition of a clause rests on."""
Faults = Iterator[tuple[str, str, tuple[str, ...]]]


def exception_faults(policy: Policy) -> Faults:
    """(path of the part, what is wrong | what to write, the fields that it rests on)."""
    clauses = {clause.id: clause for clause in policy.clauses}
    for index, item in enumerate(policy.exceptions):
        path = f"exceptions.{index}"
        if "." in item.id:
            what = f"`{item.id}` has a dot, which its facts have for another meaning"
            yield f"{path}.id", f"{what} | write `-` or `_`", ()
        for place, name in enumerate(item.clauses):
            if name in item.clauses[:place]:
                yield f"{path}.clauses.{place}", f"`{name}` stands twice | name it once", ()
                continue
            if name not in clauses:
                there = f": {', '.join(f'`{it}`' for it in clauses)}" if clauses else ""
                fix = or_like(name, clauses, f"name clauses of this policy{there}")
                yield f"{path}.clauses.{place}", f"there is no clause `{name}` | {fix}", ("clauses",)
                continue
            for fault in _clause_faults(policy, item, name, clauses[name]):
                yield f"{path}.clauses.{place}", fault, _MEANT
        gated = {action for name in item.clauses if name in clauses for action in clauses[name].actions}
        for place, action in enumerate(item.actions):
            if action == "release_weights":
                what = "weights that are out cannot be taken back when an exception ends"
                yield f"{path}.actions.{place}", f"{what} | leave `release_weights` out", ()
            elif action not in gated and clauses.keys() >= set(item.clauses):
                what = f"none of the clauses that it names is about `{action}`"
                fix = "leave it out"
                if gated.isdisjoint(item.actions):
                    about = ", ".join(f"`{it}`" for it in sorted(gated))
                    fix = f"write actions that they are about, {about}, or name clauses about `{action}`"
                yield f"{path}.actions.{place}", f"{what} | {fix}", ("clauses",)
        if "train" in item.actions and item.growth is None:
            yield path, "nothing says how far training may go on | add for example `growth: 1.1x`", ()
        if item.growth is not None and "train" not in item.actions:
            yield f"{path}.growth", "it is no exception for `train` | leave it out", ()
        elif item.growth is not None and item.growth <= 1:
            yield (
                f"{path}.growth",
                "1x or less leaves no room to train | write a factor above 1x",
                (),
            )
        for place, name in enumerate(item.determined):
            if all(it.id != name for it in policy.determinations):
                fix = or_like(name, [it.id for it in policy.determinations], "describe it under `determinations`")
                what = f"no determination `{name}` is described | {fix}"
                yield f"{path}.determined.{place}", what, ("determinations",)
        dates = item.in_force
        if dates and dates.from_ is not None and dates.until is not None and dates.until <= dates.from_:
            yield f"{path}.in_force.until", "it would end before it starts | write a date after `from`", ()
        for other in policy.exceptions[:index]:
            both = [name for name in item.clauses if name in other.clauses]
            shared = [action for action in item.actions if action in other.actions]
            if both and shared and _meet(item.in_force, other.in_force):
                what = f"`{other.id}` is an exception to `{both[0]}` for `{shared[0]}` too"
                what += ": it is open which of them counts"
                fix = "make one of the two, or give them `in_force` dates that do not meet"
                yield path, f"{what} | {fix}", ()
        named = [clauses[name] for name in item.clauses if name in clauses]
        if item.undefined_tests and not any(undefined_in(policy, item, it) for it in named):
            what = "no clause that it names is an undefined test, or asks for one"
            yield f"{path}.undefined_tests", f"{what} | leave it out", _MEANT


def _clause_faults(policy: Policy, item: ExceptionTerms, name: str, clause: Clause) -> Iterator[str]:
    if not clause.gates:
        yield f"`{name}` protects nothing as it is ({clause.modality}) | leave `{name}` out"
    elif clause.modality == "law":
        yield f"`{name}` is law: no developer makes exceptions to that | leave `{name}` out"
    elif isinstance(clause, ResidualRisk) and _budgeted(policy, clause.risk):
        # What went on without a claim could not be added up.
        what = f"`{clause.risk}` has a budget, and what goes on without a claim would be in no later sum"
        yield f"{what} | leave `{name}` out"
    elif item.undefined_tests or not (lacking := undefined_in(policy, item, clause)):
        return
    else:
        what = f"asks for `{lacking[0]}`, which nobody has defined"
        if isinstance(clause, Moratorium):
            what = "is above a model of which nobody has said how much compute it took"
        elif isinstance(clause, UndefinedTest):
            what = "is a test that nobody has defined"
        said = "an exception stands for that only where the policy says so"
        yield f"`{name}` {what}: {said} | leave `{name}` out, or add `undefined_tests: yes`"


def undefined_in(policy: Policy, item: ExceptionTerms, clause: Clause) -> tuple[str, ...]:
    """What a clause asks for, of the actions of an exception, that nobody has defined. A parameter that is overdue is
    no such thing: it was, and may be again."""
    if isinstance(clause, Capability):
        # Only of a release is anything undefined in it, and its domain may be none of the policy's.
        return ()
    actions = (it for it in item.actions if it in clause.actions)
    found = undefined(All(tuple(condition_of(policy, clause, it) for it in actions)))
    # What stands for a name that resolves to nothing, or for a text that is no condition: a fault of its own.
    faults = {f"level.{getattr(clause, 'level', '')}", f"risk.{getattr(clause, 'risk', '')}", f"{clause.id}.when"}
    return tuple(name for name in found if name not in faults)


def _budgeted(policy: Policy, risk: str) -> bool:
    """Whether a clause that gates adds up what goes on under the risk, for whatever action."""
    mine = [it for it in policy.clauses if isinstance(it, ResidualRisk) and it.risk == risk and it.gates]
    return any(it.per != "action" for it in mine)


def _meet(one: InForce | None, other: InForce | None) -> bool:
    """Whether both are in force at some time."""
    starts = [it.from_ for it in (one, other) if it is not None and it.from_ is not None]
    ends = [it.until for it in (one, other) if it is not None and it.until is not None]
    return not starts or not ends or max(starts) < min(ends)
