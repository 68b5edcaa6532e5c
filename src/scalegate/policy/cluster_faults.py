"""Whether what a domain says of items that come in clusters can mean something."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from functools import lru_cache

from scalegate.policy.parts import Domain
from scalegate.units import MAX_SAMPLES

__all__ = ["cluster_faults", "least_clusters"]


def cluster_faults(domain: Domain, alpha: Fraction) -> Iterator[tuple[str, str]]:
    """The field of the domain that each fault is in, and what is wrong with it | what to write.

    `alpha`: the error that one evaluation may spend.
    """
    asked = domain.clusters
    if asked is None:
        return
    if domain.stopping is not None:
        what = "with `clusters` every sample is taken, for a rule that stops early takes each sample for itself"
        yield "clusters", f"{what} | leave `stopping` or `clusters` out"
    if not 0 < asked.below < domain.alarm:
        yield "clusters.below", "it is not between 0 and the alarm | write a score above 0 and under `alarm`"
        return
    if asked.at_least > domain.samples:
        what = f"{asked.at_least} clusters are more than the {domain.samples} samples that are asked for"
        yield "clusters.at_least", f"{what} | write at most `at_least: {domain.samples}`, or more `samples`"
    if not 0 < domain.alarm < 1 or not 0 < alpha < 1:
        return
    least = least_clusters(domain.alarm, asked.below, alpha)
    if least is None:
        what = f"no evaluation of {MAX_SAMPLES:,} clusters can rule the alarm out by a bet for this score"
        yield "clusters.below", f"{what} | write a lower score, or a larger alpha"
    elif asked.at_least < least:
        what = f"{asked.at_least} clusters can never rule the alarm out, without a single success"
        fix = f"with this alarm, `below` and error budget, write at least `{least}`, and more to leave room"
        yield "clusters.at_least", f"{what} | {fix}"


@lru_cache(maxsize=256)
def least_clusters(alarm: Fraction, below: Fraction, alpha: Fraction) -> int | None:
    """The fewest clusters without a success that rule the alarm out: ((1 - below) / (1 - alarm))^n >= 1 / alpha.

    None: more than `MAX_SAMPLES`.
    """
    factor = (1 - below) / (1 - alarm)

    def enough(number: int) -> bool:
        over, under = factor.numerator**number, factor.denominator**number
        return bool(over * alpha.numerator >= under * alpha.denominator)

    if not enough(MAX_SAMPLES):
        return None
    low, high = 0, MAX_SAMPLES
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if enough(middle) else (middle, high)
    return high
