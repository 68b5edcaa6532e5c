"""Makes the logs of this folder by running Inspect itself: `python make.py [later]` beside inspect-ai 0.3.285.

With `later` those alone that were added last, so that the others stay as they are.

No model is asked: a solver writes the outputs, so that each trap is the same each time. Tests read what is stored.
"""

from __future__ import annotations

import os
import shutil
import signal
import sys
from pathlib import Path
from typing import Any

from inspect_ai import Epochs, Task, eval, eval_set, score
from inspect_ai.dataset import MemoryDataset, Sample
from inspect_ai.log import (
    ProvenanceData,
    TagsEdit,
    edit_eval_log,
    edit_score,
    invalidate_samples,
    read_eval_log,
    write_eval_log,
)
from inspect_ai.model import ChatCompletionChoice, ChatMessageAssistant, ModelOutput
from inspect_ai.scorer import Score, ScoreEdit, Target, accuracy, ci, ci_wilson, match, mean, scorer, stderr
from inspect_ai.solver import Generate, Solver, TaskState, solver
from inspect_ai.util import EarlyStop

FOLDER = Path(__file__).parent
RIGHT, SAMPLES = 4, 10


def dataset() -> MemoryDataset:
    return MemoryDataset(
        [Sample(id=f"s{i}", input=f"{i}+{i}=", target=str(2 * i + 100)) for i in range(SAMPLES)], name="add"
    )


@solver
def answers(
    right: int = RIGHT, fails: tuple[int, ...] = (), refuses: tuple[int, ...] = (), asks: bool = False
) -> Solver:
    async def solve(state: TaskState, generate: Generate) -> TaskState:
        number = int(str(state.sample_id)[1:])
        if number in fails:
            raise RuntimeError("the sandbox went away")
        if asks:
            state.messages.append(ChatMessageAssistant(content="let me think"))
            state.messages.append(ChatMessageAssistant(content="and think"))
        if number in refuses:
            message = ChatMessageAssistant(content="I cannot help with that.")
            state.output = ModelOutput(
                model="mockllm/model", choices=[ChatCompletionChoice(message=message, stop_reason="content_filter")]
            )
        else:
            state.output = ModelOutput.from_content("mockllm/model", state.target.text if number < right else "0")
        return state

    return solve


@solver
def flaky(*fails: int) -> Solver:
    """Some samples fail the first time."""
    seen: set[int] = set()

    async def solve(state: TaskState, generate: Generate) -> TaskState:
        number = int(str(state.sample_id)[1:])
        if number in fails and number not in seen:
            seen.add(number)
            raise RuntimeError("the sandbox went away")
        state.output = ModelOutput.from_content("mockllm/model", state.target.text if number < RIGHT else "0")
        return state

    return solve


@solver
def interrupted() -> Solver:
    """Somebody ends it at its sixth sample."""

    async def solve(state: TaskState, generate: Generate) -> TaskState:
        if state.sample_id == "s5":
            os.kill(os.getpid(), signal.SIGINT)
        state.output = ModelOutput.from_content("mockllm/model", "0")
        return state

    return solve


@scorer(metrics=[ci(), ci_wilson(), accuracy()])
def bounded() -> Any:
    """Two of its metrics have one name each for what they say."""

    async def score(state: TaskState, target: Target) -> Score:
        return Score(value="C" if state.output.completion == target.text else "I")

    return score


@scorer(metrics=[mean(), stderr()])
def says(*values: Any) -> Any:
    """Scores what it is told, whatever the answer was."""

    async def score(state: TaskState, target: Target) -> Score:
        return Score(value=values[int(str(state.sample_id)[1:]) % len(values)])

    return score


class Stops:
    """Stops one sample of the dataset, in each epoch."""

    async def start_task(self, task: Any, samples: Any, epochs: int) -> str:
        return "stops"

    async def schedule_sample(self, id: Any, epoch: int) -> EarlyStop | None:
        return EarlyStop(id=id, epoch=epoch, reason="enough") if id == "s9" else None

    async def complete_sample(self, id: Any, epoch: int, scores: Any) -> None:
        return None

    async def complete_task(self) -> dict[str, Any]:
        return {}


def run(
    name: str, solve: Solver | None = None, score: Any = None, early: Any = None, asked: Any = None, **options: Any
) -> Path:
    """One log, under a name that says what is in it."""
    made = FOLDER / f".{name}"
    task = Task(
        dataset=asked or dataset(),
        solver=solve or answers(),
        scorer=score or match(),
        name="add",
        version=3,
        early_stopping=early,
    )
    eval(task, model="mockllm/model", display="none", log_dir=str(made), **options)
    return stored_as(name, made)


def stored_as(name: str, made: Path) -> Path:
    """The last log of a folder, in this one."""
    log = max(made.glob("*.eval"))
    stored = FOLDER / f"{name}.eval"
    shutil.move(log, stored)
    shutil.rmtree(made)
    print(name, stored.stat().st_size, file=sys.stderr)
    return stored


def main() -> None:
    os.chdir(FOLDER)
    if sys.argv[1:] != ["later"]:
        first()
    later()


def later() -> None:
    run("retried", flaky(0, 9), retry_on_error=1)
    task = Task(dataset=dataset(), solver=flaky(0, 9), scorer=match(), name="add", version=3)
    made = FOLDER / ".set"
    eval_set([task], str(made), model="mockllm/model", display="none", retry_wait=0.1, retry_cleanup=False)
    stored_as("retried_set", made)
    run("bounded", score=bounded())
    run("reduced", epochs=Epochs(2, ["mean", "pass_at_2"]))
    asked = [Sample(id=f"s{i}", input="1+1=", target="2" if i < RIGHT else "102") for i in range(SAMPLES)]
    run("asked_twice", asked=MemoryDataset(asked, name="add"))
    log = read_eval_log(str(FOLDER / "plain.eval"))
    write_eval_log(score(log, says(0.0), action="overwrite", display="none"), str(FOLDER / "rescored.eval"))
    provenance = ProvenanceData(author="somebody", reason="to find it again")
    tagged = edit_eval_log(log, [TagsEdit(tags_add=["final"])], provenance)
    write_eval_log(tagged, str(FOLDER / "tagged.eval"))
    run("cancelled", interrupted(), max_samples=1)


def first() -> None:
    plain = run("plain")
    run("epochs", epochs=2)
    run("errored", answers(fails=(0,)), epochs=2, fail_on_error=0.5)
    run("errored_as_wrong", answers(fails=(0,)), epochs=2, fail_on_error=0.5, score_on_error=True)
    run("failed", answers(fails=(0,)))
    run("message_limit", answers(right=SAMPLES, asks=True), message_limit=1)
    run("refused", answers(right=2, refuses=(7, 8)))
    run("subset", limit=5)
    run("chosen", sample_id=["s8", "s9"])
    run("stopped_early", early=Stops(), epochs=2)
    run("out_of_range", score=says(1.5, 0.0))
    run("percent", score=says(95.0, 0.0))
    run("infinite", score=says(float("inf"), 0.0))
    run("no_number", score=says(float("nan"), 1.0))
    run("in_parts", score=says(0.5, 1.0))
    run("two_scorers", score=[match(), says(0.0)])
    run("none_right", answers(right=0))
    log = read_eval_log(str(plain))
    edit_score(log, "s0", "match", ScoreEdit(value="I", provenance=ProvenanceData(author="somebody", reason="a slip")))
    write_eval_log(log, str(FOLDER / "edited.eval"))
    log = read_eval_log(str(plain))
    assert log.samples
    provenance = ProvenanceData(author="somebody", reason="a slip")
    log = invalidate_samples(log, [str(log.samples[0].uuid)], provenance)
    write_eval_log(log, str(FOLDER / "invalidated.eval"))
    log = read_eval_log(str(plain))
    write_eval_log(log, str(FOLDER / "plain.json"))


if __name__ == "__main__":
    main()
