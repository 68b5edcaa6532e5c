"""The rules by which an evaluation may stop: one number of samples, a likelihood ratio, or bets.

All of them keep the miss within alpha at any time of stopping, and use what alpha is left at their last look, which is
worked out exactly (`sequential`): Wald's boundaries alone, cut off at a last sample, would either miss more often or
leave alpha unused.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache

from scalegate.evidence.binomial import BITS, most_successes, upper_bound
from scalegate.evidence.sequential import Rule, miss
from scalegate.units import MAX_SAMPLES

__all__ = ["Betting", "Fixed", "Sprt", "betting", "betting_bound", "fixed", "least_samples", "sprt"]

QUARTERS = 4
"""Bets are spread evenly over this many parts of the alarm."""


@dataclass(frozen=True)
class Fixed(Rule):
    """One number of samples, and none that could change nothing (C. J. Clopper and E. S. Pearson, 1934)."""

    def bound(self, successes: int, samples: int) -> Fraction:
        """Samples that have not been seen count as successes."""
        self.verdict(successes, samples)
        return upper_bound(successes + self.samples - samples, self.samples, self.alpha)


@dataclass(frozen=True)
class Betting(Rule):
    """Bets against the alarm, whose stakes grow while it is not true (I. Waudby-Smith and A. Ramdas, "Estimating means
    of bounded random variables by betting", J. R. Stat. Soc. B 86 (2024)). The stakes are spread over bets that never
    change, so that the order of outcomes is nothing. J. Ville (1939): that they ever grow by 1/alpha has a chance of at
    most alpha, at any rate at or above the alarm."""

    def bound(self, successes: int, samples: int) -> Fraction:
        """The dual confidence sequence, rounded up to a multiple of 2**-14; at most the alarm, if that is ruled out."""
        out = self.verdict(successes, samples) == "ruled out"
        found = betting_bound(successes, samples, self.alpha)
        return min(found, self.alarm) if out else found


@dataclass(frozen=True)
class Sprt(Betting):
    """The sequential probability ratio test of one rate below against the alarm (A. Wald, Ann. Math. Stat. 16 (1945)),
    cut off at a last sample. The bound that it publishes is that of `Betting`."""

    below: Fraction
    """The rate that it is made for: models so far below the alarm are ruled out soonest."""
    beta: Fraction
    """The most that the chance of giving such a model up before the last sample may be."""


def fixed(alarm: Fraction, alpha: Fraction, samples: int) -> Fixed:
    """Raises ValueError for what is no rate, no error, or no number of samples."""
    _check(alarm, alpha, samples)
    found = most_successes(samples, alarm, alpha)
    most = -1 if found is None else found
    low = tuple(max(-1, most - (samples - n)) for n in range(samples + 1))
    return Fixed(alarm, alpha, low, (most + 1,) * (samples + 1))


def betting(alarm: Fraction, alpha: Fraction, samples: int) -> Betting:
    """Raises ValueError for what is no rate, no error, or no number of samples."""
    _check(alarm, alpha, samples)
    low, successes = [-1], -1
    for n in range(1, samples + 1):
        while successes < n and _grown(successes + 1, n, alarm, alpha):
            successes += 1
        low.append(successes)
    low = _last_look(alarm, alpha, low)
    return Betting(alarm, alpha, tuple(low), (max(low) + 1,) * (samples + 1))


def sprt(alarm: Fraction, alpha: Fraction, samples: int, below: Fraction, beta: Fraction) -> Sprt:
    """Raises ValueError for what is no rate, no error, or no number of samples, or for a rate below that is not."""
    _check(alarm, alpha, samples)
    if not 0 < below < alarm < 1 or not 0 < beta < 1:
        raise ValueError(f"{below} is no rate below an alarm of {alarm}, or {beta} no chance of error")
    low, stop = [-1], [1]
    for n in range(1, samples + 1):
        successes = low[-1]
        while successes < n and _likelier(successes + 1, n, below, alarm, alpha):
            successes += 1
        low.append(successes)
        given_up = max(stop[-1], successes + 1)
        while given_up <= n and not _likelier(n - given_up, n, 1 - alarm, 1 - below, beta):
            given_up += 1
        stop.append(given_up)
    low = _last_look(alarm, alpha, low)
    return Sprt(alarm, alpha, tuple(low), tuple(min(it, max(low) + 1) for it in stop), below, beta)


def least_samples(alarm: Fraction, alpha: Fraction, below: Fraction, beta: Fraction) -> int | None:
    """The fewest samples by which the exact test of one number keeps both errors; None: more than `MAX_SAMPLES`."""
    for samples in range(1, MAX_SAMPLES + 1):
        most = most_successes(samples, alarm, alpha)
        if most is not None and _above(most, samples, below) <= beta:
            return samples
    return None


def _above(most: int, samples: int, rate: Fraction) -> Fraction:
    rule = Rule(rate, Fraction(1, 2), (*_never(samples)[:-1], most), tuple(range(1, samples + 2)))
    return 1 - miss(rule, rate)


def _check(alarm: Fraction, alpha: Fraction, samples: int) -> None:
    if not 0 < alarm < 1 or not 0 < alpha < 1 or not 0 < samples <= MAX_SAMPLES:
        raise ValueError(f"an alarm of {alarm}, an error of {alpha} and {samples} samples make no rule")


def _never(samples: int) -> tuple[int, ...]:
    return (-1,) * (samples + 1)


def _likelier(successes: int, samples: int, below: Fraction, alarm: Fraction, error: Fraction) -> bool:
    """Whether the outcomes are at most `error` times as likely at the alarm as at the rate below."""
    misses = samples - successes
    at_alarm = alarm**successes * (1 - alarm) ** misses
    return at_alarm <= error * below**successes * (1 - below) ** misses


def _grown(successes: int, samples: int, alarm: Fraction, alpha: Fraction) -> bool:
    """Whether bets that the rate is j/4 of the alarm, for j from 0 to 3 and a quarter of the stake on each, have grown
    by 1/alpha: then the outcomes are that much likelier under them than at the alarm."""
    hit, whole = alarm.numerator, alarm.denominator
    misses = samples - successes
    stakes = sum(j**successes * (QUARTERS * whole - j * hit) ** misses for j in range(QUARTERS))
    least: int = alpha.denominator * QUARTERS ** (samples + 1) * (whole - hit) ** misses
    return bool(alpha.numerator * stakes >= least)


def _last_look(alarm: Fraction, alpha: Fraction, low: list[int]) -> list[int]:
    """With the most successes that may rule out at the last sample, by the alpha that is left there."""
    last = len(low) - 1

    def within(most: int) -> bool:
        rule = Rule(alarm, alpha, (*low[:-1], most), tuple(range(1, last + 2)))
        return miss(rule, alarm) <= alpha

    most, too_many = low[-1], last
    while too_many - most > 1:
        middle = (most + too_many) // 2
        most, too_many = (middle, too_many) if within(middle) else (most, middle)
    return [*low[:-1], most]


@lru_cache(maxsize=4096)
def betting_bound(successes: int, samples: int, alpha: Fraction) -> Fraction:
    """An upper bound of the success rate that may be looked at after each sample, rounded up to a multiple of 2**-14
    (the dual of the test by bets)."""
    if successes == samples:
        return Fraction(1)
    low, high = 0, 2**BITS
    while high - low > 1:
        middle = (low + high) // 2
        if _grown(successes, samples, Fraction(middle, 2**BITS), alpha):
            high = middle
        else:
            low = middle
    return Fraction(high, 2**BITS)
