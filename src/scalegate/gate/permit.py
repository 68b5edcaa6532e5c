"""How far a PROCEED reaches: the largest rectangle in compute and time in which the verdict stays PROCEED.

Every comparison of a condition is linear in `compute` or in `now` (units keep them apart), so with all
other facts fixed the verdict can only change where some comparison changes. Those points are finite and
computed exactly; the verdict is evaluated at each, so the permit is sound for any condition, not only for
conjunctions (checked by property tests: every point inside decides PROCEED, just past either end HOLD).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import floor

from scalegate.gate.judge import Judge
from scalegate.policy.semantics import Facts, Value, number
from scalegate.policy.syntax import Compare, compares

__all__ = ["Ends", "boundary", "largest_permit", "visited"]


@dataclass(frozen=True)
class Ends:
    """Inclusive ends of a permit, and what holds just past each. None: no end was found."""

    compute: int | None
    time: int | None
    past_compute: tuple[str, ...]
    past_time: tuple[str, ...]


def largest_permit(judge: Judge, facts: Facts) -> Ends:
    """The ends, from facts at which the judge proceeds.

    Compute is extended first, at the given time; then time, over all of the compute found.
    """
    start_compute, start_time = _int(facts, "compute"), _int(facts, "now")
    computes = _points(judge, facts, "compute", start_compute)
    times = _points(judge, facts, "now", start_time)

    def at(compute: int, time: int) -> dict[str, Value]:
        return {**facts, "compute": compute, "now": time}

    compute_end: int | None = None
    past_compute: tuple[str, ...] = ()
    inside = [start_compute]
    for point in computes:
        past_compute = judge.holding(at(point, start_time))
        if past_compute:
            compute_end = point - 1
            break
        inside.append(point)
    for point in times:
        for compute in inside if compute_end is None else (*inside, compute_end):
            past_time = judge.holding(at(compute, point))
            if past_time:
                return Ends(compute_end, point - 1, past_compute, past_time)
    return Ends(compute_end, None, past_compute, ())


def visited(judge: Judge, facts: Facts, ends: Ends) -> Iterator[dict[str, Value]]:
    """Facts at every point of a permit next to which something may change, its corners included."""
    start_compute, start_time = _int(facts, "compute"), _int(facts, "now")
    computes = _within(_points(judge, facts, "compute", start_compute), start_compute, ends.compute)
    times = _within(_points(judge, facts, "now", start_time), start_time, ends.time)
    for compute in computes:
        for now in times:
            yield {**facts, "compute": compute, "now": now}


def _within(points: list[int], start: int, end: int | None) -> list[int]:
    inside = [it for it in points if end is None or it <= end]
    return list(dict.fromkeys((start, *inside, *((end,) if end is not None else ()))))


def _points(judge: Judge, facts: Facts, variable: str, start: int) -> list[int]:
    """Every whole number past `start` next to which some comparison may change, ascending."""
    found: set[int] = set()
    for test in judge.tests:
        for expr in test.exprs():
            for compare in compares(expr):
                edge = boundary(compare, facts, variable)
                if edge is not None:
                    found.update((edge - 1, edge, edge + 1, edge + 2))
    return sorted(point for point in found if point > start)


def boundary(compare: Compare, facts: Facts, variable: str) -> int | None:
    """Where the two sides are equal, rounded down; None if the comparison does not turn on the variable."""
    slope, rest = number(0), number(0)
    assert slope is not None
    assert rest is not None
    for sign, side in ((1, compare.left), (-1, compare.right)):
        rest += sign * side.const
        for coefficient, name in side.terms:
            if name == variable:
                slope += sign * coefficient
                continue
            value = number(facts.get(name))
            if value is None:
                return None
            rest += sign * coefficient * value
    return floor(-rest / slope) if slope else None


def _int(facts: Facts, name: str) -> int:
    value = facts[name]
    if isinstance(value, bool) or not isinstance(value, int):
        raise TypeError(f"`{name}` is not a whole number")
    return value
