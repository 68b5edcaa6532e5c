"""Margins that are worked out from stated gains, and of what these leave nothing."""

from __future__ import annotations

from collections.abc import Iterator

from scalegate.policy.document import Policy
from scalegate.policy.lints.lint import Lint, Rule
from scalegate.policy.parts import StatedMargin
from scalegate.units import format_duration, format_share

__all__ = ["NO_GAIN_COUNTS", "lints"]

NO_GAIN_COUNTS = Rule(
    "no-gain-counts",
    "weakness",
    "margins of stated gains of which none counts",
    "It reads as room for what others add to the weights, and leaves none: the margin is 1x.",
)


def lints(policy: Policy) -> Iterator[Lint]:
    """In the order of the document."""
    for at, domain in enumerate(policy.domains):
        stated = domain.stated_margin
        if not isinstance(stated, StatedMargin) or stated.counted:
            continue
        reach = f"{format_duration(stated.within)} and {format_share(stated.budget)} of the training compute"
        what = f"none of its {len(stated.gains)} gains" if len(stated.gains) > 1 else "its one gain is not"
        what = f"with {reach} {what}{' is' if len(stated.gains) > 1 else ''} within reach"
        fix = "write the time and the compute that whoever takes the weights may have, or state what these bring"
        yield Lint(NO_GAIN_COUNTS, ("domains", at, "margin"), f"domain {domain.id}", what, fix)
