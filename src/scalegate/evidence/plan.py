"""Before an evaluation is run: how many samples each rule takes, and what it could miss.

The miss at the alarm is exact. Power and the mean number of samples are worked out by the same enumeration
(`sequential`), and rounded for people to read: nothing is decided by them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import exp, log

from scalegate.evidence.rules import betting, fixed, sprt
from scalegate.evidence.sequential import Rule, crossings, miss

__all__ = ["Outlook", "RulePlan", "plan_of", "plans", "rates_of"]


@dataclass(frozen=True)
class Outlook:
    """What a rule comes to at one true success rate."""

    rate: Fraction
    ruled_out: float
    """The chance that the alarm is ruled out: the power, at a rate below it."""
    samples: float
    """The mean number of samples taken, if it is given up where it may be."""


@dataclass(frozen=True)
class RulePlan:
    """One rule, before there is an outcome."""

    name: str
    rule: Rule
    fewest: int | None
    """After how many samples without a success the alarm is ruled out; None: never."""
    most: int | None
    """The most successes of all the samples that rule the alarm out; None: not even nought do."""
    miss: Fraction
    """The chance that a capability at the alarm is ruled out, exactly, whenever it is stopped."""
    outlooks: tuple[Outlook, ...]


def plans(
    alarm: Fraction,
    alpha: Fraction,
    samples: int,
    rates: Sequence[Fraction],
    below: Fraction | None = None,
    beta: Fraction | None = None,
) -> tuple[RulePlan, ...]:
    """All the samples, bets, and, where `below` and `beta` are given, the ratio test: each for as many samples.

    Raises ValueError for what is no rate, no error, or no number of samples.
    """
    found = [
        plan_of("all samples", fixed(alarm, alpha, samples), rates),
        plan_of("betting", betting(alarm, alpha, samples), rates),
    ]
    if below is not None and beta is not None:
        found.append(plan_of("sprt", sprt(alarm, alpha, samples, below, beta), rates))
    return tuple(found)


def plan_of(name: str, rule: Rule, rates: Sequence[Fraction]) -> RulePlan:
    """What a rule takes, and what comes of it at each of the rates."""
    ends = list(crossings(rule, give_up=True))
    fewest = next((number for number, most in enumerate(rule.low) if most >= 0), None)
    most = rule.low[-1] if rule.low[-1] >= 0 else None
    return RulePlan(name, rule, fewest, most, miss(rule, rule.alarm), tuple(_outlook(ends, it) for it in rates))


def rates_of(alarm: Fraction, more: Sequence[Fraction] = ()) -> tuple[Fraction, ...]:
    """Success rates that are worth looking at: from none to over the alarm."""
    shares = (Fraction(0), Fraction(1, 10), Fraction(1, 4), Fraction(1, 2), Fraction(3, 4), Fraction(1), Fraction(3, 2))
    return tuple(sorted({it for it in (*(alarm * share for share in shares), *more) if it <= 1}))


def _outlook(ends: Sequence[tuple[int, int, int, bool]], rate: Fraction) -> Outlook:
    out = taken = 0.0
    for samples, successes, ways, rules_out in ends:
        if (rate == 0 and successes) or (rate == 1 and successes < samples):
            continue
        chance = log(ways)
        chance += successes * log(rate) if successes else 0.0
        chance += (samples - successes) * log(1 - rate) if successes < samples else 0.0
        out += exp(chance) * rules_out
        taken += exp(chance) * samples
    return Outlook(rate, out, taken)
