"""Families of models on a common curve, made up."""

from __future__ import annotations

import random
from math import exp

from scalegate.evidence.forecast import Point

__all__ = ["families"]


def families(number: int = 40, models: int = 3, noise: float = 0.3, seed: int = 0, chance: float = 0.25) -> list[Point]:
    """Families on a common curve, each with a distance of its own and errors of its own."""
    draw = random.Random(seed)
    found = []
    for family in range(number):
        distance, start = draw.gauss(0, 0.8), draw.uniform(21, 22.5)
        for model in range(models):
            at = start + 0.5 * model
            odds = 1.5 * (at - 22.5) + distance + draw.gauss(0, noise)
            found.append(Point(f"f{family}", f"m{model}", 10**at, chance + (1 - chance) / (1 + exp(-odds))))
    return found
