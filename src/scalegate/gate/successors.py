"""An undefined test in one version and the next: whether it is given up, and what may stand in its place.

Compared is what counts: what is asked of fewer, later, of less, or with a wider exception is less. Another name,
another source or a corrected sentence is not.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from scalegate.policy.clause_figures import value_at
from scalegate.policy.compile import compile_policy
from scalegate.policy.document import Action, Clause, ExceptionTerms, Policy, UndefinedTest
from scalegate.policy.lints import changed_since
from scalegate.policy.lints.since_figures import condition_way, instants
from scalegate.policy.lints.tree import may_fail_at_every_time
from scalegate.policy.parts import Determination, Quorum, Tier
from scalegate.policy.scalars import Named
from scalegate.policy.standing import STANDING
from scalegate.policy.syntax import Expr, fact_names
from scalegate.text import akin

__all__ = ["Place", "asks_again", "given_up", "names", "no_less", "why_not"]


class Place(NamedTuple):
    """A clause that stands in the place of a test, in the version that had it last."""

    test: UndefinedTest
    protocol: str
    clause: Clause
    policy: Policy
    before: Policy
    """The last version that had the test."""


def given_up(before: Policy, after: Policy, today: int = 0) -> tuple[UndefinedTest, ...]:
    """The clauses whose test another version does not ask for, or not so soon, nor of everyone, nor with as many to
    approve it."""
    return tuple(it for it in before.tests if it.gates and not _kept(before, it, after, today))


def asks_again(place: Place, after: Policy, today: int) -> bool:
    """Whether a version asks for the test itself again, as it was asked for."""
    return _kept(place.before, place.test, after, today)


def names(clause: Clause, protocol: str) -> bool:
    """Whether the source of a clause has the digest of a protocol."""
    return any(protocol in part for part in (clause.source.document, clause.source.section or ""))


def why_not(new: Clause, old: UndefinedTest, before: Policy, after: Policy, today: int) -> str | None:
    """Why a clause may not stand in the place of a test; None: it may.

    It gates the same actions when and of whomever the test was asked, nothing more excepts it, and what it asks for was
    not asked before, can be violated at any time, and is not asked for anyway.
    """
    fewer = _gates_fewer(new, old, old.actions, before, after)
    if fewer or isinstance(new, UndefinedTest):
        return fewer or f"`{new.id}` asks for an undefined test itself"
    others = [it for it in before.clauses if it.gates and it.id != old.id]
    if any(new.id == it.id or akin(new.text) == akin(it.text) for it in others):
        return f"`{new.id}` is a clause that there was before: one of its own takes the place"
    anyway = frozenset().union(*(fact_names(it.condition) for it in STANDING))
    for action in old.actions:
        asks = _condition(after, new, action)
        if asks in [it.condition for it in compile_policy(before, action, by_name=True) if it.clause.gates]:
            return f"what `{new.id}` asks for `{action}` was asked before"
        if fact_names(asks) <= anyway or not may_fail_at_every_time(asks, today):
            return f"what `{new.id}` asks for `{action}` is always so, is so from some time on, or is asked for anyway"
    return None


def no_less(place: Place, after: Policy, today: int) -> Clause | None:
    """The clause of a version that asks for no less than what stood in the place; None: there is none."""
    if after.factor < place.policy.factor:
        return None
    weaker = _weakened(place.policy, after, today)
    for new in after.clauses:
        if not names(new, place.protocol) or isinstance(new, UndefinedTest):
            continue
        if _gates_fewer(new, place.clause, place.test.actions, place.policy, after):
            continue
        ways = {
            condition_way(
                place.policy,
                _condition(place.policy, place.clause, action),
                after,
                _condition(after, new, action),
                today,
            )
            for action in place.test.actions
        }
        if ways <= {"same", "stricter"} and not weaker & _rests_on(place, after, new):
            return new
    return None


def _weakened(before: Policy, after: Policy, today: int) -> frozenset[str]:
    """The ids of parts that are weaker in a version, or may be; and of fields of the policy that are."""
    found = (it.about.split(",")[0] for it in changed_since(before, after, today) if it.rule.severity == "weakness")
    return frozenset(about.partition(" ")[2] or about.strip("`") for about in found if not about.startswith("clause "))


def _rests_on(place: Place, after: Policy, new: Clause) -> frozenset[str]:
    """What a clause asks for by other parts of the policy: the ids of these, and the fields that say how they count."""
    known = frozenset(
        fact
        for action in place.test.actions
        for policy, clause in ((place.policy, place.clause), (after, new))
        for fact in fact_names(_condition(policy, clause, action))
    )
    named = frozenset(part for fact in known for part in fact.split("."))
    measured = any(domain.id in named for domain in place.policy.domains)
    rests = {it.id for policy in (place.policy, after) for it in policy.assumptions}
    return named | ({"error_budget", "alpha", "evaluations", *rests} if measured else frozenset())


def _condition(policy: Policy, clause: Clause, action: Action) -> Expr:
    return next(it.condition for it in compile_policy(policy, action, by_name=True) if it.clause.id == clause.id)


def _gates_fewer(new: Clause, old: Clause, actions: tuple[Action, ...], before: Policy, after: Policy) -> str | None:
    """Why a clause gates less than another did, whatever the two ask for."""
    if not new.gates:
        return f"`{new.id}` gates nothing"
    if not {*actions} <= {*new.actions}:
        return f"`{new.id}` gates fewer actions"
    if new.in_force not in (None, old.in_force):
        return f"`{new.id}` is in force at other times"
    if not _binds_as_soon(old, before, new, after):
        return f"`{new.id}` binds fewer, or later, by its tier"
    if not _excepted_no_more(after, new, before, old):
        return f"`{new.id}` has an exception that there was not, or a wider one"
    return None


def _kept(before: Policy, clause: UndefinedTest, after: Policy, today: int) -> bool:
    if after.factor < before.factor:
        return False
    kept = [it for it in after.tests if _asks(before, clause, after, it, today)]
    return all(any(action in it.actions for it in kept) for action in clause.actions)


def _asks(before: Policy, old: UndefinedTest, after: Policy, new: UndefinedTest, today: int) -> bool:
    """Whether a clause asks for the same test, when and of whomever the old one does."""
    was, now = old.test.approved_by, new.test.approved_by
    apart = {*(was.apart_from or ())} <= {*(now.apart_from or ())}
    if not (new.gates and _same_test(new, old)) or not apart or now.at_least < was.at_least:
        return False
    if new.in_force not in (None, old.in_force) or not _binds_as_soon(old, before, new, after):
        return False
    return _no_later(before, old, after, new, today) and _excepted_no_more(after, new, before, old)


def _same_test(new: UndefinedTest, old: UndefinedTest) -> bool:
    return new.test.id == old.test.id and akin(new.test.purpose) == akin(old.test.purpose)


def _no_later(before: Policy, old: UndefinedTest, after: Policy, new: UndefinedTest, today: int) -> bool:
    """Whether the test is asked for by the same effective compute at the latest, at each time from today on. A figure
    that is overdue is as large as it was, for one that is reviewed in its turn."""
    named = [(policy, it.above) for policy, it in ((before, old), (after, new)) if isinstance(it.above, Named)]
    moving = [it for policy, figure in named for it in policy.parameters if it.id == figure.id]
    reviewed = isinstance(old.above, Named) and isinstance(new.above, Named)
    last: int | None = None
    for at in sorted({*(it.from_ for one in moving for it in one.values), *instants(moving, today)}):
        was, now = value_at(before, old.above, at), value_at(after, new.above, at)
        last = last if was is None and reviewed else was
        if at >= today and now is not None and (last is None or now > last):
            return False
    return True


def _binds_as_soon(old: Clause, before: Policy, new: Clause, after: Policy) -> bool:
    """Whether a clause binds whomever the old one did, as soon."""
    if new.tier is None or new.tier != old.tier:
        return new.tier is None
    was, now = _tier(before, new.tier), _tier(after, new.tier)
    if was is None or now is None:
        return False
    same = {*now.parties} == {*was.parties} and now.recorded_by == was.recorded_by
    return same and now.binds_at <= was.binds_at


def _tier(policy: Policy, name: str) -> Tier | None:
    return next((it for it in policy.tiers if it.id == name), None)


def _excepted_no_more(after: Policy, new: Clause, before: Policy, old: Clause) -> bool:
    """Whether nothing lets an action pass the clause that did not let it pass the old one."""
    known = list(_terms(before, old))
    return all(any(_no_wider(after, now, before, was) for was in known) for now in _terms(after, new))


def _terms(policy: Policy, clause: Clause) -> Iterator[ExceptionTerms]:
    return (it for it in policy.exceptions if clause.id in it.clauses)


def _no_wider(after: Policy, now: ExceptionTerms, before: Policy, was: ExceptionTerms) -> bool:
    """Whether an exception lets nothing pass that the other did not, wherever both stand for the same."""
    grows = was.growth is None or (now.growth is not None and now.growth <= was.growth)
    return (
        {*now.actions} <= {*was.actions}
        and now.valid_for <= was.valid_for
        and grows
        and was.in_force in (None, now.in_force)
        and _no_fewer(now.granted_by, was.granted_by)
        and all(_judged(after, it, now) == _judged(before, it, was) for it in was.determined)
    )


def _no_fewer(now: Quorum, was: Quorum) -> bool:
    apart = {*(was.apart_from or ())} <= {*(now.apart_from or ())}
    return now.role == was.role and now.at_least >= was.at_least and apart


def _judged(policy: Policy, name: str, terms: ExceptionTerms) -> Determination | None:
    """What an exception takes to be determined, but for how it is written."""
    if name not in terms.determined:
        return None
    found = next((it for it in policy.determinations if it.id == name), None)
    return found.model_copy(update={"text": akin(found.text)}) if found else None
