"""Forecasts put to the test: each family's generations, forecast from all other families, and what came.

Beside the bound stand two simpler ones, each with the same allowance for errors: that nothing changes, and that every
family is on the common curve.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from scalegate.evidence.forecast import (
    GROWTH,
    Pair,
    Point,
    generations,
    learn,
    least_pairs,
    pinball,
    pooled,
    quantile,
)

__all__ = ["RIVALS", "Case", "Tally", "backtest", "tallied"]

RIVALS = ("persistence", "pooled curve")
DRAWS = 2000
"""Times that families are drawn anew for an interval."""


@dataclass(frozen=True)
class Case:
    """One generation that was forecast without its family."""

    benchmark: str
    pair: Pair
    middle: float
    bound: float
    weight: float
    """What was chosen: see `forecast.Forecaster`."""
    rivals: Mapping[str, float]
    """The bounds of simpler forecasts."""

    @property
    def held(self) -> bool:
        return self.pair.after.score <= self.bound


@dataclass(frozen=True)
class Tally:
    """What came of all cases, or of those of one benchmark."""

    cases: int
    families: int
    coverage: float
    """The share of bounds that held."""
    interval: tuple[float, float]
    """95% of the coverage when families are drawn anew."""
    width: float
    """How far the bound is over the last score, on average."""
    worst: float
    """How far a score was over its bound at the most; 0: never."""
    loss: float
    """Pinball loss, on average."""
    rivals: Mapping[str, float]
    """That of simpler forecasts."""


def backtest(
    measured: Mapping[str, Sequence[Point]], level: float = 0.95, growth: float = GROWTH
) -> tuple[tuple[Case, ...], tuple[str, ...]]:
    """Every generation of every benchmark; and the benchmarks of which other families have too few for a bound."""
    cases: list[Case] = []
    short: list[str] = []
    for benchmark, points in measured.items():
        found = list(_of_one(benchmark, points, level, growth))
        cases += found
        short += [benchmark] if not found else []
    return tuple(cases), tuple(short)


def _of_one(benchmark: str, points: Sequence[Point], level: float, growth: float) -> list[Case]:
    pairs = generations(points, growth)
    found: list[Case] = []
    for family in sorted({it.before.family for it in pairs}):
        others = [it for it in points if it.family != family]
        known = [it for it in pairs if it.before.family != family]
        if len(known) < least_pairs(level):
            continue
        learned, curve = learn(others, level, growth), pooled(others)
        stays = quantile([it.after.score - it.before.score for it in known], level)
        over = quantile([it.after.score - curve.at(it.after.compute) for it in known], level)
        for it in (it for it in pairs if it.before.family == family):
            compute = it.after.compute
            rivals = {
                "persistence": min(it.before.score + stays, 1.0),
                "pooled curve": min(curve.at(compute) + over, 1.0),
            }
            middle, bound = learned.middle(it.before, compute), learned.bound(it.before, compute)
            found.append(Case(benchmark, it, middle, bound, learned.weight, rivals))
    return found


def tallied(cases: Sequence[Case], level: float = 0.95) -> Tally:
    """Raises ValueError for no cases."""
    if not cases:
        raise ValueError("nothing was forecast")

    def mean(of: Callable[[Case], float]) -> float:
        return sum(map(of, cases)) / len(cases)

    return Tally(
        cases=len(cases),
        families=len({it.pair.before.family for it in cases}),
        coverage=mean(lambda it: float(it.held)),
        interval=_interval(cases),
        width=mean(lambda it: it.bound - it.pair.before.score),
        worst=max(max(it.pair.after.score - it.bound for it in cases), 0.0),
        loss=mean(lambda it: pinball(it.pair.after.score, it.bound, level)),
        rivals={name: sum(_loss_of(it, name, level) for it in cases) / len(cases) for name in RIVALS},
    )


def _loss_of(case: Case, rival: str, level: float) -> float:
    return pinball(case.pair.after.score, case.rivals[rival], level)


def _interval(cases: Sequence[Case]) -> tuple[float, float]:
    """By drawing families, whose cases are no more independent than models of one maker are."""
    by: dict[str, list[bool]] = {}
    for it in cases:
        by.setdefault(it.pair.before.family, []).append(it.held)
    names, chance, found = sorted(by), random.Random(0), []
    for _ in range(DRAWS):
        drawn = [held for name in chance.choices(names, k=len(names)) for held in by[name]]
        found.append(sum(drawn) / len(drawn))
    found.sort()
    return found[round(0.025 * DRAWS)], found[min(round(0.975 * DRAWS), DRAWS - 1)]
