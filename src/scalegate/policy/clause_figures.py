"""Figures of structured clauses that are parameters of the policy: what they are in conditions, and when.

A clause that names a parameter is compiled to a condition that names it, and `dating` puts the values in. What is said
of a clause beside its condition goes by the values here: all that it ever has, or the one at an instant.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from fractions import Fraction
from typing import Any, TypeVar

from scalegate.policy.document import Clause, Moratorium, Parameter, Policy, ScaleCap
from scalegate.policy.near import or_like
from scalegate.policy.parameters import in_force, shown_value
from scalegate.policy.scalars import FIGURES, FigureKind, Named
from scalegate.policy.semantics import Reason, Unknown, Value
from scalegate.policy.syntax import PARAMETER, TIMES, Linear, constant, term

__all__ = [
    "KINDS",
    "OUT_OF_REACH",
    "all_values",
    "figure_faults",
    "model_facts",
    "model_of",
    "named",
    "named_figures",
    "shown",
    "times",
    "value_at",
]

OUT_OF_REACH = 10**30
"""FLOP: more than a thousand times what is known to have gone into any model. No limit past it limits anything."""
_Figure = TypeVar("_Figure", int, Fraction)
KINDS: Mapping[str, FigureKind] = {
    "at": "flop",
    "above": "flop",
    "until": "instant",
    "every": "factor",
    "within": "duration",
    "past": "factor",
    "first": "flop",
}
"""The fields of clauses that may name a parameter, and of which kind it must be."""


def named(figure: Fraction | int | Named) -> Linear:
    """The figure as a side of a comparison."""
    return term(str(figure)) if isinstance(figure, Named) else constant(figure)


def times(figure: Fraction | int | Named, name: str) -> Linear:
    """A fact, multiplied by the figure."""
    return term(f"{figure}{TIMES}{name}") if isinstance(figure, Named) else term(name, figure)


def model_of(clause: Moratorium) -> str:
    """What a moratorium above a model asks for while nobody has said how much compute that model took."""
    return f"{clause.id}.above_model"


def model_facts(policy: Policy) -> dict[str, Value]:
    """Why each of these is unknown: words, and nothing is decided by them."""
    return {
        model_of(clause): Unknown(
            Reason.UNDEFINED,
            f"how much compute `{clause.above_model.name}` took is not said: {clause.above_model.basis}",
        )
        for clause in policy.clauses
        if isinstance(clause, Moratorium) and clause.above_model is not None and clause.above_model.compute is None
    }


def named_figures(clause: Clause) -> Iterator[tuple[str, Named]]:
    """The fields of a clause that name a parameter, each with which."""
    for field in KINDS:
        figure = getattr(clause, field, None)
        if isinstance(figure, Named):
            yield field, figure


def shown(figure: Any, show: Callable[[Any], str]) -> str:
    """As people read it: a parameter by its name."""
    return f"`{figure}`" if isinstance(figure, Named) else show(figure)


def all_values(policy: Policy, figure: _Figure | Named) -> tuple[_Figure, ...]:
    """Every value that the figure has at some time, with overdue ones, in the order of the policy."""
    if not isinstance(figure, Named):
        return (figure,)
    parameter = _parameter(policy, figure)
    return tuple(_exact(it.value.value) for it in parameter.values) if parameter else ()


def value_at(policy: Policy, figure: _Figure | Named, at: int) -> _Figure | None:
    """The value by which is decided at an instant; None: it is unknown then."""
    if not isinstance(figure, Named):
        return figure
    parameter = _parameter(policy, figure)
    value = in_force(parameter, at) if parameter else None
    return _exact(value.value.value) if value is not None and at <= value.review_by else None


def figure_faults(policy: Policy) -> Iterator[tuple[str, str, bool]]:
    """(path of the field, what is wrong | what to write, whether it rests on which parameters there are)."""
    for index, clause in enumerate(policy.clauses):
        if isinstance(clause, Moratorium) and (clause.above is None) is (clause.above_model is None):
            what = "nothing says above what it holds" if clause.above is None else "it says twice above what it holds"
            fix = "write `above: ... FLOP`, or `above_model: {name: ..., basis: ...}`"
            yield f"clauses.{index}", f"{what} | {fix}{'' if clause.above is None else ', and not both'}", False
        if isinstance(clause, ScaleCap):
            yield from (
                (f"clauses.{index}.{field}", message, False) for field, message in _scale_faults(policy, clause)
            )
        for field, figure in named_figures(clause):
            path, kind, parameter = f"clauses.{index}.{field}", KINDS[field], _parameter(policy, figure)
            example = FIGURES[kind][2]
            if parameter is None:
                fix = f"describe it under `parameters` with `kind: {kind}`, or write the figure itself"
                fix = or_like(figure.id, [it.id for it in policy.parameters], fix, PARAMETER)
                yield path, f"there is no parameter `{figure}` | {fix}", True
            elif parameter.kind != kind:
                fit = [f"`parameter.{it.id}`" for it in policy.parameters if it.kind == kind]
                fix = (
                    f"write {' or '.join(fit)}"
                    if fit
                    else f"name a parameter of that kind, or write the figure as `{example}` is"
                )
                what = f"`{figure}` is a `{parameter.kind}`, and `{field}` takes a `{kind}`"
                yield path, f"{what} | {fix}", False
            else:
                yield from ((path, message, False) for message in _faults_of_values(field, figure, parameter))


def _scale_faults(policy: Policy, clause: ScaleCap) -> Iterator[tuple[str, str]]:
    if isinstance(clause.past, Fraction) and clause.past < 1:
        yield "past", "no model could be as large as the one before it | write at least `1x`"
    if policy.judged:
        names = ", ".join(f"`{item.id}`" for item in policy.judged)
        what = f"a model is shown by what is measured, and {names} stands for a domain and is judged"
        yield "kind", f"{what} | ask for it in a condition, and then leave its `level` out"


def _faults_of_values(field: str, figure: Named, parameter: Parameter) -> Iterator[str]:
    for value in parameter.values:
        what = f"`{figure}` is {shown_value(value)} in one of its values"
        if field == "every" and value.value.kind == "factor" and value.value.value <= 1:
            yield f"{what}, and a cadence of 1x or less leaves no room to train | write values above 1x"
        if field == "past" and value.value.kind == "factor" and value.value.value < 1:
            yield f"{what}, so no model could be as large as the one before | write at least `1x`"
        if field == "within" and value.value.value <= 0:
            yield f"{what}, and an evaluation would be too old as soon as it ends | write a longer time"


def _parameter(policy: Policy, figure: Named) -> Parameter | None:
    return next((it for it in policy.parameters if it.id == figure.id), None)


def _exact(value: Fraction) -> Any:
    return int(value) if value.denominator == 1 else value
