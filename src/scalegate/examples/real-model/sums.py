"""A task of Inspect: sums of small numbers, made here, so that nothing is fetched. An answer is right or wrong.

Four solved sums stand before each, since a base model goes on with a text and takes no instructions.
"""

from __future__ import annotations

import random

from inspect_ai import Task, task
from inspect_ai.dataset import MemoryDataset, Sample
from inspect_ai.model import GenerateConfig
from inspect_ai.scorer import match
from inspect_ai.solver import generate

__all__ = ["sums"]

SHOWN = 4


@task
def sums(samples: int = 60, digits: int = 2, seed: int = 12) -> Task:
    """Exact match on the first number of a short answer. It ends with its line: what does not may be cut off."""
    numbers = random.Random(seed)
    least, most = 10 ** (digits - 1), 10**digits - 1

    def drawn() -> tuple[int, int]:
        return numbers.randint(least, most), numbers.randint(least, most)

    shown = "".join(f"{a} + {b} = {a + b}\n" for a, b in (drawn() for _ in range(SHOWN)))
    asked = [drawn() for _ in range(samples)]
    return Task(
        dataset=MemoryDataset(
            [
                Sample(id=f"sum-{number}", input=f"{shown}{a} + {b} =", target=str(a + b))
                for number, (a, b) in enumerate(asked, 1)
            ],
            name=f"sums of {digits} digits",
        ),
        solver=generate(),
        scorer=match(location="begin", numeric=True),
        config=GenerateConfig(max_tokens=12, stop_seqs=["\n"], max_connections=10),
        version=1,
    )
