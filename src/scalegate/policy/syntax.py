"""The canonical syntax tree of conditions: what is hashed, signed, evaluated and analysed.

A condition is a finite tree over named facts. There is no loop, no division, no float and no operator that
asks whether a fact is known, so that evaluation is total, comparison stays linear and decidable, and
learning a fact never turns a true condition false. A ratio is written as a comparison of products:
"compute is at most 4 times the evidence's" is `1 * compute <= 4 * evidence`.

A parameter of the policy is named like a fact, `parameter.cap`. One that multiplies stands before what it multiplies,
`parameter.growth * evidence`, and both are one name. No fact has such a name, so that a tree in which a parameter
was left is unknown: `dating` puts the figures in.

JSON form: `["fact", name]`, `["undefined", name]`, `["not", x]`, `["all", x, ...]`, `["any", x, ...]`,
`["at_least", k, x, ...]`, `["<=", linear, linear]` and `["<", linear, linear]`, where a linear term is
`{"const": "3", "terms": [["3/2", "fact"], ...]}` with exact numbers as text.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import partial
from typing import Literal, TypeAlias

from scalegate.errors import InputError

__all__ = [
    "PARAMETER",
    "TIMES",
    "All",
    "Any",
    "AtLeast",
    "Compare",
    "Expr",
    "Fact",
    "Linear",
    "Not",
    "Undefined",
    "at_most",
    "compares",
    "constant",
    "fact_names",
    "from_json",
    "net",
    "parts",
    "rewritten",
    "term",
    "to_json",
    "undefined",
]


MAX_DEPTH = 50
"""How deep conditions may be nested where they come from outside."""
PARAMETER = "parameter."
"""How the names of parameters begin."""
TIMES = " * "
"""Stands in a name between a parameter and what it multiplies."""


@dataclass(frozen=True)
class Linear:
    """`const + sum(coefficient * fact)`; exact."""

    const: Fraction
    terms: tuple[tuple[Fraction, str], ...] = ()

    def __add__(self, other: Linear) -> Linear:
        return Linear(self.const + other.const, self.terms + other.terms)

    def __mul__(self, factor: Fraction | int) -> Linear:
        return Linear(self.const * factor, tuple((c * factor, name) for c, name in self.terms))


@dataclass(frozen=True)
class Fact:
    """A boolean fact, by name."""

    name: str


@dataclass(frozen=True)
class Undefined:
    """A test or number that nobody has defined yet: unknown whatever is learned."""

    name: str


@dataclass(frozen=True)
class Compare:
    """`left <= right` or `left < right` between linear terms of one unit."""

    op: Literal["<=", "<"]
    left: Linear
    right: Linear


@dataclass(frozen=True)
class Not:
    item: Expr


@dataclass(frozen=True)
class All:
    items: tuple[Expr, ...]


@dataclass(frozen=True)
class Any:
    items: tuple[Expr, ...]


@dataclass(frozen=True)
class AtLeast:
    k: int
    items: tuple[Expr, ...]


Expr: TypeAlias = Fact | Undefined | Compare | Not | All | Any | AtLeast


def term(name: str, coefficient: Fraction | int = 1) -> Linear:
    """The linear term `coefficient * name`."""
    return Linear(Fraction(0), ((Fraction(coefficient), name),))


def constant(value: Fraction | int) -> Linear:
    """A linear term without facts."""
    return Linear(Fraction(value))


def at_most(left: Linear, right: Linear) -> Compare:
    """`left <= right`."""
    return Compare("<=", left, right)


def children(expr: Expr) -> tuple[Expr, ...]:
    """The direct parts of a node."""
    match expr:
        case Not(item):
            return (item,)
        case All(items) | Any(items) | AtLeast(_, items):
            return items
        case _:
            return ()


def rewritten(expr: Expr, leaf: Callable[[Expr], Expr]) -> Expr:
    """The tree with each fact, comparison and undefined part replaced by what `leaf` makes of it."""
    match expr:
        case Not(item):
            return Not(rewritten(item, leaf))
        case All(items) | Any(items) | AtLeast(_, items):
            return replace(expr, items=tuple(rewritten(item, leaf) for item in items))
        case _:
            return leaf(expr)


def compares(expr: Expr) -> Iterator[Compare]:
    """Every comparison in the tree, in order."""
    if isinstance(expr, Compare):
        yield expr
    for item in children(expr):
        yield from compares(item)


def net(compare: Compare) -> dict[str, Fraction]:
    """How much each fact that a comparison reads pushes it towards being true, in order of appearance."""
    found: dict[str, Fraction] = {}
    for name, coefficient in (*((n, -c) for c, n in compare.left.terms), *((n, c) for c, n in compare.right.terms)):
        found[name] = found.get(name, Fraction(0)) + coefficient
    return found


def parts(name: str) -> list[str]:
    """The parameters that multiply, in a name, and last what they multiply."""
    return name.split(TIMES)


def fact_names(expr: Expr) -> frozenset[str]:
    """The names of all facts, parameters, tests and numbers that the tree reads."""
    match expr:
        case Fact(name) | Undefined(name):
            return frozenset({name})
        case Compare(_, left, right):
            return frozenset(part for _, name in left.terms + right.terms for part in parts(name))
        case _:
            return frozenset[str]().union(*(fact_names(item) for item in children(expr)))


def undefined(expr: Expr) -> tuple[str, ...]:
    """The tests and numbers in the tree that nobody has defined, each once."""
    here = (expr.name,) if isinstance(expr, Undefined) else ()
    return tuple(dict.fromkeys((*here, *(name for item in children(expr) for name in undefined(item)))))


def to_json(expr: Expr) -> list[object]:
    """The canonical JSON form described in the module's docstring."""
    match expr:
        case Fact(name):
            return ["fact", name]
        case Undefined(name):
            return ["undefined", name]
        case Compare(op, left, right):
            return [op, _linear_json(left), _linear_json(right)]
        case Not(item):
            return ["not", to_json(item)]
        case All(items):
            return ["all", *map(to_json, items)]
        case Any(items):
            return ["any", *map(to_json, items)]
        case AtLeast(k, items):
            return ["at_least", k, *map(to_json, items)]


def from_json(document: object, depth: int = 0) -> Expr:
    """The tree in a canonical JSON form. Raises InputError for anything but what `to_json` writes, and MAX_DEPTH."""
    if depth > MAX_DEPTH:
        raise InputError(f"conditions are nested more than {MAX_DEPTH} deep", fix="write a flatter one")
    inner = partial(from_json, depth=depth + 1)
    match document:
        case ["fact", str(name)]:
            return Fact(name)
        case ["undefined", str(name)]:
            return Undefined(name)
        case ["not", item]:
            return Not(inner(item))
        case ["all", *items]:
            return All(tuple(map(inner, items)))
        case ["any", *items]:
            return Any(tuple(map(inner, items)))
        case ["at_least", int(k), *items] if not isinstance(k, bool) and 1 <= k <= len(items):
            return AtLeast(k, tuple(map(inner, items)))
        case ["<=", left, right]:
            return Compare("<=", _linear(left), _linear(right))
        case ["<", left, right]:
            return Compare("<", _linear(left), _linear(right))
    raise InputError("this is not the tree of a condition", fix="write the condition as a text")


def _linear(document: object) -> Linear:
    match document:
        case {"const": str(const), "terms": [*terms], **rest} if not rest:
            pairs = [term for term in terms if isinstance(term, list) and len(term) == 2]
            found = [(_exact(c), name) for c, name in pairs if isinstance(name, str)]
            if len(found) == len(terms):
                return Linear(_exact(const), tuple(found))
    raise InputError("this is not the sum of a condition", fix="write the condition as a text")


def _exact(text: object) -> Fraction:
    """A number as it is written here, and in no other way."""
    if isinstance(text, str) and re.fullmatch(r"-?[0-9]{1,400}(/[0-9]{1,400})?", text):
        with suppress(ZeroDivisionError):
            value = Fraction(text)
            if str(value) == text:
                return value
    raise InputError("this is not an exact number of a condition", fix="write the condition as a text")


def _linear_json(linear: Linear) -> dict[str, object]:
    return {"const": str(linear.const), "terms": [[str(c), name] for c, name in linear.terms]}
