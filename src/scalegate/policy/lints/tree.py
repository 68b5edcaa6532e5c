"""What is certain of a condition before anything is known: which truths it can have, and what holds it for good.

Each atom is taken alone, so a truth that is listed may be out of reach, and one that is not listed surely is. A fact
that is an amount is at least 0 and has no largest value, the clock shows `today` or later, and whatever the gate does
not always have may be unknown.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from fractions import Fraction
from functools import partial
from math import ceil, floor
from typing import NamedTuple, TypeAlias

from scalegate.policy.entails import entails, positive
from scalegate.policy.semantics import evaluate
from scalegate.policy.standing import STANDING
from scalegate.policy.syntax import (
    All,
    Any,
    AtLeast,
    Compare,
    Expr,
    Fact,
    Not,
    Undefined,
    children,
    compares,
    fact_names,
    net,
)
from scalegate.truth import Truth, negate

__all__ = [
    "Idle",
    "always_met",
    "any_amount",
    "at_every_time",
    "idle_parts",
    "implied_by_cap",
    "lapsing_parts",
    "may_fail_at_every_time",
    "opened_from",
    "standing",
    "truths",
    "what_stops",
]

Truths: TypeAlias = frozenset[Truth]
Given: TypeAlias = Callable[[Expr], Truths | None]
"""What an atom can be, where more is known of it than of any."""

_ANY = frozenset(Truth)
_TRUE, _FALSE = frozenset({Truth.TRUE}), frozenset({Truth.FALSE})
_ALWAYS_KNOWN = frozenset({"compute", "now"})
_NEVER_LESS = frozenset({"compute", "now", "developer.others", "lineage.compute", "ledger.time"})
"""A plan can be made smaller, and so is none of these."""


def truths(expr: Expr, today: int, given: Given = lambda _: None) -> Truths:
    """The truths that a condition can have from the instant `today` on."""
    known = given(expr)
    if known is not None:
        return known
    match expr:
        case Undefined():
            return frozenset({Truth.UNKNOWN})
        case Fact():
            return _ANY
        case Compare():
            return _compared(expr, today)
        case Not(item):
            return frozenset(map(negate, truths(item, today, given)))
    parts = [truths(item, today, given) for item in children(expr)]
    wanted = expr.k if isinstance(expr, AtLeast) else len(parts) if isinstance(expr, All) else 1
    return _counted(wanted, parts)


MOST_LOOKS = 200_000
"""Parts that are looked at, over all dates of one condition; past that its dates are taken one by one."""


def at_every_time(expr: Expr, today: int, given: Given = lambda _: None) -> Truths:
    """The same, with all comparisons of the clock with dates taken together: it is before some and past the others."""
    return frozenset[Truth]().union(*(can for _, can in _by_time(expr, today, given)))


def may_fail_at_every_time(expr: Expr, today: int) -> bool:
    """Whether it may be false at each time from today on."""
    return all(Truth.FALSE in can for _, can in _by_time(expr, today, lambda _: None))


def always_met(expr: Expr, today: int, given: Given) -> Iterator[tuple[int, int | None]]:
    """The times from today on in which it is met whatever happens: since when, and from when on no longer, if ever."""
    since: int | None = None
    for at, can in _by_time(expr, today, given):
        if can == {Truth.TRUE}:
            since = at if since is None else since
        elif since is not None:
            yield since, at
            since = None
    if since is not None:
        yield since, None


def _by_time(expr: Expr, today: int, given: Given) -> Iterator[tuple[int, Truths]]:
    """The truths that it can have from today on, and from each date on that it compares the clock with."""
    # Parts are known by where they stand: to compare them takes long, and there may be many dates.
    dated = {id(part): turn for part in compares(expr) if (turn := _turn_of(part)) is not None}
    times = sorted({today, *(at for at, _ in dated.values() if at > today)})
    if len(times) * _size(expr) > MOST_LOOKS:
        yield today, truths(expr, today, given)
        return
    known: dict[int, Truths | None] = {}
    for at in times:

        def then(part: Expr, at: int = at) -> Truths | None:
            turn = dated.get(id(part))
            if turn is not None:
                return _TRUE if (at >= turn[0]) is turn[1] else _FALSE
            if id(part) not in known:
                known[id(part)] = given(part)
            return known[id(part)]

        yield at, truths(expr, at, then)


def _turn_of(part: Compare) -> tuple[int, bool] | None:
    """Of a comparison of the clock with a date: the first second at which it has turned, and whether it is so then."""
    pushes = {name: it for name, it in net(part).items() if it}
    if pushes.keys() != {"now"} or fact_names(part) != {"now"}:
        return None
    edge = (part.left.const - part.right.const) / pushes["now"]
    met = pushes["now"] > 0
    # At the very date a comparison with `<` is not so.
    later = (part.op == "<") is met
    return (floor(edge) + 1 if later else ceil(edge)), met


def _size(expr: Expr) -> int:
    return 1 + sum(map(_size, children(expr)))


def standing(part: Expr) -> Truths | None:
    """What is so wherever anything goes on: the conditions that stand under every policy."""
    met = isinstance(part, Fact | Compare) and any(entails(it.condition, part) for it in STANDING)
    return frozenset({Truth.TRUE}) if met else None


def opened_from(today: int) -> Given:
    """What is so, beside that, of each lineage that is opened from an instant on."""

    def holds(part: Expr) -> Truths | None:
        if isinstance(part, Compare) and fact_names(part) == {"lineage.opened"}:
            pushes = net(part)["lineage.opened"]
            if pushes > 0 and evaluate(part, {"lineage.opened": today}) is Truth.TRUE:
                return frozenset({Truth.TRUE})
        return standing(part)

    return holds


class Idle(NamedTuple):
    """A part of a condition that asks for nothing, or for nothing at times."""

    part: Expr
    alternative: bool = False
    """Others stand beside it any of which will do: without it no less is asked for."""
    since: int | None = None
    until: int | None = None
    """The first second at which it asks for something again."""


def idle_parts(expr: Expr, today: int, given: Given) -> Iterator[Idle]:
    """Alternatives that are met whatever happens, or by any amount once there is one, so that what stands beside them
    asks for nothing; and alternatives that are so together, as several dates may be."""
    yield from dict.fromkeys(_idle(positive(expr), today, given))


def _idle(expr: Expr, today: int, given: Given, alternative: bool = False) -> Iterator[Idle]:
    can = at_every_time(expr, today, given)
    items = _alternatives(expr)
    if alternative and Truth.TRUE in can and Truth.FALSE not in can:
        yield Idle(expr, alternative)
    elif items and can == {Truth.TRUE} and not any(at_every_time(it, today, given) == can for it in items):
        yield Idle(expr)
    else:
        for item in children(expr):
            yield from _idle(item, today, given, bool(items))


def any_amount(expr: Expr, today: int, given: Given, alternative: bool = False) -> Iterator[Compare]:
    """Comparisons that any amount meets, and that must be met: they ask that there is one, and no less than that."""
    can = at_every_time(expr, today, given)
    if alternative and Truth.FALSE not in can:
        return
    if isinstance(expr, Compare) and Truth.TRUE in can and Truth.UNKNOWN in can and Truth.FALSE not in can:
        yield expr
    for item in children(expr):
        yield from any_amount(item, today, given, bool(_alternatives(expr)))


def lapsing_parts(expr: Expr, today: int, given: Given) -> Iterator[Idle]:
    """Alternatives of which one is always met at some time, by nothing but the clock."""
    items = _alternatives(expr)
    times = list(always_met(expr, today, given)) if items and fact_names(expr) != {"now"} else []
    for since, until in times:
        if since > today or until is not None:
            yield Idle(expr, since=since, until=until)
    if not times:
        for item in children(expr):
            yield from lapsing_parts(item, today, given)


def _alternatives(expr: Expr) -> tuple[Expr, ...]:
    """Parts not all of which have to be met."""
    few = isinstance(expr, Any) or (isinstance(expr, AtLeast) and expr.k < len(expr.items))
    return children(expr) if few and len(children(expr)) > 1 else ()


def _counted(wanted: int, parts: list[Truths]) -> Truths:
    """The truths of `at least so many of these`."""
    spare = len(parts) - wanted + 1
    found = set()
    if sum(Truth.TRUE in part for part in parts) >= wanted:
        found.add(Truth.TRUE)
    if sum(Truth.FALSE in part for part in parts) >= spare:
        found.add(Truth.FALSE)
    settled = (
        sum(part == {Truth.TRUE} for part in parts) >= wanted or sum(part == {Truth.FALSE} for part in parts) >= spare
    )
    if not settled and any(Truth.UNKNOWN in part for part in parts):
        found.add(Truth.UNKNOWN)
    return frozenset(found)


def _compared(part: Compare, today: int) -> Truths:
    pushes = net(part)
    least = part.right.const - part.left.const + today * pushes.get("now", Fraction(0))
    at_least_met = least > 0 if part.op == "<" else least >= 0
    found = set()
    if at_least_met or any(it > 0 for it in pushes.values()):
        found.add(Truth.TRUE)
    if not at_least_met or any(it < 0 for it in pushes.values()):
        found.add(Truth.FALSE)
    if not fact_names(part) <= _ALWAYS_KNOWN:
        found.add(Truth.UNKNOWN)
    return frozenset(found)


def implied_by_cap(limit: int) -> Given:
    """What comparisons come to for whoever stays within an absolute limit on compute."""

    def holds(part: Expr) -> Truths | None:
        pushes = {name: it for name, it in net(part).items() if it} if isinstance(part, Compare) else {}
        alike = len(set(pushes.values())) == 1
        bounded = pushes.keys() <= {"compute", "developer.others"} or (
            len(pushes) == 1 and pushes.keys() <= {"lineage.compute", "lineage.planned_end"}
        )
        if not (isinstance(part, Compare) and alike and bounded):
            return None
        size = -next(iter(pushes.values()))
        most, room = limit * size, part.right.const - part.left.const
        met = size > 0 and (most < room if part.op == "<" else most <= room)
        return frozenset({Truth.TRUE}) if met else None

    return holds


def what_stops(expr: Expr, today: int) -> Iterator[Compare | str]:
    """What, once it has come about, no measurement, signature, act or date makes good: a comparison that compute has
    passed, a domain whose alarm was reached, a `determination.D` that was denied and stays so, or an `obligation.O`
    that was missed."""
    for compare in dict.fromkeys(compares(expr)):
        pushes = {name: it for name, it in net(compare).items() if it}
        for_good = pushes and all(it < 0 and name in _NEVER_LESS for name, it in pushes.items())
        if for_good and Truth.TRUE not in truths(expr, today, partial(_passed, compare)):
            yield compare
    names = sorted(fact_names(expr))
    alarms = (name.rpartition(".")[0] for name in names if name.endswith((".reached", ".ruled_out")))
    judged = (".".join(name.split(".")[:2]) for name in names if name.startswith("determination."))
    missed = (name.removesuffix(".missed") for name in names if name.endswith(".missed"))
    for bad, events in ((_reached, alarms), (_denied, judged), (_missed, missed)):
        for event in dict.fromkeys(events):
            if Truth.TRUE in truths(expr, today) and Truth.TRUE not in truths(expr, today, partial(bad, event)):
                yield event


def _passed(compare: Compare, part: Expr) -> Truths | None:
    return frozenset({Truth.FALSE}) if part == compare else None


def _reached(domain: str, part: Expr) -> Truths | None:
    if part == Fact(f"{domain}.reached"):
        return frozenset({Truth.TRUE})
    return frozenset({Truth.FALSE}) if part == Fact(f"{domain}.ruled_out") else None


def _missed(obligation: str, part: Expr) -> Truths | None:
    return frozenset({Truth.TRUE}) if part == Fact(f"{obligation}.missed") else None


def _denied(determination: str, part: Expr) -> Truths | None:
    if part == Fact(determination):
        return frozenset({Truth.FALSE})
    ends = (".denied", ".denied_anywhere")
    denied = isinstance(part, Fact) and part.name.startswith(f"{determination}.") and part.name.endswith(ends)
    return frozenset({Truth.TRUE}) if denied else None
