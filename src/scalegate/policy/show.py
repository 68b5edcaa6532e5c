"""A condition written out, as `expressions` reads it: `parse_condition(show_condition(tree))` is the tree."""

from __future__ import annotations

from fractions import Fraction

from scalegate import units
from scalegate.errors import InputError
from scalegate.policy.quantities import NoSuchFact
from scalegate.policy.syntax import All, Any, AtLeast, Compare, Expr, Fact, Linear, Not, Undefined
from scalegate.policy.vocabulary import Kind, Vocabulary, kind_of

__all__ = ["amount", "date", "lay_out", "show_condition"]

WIDTH = 88
"""A part that fits so many columns stands on one line."""


def show_condition(expr: Expr, known: Vocabulary) -> str:
    """One line of text. Raises InputError for a tree that reads facts which are not in `known`, or unlike ones."""
    match expr:
        case Fact(name):
            return name
        case Undefined(name):
            return f"undefined {name}"
        case Not(item):
            return f"not {_inner(item, known)}"
        case All(()):
            return "always"
        case Any(()):
            return "never"
        case All(items) if len(items) > 1:
            return " and ".join(_inner(item, known) for item in items)
        case Any(items) if len(items) > 1:
            return " or ".join(_inner(item, known) for item in items)
        case All(items):
            return f"all of {_list(items, known)}"
        case Any(items):
            return f"any of {_list(items, known)}"
        case AtLeast(k, items):
            return f"at least {k} of {_list(items, known)}"
        case Compare(op, left, right):
            kind = _kind(left, right, known)
            instants = kind is Kind.INSTANT and 1 in (_instants(left, known), _instants(right, known))
            return f"{_sum(left, known, kind, instants)} {op} {_sum(right, known, kind, instants)}"


def lay_out(expr: Expr, known: Vocabulary, depth: int = 0) -> list[str]:
    """The condition for people, in lines: what does not fit one is a list of its parts, and a list of one that one."""
    while isinstance(expr, All | Any) and len(expr.items) == 1:
        expr = expr.items[0]
    shown, indent = show_condition(expr, known), "  " * depth
    parts = {
        All: "all of these:",
        Any: "any of these:",
        AtLeast: f"at least {expr.k} of these:" if isinstance(expr, AtLeast) else "",
    }
    if len(indent + shown) <= WIDTH or not isinstance(expr, All | Any | AtLeast):
        return [indent + shown]
    return [indent + parts[type(expr)], *(line for item in expr.items for line in lay_out(item, known, depth + 1))]


def _inner(item: Expr, known: Vocabulary) -> str:
    shown = show_condition(item, known)
    return f"({shown})" if isinstance(item, All | Any) and len(item.items) > 1 else shown


def _list(items: tuple[Expr, ...], known: Vocabulary) -> str:
    return f"({', '.join(show_condition(item, known) for item in items)})"


def _kind(left: Linear, right: Linear, known: Vocabulary) -> Kind:
    names = [name for _, name in (*left.terms, *right.terms)]
    for name in names:
        if kind_of(name, known) is None:
            raise NoSuchFact(f"there is no fact `{name}`", fix="write one that the policy has")
    kinds = {Kind.INSTANT if kind_of(name, known) is Kind.DURATION else kind_of(name, known) for name in names}
    kind = kinds.pop() if len(kinds) == 1 else None
    if kind is None or kind in (Kind.YES_NO, Kind.FACTOR):
        what = f"a comparison of {', '.join(f'`{name}`' for name in names) or 'no fact'} is of no one kind"
        raise InputError(what, fix="compare facts of one kind, and at least one")
    return kind


def _instants(side: Linear, known: Vocabulary) -> Fraction:
    return sum((c for c, name in side.terms if kind_of(name, known) is Kind.INSTANT), Fraction(0))


def _sum(side: Linear, known: Vocabulary, kind: Kind, instants: bool) -> str:
    shown = ""
    for coefficient, name in side.terms:
        size = abs(coefficient)
        part = name if size == 1 else f"{_number(size)} * {name}"
        minus = coefficient < 0
        shown = f"{shown} {'-' if minus else '+'} {part}" if shown else f"- {part}" if minus else part
    dated = instants and _instants(side, known) == 0
    if side.const or dated or not shown:
        size = abs(side.const)
        constant = date(side.const) if dated else amount(size, kind)
        minus = side.const < 0 and not dated
        shown = f"{shown} {'-' if minus else '+'} {constant}" if shown else f"- {constant}" if minus else constant
    return shown


def date(seconds: Fraction | int) -> str:
    """An instant, as a day where it is midnight UTC."""
    return units.format_instant(int(seconds)).removesuffix("T00:00:00Z")


def amount(size: Fraction, kind: Kind) -> str:
    """An exact number with the unit of its kind: `3.6e12 FLOP`, `90 days`."""
    if kind is Kind.INSTANT:
        return units.format_duration(int(size))
    return f"{_short(size)} FLOP" if kind is Kind.FLOP else _number(size)


def _short(size: Fraction) -> str:
    """A large round number with its exponent, exact: `3.6e12`."""
    digits = _number(size)
    mantissa = digits.rstrip("0")
    if size.denominator != 1 or len(digits) - len(mantissa) < 4 or not mantissa:
        return digits
    point = f".{mantissa[1:]}" if len(mantissa) > 1 else ""
    return f"{mantissa[0]}{point}e{len(digits) - 1}"


def _number(size: Fraction) -> str:
    """Exact: a decimal where there is one, else a fraction."""
    try:
        return units.exact_decimal(size)
    except InputError:
        return str(size)
