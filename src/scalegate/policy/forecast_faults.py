"""Whether the forecast that a domain asks for can be made."""

from __future__ import annotations

import re
from collections.abc import Iterator
from fractions import Fraction

from scalegate.policy.parts import Domain

__all__ = ["LEAST", "LEAST_RESULTS", "forecast_faults"]

LEAST_RESULTS = 3
"""Results under which a run's own make no bound: fewer take a reference."""
LEAST = Fraction(1, 2)
"""Confidence that a bound has to be over."""
MOST = Fraction(999, 1000)


def forecast_faults(domain: Domain) -> Iterator[tuple[str, str]]:
    """The field of the domain that each fault is in, and what is wrong with it | what to write."""
    asked = domain.forecast
    if asked is None:
        return
    if domain.stopping is not None:
        what = "such an evaluation ends once its bound is a little under the alarm, and a forecast from it goes nowhere"
        yield "stopping", f"{what} | leave `stopping` out of a domain with a `forecast`"
    if not LEAST < asked.confidence <= MOST:
        yield "forecast.confidence", "it is not over 50% and at most 99.9% | write `confidence: 95%`"
    table = asked.reference_table
    if table is not None and not re.fullmatch("[0-9a-f]{64}", table):
        yield "forecast.reference_table", "it is no SHA-256 | write the 64 hex digits of the table's bytes, in quotes"
    if asked.at_least < LEAST_RESULTS and table is None:
        what = f"fewer than {LEAST_RESULTS} results make no bound by themselves"
        yield "forecast.at_least", f"{what} | write `at_least: {LEAST_RESULTS}`, or name a `reference_table`"
