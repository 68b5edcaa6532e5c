"""Which of two conditions, or of two figures that may be parameters, permits more.

A parameter that stands in one version alone is compared at each time from today on with what stands in the other: the
new version is weaker if it permits more at any of these. Where a parameter has no value that counts, nothing is
permitted. One that both name is the same on both sides, and that its values moved is told of these.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from fractions import Fraction
from itertools import chain
from typing import Any, Literal, TypeAlias

from scalegate.policy.clause_figures import value_at
from scalegate.policy.compile import by_name
from scalegate.policy.dating import in_force_at, parameters_of
from scalegate.policy.document import Parameter, ParameterValue, Policy, ResidualRisk
from scalegate.policy.entails import entails, positive
from scalegate.policy.loosening import helps_by
from scalegate.policy.parameters import in_force, name_of, spans
from scalegate.policy.scalars import Named
from scalegate.policy.show import show_condition
from scalegate.policy.syntax import Compare, Expr, compares, fact_names, net, parts
from scalegate.policy.vocabulary import Kind, named, vocabulary

__all__ = [
    "Way",
    "as_read",
    "asks_of_others",
    "condition_way",
    "figure_way",
    "has_tenfold",
    "helped_by_growth",
    "instants",
    "parameter_ways",
    "together",
    "value_ways",
]

Way: TypeAlias = Literal["weaker", "stricter", "same", "unclear"]
"""What the new one is beside the old one; `same`: it comes to the same, or nothing turns on it."""
MULTIPLY = frozenset({"factor", "share"})


def as_read(policy: Policy, when: Expr) -> str:
    """The condition as a file may have it."""
    return show_condition(when, named(policy))


def together(ways: Iterable[Way]) -> Way:
    """Of several things, or times, that each count: what is weaker in one of them is weaker."""
    found = set(ways)
    order: tuple[Way, ...] = ("weaker", "unclear", "stricter")
    return next((way for way in order if way in found), "same")


def instants(parameters: Iterable[Parameter], today: int) -> list[int]:
    """Today, and each later instant from which one of them has another value, or none."""
    cuts = chain.from_iterable(
        (it.start, None if it.end is None else it.end + 1) for p in parameters for it in spans(p)
    )
    return sorted({today, *(it for it in cuts if it is not None and it > today)})


def condition_way(old: Policy, before: Expr, new: Policy, after: Expr, today: int = 0) -> Way:
    """Of the trees of two conditions."""
    was, now = (frozenset(parameters_of(it)) for it in (before, after))
    names = was ^ now
    moving = [it for policy in (old, new) for it in policy.parameters if name_of(it) in names]
    return together(
        _way(in_force_at(old, before, at, names), in_force_at(new, after, at, names)) for at in instants(moving, today)
    )


def _way(before: Expr, after: Expr) -> Way:
    loosened, tightened = entails(before, after), entails(after, before)
    if loosened and tightened:
        return "same"
    return "weaker" if loosened else "stricter" if tightened else "unclear"


def figure_way(old: Policy, before: Any, new: Policy, after: Any, today: int, *, more_is_weaker: bool) -> Way:
    """Of two figures of a clause, of which at least one is a parameter."""
    moving = [
        it
        for policy, figure in ((old, before), (new, after))
        for it in policy.parameters
        if isinstance(figure, Named) and figure.id == it.id
    ]
    return together(
        _by_size(value_at(old, before, at), value_at(new, after, at), {more_is_weaker})
        for at in instants(moving, today)
    )


def helped_by_growth(policy: Policy) -> bool:
    """Whether a clause that gates could be met because more is counted as effective compute, everywhere alike."""
    known = vocabulary(policy)
    amounts = {it for it, kind in known.items() if kind is Kind.FLOP and not it.endswith(".elicitation")}
    conditions = [condition for clause, condition in by_name(policy) if clause.gates]
    # What is added up within one tenfold may come to stand in two.
    return has_tenfold(policy) or any(_helped(it, amounts) for tree in conditions for it in compares(positive(tree)))


def asks_of_others(policy: Policy) -> bool:
    """Whether a clause that gates asks how much of the developer's other runs nothing covers."""
    trees = [condition for clause, condition in by_name(policy) if clause.gates]
    return any(it.endswith((".unevaluated", ".unjudged", ".unclaimed")) for tree in trees for it in fact_names(tree))


def has_tenfold(policy: Policy) -> bool:
    """Whether a clause that gates adds up what rests on claims within a tenfold."""
    return any(it.gates and isinstance(it, ResidualRisk) and it.per == "tenfold" for it in policy.clauses)


def _helped(compare: Compare, amounts: Collection[str]) -> bool:
    """Whether an amount of these helps it against something that does not grow with them."""
    pushes = net(compare)
    grows = {name for name in pushes if parts(name)[-1] in amounts}
    against = compare.right.const < compare.left.const or any(pushes[it] < 0 for it in pushes.keys() - grows)
    return against and any(pushes[it] > 0 for it in grows)


def parameter_ways(old: Policy, new: Policy) -> Mapping[str, Collection[bool]]:
    """For each parameter, by its id, whether more of it helps a clause that gates to be met, or less, or both."""
    conditions = [condition for policy in (old, new) for clause, condition in by_name(policy) if clause.gates]
    return {it.id: frozenset(_all_helps(conditions, it)) for policy in (old, new) for it in policy.parameters}


def _all_helps(conditions: list[Expr], parameter: Parameter) -> Iterator[bool]:
    for condition in conditions:
        yield from helps_by(condition, name_of(parameter))


def value_ways(
    old: Parameter,
    new: Parameter,
    helps: Collection[bool],
    today: int,
    was: ParameterValue | None,
    now: ParameterValue | None,
) -> tuple[Way, Way]:
    """Of a value of a parameter, `was` in the one version and `now` in the other: what comes of its figure, and what
    of the times at which there is one at all. Where there is none that counts, what needs it is held."""
    figures, times = set[Way](), set[Way]()
    for at in instants((old, new), today) if helps else ():
        before, after = _counts(old, at), _counts(new, at)
        if (was is None or before is not was) and (now is None or after is not now):
            continue
        if before is None or after is None:
            times.add("weaker" if before is None else "stricter")
        elif old.kind != new.kind and not {old.kind, new.kind} <= MULTIPLY:
            figures.add("unclear")
        else:
            figures.add(_by_size(before.value.value, after.value.value, helps))
    return together(figures), together(times)


def _counts(parameter: Parameter, at: int) -> ParameterValue | None:
    value = in_force(parameter, at)
    return value if value is not None and at <= value.review_by else None


def _by_size(was: Fraction | int | None, now: Fraction | int | None, helps: Collection[bool]) -> Way:
    """Nothing is permitted by a figure that is not there."""
    if was == now:
        return "same"
    if was is None or now is None:
        return "weaker" if was is None else "stricter"
    if len(helps) > 1:
        return "unclear"
    return "weaker" if (now > was) in helps else "stricter"
