"""Effective compute matched on loss: what a reference algorithm would have needed to get where a model is."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from math import ceil, isfinite, log

from scalegate.errors import InputError

__all__ = ["matched_compute"]

SLACK = 1e-9
"""Added before rounding up: another machine's arithmetic may differ in the last place."""


def matched_compute(rows: Sequence[tuple[float, float]], loss: float) -> int:
    """Effective FLOP at which a reference algorithm has the loss, rounded up: against the run.

    rows: (training FLOP, loss) of models of the reference algorithm, each better than the one before. Between two of
    them both are taken to be linear in their logarithms (J. Kaplan et al., arXiv:2001.08361, have the power law).

    Raises InputError for fewer than two, for losses that do not fall with compute, and for a loss outside their range:
    past the last one nothing is known.
    """
    known = sorted(rows)
    if len(known) < 2 or any(not (isfinite(c) and isfinite(it)) or c < 1 or it <= 0 for c, it in known):
        raise InputError("the reference is to have two models or more, each with FLOP and a loss over 0")
    for (one, high), (other, low) in pairwise(known):
        if not (one < other and high > low):
            what = f"the loss of the reference does not fall from {one:.3g} to {other:.3g} FLOP"
            raise InputError(what, fix="give the least loss at each compute, trained to its best")
    (least, highest), (most, lowest) = known[0], known[-1]
    if not lowest <= loss <= highest:
        what = f"a loss of {loss:g} is outside the reference, which goes from {highest:g} to {lowest:g}"
        raise InputError(what, fix=f"give models of it that reach the loss: it has {least:.3g} to {most:.3g} FLOP")
    for (one, high), (other, low) in pairwise(known):
        if low <= loss:
            part = (log(high) - log(loss)) / (log(high) - log(low))
            return ceil(one * float((other / one) ** part) * (1 + SLACK))
    raise AssertionError("a loss within the range is between two of them")
