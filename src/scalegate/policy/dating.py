"""Parameters compiled away: a comparison that names one becomes, for each value, the comparison with the figure in
place and the dates between which that value counts. At all other times it is unknown.

Guarantees: at an instant at which each parameter has a value in force, the tree means what it means with these figures
in place; at any other, what it means with the comparison unknown. Only numbers are multiplied: it stays linear.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from dataclasses import replace
from fractions import Fraction

from scalegate.policy.document import Policy
from scalegate.policy.parameters import Interval, spans
from scalegate.policy.semantics import Facts, evaluate
from scalegate.policy.syntax import (
    PARAMETER,
    TIMES,
    All,
    Any,
    AtLeast,
    Compare,
    Expr,
    Linear,
    Not,
    Undefined,
    at_most,
    constant,
    fact_names,
    parts,
    rewritten,
    term,
)
from scalegate.truth import Truth

__all__ = ["by_date", "in_figures", "in_force_at", "parameters_of", "settled", "versions"]

NOW = term("now")


def parameters_of(expr: Expr) -> tuple[str, ...]:
    """The names of the parameters that a tree names."""
    return tuple(sorted(name for name in fact_names(expr) if name.startswith(PARAMETER)))


def by_date(policy: Policy, expr: Expr) -> Expr:
    """The tree that is evaluated."""
    return _replaced(expr, lambda compare: _dated(policy, compare)) if policy.parameters else expr


def in_figures(policy: Policy, expr: Expr) -> Expr:
    """The tree with every comparison in all its versions, and without the dates: it is not what is decided by.

    It shows what is so whatever the time: on which sides facts stand, and which figures there are.
    """
    return _replaced(expr, lambda it: _all_versions(policy, it)) if policy.parameters else expr


def in_force_at(policy: Policy, expr: Expr, at: int, names: Collection[str]) -> Expr:
    """The tree with the figures of these parameters that count at an instant; where there is none it is undefined."""

    def put(compare: Compare) -> Expr:
        for name in parameters_of(compare):
            if name in names:
                span = next(it for it in _spans(policy, name) if (it.start or 0) <= at and not _over(it, at))
                if span.value is None:
                    return Undefined(name)
                figure = span.value.value.value
                compare = Compare(compare.op, _put(compare.left, name, figure), _put(compare.right, name, figure))
        return compare

    return _replaced(expr, put)


def _over(span: Interval, at: int) -> bool:
    return span.end is not None and span.end < at


def versions(policy: Policy, compare: Compare) -> Iterator[tuple[Interval, Compare]]:
    """What a comparison is while each of its parameters has a value, with the seconds between which it is that."""
    yield from _versions(policy, compare, parameters_of(compare), Interval(None, None, None))


def _versions(
    policy: Policy, compare: Compare, names: tuple[str, ...], within: Interval
) -> Iterator[tuple[Interval, Compare]]:
    if not names:
        yield within, compare
        return
    for span in _spans(policy, names[0]):
        start, end = _latest(span.start, within.start), _earliest(span.end, within.end)
        if span.value is not None and (start is None or end is None or start <= end):
            figure = span.value.value.value
            done = Compare(compare.op, _put(compare.left, names[0], figure), _put(compare.right, names[0], figure))
            yield from _versions(policy, done, names[1:], Interval(start, end, span.value))


def _all_versions(policy: Policy, compare: Compare) -> Expr:
    found = tuple(it for _, it in versions(policy, compare))
    if not found:
        return Undefined(parameters_of(compare)[0])
    return found[0] if len(found) == 1 else All(found)


def _dated(policy: Policy, compare: Compare) -> Expr:
    names = parameters_of(compare)
    if not names:
        return compare
    found = [All((done, *_between(span))) for span, done in versions(policy, compare)]
    found += [
        All((Undefined(name), *_between(span))) for name in names for span in _spans(policy, name) if span.value is None
    ]
    return Any(tuple(found))


def settled(expr: Expr, facts: Facts) -> Expr:
    """The tree as it is at the time of asking, with the figures that are then in force: for what is said of it."""
    if isinstance(expr, Any) and any(map(_unknown_meanwhile, expr.items)):
        cells = [item.items for item in expr.items if isinstance(item, All)]
        here = [cell[0] for cell in cells if evaluate(All(cell[1:]), facts) is Truth.TRUE]
        return here[0] if len(here) == 1 else All(tuple(here)) if here else expr
    return _inside(expr, lambda item: settled(item, facts))


def _unknown_meanwhile(expr: Expr) -> bool:
    match expr:
        case All((Undefined(name), *_)):
            return name.startswith(PARAMETER)
    return False


def _between(span: Interval) -> Iterator[Expr]:
    """That it is then. Where one ends the next begins, so that no instant is in none and none in two."""
    if span.start is not None:
        yield Compare("<", constant(span.start - 1), NOW)
    if span.end is not None:
        yield at_most(NOW, constant(span.end))


def _spans(policy: Policy, name: str) -> tuple[Interval, ...]:
    parameter = next((it for it in policy.parameters if f"{PARAMETER}{it.id}" == name), None)
    return spans(parameter) if parameter is not None else (Interval(None, None, None),)


def _put(side: Linear, name: str, figure: Fraction) -> Linear:
    """The sum with a figure in place of a parameter."""
    done = Linear(side.const)
    for coefficient, whole in side.terms:
        factors = parts(whole)
        times = coefficient * figure ** factors.count(name)
        left = TIMES.join(it for it in factors if it != name)
        done += term(left, times) if left else constant(times)
    return done


def _replaced(expr: Expr, put: Callable[[Compare], Expr]) -> Expr:
    return rewritten(expr, lambda it: put(it) if isinstance(it, Compare) else it)


def _inside(expr: Expr, change: Callable[[Expr], Expr]) -> Expr:
    match expr:
        case Not(item):
            return Not(change(item))
        case All(items) | Any(items) | AtLeast(_, items):
            return replace(expr, items=tuple(map(change, items)))
        case _:
            return expr


def _latest(one: int | None, other: int | None) -> int | None:
    return max((it for it in (one, other) if it is not None), default=None)


def _earliest(one: int | None, other: int | None) -> int | None:
    return min((it for it in (one, other) if it is not None), default=None)
