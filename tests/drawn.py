"""What a strategy draws, without a property: to see what its draws reach."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

__all__ = ["drawn"]


def drawn(strategy: st.SearchStrategy[Any], *, seeds: int, each: int = 10) -> Iterator[Any]:
    """Few draws of each seed, the same every time: after those, new ones are mostly old ones with a part changed."""
    found: list[Any] = []

    @settings(max_examples=each, database=None, phases=[Phase.generate], suppress_health_check=list(HealthCheck))
    @given(strategy)
    def collect(it: Any) -> None:
        found.append(it)

    for number in range(seeds):
        seed(number)(collect)()
        yield from found
        found.clear()
