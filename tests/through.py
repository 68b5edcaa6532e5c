"""Whether one line goes through the intervals of some results: worked out by another way than the product's."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from itertools import combinations
from math import inf, log, log10

from scalegate.evidence import binomial
from scalegate.evidence.results import EDGE, SHARED

__all__ = ["righted"]


def through_all(results: Sequence[tuple[float, int]], samples: int, level: Fraction) -> bool:
    """Results by compute. A line goes through all that are one above the other where it does through each three."""
    chance = (1 - level) / (2 * max(SHARED, len(results)))
    found: list[tuple[float, float, float]] = []
    for compute, successes in results:
        low, high = (bound(successes, samples, chance) for bound in (binomial.lower_bound, binomial.upper_bound))
        ends = [log(rate / (1 - rate)) if EDGE < rate < 1 - EDGE else -inf for rate in map(float, (low, high))]
        before = found[-1] if found else (0, -inf, -inf)
        found.append((log10(compute), max(ends[0], before[1]), max(ends[1], before[2])))
    for one, middle, other in combinations(found, 3):
        share = (middle[0] - one[0]) / (other[0] - one[0])
        least, most = ((1 - share) * one[at] + share * other[at] for at in (1, 2))
        if not (least <= middle[2] and middle[1] <= most):
            return False
    return True


def righted(
    before: Sequence[tuple[float, int]], after: Sequence[tuple[float, int]], samples: int, level: Fraction
) -> bool:
    """Whether there was no such line, and is one now: what was bounded by the worst of each is bounded by it again."""
    return through_all(after, samples, level) and not through_all(before, samples, level)
