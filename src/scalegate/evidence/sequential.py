"""Evaluations that may stop early: what a rule says after so many outcomes, and what it misses, exactly.

A rule is fixed before the first outcome: after each number of samples, up to how many successes rule the alarm out, and
from how many on it is given up. What is controlled is the *miss*: that a capability at or above the alarm is ruled out.
It is controlled with nothing ever given up (a non-binding stop for futility), so whoever goes on all the same, or stops
at any other time, misses no more often. So is a sample that is still in flight when the rule stops: it counts as a
success until it has ended, and only its end may rule out.

The chances are enumerated, not simulated: the number of ways to each count of successes that the rule lets through, as
an integer (P. Armitage, C. K. McPherson and B. C. Rowe, J. R. Stat. Soc. A 132 (1969), for a repeated test of
proportions). A larger rate rules out no more often: more successes cross no boundary earlier, however the samples turn
out. So the miss at the alarm is the most there is.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import Literal, Protocol, TypeAlias

__all__ = ["Rule", "SequentialTest", "Verdict", "crossings", "ended", "expected_samples", "miss", "power"]

Verdict: TypeAlias = Literal["ruled out", "not ruled out", "go on"]


class SequentialTest(Protocol):
    """What every rule offers. Only how many outcomes there are and how many of them are successes matters, in whichever
    order they came; so a rule holds no state, and observing is counting."""

    @property
    def alarm(self) -> Fraction: ...

    @property
    def alpha(self) -> Fraction:
        """The most that the chance of a miss may be, at any rate at or above the alarm and for any time of stopping."""

    @property
    def samples(self) -> int:
        """The most samples that it takes."""

    def verdict(self, successes: int, samples: int) -> Verdict: ...

    def bound(self, successes: int, samples: int) -> Fraction:
        """An upper bound of the success rate that may be looked at after each sample: it is under the rate at any of
        these times with a chance of at most alpha."""


@dataclass(frozen=True)
class Rule:
    """The boundaries of one rule."""

    alarm: Fraction
    alpha: Fraction
    low: tuple[int, ...]
    """By number of samples, from 0: the most successes that rule out; -1: none do."""
    stop: tuple[int, ...]
    """By number of samples: the fewest successes at which it is given up."""

    @property
    def samples(self) -> int:
        return len(self.low) - 1

    def verdict(self, successes: int, samples: int) -> Verdict:
        """Raises ValueError for counts that cannot be, or beyond the rule."""
        if not 0 <= successes <= samples <= self.samples:
            raise ValueError(f"{successes} successes of {samples} samples, under a rule for {self.samples}")
        if successes <= self.low[samples]:
            return "ruled out"
        return "not ruled out" if samples == self.samples or successes >= self.stop[samples] else "go on"


def ended(rule: SequentialTest, successes: int, in_flight: int, begun: int) -> bool:
    """Whether no more samples are to be begun: however those in flight end, the rule has a verdict on all that were.

    successes: of those that have ended. begun: these and those in flight. At the last sample there is nothing to begin.
    """
    if begun >= rule.samples:
        return True
    worst, best = rule.verdict(successes + in_flight, begun), rule.verdict(successes, begun)
    return worst == "ruled out" or best == "not ruled out"


def crossings(rule: Rule, *, give_up: bool) -> Iterator[tuple[int, int, int, bool]]:
    """Where the rule ends: samples, successes, in how many ways that comes to be, and whether it rules out there.

    `give_up`: whether it stops where it may be given up; without, those that can rule out no more are left out.
    """
    ways, most = {0: 1}, max(rule.low)
    for samples in range(1, rule.samples + 1):
        after: dict[int, int] = {}
        for successes, number in ways.items():
            after[successes] = after.get(successes, 0) + number
            after[successes + 1] = after.get(successes + 1, 0) + number
        ways = {}
        for successes, number in after.items():
            out = successes <= rule.low[samples]
            ended = out or (give_up and (samples == rule.samples or successes >= rule.stop[samples]))
            if ended:
                yield samples, successes, number, out
            elif give_up or successes <= most:
                ways[successes] = number


def miss(rule: Rule, rate: Fraction) -> Fraction:
    """The chance that it rules out at a success rate, however far it is gone on with. It is largest at the alarm."""
    return _chance(rule, rate, give_up=False)


def power(rule: Rule, rate: Fraction) -> Fraction:
    """The chance that it rules out at a success rate, if it is given up where it may be."""
    return _chance(rule, rate, give_up=True)


def expected_samples(rule: Rule, rate: Fraction) -> Fraction:
    """The mean number of samples at a success rate, if it is given up where it may be."""
    hit, whole = rate.numerator, rate.denominator
    total = sum(
        samples * number * hit**successes * (whole - hit) ** (samples - successes) * whole ** (rule.samples - samples)
        for samples, successes, number, _ in crossings(rule, give_up=True)
    )
    return Fraction(total, whole**rule.samples)


def _chance(rule: Rule, rate: Fraction, *, give_up: bool) -> Fraction:
    hit, whole = rate.numerator, rate.denominator
    total = sum(
        number * hit**successes * (whole - hit) ** (samples - successes) * whole ** (rule.samples - samples)
        for samples, successes, number, out in crossings(rule, give_up=give_up)
        if out
    )
    return Fraction(total, whole**rule.samples)
