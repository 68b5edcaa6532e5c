"""The forms of a forecast, each fitted to some results: what it expects at a compute, and its bound there."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from math import inf, log10

from scalegate.evidence.forecast import GROWTH, Point, generations, learn
from scalegate.evidence.results import LEAST, At, odds_of, share_of

__all__ = ["SLACK", "SUDDEN", "Shape", "line_of", "of_reference", "persistence", "steepest", "through"]

SUDDEN = 16.0
"""Log odds for each tenfold of compute: the steepest rise that a bound allows for where no result bounds it. That is
from 0.1% to 80% within 3.3x the compute. A choice, and no measurement."""
SLACK = 1e-9
"""Added before rounding: another machine's arithmetic may differ in the last place, and comes to no higher bound."""


@dataclass(frozen=True)
class Shape:
    """A form fitted to some results."""

    low: Callable[[float], float]
    """What is expected at a compute, in log odds."""
    high: Callable[[float], float]
    """The bound there, before its errors are added."""
    growth: float = inf
    """How far ahead of the last result it says anything."""


def persistence(at: Sequence[At]) -> Shape | str:
    return Shape(lambda _: at[-1].seen, lambda _: at[-1].high)


def steepest(at: Sequence[At]) -> Shape | str:
    rises = []
    for index, before in enumerate(at):
        after = next((it for it in at[index + 1 :] if it.compute >= GROWTH * before.compute), None)
        apart = next((it for it in at[index + 1 :] if it.sure > before.high), None)
        rises += [(it.seen - before.seen) / (it.x - before.x) for it in (after, apart) if it]
    if not rises:
        return f"no two results are {GROWTH:g}x apart in compute"
    last, rise = at[-1], max(rises)

    def moved(start: float) -> Callable[[float], float]:
        return lambda compute: start + rise * (log10(compute) - last.x)

    return Shape(moved(last.seen), moved(last.high))


def line_of(at: Sequence[At]) -> Shape | str:
    if len(at) < LEAST:
        return f"the run has results at {len(at)} amounts of compute, and its own line takes {LEAST}"
    return through(at)


def through(at: Sequence[At]) -> Shape:
    """The line of least squares, as what each result adds to it at a compute."""
    middle = sum(it.x for it in at) / len(at)
    spread = sum((it.x - middle) ** 2 for it in at)

    def shares(compute: float) -> list[float]:
        return [1 / len(at) + (log10(compute) - middle) * (it.x - middle) / spread for it in at]

    def expected(compute: float) -> float:
        return sum(share * it.seen for share, it in zip(shares(compute), at, strict=True))

    def worst(compute: float) -> float:
        ends = (
            (share, it.high if share > 0 else max(it.low, odds_of(0)))
            for share, it in zip(shares(compute), at, strict=True)
        )
        return sum(share * end for share, end in ends)

    @cache
    def steepest() -> list[tuple[float, float, float]]:
        # Past the last result the highest line in all intervals goes from the low end of one to the high end of a
        # later, or is as steep as any is taken to be.
        pairs = ((one, other) for index, one in enumerate(at) for other in at[index + 1 :] if one.low > -inf)
        lines = [(it.x, it.high, (it.high - one.low) / (it.x - one.x)) for one, it in pairs]
        lines += [(it.x, it.high, SUDDEN) for it in at]
        return [line for line in lines if all(it.low - SLACK <= _on(line, it.x) <= it.high + SLACK for it in at)]

    def bound(compute: float) -> float:
        within, last = steepest(), at[-1]
        if within:
            return max(_on(line, log10(compute)) for line in within)
        rising = (one for one in at if last.sure - one.high > SUDDEN * (last.x - one.x))
        if any(one.sure == -inf for one in rising):
            return inf
        unbounded = any(it.low == -inf for it in at)
        return max(worst(compute), _on((last.x, last.high, SUDDEN), log10(compute)) if unbounded else -inf)

    return Shape(expected, bound)


def _on(line: tuple[float, float, float], x: float) -> float:
    start, odds, slope = line
    return odds + slope * (x - start)


def of_reference(points: Sequence[Point], level: float) -> Callable[[Sequence[At]], Shape | str]:
    try:
        learned = learn(points, level)
    except ValueError as error:
        why = f"the reference has {error}"
        return lambda _: why
    farthest = max(it.after.compute / it.before.compute for it in generations(points))
    least, most = min(it.compute for it in points), max(it.compute for it in points)

    def made(at: Sequence[At]) -> Shape | str:
        last = at[-1]
        if not least <= last.compute < most:
            return (
                f"the last result is at {last.compute:.3g} FLOP, and the reference goes from {least:.3g} to {most:.3g}"
            )

        def moved(odds: float, margin: float) -> Callable[[float], float]:
            before = Point("", "", float(last.compute), share_of(odds))
            return lambda compute: odds_of(learned.middle(before, compute)) + margin

        return Shape(moved(last.seen, 0.0), moved(last.high, learned.margin), min(farthest, most / last.compute))

    return made
