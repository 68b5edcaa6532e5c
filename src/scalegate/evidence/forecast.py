"""How capable the next generation may be: an upper prediction bound by compute, from what generations did before.

A forecast goes from the last model of a family to the next, at so much more compute. It starts from what the last one
scored, and moves along a curve that is common to all families of a reference (log odds linear in the logarithm of
compute, above a level of chance; Y. Ruan, C. Maddison and T. Hashimoto, arXiv:2405.10938, have the form). How far a
family keeps its distance from the curve, and how much is added so that the bound held in `level` of the cases, both
come of the generations in the reference. Nothing is assumed of how errors are spread: what is added is their quantile,
with one more for the case to come (V. Vovk, A. Gammerman and G. Shafer, Algorithmic Learning in a Random World, 2005).

What this rests on: the next generation is to those before it as the generations of the reference were to each other. A
jump that no family has shown is not in any bound that is made of them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby
from math import ceil, exp, log, log10

__all__ = [
    "GROWTH",
    "Curve",
    "Forecaster",
    "Pair",
    "Point",
    "generations",
    "learn",
    "least_pairs",
    "pinball",
    "pooled",
    "quantile",
]

EDGE = 0.01
"""Scores nearer to 0 or 1 than this are taken as this far: log odds beyond say nothing."""
MOST_ODDS = 500.0
"""Log odds beyond this are nought for a float."""
CHANCES = (0.0, 0.1, 0.2, 0.25, 0.3, 0.4, 0.5)
"""Levels of chance that are tried."""
WEIGHTS = tuple(step / 10 for step in range(11))
"""Shares of a family's distance from the curve that are taken back by the next generation, of which one is chosen."""
GROWTH = 2.0
"""Least growth of compute from one generation to the next."""


@dataclass(frozen=True)
class Point:
    """One model, measured."""

    family: str
    model: str
    compute: float
    """FLOP."""
    score: float
    """From 0 to 1."""


@dataclass(frozen=True)
class Pair:
    """A model and the next of its family."""

    before: Point
    after: Point


@dataclass(frozen=True)
class Curve:
    """The score by compute that families have in common."""

    chance: float
    offset: float
    slope: float
    """Log odds for each tenfold of compute; never falling."""

    def at(self, compute: float) -> float:
        return self.chance + (1 - self.chance) * _share(self.offset + self.slope * log10(compute))


@dataclass(frozen=True)
class Forecaster:
    """What was learned from a reference."""

    curve: Curve
    weight: float
    """The share of its distance from the curve that a family is taken to lose."""
    margin: float
    """Log odds that are added, so that the bound held in `level` of the generations."""
    level: float
    pairs: int

    def middle(self, before: Point, compute: float) -> float:
        """What is expected of the next model of a family."""
        return _share(self._odds(before, compute))

    def bound(self, before: Point, compute: float) -> float:
        """What it may score at the most."""
        return _share(self._odds(before, compute) + self.margin)

    def _odds(self, before: Point, compute: float) -> float:
        return _expected(self.curve, self.weight, before, compute)


def generations(points: Iterable[Point], growth: float = GROWTH) -> tuple[Pair, ...]:
    """Each model with the next of its family that had at least so many times its compute."""
    found: list[Pair] = []
    for _, own in groupby(sorted(points, key=lambda it: (it.family, it.compute, it.model)), key=lambda it: it.family):
        family = list(own)
        for at, before in enumerate(family):
            after = next((it for it in family[at + 1 :] if it.compute >= growth * before.compute), None)
            if after is not None:
                found.append(Pair(before, after))
    return tuple(found)


def learn(points: Sequence[Point], level: float = 0.95, growth: float = GROWTH) -> Forecaster:
    """Raises ValueError for a reference with too few generations for a bound at the level."""
    pairs = generations(points, growth)
    if len(pairs) < least_pairs(level):
        raise ValueError(f"{len(pairs)} generations are too few: a bound at {level:g} takes {least_pairs(level)}")
    curve = pooled(points)

    def made(weight: float) -> Forecaster:
        missed = [_odds(it.after.score) - _expected(curve, weight, it.before, it.after.compute) for it in pairs]
        return Forecaster(curve, weight, quantile(missed, level), level, len(pairs))

    return min((made(weight) for weight in WEIGHTS), key=lambda it: _loss(it, pairs))


def least_pairs(level: float) -> int:
    """The fewest generations of which the largest error is a bound at the level."""
    return ceil(round(level / (1 - level), 9))


def pooled(points: Sequence[Point]) -> Curve:
    """The curve that fits all points best, by squared error of the score."""
    xs = [log10(it.compute) for it in points]
    middle = sum(xs) / len(xs)
    spread = sum((x - middle) ** 2 for x in xs)

    def made(chance: float) -> Curve:
        zs = [_odds((it.score - chance) / (1 - chance)) for it in points]
        mean = sum(zs) / len(zs)
        rise = sum((x - middle) * (z - mean) for x, z in zip(xs, zs, strict=True))
        slope = max(rise / spread, 0.0) if spread > 0 else 0.0
        return Curve(chance, mean - slope * middle, slope)

    def error(curve: Curve) -> float:
        return sum((curve.at(it.compute) - it.score) ** 2 for it in points)

    return min((made(chance) for chance in CHANCES), key=error)


def quantile(errors: Sequence[float], level: float) -> float:
    """The least of them that is at or over so large a share of them and of one more that is yet to come."""
    ordered = sorted(errors)
    return ordered[min(ceil(round(level * (len(ordered) + 1), 9)), len(ordered)) - 1]


def pinball(score: float, bound: float, level: float) -> float:
    """The loss that the right quantile has the least of (R. Koenker and G. Bassett, Econometrica 46 (1978))."""
    return level * (score - bound) if score > bound else (1 - level) * (bound - score)


def _loss(forecaster: Forecaster, pairs: Sequence[Pair]) -> float:
    bound: Callable[[Pair], float] = lambda it: forecaster.bound(it.before, it.after.compute)  # noqa: E731
    return sum(pinball(it.after.score, bound(it), forecaster.level) for it in pairs)


def _expected(curve: Curve, weight: float, before: Point, compute: float) -> float:
    """Log odds: on the curve, and as far from it as the family was, but for the share that it is taken to lose."""
    distance = _odds(before.score) - _odds(curve.at(before.compute))
    return _odds(curve.at(compute)) + (1 - weight) * distance


def _odds(score: float) -> float:
    near = min(max(score, EDGE), 1 - EDGE)
    return log(near / (1 - near))


def _share(odds: float) -> float:
    return 1 / (1 + exp(-max(odds, -MOST_ODDS)))
