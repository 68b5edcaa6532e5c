"""Which of two conditions, or of two figures that may be parameters, permits more.

A parameter that stands in one version alone is taken at its most permissive value: whoever reads the change is to know
what it lets through, and from when it does stands with its values. Where both name it, it is the same on both sides,
and that its values moved is told of these.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace
from fractions import Fraction
from typing import Any as Anything
from typing import Literal, TypeAlias

from scalegate.policy.clause_figures import all_values
from scalegate.policy.compile import by_name
from scalegate.policy.dating import parameters_of, versions
from scalegate.policy.document import Parameter, ParameterValue, Policy
from scalegate.policy.entails import entails, positive
from scalegate.policy.loosening import helps_by
from scalegate.policy.parameters import in_force, name_of
from scalegate.policy.show import show_condition
from scalegate.policy.syntax import All, Any, AtLeast, Compare, Expr, Not, Undefined
from scalegate.policy.vocabulary import named

__all__ = ["Way", "as_read", "condition_way", "figure_way", "parameter_ways", "value_way"]

Way: TypeAlias = Literal["weaker", "stricter", "same", "unclear"]
"""What the new one is beside the old one; `same`: it comes to the same, or nothing turns on it."""


def as_read(policy: Policy, when: Expr) -> str:
    """The condition as a file may have it."""
    return show_condition(when, named(policy))


def condition_way(old: Policy, before: Expr, new: Policy, after: Expr) -> Way:
    """Of the trees of two conditions."""
    both = set(parameters_of(before)) & set(parameters_of(after))
    was, now = _at_most(old, positive(before), both), _at_most(new, positive(after), both)
    return _way(entails(was, now), entails(now, was))


def _way(loosened: bool, tightened: bool) -> Way:
    if loosened and tightened:
        return "same"
    return "weaker" if loosened else "stricter" if tightened else "unclear"


def _at_most(policy: Policy, expr: Expr, kept: Collection[str]) -> Expr:
    """All that the condition lets through at some time: each comparison with any of the values of its parameters."""
    match expr:
        case Compare() if set(parameters_of(expr)) - set(kept):
            found = tuple(it for _, it in versions(policy, expr))
            return Any(found) if found else Undefined(parameters_of(expr)[0])
        case All(items) | Any(items) | AtLeast(_, items):
            return replace(expr, items=tuple(_at_most(policy, item, kept) for item in items))
        case Not(item):
            return Not(_at_most(policy, item, kept))
        case _:
            return expr


def figure_way(old: Policy, before: Anything, new: Policy, after: Anything, *, more_is_weaker: bool) -> Way:
    """Of two figures of a clause, of which at least one is a parameter."""
    most = max if more_is_weaker else min
    was, now = (most(all_values(of, it), default=None) for of, it in ((old, before), (new, after)))
    if was is None or now is None:
        return "unclear"
    return _by_size(was, now, {more_is_weaker})


def parameter_ways(old: Policy, new: Policy) -> Mapping[str, Collection[bool]]:
    """For each parameter, by its id, whether more of it helps a clause that gates to be met, or less, or both."""
    conditions = [condition for policy in (old, new) for clause, condition in by_name(policy) if clause.gates]
    return {it.id: frozenset(_all_helps(conditions, it)) for policy in (old, new) for it in policy.parameters}


def _all_helps(conditions: list[Expr], parameter: Parameter) -> Iterator[bool]:
    for condition in conditions:
        yield from helps_by(condition, name_of(parameter))


def value_way(
    old: Parameter,
    new: Parameter,
    at: int,
    helps: Collection[bool],
    was: ParameterValue | None = None,
    now: ParameterValue | None = None,
) -> Way:
    """Of the values of a parameter from an instant on: those that are given, or those that count then.

    Where there was none that counted, what needs it was held.
    """
    was, now = was or _counts(old, at), now or _counts(new, at)
    if not helps or (was is None and now is None):
        return "same"
    if was is None or now is None:
        return "weaker" if was is None else "stricter"
    return _by_size(was.value.value, now.value.value, helps)


def _counts(parameter: Parameter, at: int) -> ParameterValue | None:
    value = in_force(parameter, at)
    return value if value is not None and at <= value.review_by else None


def _by_size(was: Fraction | int, now: Fraction | int, helps: Collection[bool]) -> Way:
    if was == now or not helps:
        return "same"
    if len(helps) > 1:
        return "unclear"
    return "weaker" if (now > was) in helps else "stricter"
