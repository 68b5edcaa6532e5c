"""Conditions and policies written in Python: they make the trees of `syntax`, and mean nothing else.

    from scalegate.policy.build import at_least, build_policy, fact, flop, parameter

    near = fact("compute") <= 4 * fact("bio.evidence.compute")
    when = near & ~fact("bio.reached") & (fact("compute") <= flop("1e26 FLOP"))
    policy = build_policy({..., "clauses": [{"id": "growth", "kind": "condition", "when": when, ...}]})

Nothing is checked here but that numbers are exact. Which facts there are, what may be compared and on which side a fact
may stand is checked where a policy is read, by the rules that a text is read by. `a & b & c` is the tree of `a and b
and c`; brackets around the first of them take `all_of`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any as AnyValue
from typing import NoReturn

from scalegate import units
from scalegate.errors import InputError
from scalegate.policy.checks import joined
from scalegate.policy.document import Policy
from scalegate.policy.reader import policy_from_json
from scalegate.policy.syntax import (
    PARAMETER,
    TIMES,
    All,
    Any,
    AtLeast,
    Compare,
    Expr,
    Fact,
    Linear,
    Not,
    Undefined,
    constant,
    parts,
    term,
    to_json,
)
from scalegate.policy.to_yaml import policy_to_yaml

__all__ = [
    "Amount",
    "Condition",
    "Named",
    "all_of",
    "always",
    "any_of",
    "at_least",
    "build_policy",
    "date",
    "duration",
    "fact",
    "flop",
    "never",
    "number",
    "parameter",
    "policy_to_yaml",
    "undefined",
]


@dataclass(frozen=True)
class Condition:
    """A condition; join several with `&`, `|` and `~`."""

    tree: Expr

    def __and__(self, other: Condition) -> Condition:
        return Condition(All((*_chain(self.tree, All), other.tree)))

    def __or__(self, other: Condition) -> Condition:
        return Condition(Any((*_chain(self.tree, Any), other.tree)))

    def __invert__(self) -> Condition:
        return Condition(Not(self.tree))

    def __bool__(self) -> NoReturn:
        raise InputError(
            "a condition is neither true nor false before it is decided",
            fix="join conditions with `&`, `|` and `~`, and write two comparisons for `a <= b <= c`",
        )


@dataclass(frozen=True)
class Amount:
    """A sum of facts and numbers; comparing two makes a condition."""

    linear: Linear

    def __add__(self, other: Amount | Fraction | int) -> Amount:
        return Amount(self.linear + _amount(other).linear)

    def __radd__(self, other: Fraction | int) -> Amount:
        return _amount(other) + self

    def __neg__(self) -> Amount:
        return Amount(self.linear * -1)

    def __sub__(self, other: Amount | Fraction | int) -> Amount:
        return self + -_amount(other)

    def __rsub__(self, other: Fraction | int) -> Amount:
        return _amount(other) - self

    def __mul__(self, other: Amount | Fraction | int) -> Amount:
        if isinstance(other, Amount):
            return _product(self.linear, other.linear)
        return Amount(self.linear * _exact(other))

    def __rmul__(self, other: Fraction | int) -> Amount:
        return self * other

    def __le__(self, other: Amount | Fraction | int) -> Condition:
        return Condition(Compare("<=", self.linear, _amount(other).linear))

    def __lt__(self, other: Amount | Fraction | int) -> Condition:
        return Condition(Compare("<", self.linear, _amount(other).linear))

    def __ge__(self, other: Amount | Fraction | int) -> Condition:
        return Condition(Compare("<=", _amount(other).linear, self.linear))

    def __gt__(self, other: Amount | Fraction | int) -> Condition:
        return Condition(Compare("<", _amount(other).linear, self.linear))


@dataclass(frozen=True)
class Named(Amount, Condition):
    """A fact: a condition where it is so or not, and else an amount."""


def fact(name: str) -> Named:
    """A fact, by the name that `policy explain` shows."""
    return Named(tree=Fact(name), linear=term(name))


def parameter(identifier: str) -> Amount:
    """A parameter of the policy; one that multiplies stands before what it multiplies."""
    return Amount(term(PARAMETER + identifier))


def undefined(name: str) -> Condition:
    """A test that nobody has defined yet."""
    return Condition(Undefined(name))


def always() -> Condition:
    return Condition(All(()))


def never() -> Condition:
    return Condition(Any(()))


def all_of(*conditions: Condition) -> Condition:
    return Condition(All(tuple(it.tree for it in conditions)))


def any_of(*conditions: Condition) -> Condition:
    return Condition(Any(tuple(it.tree for it in conditions)))


def at_least(k: int, *conditions: Condition) -> Condition:
    """So many of these. Raises InputError where there are not as many, or none is asked for."""
    if not 1 <= k <= len(conditions):
        raise InputError(f"at least {k} of {len(conditions)} says nothing", fix=f"ask for 1 to {len(conditions)}")
    return Condition(AtLeast(k, tuple(it.tree for it in conditions)))


def flop(text: str) -> Amount:
    """FLOP, from "1e26 FLOP". Raises InputError for what is none."""
    return Amount(constant(units.parse_flop(text)))


def duration(text: str) -> Amount:
    """Seconds, from "3 months". Raises InputError for what is none."""
    return Amount(constant(units.parse_duration(text)))


def date(text: str) -> Amount:
    """An instant, from "2027-01-31". Raises InputError for what is none."""
    return Amount(constant(units.parse_instant(text)))


def number(value: Fraction | int | str) -> Amount:
    """A plain number; a text is exact: "1.5"."""
    try:
        return Amount(constant(_exact(Fraction(value) if isinstance(value, str) else value)))
    except (ValueError, ZeroDivisionError) as error:
        raise InputError(f"`{value}` is not a number", fix='write digits: "1.5"') from error


def build_policy(document: Mapping[str, AnyValue]) -> Policy:
    """The policy in plain values: those of a policy file, with whole numbers for texts of digits, and conditions.

    Raises PolicyFaults with every fault found, as for a file.
    """
    return policy_from_json(joined(_plain(document)))


def _plain(value: AnyValue) -> AnyValue:
    if isinstance(value, Condition):
        return json.loads(json.dumps(to_json(value.tree)))
    if isinstance(value, Amount):
        return _figure(value.linear)
    if isinstance(value, Mapping):
        return {name: _plain(it) for name, it in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(it) for it in value]
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


def _figure(linear: Linear) -> AnyValue:
    """A parameter as the figure of a clause. Raises InputError for any other sum, which is no figure."""
    match linear:
        case Linear(const, ((coefficient, name),)) if not const and coefficient == 1 and name.startswith(PARAMETER):
            return name
    raise InputError("a sum stands where a figure does", fix='write a text, `"1e26 FLOP"`, or `parameter("my-id")`')


def _chain(tree: Expr, node: type[All | Any]) -> tuple[Expr, ...]:
    return tree.items if isinstance(tree, All | Any) and type(tree) is node and len(tree.items) > 1 else (tree,)


def _amount(value: Amount | Fraction | int) -> Amount:
    return value if isinstance(value, Amount) else Amount(constant(_exact(value)))


def _exact(value: Fraction | int) -> Fraction:
    if isinstance(value, bool) or not isinstance(value, int | Fraction):
        raise InputError(f"{value!r} is not an exact number", fix="write an int, or `Fraction(3, 2)`")
    return Fraction(value)


def _product(left: Linear, right: Linear) -> Amount:
    """One of the two is a plain number or a parameter."""
    for by, of in ((left, right), (right, left)):
        if not by.terms:
            return Amount(of * by.const)
        match by:
            case Linear(const, ((coefficient, name),)) if const == 0 and name.startswith(PARAMETER) and not of.const:
                return Amount(Linear(Fraction(0), tuple((c * coefficient, _scaled(name, it)) for c, it in of.terms)))
    raise InputError("two amounts are multiplied", fix='multiply by a plain number: `4 * fact("compute")`')


def _scaled(by: str, name: str) -> str:
    *factors, last = parts(name)
    return TIMES.join((*sorted((*factors, *parts(by))), last))
