"""Items in clusters: several questions on one passage, several epochs of one item. They are alike, and count as less.

A test that takes such items for independent ones misses more often than it says: with whole clusters right or wrong
together, 5 in 20 of one passage are one observation and not five. Here a cluster is the observation. With `x` the share
of a cluster that succeeded, `a` the alarm and a bet `c` that was fixed beforehand, the product over clusters of
`1 + c * (a - x)` has a mean of at most 1 after every cluster, if the mean of `x`, given what came before, is `a` or
more; for that nothing is asked of how the items within a cluster hang together. So the chance that it is ever
`1 / alpha` or more is at most alpha (J. Ville, 1939; I. Waudby-Smith and A. Ramdas, "Estimating means of bounded random
variables by betting", J. R. Stat. Soc. B 86 (2024)). Once it is, the alarm is ruled out, whenever that was stopped.

The bet is the one under which it grows fastest when clusters are right or wrong as a whole at the rate `b` below:
`c = (a - b) / (a * (1 - a))`, by which each factor is `(1 - x) * (1 - b) / (1 - a) + x * b / a`. As functions of the
alarm both terms are convex in their logarithms, so the factor is, and so is the product, which is 1 at `b`: the alarms
over `b` that are ruled out are all those from one point up, the upper bound.

Exact, in integers. The order plays no part: a histogram of the clusters decides. Alpha is sampling error only.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import prod

from scalegate.evidence.binomial import BITS
from scalegate.units import MAX_SAMPLES

__all__ = ["Cluster", "Clustered", "by_cluster", "clusters_of", "fewest_clusters"]


@dataclass(frozen=True, order=True)
class Cluster:
    """So many clusters that came out alike."""

    successes: int
    """Items that succeeded in each; what has no outcome counts as one."""
    size: int
    """Items in each."""
    count: int
    """How many such clusters there are."""


@dataclass(frozen=True)
class Clustered:
    """The test for one alarm. Raises ValueError unless 0 < below < alarm < 1 and 0 < alpha < 1."""

    alarm: Fraction
    alpha: Fraction
    """The most that the chance of a miss may be, for any time of stopping."""
    below: Fraction
    """The mean rate at which it is to rule out fast. What it misses does not turn on it."""

    def __post_init__(self) -> None:
        if not 0 < self.below < self.alarm < 1 or not 0 < self.alpha < 1:
            raise ValueError(f"a rate of {self.below} below an alarm of {self.alarm}, alpha {self.alpha}")

    @property
    def bet(self) -> Fraction:
        """The bet; under `1 / (1 - alarm)`, so no factor is nought."""
        return (self.alarm - self.below) / (self.alarm * (1 - self.alarm))

    def ruled_out(self, clusters: Sequence[Cluster]) -> bool:
        """Whether the mean rate of clusters is under the alarm, at error `alpha`.

        False for no clusters, and for more items than `MAX_SAMPLES`. Raises ValueError for counts that cannot be.
        """
        return _rejected(self.alarm, self.below, self.alpha, _checked(clusters))

    def bound(self, clusters: Sequence[Cluster]) -> Fraction:
        """The upper bound of the mean rate of clusters that may be looked at after each of them, rounded up to a
        multiple of 2**-14; never under `below`.

        1, which says nothing, for no clusters and for more items than `MAX_SAMPLES`. Raises ValueError for counts that
        cannot be.
        """
        known = _checked(clusters)
        low, high = int(self.below * 2**BITS), 2**BITS
        while high - low > 1:
            middle = (low + high) // 2
            if _rejected(Fraction(middle, 2**BITS), self.below, self.alpha, known):
                high = middle
            else:
                low = middle
        return Fraction(high, 2**BITS)


def clusters_of(shares: Sequence[tuple[int, int]]) -> tuple[Cluster, ...]:
    """The histogram of clusters, each given by its successes and its size; sorted, so that each outcome has one."""
    counts: dict[tuple[int, int], int] = {}
    for share in shares:
        counts[share] = counts.get(share, 0) + 1
    return tuple(Cluster(*share, count) for share, count in sorted(counts.items()))


def by_cluster(outcomes: Sequence[bool | None], clusters: Sequence[Hashable]) -> tuple[tuple[int, int, int], ...]:
    """The histogram as a result tells it: successes in each, items in each, how many such; no outcome is a success.

    `clusters`: of each outcome its cluster. Raises ValueError unless there is one for each.
    """
    shares: dict[Hashable, tuple[int, int]] = {}
    for outcome, name in zip(outcomes, clusters, strict=True):
        successes, size = shares.get(name, (0, 0))
        shares[name] = (successes + (outcome is not False), size + 1)
    return tuple((it.successes, it.size, it.count) for it in clusters_of(tuple(shares.values())))


def fewest_clusters(test: Clustered) -> int | None:
    """The fewest clusters that rule the alarm out if nothing in them succeeds; None: no number that is worked out."""
    low, high = 0, MAX_SAMPLES
    if not test.ruled_out([Cluster(0, 1, high)]):
        return None
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if test.ruled_out([Cluster(0, 1, middle)]) else (middle, high)
    return high


def _checked(clusters: Sequence[Cluster]) -> tuple[Cluster, ...]:
    for it in clusters:
        if not 0 <= it.successes <= it.size or it.size < 1 or it.count < 1:
            raise ValueError(f"{it.count} clusters of {it.successes} successes in {it.size} items")
    return tuple(clusters)


def _rejected(alarm: Fraction, below: Fraction, alpha: Fraction, clusters: tuple[Cluster, ...]) -> bool:
    """Whether the product of the factors is `1 / alpha` or more, with both sides multiplied out to integers."""
    items = sum(it.size * it.count for it in clusters)
    if not 0 < items <= MAX_SAMPLES or not below < alarm < 1:
        return False
    right, wrong = below / alarm, (1 - below) / (1 - alarm)
    factors = [(((it.size - it.successes) * wrong + it.successes * right) / it.size, it.count) for it in clusters]
    over: int = prod(factor.numerator**count for factor, count in factors)
    under: int = prod(factor.denominator**count for factor, count in factors)
    return over * alpha.numerator >= under * alpha.denominator
