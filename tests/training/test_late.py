"""What is shown after an evaluation ended without it: it may be what that was to show, and counts against."""

from __future__ import annotations

import pickle
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from functools import partial
from pathlib import Path
from threading import Event
from typing import Any

import pytest
from test_shown import measured

from scalegate.errors import InputError
from scalegate.gate.journal import reading
from scalegate.training.evaluation import EvaluationRequest, Measured
from scalegate.training.held import Held
from support import Model, new_project, open_gate, train


@pytest.mark.parametrize("evaluates_again", [True, False])
@pytest.mark.parametrize("way", ["measured", "refused", "sent"])
def test_what_a_thread_shows_after_its_evaluation_was_given_up_counts(
    tmp_path: Path, evaluates_again: bool, way: str
) -> None:
    """A script waits for so long and no longer: what it waited for comes all the same."""
    project = new_project(tmp_path / "p")
    model, late, told = Model(), Event(), Event()
    pool = ThreadPoolExecutor(1)

    def works() -> None:
        assert late.wait(60)
        with suppress(InputError):
            if way == "sent":
                sent()
            else:
                scores = [True] * 360 + [False] * 40
                Measured.of(scores if way == "measured" else [[it] for it in scores], assumptions=["a"])
        told.set()

    sent = partial(pickle.loads, pickle.dumps(measured([True] * 360 + [False] * 40)))
    given_up: list[Any] = []

    def evaluate(request: EvaluationRequest) -> Measured:
        if request.elicitation != "none" and not given_up:
            given_up.append(pool.submit(works))
            given_up[0].result(timeout=0.01)
        elif given_up and evaluates_again:
            late.set()
            assert told.wait(60)
        return model.evaluate(request)

    with open_gate(project, model, evaluate=evaluate) as gate:
        train(gate, model, 3)
        gate.evaluate()
        if evaluates_again:
            gate.evaluate()
        late.set()
        assert told.wait(60)
        if not evaluates_again:
            gate.evaluate()
        with pytest.raises(Held, match=r"level-2"):
            train(gate, model)
    with reading(project.ledger) as journal:
        found = [it for attempt in journal.fold.attempts.values() for _, it, _ in attempt.others]
    assert [(it.status, it.successes, it.completed) for it in found] == [("aborted", 360, 400)]
    pool.shutdown()


def test_what_the_pool_of_a_script_shows_after_its_evaluation_was_given_up_counts(tmp_path: Path) -> None:
    """Its thread was there before, and works for whoever asks it to: whose its result is cannot be told."""
    project = new_project(tmp_path / "p")
    model, pool = Model(), ThreadPoolExecutor(1)
    pool.submit(int).result()

    def evaluate(request: EvaluationRequest) -> Measured:
        raise TimeoutError

    with open_gate(project, model, evaluate=evaluate) as gate:
        train(gate, model, 3)
        gate.evaluate()
        pool.submit(measured, [True] * 100).result()
        gate._evaluate = model.evaluate
        gate.evaluate()
        with pytest.raises(Held, match=r"level-2"):
            train(gate, model)
    with reading(project.ledger) as journal:
        [first, *_] = journal.fold.attempts.values()
    found = [(it.status, it.successes, it.completed) for _, it, _ in first.others]
    assert found == [("aborted", 100, 400)], "no more of all samples than it shows"
    pool.shutdown()


def test_what_came_too_late_for_a_script_that_put_it_down_as_errors_counts(tmp_path: Path) -> None:
    project, model = new_project(tmp_path / "p"), Model()
    pool, late = ThreadPoolExecutor(1), Event()
    waits = []

    def evaluate(request: EvaluationRequest) -> Measured:
        if request.elicitation == "none" or waits:
            return model.evaluate(request)
        waits.append(pool.submit(lambda: late.wait(60) and measured([True] * 360 + [False] * 40)))
        return measured([None] * 400)

    with open_gate(project, model, evaluate=evaluate) as gate:
        train(gate, model, 3)
        gate.evaluate()
        gate.evaluate()
        late.set()
        waits[0].result()
        gate.evaluate()
        with pytest.raises(Held, match=r"level-2"):
            train(gate, model)
    pool.shutdown()


def test_what_an_evaluation_returns_is_of_none_that_was_given_up_before(tmp_path: Path) -> None:
    project, model = new_project(tmp_path / "p"), Model(skill=lambda _: 0.9)
    pool, given_up = ThreadPoolExecutor(1), []

    def evaluate(request: EvaluationRequest) -> Measured:
        if not given_up:
            given_up.append(pool.submit(int).result())
            raise TimeoutError
        return pool.submit(model.evaluate, request).result()

    with open_gate(project, model, evaluate=evaluate) as gate:
        train(gate, model, 3)
        gate.evaluate()
        gate.evaluate()
        with pytest.raises(Held):
            train(gate, model)
    with reading(project.ledger) as journal:
        [first, *rest] = journal.fold.attempts.values()
    assert (len(rest), first.others) == (2, [])
    assert first.finished is not None
    assert (first.finished.status, first.finished.successes) == ("aborted", 0)
    pool.shutdown()


def test_what_comes_when_the_ledger_is_gone_is_said_to_count_for_nothing(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    project, model = new_project(tmp_path / "p"), Model()

    def evaluate(request: EvaluationRequest) -> Measured:
        raise TimeoutError

    with open_gate(project, model, evaluate=evaluate) as gate:
        train(gate, model, 3)
        gate.evaluate()
    (tmp_path / "p").rename(tmp_path / "moved")
    measured([True] * 400)
    assert "is kept nowhere, and counts for nothing: [Errno 2] the ledger is not there any more" in caplog.text
    assert not (tmp_path / "p").exists()


@pytest.mark.parametrize("way", ["replaced", "merged"])
def test_what_a_result_was_put_together_from_is_of_no_evaluation_before(tmp_path: Path, way: str) -> None:
    """A sample was refused in an evaluation before. What workers make of one that follows is not what that lacked."""
    project, pool = new_project(tmp_path / "p"), ThreadPoolExecutor(2)
    model = Model(skill=lambda flops: 0.9 if flops > 10**11 else 0.0)

    def evaluate(request: EvaluationRequest) -> Measured:
        shown = round(model.skill(model.flops) * 400)
        scores: list[bool | None] = [True] * shown + [False] * (400 - shown)
        if request.elicitation == "none" and not shown:
            scores[-1] = None
        if way == "replaced":
            made = pool.submit(Measured.of, scores, assumptions=["a"]).result()
        else:
            shards = pool.map(partial(Measured.of, assumptions=["a"]), (scores[::2], scores[1::2]))
            outcomes = [it for shard in shards for it in shard.outcomes]
            made = Measured.of(outcomes, assumptions=["a"])
        return replace(made, elicitation_flops=request.elicitation_flops, elicitation_method="fine-tuning")

    with open_gate(project, model, evaluate=evaluate) as gate:
        train(gate, model, 3)
        gate.evaluate()
        train(gate, model, 15)
        gate.evaluate()
    with reading(project.ledger) as journal:
        found = [attempt.others for attempt in journal.fold.attempts.values()]
    assert found == [[]] * 4
    pool.shutdown()


def test_what_shows_more_than_an_evaluation_can_have_lacked_is_not_its(tmp_path: Path) -> None:
    project, model, refuses = new_project(tmp_path / "p"), Model(), [1]

    def evaluate(request: EvaluationRequest) -> Measured:
        scores = [None] * refuses[0] + [False] * (400 - refuses[0])
        return Measured.of(scores, assumptions=["a"], elicitation_flops=request.elicitation_flops)

    with open_gate(project, model, evaluate=evaluate) as gate:
        train(gate, model, 3)
        gate.evaluate()
        logs = set((tmp_path / "p" / "evidence").iterdir())
        measured([True] * 360 + [False] * 40)
        assert set((tmp_path / "p" / "evidence").iterdir()) == logs
        measured([True] + [False] * 399)
        assert len(set((tmp_path / "p" / "evidence").iterdir()) - logs) == 2
