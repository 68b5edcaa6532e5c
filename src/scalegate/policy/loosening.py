"""Where a date alone lets a policy permit more: a later value of a parameter on the side on which it helps."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

from scalegate.policy.compile import by_name
from scalegate.policy.document import Parameter, ParameterValue, Policy
from scalegate.policy.parameters import name_of
from scalegate.policy.syntax import Compare, Expr, Not, children, parts

__all__ = ["Loosened", "helps_by", "loosened"]


@dataclass(frozen=True)
class Loosened:
    """A value under which a clause that gates asks for less than under the one before it."""

    parameter: Parameter
    value: ParameterValue
    before: ParameterValue
    clause: str


def loosened(policy: Policy) -> Iterator[Loosened]:
    """By parameter, each value once, in order of time. Amounts are taken to be at least 0, as facts are."""
    if not policy.parameters:
        return
    conditions = [(clause, condition) for clause, condition in by_name(policy) if clause.gates]
    for parameter in policy.parameters:
        helps: dict[bool, str] = {}
        for clause, condition in conditions:
            for more in helps_by(condition, name_of(parameter)):
                helps.setdefault(more, clause.id)
        for before, value in pairwise(sorted(parameter.values, key=lambda it: it.from_)):
            at, was = value.value.value, before.value.value
            if at != was and (at > was) in helps:
                yield Loosened(parameter, value, before, helps[at > was])


def helps_by(expr: Expr, name: str, *, positive: bool = True) -> Iterator[bool]:
    """For each place of a parameter, whether more of it helps the condition to be met, or less."""
    if isinstance(expr, Compare):
        for side, right in ((expr.left, False), (expr.right, True)):
            for coefficient, whole in side.terms:
                if name in parts(whole) and coefficient:
                    yield ((coefficient > 0) is right) is positive
    for item in children(expr):
        yield from helps_by(item, name, positive=positive is not isinstance(expr, Not))
