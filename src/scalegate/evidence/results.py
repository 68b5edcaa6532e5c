"""Results that a run's forecast is made from: how sure each is, and the sets that are bounded."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import groupby, product
from math import exp, inf, log, log10
from typing import Literal, TypeAlias

from scalegate.evidence import binomial

__all__ = [
    "EDGE",
    "LEAST",
    "MOST_CLAIMED",
    "NEAR",
    "At",
    "Own",
    "Role",
    "amounts",
    "bases_of",
    "merged",
    "odds_of",
    "reaches",
    "sets_of",
    "share_of",
]

LEAST = 3
"""Results, each at another compute, under which a run's own make no bound."""
EDGE = 0.001
"""Rates nearer to 0 or 1 than this are taken as this far; of how little one may be it is where nothing is said."""
MOST_CLAIMED = 4
"""Results of which different runs say what compute is behind them: each way to read them all is bounded."""
HEAVIER = 3
"""A little more than e: by how much likelier a mean of clusters may be far off than one of single items."""
NEAR = 10**9
"""Amounts of compute nearer to each other than one part of so many are the same."""


Role: TypeAlias = Literal["counts", "kept", "raises"]
"""What a result may do: make a bound; what was to make one, and may only make it larger; or what is too weak to make
one, of which neither its compute nor its least rate makes anything smaller."""


@dataclass(frozen=True)
class Own:
    """What one evaluation of the run showed."""

    compute: int
    """Effective FLOP behind the weights; of one that raises 0 where nobody knows."""
    successes: int
    completed: int
    samples: int
    """Samples that there were to be; more than `completed`, where a rule ended it."""
    upper: Fraction | None = None
    """Of one that a rule ended: the upper bound of its rate by the rule."""
    role: Role = "counts"
    most: int | None = None
    """Effective FLOP that somebody else says are behind the weights, where that is more."""
    place: int = 0
    """Of one that counts or was kept: which of the weights on the way it is of. Two of one place are of the same."""
    clustered: bool = False
    """Whether the counts are of clusters, with successes rounded up."""

    @property
    def farthest(self) -> int:
        """The most compute that anybody says is behind the weights."""
        return max(self.compute, self.most or 0)


@dataclass(frozen=True)
class At:
    """All results at one compute, in log odds: an exact interval of the rate, and what was seen."""

    compute: int
    low: float
    seen: float
    high: float
    sure: float
    """The least that it can be by any of them; `low` is the least that a line may be there."""

    @property
    def x(self) -> float:
        return log10(self.compute)


def amounts(computes: Iterable[int]) -> list[int]:
    """Those that are another amount: over one part in `NEAR` more than the one before."""
    found: list[int] = []
    for it in sorted(computes):
        if not found or (it - found[-1]) * NEAR > found[-1]:
            found.append(it)
    return found


def reaches(results: Iterable[Own]) -> Fraction | None:
    """Up to how much compute a run's own results make any bound: the nearest of all its bases; None: they make none."""
    found = []
    for base in bases_of(list(results)):
        at = amounts(it.compute for it in base)
        found += [Fraction(at[-1] * at[-1], at[-LEAST])] if len(at) >= LEAST else []
    return min(found, default=None)


def bases_of(results: Sequence[Own]) -> Iterator[list[Own]]:
    """What bounds are made from without anything that only raises, in the order of their weights."""
    counting, kept = ([it for it in results if it.role == role] for role in ("counts", "kept"))
    places = {it.place for it in kept}
    bases = [counting, *([[*kept, *(it for it in counting if it.place not in places)]] if kept else [])]
    for base in (sorted(it, key=lambda it: (it.place, it.compute)) for it in bases):
        yield base
        first = list(
            {bisect_right(amounts(it.compute for it in base), it.compute): it for it in reversed(base)}.values()
        )
        if len(first) < len(base):
            yield first[::-1]
        # Nobody knows whose claim is true of each, and it may be another's for every one.
        told = [at for at, it in enumerate(base) if it.farthest > it.compute]
        for most in product((False, True), repeat=len(told)):
            more = dict(zip(told, most, strict=True))
            if any(most):
                yield [replace(it, compute=it.farthest) if more.get(at) else it for at, it in enumerate(base)]


def sets_of(results: Sequence[Own]) -> Iterator[list[Own]]:
    """Every base, and each with every result that is not in it by itself.

    Nothing that raises goes past the last of those: to have come to as much with less is worse.
    """
    for base in bases_of(results):
        yield base
        names = {(it.place, it.successes, it.completed, it.samples) for it in base}
        last = max(it.compute for it in base)
        for it in results:
            if it.role == "raises" or (it.place, it.successes, it.completed, it.samples) not in names:
                for compute in {min(it.compute or last, last), min(it.farthest or last, last)}:
                    yield [*base, replace(it, role="raises", compute=compute)]


def merged(results: Sequence[Own], level: Fraction, error: Fraction) -> tuple[At, ...]:
    """By amount of compute; and never falling, since what came out lower at more compute was
    drawn out less."""
    chance = (1 - level) / (2 * len(results))
    found: list[At] = []
    near = amounts(it.compute for it in results)
    by_amount = sorted(results, key=lambda it: it.compute)
    for _, same in groupby(by_amount, key=lambda it: bisect_right(near, it.compute)):
        group = list(same)
        lows = {it: _least(it, chance) for it in group}
        one = At(
            group[0].compute,
            min((low for it, low in lows.items() if it.role != "raises"), default=-inf),
            max(odds_of((it.successes + 0.5) / (it.completed + 1)) for it in group),
            max(odds_of(_upper(it, chance, error)) for it in group),
            max(lows.values()),
        )
        last = found[-1] if found else one
        found.append(
            At(
                one.compute,
                *(max(one.low, last.low), max(one.seen, last.seen)),
                *(max(one.high, last.high), max(one.sure, last.sure)),
            )
        )
    return tuple(found)


def _least(it: Own, chance: Fraction) -> float:
    """In log odds; under the edge it may be anything."""
    low = _lower(it, chance)
    return odds_of(low) if low > EDGE else -inf


def _lower(it: Own, chance: Fraction) -> float:
    if it.clustered:
        return float(binomial.lower_bound(max(it.successes - 1, 0), max(it.samples, it.completed), chance / HEAVIER))
    return float(binomial.lower_bound(it.successes, max(it.samples, it.completed), chance))


def _upper(it: Own, chance: Fraction, error: Fraction) -> float:
    chance = chance / HEAVIER if it.clustered else chance
    if it.upper is not None and error <= chance:
        return float(it.upper)
    left = max(it.samples - it.completed, 0)
    return float(binomial.upper_bound(it.successes + left, it.completed + left, chance))


def odds_of(rate: float) -> float:
    near = min(max(rate, EDGE), 1 - EDGE)
    return log(near / (1 - near))


def share_of(odds: float) -> float:
    return 1 / (1 + exp(-max(odds, -500.0)))
