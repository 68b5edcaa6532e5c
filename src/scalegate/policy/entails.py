"""Whether one condition is met whenever another is, as far as their shapes show it.

Guarantees: where it says so, it is so, for all facts that are amounts of at least 0, as facts are. It does not find all
that is so: False is "this does not show it". What is unknown meets nothing, so that a part may only read what the other
part reads as well.
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

from scalegate.policy.syntax import All, Any, AtLeast, Compare, Expr, Fact, Not, Undefined, net

__all__ = ["entails", "positive"]


def entails(one: Expr, other: Expr) -> bool:
    """Whether `other` is met whenever `one` is; of that which cannot be told, False."""
    return _Shapes().entails(positive(one), positive(other))


def positive(expr: Expr, *, denied: bool = False) -> Expr:
    """The same condition with each `not` at a fact, so that each part of it helps to meet it."""
    match expr:
        case Not(item):
            return positive(item, denied=not denied)
        case Fact():
            return Not(expr) if denied else expr
        case Compare(op, left, right):
            return Compare("<" if op == "<=" else "<=", right, left) if denied else expr
        case All(items) | Any(items):
            inner = tuple(positive(item, denied=denied) for item in items)
            return All(inner) if isinstance(expr, All) is not denied else Any(inner)
        case AtLeast(k, items):
            inner = tuple(positive(item, denied=denied) for item in items)
            return AtLeast(len(items) - k + 1 if denied else k, inner)
        case Undefined():
            return expr


class _Shapes:
    """Each pair of parts is looked at once: parts that stand in two trees are many pairs."""

    def __init__(self) -> None:
        self._known: dict[tuple[int, int], bool] = {}

    def entails(self, one: Expr, other: Expr) -> bool:
        pair = (id(one), id(other))
        if pair not in self._known:
            self._known[pair] = self._looked_at(one, other)
        return self._known[pair]

    def _looked_at(self, one: Expr, other: Expr) -> bool:
        # What takes a condition apart without losing anything comes first.
        if isinstance(one, Undefined):
            return True
        if isinstance(other, All):
            return all(self.entails(one, item) for item in other.items)
        if isinstance(one, Any):
            return all(self.entails(item, other) for item in one.items)
        if isinstance(one, Compare) and isinstance(other, Compare):
            return _follows(one, other)
        if not isinstance(one, All | AtLeast) and not isinstance(other, Any | AtLeast):
            return one == other
        if isinstance(one, All) and any(self.entails(item, other) for item in one.items):
            return True
        if isinstance(other, Any) and any(self.entails(one, item) for item in other.items):
            return True
        (k, ones), (least, others) = _counted(one), _counted(other)
        return k - (len(ones) - self._paired(ones, others)) >= least

    def _paired(self, ones: tuple[Expr, ...], others: tuple[Expr, ...]) -> int:
        """How many of these meet one of those each, no two the same; at least."""
        left = list(others)
        for item in ones:
            met = next((it for it in left if it == item), None)
            met = met or next((it for it in left if self.entails(item, it)), None)
            if met is not None:
                left.remove(met)
        return len(others) - len(left)


def _counted(expr: Expr) -> tuple[int, tuple[Expr, ...]]:
    match expr:
        case All(items):
            return len(items), items
        case Any(items):
            return 1, items
        case AtLeast(k, items):
            return k, items
        case _:
            return 1, (expr,)


def _follows(one: Compare, other: Compare) -> bool:
    """Whether the one line of numbers bounds the other: it is the other, so many times, with something to spare."""
    have, wanted = net(one), net(other)
    if not wanted.keys() <= have.keys():
        return False  # what it reads beside may be unknown
    spare = (one.right.const - one.left.const, other.right.const - other.left.const)
    rows = [(have[name], wanted.get(name, Fraction(0))) for name in have]
    for times in _scales([*rows, spare]):
        over = spare[1] - times * spare[0]
        enough = over > 0 or (over == 0 and (one.op == "<" or other.op == "<="))
        if enough and all(it - times * had >= 0 for had, it in rows):
            return True
    return False


def _scales(rows: list[tuple[Fraction, Fraction]]) -> Iterator[Fraction]:
    """By how much the one is multiplied to be the other: by what fits one of the figures."""
    yield Fraction(1)
    for had, wanted in rows:
        if had and wanted / had > 0:
            yield wanted / had
