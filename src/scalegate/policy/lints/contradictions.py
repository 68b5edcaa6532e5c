"""Clauses that say different things about one thing. Both are evaluated, so the stricter binds: the lint says which."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from typing import NamedTuple

from scalegate.policy.clause_figures import all_values, shown
from scalegate.policy.document import (
    Cadence,
    Capability,
    Clause,
    ComputeCap,
    Moratorium,
    NextLevel,
    Policy,
    Safeguards,
    ScaleCap,
)
from scalegate.policy.floors import floor_of
from scalegate.policy.lints.lint import Lint, Path, Rule, clause_path, gating
from scalegate.policy.scalars import Named
from scalegate.units import exact_flop, format_duration, format_end, format_factor, format_flop

__all__ = ["lints"]

TWO_FIGURES = Rule(
    "two-figures",
    "weakness",
    "two figures for one thing",
    "Whoever wants the looser one will quote it. Both are evaluated, and the stricter binds.",
)
TWICE = Rule(
    "said-twice",
    "note",
    "clauses that ask for the same",
    "A change of one of them changes nothing until the other is changed too.",
)
BEFORE_FIRST = Rule(
    "cap-before-first-evaluation",
    "weakness",
    "limits under the first evaluation",
    "No evaluation is ever due: the thresholds, alarms and levels of this policy are never tried.",
)
NOT_REACHED = Rule(
    "cadence-past-buffer",
    "weakness",
    "a cadence longer than its buffer",
    "The sentence promises a step of compute that the evidence does not carry: readers plan with the wrong figure.",
)
SPENT = Rule(
    "error-budget-before-cap",
    "note",
    "the error budget ends before the limit",
    "After its last evaluation nothing can be ruled out in that lineage: what is then left is the level's safeguards.",
)


class _Figure(NamedTuple):
    """A figure that a clause holds by; the smaller value is the stricter."""

    name: str
    value: Fraction | int | Named
    shown: str


def lints(policy: Policy) -> Iterator[Lint]:
    alike: dict[object, list[tuple[int, Clause]]] = {}
    for index, clause in gating(policy):
        before = alike.setdefault((clause.kind, _about(clause)), [])
        others = [(at, it) for at, it in before if set(it.actions) & set(clause.actions)]
        floor = floor_of(clause.id)
        within = [it for _, it in others if floor_of(it.id) == floor]
        if within:
            yield from _beside(index, clause, within)
        for at, own in others:
            if floor is not None and floor_of(own.id) is None:
                yield from _under_floor(at, own, clause)
        before.append((index, clause))
    yield from _limits(policy)
    yield from _steps(policy)
    yield from _budget(policy)


def _about(clause: Clause) -> object:
    """What two clauses of a kind must share to be about one thing; one of another tier or time is another matter."""
    parts = (getattr(clause, name, None) for name in ("tier", "in_force", "domain", "level", "only", "on", "due"))
    # A condition may ask for anything, and each undefined test is a demand of its own.
    own = clause.id if clause.kind in ("condition", "undefined_test") else None
    # Compute in one and time in the other do not contradict each other.
    return (*parts, own, tuple(it.name for it in _figures(clause)))


def _figures(clause: Clause) -> tuple[_Figure, ...]:
    match clause:
        case ComputeCap():
            return (_Figure("limit", clause.at, shown(clause.at, exact_flop)),)
        case ScaleCap():
            past = _Figure("growth", clause.past, shown(clause.past, format_factor))
            return past, _Figure("first", clause.first, shown(clause.first, exact_flop))
        case Cadence():
            every = [_Figure("growth", it, shown(it, format_factor)) for it in (clause.every,) if it is not None]
            within = [_Figure("time", it, shown(it, format_duration)) for it in (clause.within,) if it is not None]
            return *every, *within
        case Moratorium():
            until = clause.until if isinstance(clause.until, Named) else -clause.until
            end = _Figure("end", until, shown(clause.until, format_end))
            limit = clause.limit
            return (end,) if limit is None else (_Figure("compute", limit, shown(limit, exact_flop)), end)
    return ()


def _under_floor(index: int, own: Clause, floor: Clause) -> Iterator[Lint]:
    """A clause of the policy beside one of a floor: where the floor's is the stricter, it promises too little.

    Where the policy's own is, there is nothing to say: that is what floors are for.
    """
    for mine, other in _differing(own, floor):
        if _size(other) < _size(mine):
            what = f"the {mine.name} is {mine.shown} here and {other.shown} in `{floor.id}`, which binds"
            fix = "write the figure of the floor, or a stricter one"
            yield Lint(TWO_FIGURES, clause_path(index), f"clause {own.id}", what, fix)
            return


def _differing(one: Clause, other: Clause) -> list[tuple[_Figure, _Figure]]:
    """The figures in which two clauses differ; none where it is not certain which are the stricter."""
    differing = [(a, b) for a, b in zip(_figures(one), _figures(other), strict=True) if a.value != b.value]
    if any(isinstance(it.value, Named) for pair in differing for it in pair):
        return []  # which of the two is the stricter may change with the date
    if isinstance(one, Moratorium) and len({_size(a) < _size(b) for a, b in differing}) > 1:
        return []  # a low bar for a short time beside a high one for long is a schedule
    return differing


def _beside(index: int, clause: Clause, others: list[Clause]) -> Iterator[Lint]:
    """One clause beside those about the same thing that stand before it."""
    path, about, first = clause_path(index), f"clause {clause.id}", others[0]
    differing = _differing(first, clause)
    if not differing and _figures(first) != _figures(clause):
        return
    if not differing:
        if isinstance(clause, ComputeCap | Cadence | Moratorium | Capability | Safeguards | NextLevel | ScaleCap):
            yield from _twice(path, clause, [it for it in others if _figures(it) == _figures(clause)])
        return
    shared = [action for action in first.actions if action in clause.actions]
    unlike = any(set(it.actions) != set(clause.actions) for it in others)
    where = f"for {', '.join(f'`{it}`' for it in shared)} " if unlike else ""
    others = [it for it in others if set(shared) <= set(it.actions)]
    said = [f"the {a.name} is {a.shown} in `{first.id}` and {b.shown} here" for a, b in differing]
    names = {a.name for a, _ in differing}
    binding = [
        f"{figure.shown} of `{owner}`"
        for candidates in zip(*([(it, each.id) for it in _figures(each)] for each in (*others, clause)), strict=True)
        for figure, owner in [min(candidates, key=lambda candidate: _size(candidate[0]))]
        if figure.name in names
    ]
    what = f"{', and '.join(said)}; what binds {where}is {' and '.join(binding)}"
    fix = "write the stricter figure in each of them" if unlike else "keep the stricter figure, in one clause"
    yield Lint(TWO_FIGURES, path, about, what, fix)


def _twice(path: Path, clause: Clause, others: list[Clause]) -> Iterator[Lint]:
    """Where one of two that ask for the same gates all that the other gates: that one can stay alone."""
    here = set(clause.actions)
    wider = next((it for it in others if here <= set(it.actions)), None)
    narrower = next((it for it in others if set(it.actions) < here), None)
    about = f"clause {clause.id}"
    if wider is not None:
        fix = "keep one of the two" if here == set(wider.actions) else f"keep `{wider.id}`, which gates more"
        yield Lint(TWICE, path, about, f"it asks for what `{wider.id}` asks for", fix)
    elif narrower is not None:
        what = f"it asks for what `{narrower.id}` asks for"
        yield Lint(TWICE, path, about, what, f"keep `{clause.id}`, which gates more, and leave `{narrower.id}` out")


def _size(figure: _Figure) -> Fraction | int:
    return figure.value if isinstance(figure.value, Fraction | int) else 0


def _limits(policy: Policy) -> Iterator[Lint]:
    first = policy.first_evaluation_at
    for index, clause in gating(policy):
        trains = "train" in clause.actions and clause.tier is None
        if not isinstance(clause, ComputeCap) or not trains or first is None:
            continue
        if max(all_values(policy, clause.at), default=first + 1) <= first:
            what = f"it ends at {shown(clause.at, exact_flop)}, and the first evaluation is due at {exact_flop(first)}"
            fix = "lower `first_evaluation_at`: it is for compute at which the capability cannot be there yet"
            yield Lint(BEFORE_FIRST, clause_path(index, "at"), f"clause {clause.id}", what, fix)


def _steps(policy: Policy) -> Iterator[Lint]:
    """Cadences that no buffer carries: evaluations come due sooner than the cadence says."""
    evaluated = {clause.domain: clause for _, clause in gating(policy) if isinstance(clause, Capability)}
    for index, clause in gating(policy):
        if not isinstance(clause, Cadence) or clause.every is None or clause.due == "all":
            continue
        if floor_of(clause.id) is not None:
            continue  # evidence is to carry no further than the policy itself says, which may be the stricter
        every = max(all_values(policy, clause.every), default=Fraction(0))
        short = [
            (domain, domain.buffer / domain.margin)
            for domain in policy.domains
            if domain.id in evaluated
            and set(evaluated[domain.id].actions) & set(clause.actions)
            and domain.buffer / domain.margin < every
        ]
        if short:
            domain, reach = min(short, key=lambda item: item[1])
            what = (
                f"an evaluation is due every {shown(clause.every, format_factor)}, and evidence in `{domain.id}`"
                f" carries to {format_factor(reach)} (buffer over margin); what binds is {format_factor(reach)} of"
                f" `{evaluated[domain.id].id}`"
            )
            fix = "write the smaller step here, or argue for a larger buffer"
            yield Lint(NOT_REACHED, clause_path(index, "every"), f"clause {clause.id}", what, fix)


def _budget(policy: Policy) -> Iterator[Lint]:
    """Whether a lineage that is evaluated at each step comes to the lowest limit within its error budget."""
    trains = [clause for _, clause in gating(policy) if "train" in clause.actions and clause.tier is None]
    # Of a parameter the value with which it comes furthest: what is told is so whichever is in force.
    caps = [it for cap in trains if isinstance(cap, ComputeCap) for it in all_values(policy, cap.at)]
    paced = [it.every for it in trains if isinstance(it, Cadence) and it.every is not None and it.due != "all"]
    steps = [Fraction(max(values)) for values in (all_values(policy, it) for it in paced) if values]
    steps += [domain.buffer / domain.margin for domain in policy.domains]
    first, step = policy.first_evaluation_at, min(steps, default=Fraction(0))
    if not caps or not first or not policy.domains or step <= 1:
        return
    reach, looks = Fraction(first), policy.budget.evaluations
    for _ in range(looks):
        reach *= step
        if reach >= min(caps):
            return
    what = (
        f"{looks} evaluations, each carrying to {format_factor(step)}, come to {format_flop(int(reach))}, and the limit"
        f" is {exact_flop(min(caps))}"
    )
    fix = "allow more evaluations, each with more samples; or start them later"
    yield Lint(SPENT, ("error_budget", "evaluations"), "the error budget", what, fix)
