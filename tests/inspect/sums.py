"""A task whose answers a solver writes, so that no model is asked: `right` of its samples are answered rightly."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import anyio
from inspect_ai import Task, task
from inspect_ai.dataset import MemoryDataset, Sample
from inspect_ai.model import ChatMessageSystem, ChatMessageUser, ModelOutput
from inspect_ai.scorer import match
from inspect_ai.solver import Generate, Solver, TaskState, solver


@solver
def answers(right: int, fails: int, writes: str = "") -> Solver:
    async def solve(state: TaskState, generate: Generate) -> TaskState:
        number = int(str(state.sample_id)[1:])
        if writes:
            Path(writes).write_text("other weights", encoding="utf-8")
        # The ones that are answered rightly take longest: whoever looked at what has ended alone would see none.
        await anyio.sleep(0.02 if number < right else 0.001 * random.Random(number).random())
        if number < fails:
            raise RuntimeError("the sandbox went away")
        state.output = ModelOutput.from_content("mockllm/model", state.target.text if number < right else "0")
        return state

    return solve


def _dataset(samples: int) -> Any:
    made = [
        Sample(id=f"s{i}", input=f"{i}+{i}=", target=str(2 * i + 1000), metadata={"page": i // 5})
        for i in range(samples)
    ]
    return MemoryDataset(made, name="sums")


@task
def sums(samples: int = 400, right: int = 0, fails: int = 0, epochs: int = 1, writes: str = "") -> Task:
    solver = answers(right, fails, writes)
    return Task(dataset=_dataset(samples), solver=solver, scorer=match(), epochs=epochs, fail_on_error=False)


@task
def chat() -> Task:
    asked = [ChatMessageSystem(content="Add."), ChatMessageUser(content="1+1=")]
    return Task(dataset=MemoryDataset([Sample(id="s0", input=asked, target="2")]), scorer=match())


@task
def empty() -> Task:
    return Task(dataset=MemoryDataset([Sample(id="a", input="x"), Sample(id="a", input="y")]), scorer=match())
