"""The rule by which an evaluation may stop early: worked out of the policy, and fixed by what its announcement says.

Nothing is believed of a rule but its name. The gate works it out anew, with the alarm and the error of whoever judges;
where that is another rule than was announced (an amendment, a floor with figures of its own), it is as if there had
been none, and each sample that was not taken counts as a success.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from fractions import Fraction
from functools import lru_cache
from typing import TypeVar

from scalegate.evidence.rules import Betting, betting, sprt
from scalegate.gate.clustering import words_of_clusters
from scalegate.policy.document import Domain, Policy
from scalegate.policy.parts import Stopping
from scalegate.units import MAX_LOOKS, exact_decimal

__all__ = ["look_alpha", "rule_for", "rule_of", "shuffled", "words_of_rule"]


T = TypeVar("T", str, int)


def look_alpha(policy: Policy) -> Fraction:
    """The error that one evaluation may spend: the lineage's alpha shared equally over its evaluations."""
    return policy.budget.alpha / policy.budget.evaluations


def rule_of(domain: Domain, alpha: Fraction, samples: int) -> Betting | None:
    """The rule for an evaluation of so many samples at the most; None: the policy has none, or not for so many.

    `alpha`: the error that one evaluation may spend.
    """
    if domain.stopping is None or domain.clusters is not None or not 0 < samples <= MAX_LOOKS:
        return None
    try:
        return _rule(domain.alarm, alpha, samples, domain.stopping)
    except ValueError:
        return None


def rule_for(policy: Policy, domain: str, samples: int) -> str | None:
    """How the rule of a domain of the policy is named; None: there is none."""
    return words_of_rule(policy.domain(domain), look_alpha(policy), samples)


@lru_cache(maxsize=256)
def _rule(alarm: Fraction, alpha: Fraction, samples: int, stopping: Stopping) -> Betting:
    if stopping.rule == "betting" or stopping.below is None or stopping.beta is None:
        return betting(alarm, alpha, samples)
    return sprt(alarm, alpha, samples, stopping.below, stopping.beta)


def shuffled(evaluation: str, samples: Iterable[T]) -> list[T]:
    """The order in which the samples of an announced evaluation are taken, from its random name and theirs.

    A rule that stops early goes by samples that are alike before they are taken. In an order that nobody chose they
    are, however the dataset is sorted.
    """
    return sorted(samples, key=lambda name: hashlib.sha256(f"{evaluation} {name}".encode()).digest())


def words_of_rule(domain: Domain, alpha: Fraction, samples: int) -> str | None:
    """How an announcement names the rule: two that are named alike are one. None: there is none."""
    stopping = domain.stopping
    if domain.clusters is not None:
        return words_of_clusters(domain)
    if stopping is None or rule_of(domain, alpha, samples) is None:
        return None
    below = f" of {exact_decimal(stopping.below)}" if stopping.below is not None else ""
    beta = f", given up with a chance of {exact_decimal(stopping.beta)} there" if stopping.beta is not None else ""
    against = f"against an alarm of {exact_decimal(domain.alarm)}, alpha {alpha}"
    return f"{stopping.rule}{below} {against}, {samples} samples at most{beta}"
