"""Kleene's strong three-valued logic: the only logic that verdicts are built from.

Source: S. C. Kleene, Introduction to Metamathematics (1952), section 64. Unknown is never a yes: a gate
opens on `Truth.TRUE` and on nothing else. There is no operator that asks whether a value is known, so
learning a fact can never turn a true condition false (information monotonicity).
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import Enum

__all__ = ["Truth", "all_of", "any_of", "at_least", "negate"]


class Truth(Enum):
    """True, false or unknown. Has no truth value in Python, so that `if truth:` is an error, not a bug."""

    TRUE = "true"
    FALSE = "false"
    UNKNOWN = "unknown"

    def __bool__(self) -> bool:
        raise TypeError("a Truth is three-valued: compare it with Truth.TRUE")

    @staticmethod
    def of(value: bool) -> Truth:
        return Truth.TRUE if value else Truth.FALSE


def negate(value: Truth) -> Truth:
    """Kleene negation; unknown stays unknown."""
    if value is Truth.UNKNOWN:
        return Truth.UNKNOWN
    return Truth.of(value is Truth.FALSE)


def at_least(k: int, values: Iterable[Truth]) -> Truth:
    """True if k values are true, false if k can no longer be reached, else unknown."""
    items = list(values)
    true = sum(item is Truth.TRUE for item in items)
    unknown = sum(item is Truth.UNKNOWN for item in items)
    if true >= k:
        return Truth.TRUE
    return Truth.UNKNOWN if true + unknown >= k else Truth.FALSE


def all_of(values: Iterable[Truth]) -> Truth:
    """Kleene conjunction. Of nothing it is true: a gate must guard against emptiness itself."""
    items = list(values)
    return at_least(len(items), items)


def any_of(values: Iterable[Truth]) -> Truth:
    """Kleene disjunction. Of nothing it is false."""
    return at_least(1, values)
