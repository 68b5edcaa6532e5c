"""What was measured and what it shows: exact bounds for now."""

from scalegate.evidence.binomial import (
    lower_bound,
    most_successes,
    reached,
    ruled_out,
    upper_bound,
)

__all__ = ["lower_bound", "most_successes", "reached", "ruled_out", "upper_bound"]
