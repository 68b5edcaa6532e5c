"""Exact one-sided binomial comparison, in integers.

"Ruled out" controls the miss: the chance of ruling a capability out when its true success rate is at or
above the alarm is at most alpha. The test is C. J. Clopper and E. S. Pearson, Biometrika 26 (1934): rule
out when P(X <= successes | n, alarm) <= alpha, which is the same as the exact upper confidence bound lying
under the alarm. Alpha is sampling error only: it says nothing about elicitation, proxies or deception.
"""

from __future__ import annotations

from fractions import Fraction
from functools import lru_cache
from math import comb

from scalegate.units import MAX_SAMPLES

__all__ = ["at_least", "lower_bound", "most_successes", "reached", "ruled_out", "upper_bound"]


BITS = 14
"""Bounds for display are found to 2**-14, rounded away from the claim."""


def ruled_out(successes: int, samples: int, alarm: Fraction, alpha: Fraction) -> bool:
    """True if a success rate of `alarm` or more is ruled out at error `alpha`.

    False for no samples, for more than `MAX_SAMPLES`, for an alpha outside (0, 1) and for an alarm outside (0, 1]:
    nothing is ruled out.
    Raises ValueError for counts that cannot be (successes outside 0..samples).
    """
    _check(successes, samples)
    if not 0 < samples <= MAX_SAMPLES or not 0 < alarm <= 1 or not 0 < alpha < 1:
        return False
    return _tail_at_most(successes, samples, alarm, alpha)


def reached(successes: int, samples: int, alarm: Fraction) -> bool:
    """True if the observed rate is at or above the alarm: reaching is easy, on purpose."""
    _check(successes, samples)
    return samples > 0 and successes >= alarm * samples


def at_least(successes: int, samples: int, score: Fraction, alpha: Fraction) -> bool:
    """True if the exact one-sided lower bound of the success rate, at error `alpha`, is `score` or more.

    False for no samples, and for more than `MAX_SAMPLES`. Raises ValueError for counts that cannot be.
    """
    _check(successes, samples)
    if not 0 < samples <= MAX_SAMPLES or not 0 <= score < 1 or successes < score * samples:
        return False
    return _tail_at_most(samples - successes, samples, 1 - score, alpha)


@lru_cache(maxsize=4096)
def upper_bound(successes: int, samples: int, alpha: Fraction) -> Fraction:
    """The exact one-sided upper bound of the success rate, rounded up to a multiple of 2**-14.

    1, which says nothing, for no samples and for more than `MAX_SAMPLES`.
    """
    _check(successes, samples)
    if not 0 < samples <= MAX_SAMPLES or successes == samples:
        return Fraction(1)
    low, high = 0, 2**BITS
    while high - low > 1:
        middle = (low + high) // 2
        if _tail_at_most(successes, samples, Fraction(middle, 2**BITS), alpha):
            high = middle
        else:
            low = middle
    return Fraction(high, 2**BITS)


def lower_bound(successes: int, samples: int, alpha: Fraction) -> Fraction:
    """The exact one-sided lower bound, rounded down: one minus the upper bound of the failures."""
    return 1 - upper_bound(samples - successes, samples, alpha)


def most_successes(samples: int, alarm: Fraction, alpha: Fraction) -> int | None:
    """The most successes out of `samples` that still rule the alarm out; None if not even 0 does."""
    if not ruled_out(0, samples, alarm, alpha):
        return None
    low, high = 0, samples
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if ruled_out(middle, samples, alarm, alpha) else (low, middle)
    return low


def _check(successes: int, samples: int) -> None:
    if not 0 <= successes <= samples:
        raise ValueError(f"{successes} successes of {samples} samples")


@lru_cache(maxsize=4096)
def _tail_at_most(successes: int, samples: int, rate: Fraction, alpha: Fraction) -> bool:
    """P(X <= successes | samples, rate) <= alpha, with both sides multiplied out to integers.

    Terms are added from the largest number of successes down. They shrink ever faster, so what is left is at most a
    geometric series: as soon as the sum is over, or cannot get there any more, the answer is known, exactly.
    """
    hit, whole = rate.numerator, rate.denominator
    miss = whole - hit
    if miss == 0:
        return successes < samples
    limit, scale = alpha.numerator * whole**samples, alpha.denominator
    term = comb(samples, successes) * hit**successes * miss ** (samples - successes) * scale
    tail = 0
    for k in range(successes, -1, -1):
        tail += term
        if tail > limit:
            return False
        smaller, larger = k * miss, (samples - k + 1) * hit
        if larger > smaller and term * smaller <= (limit - tail) * (larger - smaller):
            return True
        term = term * smaller // larger
    return True
