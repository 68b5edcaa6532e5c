"""The reference semantics: what a condition means. This file is the definition; the gate runs it.

Guarantees: total (never raises on a well-formed tree), three-valued (Kleene's strong tables), exact (no
float), fail-closed (a fact that is missing or of the wrong type is unknown). No optimisation is allowed
here; faster forms elsewhere must be held equal to it by tests.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from fractions import Fraction
from typing import TypeAlias

from scalegate.policy.syntax import All, Any, AtLeast, Compare, Expr, Fact, Linear, Not, Undefined, children
from scalegate.truth import Truth, all_of, any_of, at_least, negate

__all__ = ["Facts", "Reason", "Unknown", "Value", "evaluate", "unknowns"]


class Reason(Enum):
    """Why a fact is unknown."""

    MISSING = "missing"
    STALE = "stale"
    UNSIGNED = "unsigned"
    UNDERMINED = "undermined"
    UNDEFINED = "undefined"
    WITHDRAWN = "withdrawn"


@dataclass(frozen=True)
class Unknown:
    """The value of a fact that is not known, with the reason."""

    reason: Reason
    detail: str = ""


Value: TypeAlias = bool | int | Fraction | Unknown
Facts: TypeAlias = Mapping[str, Value]


def evaluate(expr: Expr, facts: Facts) -> Truth:
    """The truth of a condition given facts."""
    match expr:
        case Fact(name):
            value = facts.get(name)
            return Truth.of(value) if isinstance(value, bool) else Truth.UNKNOWN
        case Undefined():
            return Truth.UNKNOWN
        case Compare(op, left, right):
            low, high = linear_value(left, facts), linear_value(right, facts)
            if low is None or high is None:
                return Truth.UNKNOWN
            return Truth.of(low <= high if op == "<=" else low < high)
        case Not(item):
            return negate(evaluate(item, facts))
        case All(items):
            return all_of(evaluate(item, facts) for item in items)
        case Any(items):
            return any_of(evaluate(item, facts) for item in items)
        case AtLeast(k, items):
            return at_least(k, (evaluate(item, facts) for item in items))


def number(value: object) -> Fraction | None:
    """The exact number that a fact holds; None for a boolean, an unknown, a float or anything else."""
    if isinstance(value, bool) or not isinstance(value, int | Fraction):
        return None
    return Fraction(value)


def linear_value(linear: Linear, facts: Facts) -> Fraction | None:
    """The value of a linear term; None as soon as one of its facts is not a number."""
    total = linear.const
    for coefficient, name in linear.terms:
        value = number(facts.get(name))
        if value is None:
            return None
        total += coefficient * value
    return total


def unknowns(expr: Expr, facts: Facts) -> dict[str, Unknown]:
    """Each fact that the tree reads and that is unknown, with its reason, in order of appearance."""
    found: dict[str, Unknown] = {}
    match expr:
        case Undefined(name):
            why = facts.get(name)
            found[name] = why if isinstance(why, Unknown) else _undefined(name)
        case Fact(name):
            if not isinstance(facts.get(name), bool):
                found[name] = _why(name, facts)
        case Compare(_, left, right):
            for _, name in left.terms + right.terms:
                if number(facts.get(name)) is None:
                    found[name] = _why(name, facts)
        case _:
            for item in children(expr):
                found.update(unknowns(item, facts))
    return found


def _undefined(name: str) -> Unknown:
    return Unknown(Reason.UNDEFINED, f"`{name}` is not defined yet")


def _why(name: str, facts: Facts) -> Unknown:
    value = facts.get(name)
    return value if isinstance(value, Unknown) else Unknown(Reason.MISSING, f"no fact `{name}`")
