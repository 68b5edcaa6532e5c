"""What scripts, evaluators and signals do wrong: nothing uncounted is authorised, and nothing is spoilt."""

from __future__ import annotations

import copy
import math
import os
import pickle
import random
import signal
import time
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from scalegate.errors import InputError
from scalegate.gate import replay
from scalegate.gate.journal import reading
from scalegate.gate.project import Project
from scalegate.ledger.entries import EvaluationAnnounced
from scalegate.training.evaluation import EvaluationRequest, Measured, Suite
from scalegate.training.gate import Gate
from scalegate.training.held import Held
from support import DAY, POLICY_TEXT, STEP, SUITE, Clock, Model, new_project, open_gate, train


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return new_project(tmp_path / "p")


def used(project: Project, run: str = "r") -> int:
    with reading(project.ledger) as journal:
        return journal.fold.runs[run].used("training")


# --- what a script hands in ------------------------------------------------------------------------------


@pytest.mark.parametrize("flops", [1e10, "1", None, True, Fraction(3, 2), 10**41])
def test_a_step_of_no_whole_amount_is_refused_and_spoils_nothing(project: Project, flops: Any) -> None:
    with open_gate(project, Model()) as gate:
        gate.step(STEP)
        with pytest.raises(Held):
            gate.step(flops)
        gate.step(STEP)
    assert replay(project.ledger).faults == ()


def test_whole_numbers_of_other_libraries_are_taken(project: Project) -> None:
    numpy = pytest.importorskip("numpy")
    with open_gate(project, Model(), tranche=4 * STEP) as gate:
        for _ in range(3):
            gate.step(numpy.int64(STEP))
        assert used(project) == 4 * STEP, "the tranche lasts"
        assert gate.trained == 3 * STEP


@pytest.mark.parametrize(
    ("option", "words"),
    [
        ({"planned": 1e13}, "`planned`: 10000000000000.0 is not a whole number"),
        ({"planned": 0}, "`planned` is 0 FLOP"),
        ({"planned": 10**41}, "at most 1e40"),
        ({"run": "my run"}, "`my run` cannot name a run"),
        ({"run": ""}, "cannot name a run"),
        ({"parents": ["abc"], "from_scratch": False}, "a parent is `abc`, which is no digest"),
        ({"parents": "a" * 64, "from_scratch": False}, "give a list"),
        ({"weights": lambda: "w"}, "what `weights` returns is `w`, which is no digest"),
        ({"suites": {"cyber": SUITE}}, "a suite for `cyber`, and no such domain"),
        ({"suites": {"arithmetic": Suite("t", "1", "d" * 64, 399)}}, "has 399 samples, and the policy asks for 400"),
        ({"suites": {"arithmetic": Suite("t", "1", "d", 400)}}, "is `d`, which is no digest"),
        ({"tranche": 0}, "a tranche"),
        ({"tranche": 1.5}, "not a whole number"),
    ],
)
def test_an_argument_that_cannot_be_is_one_clear_error(project: Project, option: dict[str, Any], words: str) -> None:
    with pytest.raises(InputError, match=words) as caught:
        open_gate(project, Model(), **option)
    assert "pydantic" not in str(caught.value)
    with reading(project.ledger) as journal:
        assert journal.fold.runs == {}


def test_weights_that_change_without_training_are_refused_and_spoil_nothing(project: Project) -> None:
    model = Model()
    with open_gate(project, model) as gate:
        train(gate, model, 2)
        gate.save()
        model.flops += 1
        with pytest.raises(Held, match="no training was metered"):
            gate.save()
        model.flops -= 1
        gate.save()
        train(gate, model, 1)
    assert replay(project.ledger).faults == ()


def test_a_save_before_the_step_was_taken_is_refused_and_spoils_nothing(project: Project) -> None:
    model = Model()
    with open_gate(project, model) as gate:
        gate.step(STEP)
        with pytest.raises(Held, match="those that it started from"):
            gate.save()
        model.flops += STEP
        gate.save()
    assert replay(project.ledger).faults == ()


# --- outcomes and evaluators -----------------------------------------------------------------------------


@pytest.mark.parametrize("outcome", [1, 0, 1.0, 0.7, "yes", math.nan, (), "no"])
def test_what_is_not_true_or_false_has_no_outcome(outcome: Any) -> None:
    measured = Measured((outcome, True, False), 0, "m", 0, ("a",))
    assert (measured.successes, measured.completed, measured.errors) == (1, 2, 1)


@pytest.mark.parametrize("result", [None, [True] * 400, {"successes": 0}])
def test_an_evaluator_that_returns_something_else_is_broken_off(project: Project, result: Any) -> None:
    model = Model()
    with open_gate(project, model, evaluate=lambda _: result) as gate, pytest.raises(Held):
        train(gate, model)
    with reading(project.ledger) as journal:
        finished = [attempt.finished for attempt in journal.fold.attempts.values()]
    assert [item.status for item in finished if item] == ["aborted", "aborted"]
    assert "returned" in finished[0].elicitation_method  # type: ignore[union-attr]


def test_an_evaluation_that_changes_the_model_is_broken_off(project: Project) -> None:
    model = Model()

    def tuned_in_place(request: EvaluationRequest) -> Measured:
        result = model.evaluate(request)
        model.flops += 1
        return result

    with open_gate(project, model, evaluate=tuned_in_place) as gate, pytest.raises(Held):
        train(gate, model)
    with reading(project.ledger) as journal:
        finished = [attempt.finished for attempt in journal.fold.attempts.values()]
    assert {item.status for item in finished if item} == {"aborted"}
    assert "changed the model" in finished[0].elicitation_method  # type: ignore[union-attr]


def test_without_an_evaluators_key_it_holds_and_says_so(project: Project) -> None:
    (project.keys / "evaluator.key").unlink()
    model = Model()
    with open_gate(project, model) as gate, pytest.raises(Held, match="no key of an evaluator"):
        train(gate, model)


def test_an_evaluation_that_failed_is_taken_again_by_the_next_process_not_at_each_step(project: Project) -> None:
    model = Model()
    calls: list[EvaluationRequest] = []

    def broken(request: EvaluationRequest) -> Measured:
        calls.append(request)
        raise RuntimeError("out of memory")

    with open_gate(project, model, evaluate=broken) as gate:
        for _ in range(3):
            with pytest.raises(Held):
                train(gate, model)
    assert len(calls) == 2
    with open_gate(project, model) as gate:
        train(gate, model, 1)
    assert [request.elicitation for request in model.requests] == ["none", "fine-tuning"]


def test_evidence_that_has_become_too_old_is_measured_again(project: Project) -> None:
    clock, model = Clock(int(time.time()) + 60), Model()
    with open_gate(project, model, now=clock) as gate:
        train(gate, model, 21)
        gate.evaluate()
    clock.seconds += 91 * DAY
    with open_gate(project, model, now=clock) as gate:
        train(gate, model, 1)
    assert len(model.requests) == 6


def test_no_attempt_is_made_once_alpha_is_spent(tmp_path: Path) -> None:
    project = new_project(tmp_path / "p", POLICY_TEXT.replace("evaluations: 12", "evaluations: 1"))
    model = Model()
    with open_gate(project, model) as gate, pytest.raises(Held):
        train(gate, model)
    assert len(model.requests) == 2


def test_what_others_announced_is_theirs_to_finish(project: Project) -> None:
    """Opening the run again closes what a gate left open, and nothing else."""
    model = Model()
    with open_gate(project, model, evaluate=None) as gate:
        train(gate, model, 3)
        weights = gate.save()
    with project.journal() as journal:
        entry = EvaluationAnnounced(
            actor="evaluator",
            time=journal.now(),
            policy=journal.policy.digest(),
            evaluation="a" * 64,
            run="r",
            weights=weights,
            domain="arithmetic",
            kind="capability",
            task="t",
            task_version="1",
            dataset="d" * 64,
            samples=400,
            elicitation="fine-tuning",
        )
        journal.grant(entry, project.key("evaluator"))
    open_gate(project, model).close()
    with reading(project.ledger) as journal:
        assert journal.fold.attempts["a" * 64].finished is None


# --- signals, forks and copies ---------------------------------------------------------------------------


def test_an_interrupt_while_compute_is_given_back_can_only_forfeit(project: Project) -> None:
    """Real signals at random moments of `save`: what was trained is never more than the ledger counts."""
    draw = random.Random(7)
    before = signal.signal(signal.SIGALRM, signal.default_int_handler)
    interrupted = 0
    try:
        for number in range(60):
            run, model = f"r{number}", Model(flops=number * 10**15)
            gate = open_gate(project, model, run, tranche=8 * 10**6, evaluate=None)
            gate.step(10**6)
            model.flops += 10**6
            signal.setitimer(signal.ITIMER_REAL, draw.uniform(0.0002, 0.02))
            try:
                gate.save()
            except (KeyboardInterrupt, ValueError):
                # The serialiser turns an interrupt that it meets into an error of its own.
                interrupted += 1
            finally:
                signal.setitimer(signal.ITIMER_REAL, 0)
            took = 10**6
            while gate._left >= 10**6:
                gate.step(10**6)
                took += 10**6
            assert used(project, run) >= took
            gate.close()
            assert used(project, run) >= took
    finally:
        signal.signal(signal.SIGALRM, before)
    assert interrupted > 0
    assert replay(project.ledger).faults == ()


class Optimizer:
    """Stands for an optimizer with hooks."""

    def __init__(self) -> None:
        self.hooks: list[Any] = []

    def register_step_pre_hook(self, hook: Any) -> None:
        self.hooks.append(hook)

    def step(self) -> None:
        for hook in self.hooks:
            hook(self, (), {})


def guarded(project: Project, **options: Any) -> tuple[Gate, Optimizer, Model]:
    model = Model()
    gate, optimizer = open_gate(project, model, evaluate=None, **options), Optimizer()
    gate.guard(optimizer)  # type: ignore[arg-type]
    return gate, optimizer, model


def test_a_fork_takes_no_step_that_was_authorised_before_it(project: Project) -> None:
    gate, optimizer, _ = guarded(project)
    gate.step(STEP)
    child = os.fork()
    if child == 0:
        try:
            optimizer.step()
        except Held:
            os._exit(3)
        os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 3
    optimizer.step()
    gate.close()


def test_a_meter_fault_takes_back_the_step_that_was_authorised(project: Project) -> None:
    gate, optimizer, _ = guarded(project)
    gate.step(STEP)
    with pytest.raises(Held):
        gate.meter_fault("the counter returned zero")
    with pytest.raises(Held, match="without a permit"):
        optimizer.step()


def test_a_step_that_was_authorised_and_not_taken_is_not_in_the_weights(project: Project) -> None:
    gate, optimizer, model = guarded(project)
    gate.step(STEP)
    optimizer.step()
    model.flops += STEP
    gate.step(5 * STEP)
    assert gate.trained == STEP
    weights = gate.save()
    with reading(project.ledger) as journal:
        assert journal.fold.runs["r"].weights[weights] == STEP
        assert journal.fold.runs["r"].used("training") == 6 * STEP
    optimizer.step()
    model.flops += 5 * STEP
    assert gate.trained == 6 * STEP
    gate.save()
    gate.close()
    assert replay(project.ledger).faults == ()


@pytest.mark.parametrize("copied", [copy.copy, copy.deepcopy, pickle.dumps])
def test_a_gate_is_not_copied(project: Project, copied: Any) -> None:
    with open_gate(project, Model()) as gate, pytest.raises(TypeError, match="cannot be copied"):
        copied(gate)
