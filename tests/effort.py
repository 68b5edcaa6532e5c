"""How much is tried: some in the suite, which must stay quick, and all of it in a soak."""

from __future__ import annotations

import os

__all__ = ["EXAMPLES", "examples", "stride"]

EXAMPLES = int(os.environ.get("SCALEGATE_EXAMPLES", "15"))
"""Of each property that does not say another number."""


def examples(number: int) -> int:
    """So many examples of a property that costs less, or needs more, than others; never fewer than a soak asks for."""
    return max(number, EXAMPLES) if "SCALEGATE_EXAMPLES" in os.environ else number


def stride(number: int) -> int:
    """Each so manieth byte or row, unless SCALEGATE_FLIPS says otherwise: 1 is all of them."""
    return int(os.environ.get("SCALEGATE_FLIPS", str(number)))
