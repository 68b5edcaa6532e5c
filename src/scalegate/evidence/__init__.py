"""What was measured and what it shows: exact bounds for now."""

from scalegate.evidence.binomial import (
    at_least,
    lower_bound,
    most_successes,
    reached,
    ruled_out,
    upper_bound,
)

__all__ = ["at_least", "lower_bound", "most_successes", "reached", "ruled_out", "upper_bound"]
