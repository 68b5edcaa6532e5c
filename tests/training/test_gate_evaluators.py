"""Evaluators in a training run: what they return, raise, change or leave open. Nothing good comes of a fault."""

from __future__ import annotations

import math
import os
import time
from pathlib import Path
from typing import Any

import pytest

from scalegate.errors import InputError, LedgerError
from scalegate.gate import replay
from scalegate.gate.journal import reading
from scalegate.gate.project import Project
from scalegate.ledger.entries import EvaluationAnnounced
from scalegate.training.evaluation import EvaluationRequest, Measured
from scalegate.training.held import Held
from support import DAY, POLICY_TEXT, STEP, Clock, Model, new_project, open_gate, train


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return new_project(tmp_path / "p")


@pytest.mark.parametrize("outcome", [0.7, 2, -1, "timeout", math.nan, (), None])
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
    assert [item.status for item in finished if item] == ["aborted"]
    assert "returned" in finished[0].elicitation_method  # type: ignore[union-attr]
    # Bare scores may show the alarm reached all the same.
    assert [item.successes for item in finished if item] == [400 if isinstance(result, list) else 0]


def test_an_evaluation_that_changes_the_model_is_broken_off_and_holds(project: Project) -> None:
    """What it showed still counts against the run; nothing goes on from a model that was never recorded."""
    model = Model(skill=lambda flops: 0.9 if flops >= 25 * STEP else 0.0)

    def tuned_in_place(request: EvaluationRequest) -> Measured:
        result = model.evaluate(request)
        model.flops += int(model.flops >= 25 * STEP)
        return result

    with open_gate(project, model, evaluate=tuned_in_place) as gate:
        train(gate, model, 25)
        with pytest.raises(InputError, match="changed the model itself"):
            gate.evaluate()
        for _ in range(2):
            with pytest.raises(Held, match="changed the model itself"):
                gate.step(STEP)
            with pytest.raises(Held, match="changed the model itself"):
                gate.save()
        model.flops = 25 * STEP
        with pytest.raises(Held, match="safeguards"):
            gate.step(STEP)
    with reading(project.ledger) as journal:
        last = [attempt.finished for attempt in journal.fold.attempts.values()][-1]
    assert last is not None
    assert (last.status, last.successes, last.assumptions) == ("aborted", 360, ())
    assert "changed the model" in last.elicitation_method
    assert replay(project.ledger).faults == ()


def test_a_digest_that_cannot_be_had_after_an_evaluation_breaks_it_off(project: Project) -> None:
    model, lost = Model(), []

    def digest() -> str:
        if lost:
            raise RuntimeError("device lost")
        return model.digest()

    def evaluate(request: EvaluationRequest) -> Measured:
        lost.append(request)
        return model.evaluate(request)

    with (
        open_gate(project, model, weights=digest, evaluate=evaluate) as gate,
        pytest.raises(Held, match="device lost"),
    ):
        train(gate, model)
    with reading(project.ledger) as journal:
        assert [a.finished and a.finished.status for a in journal.fold.attempts.values()] == ["aborted"]


@pytest.mark.parametrize(
    "wrong",
    [
        {"elicitation_flops": 1.5},
        {"elicitation_flops": -1},
        {"evaluation_flops": 10**41},
        {"assumptions": [""]},
        {"elicitation_method": "two\nlines"},
    ],
)
def test_a_result_that_cannot_be_recorded_is_broken_off_and_its_outcomes_stand(
    project: Project, wrong: dict[str, Any]
) -> None:
    model = Model()

    def evaluate(request: EvaluationRequest) -> Measured:
        fields = {"assumptions": ["a"], "elicitation_flops": request.elicitation_flops, "elicitation_method": "m"}
        return Measured.of([True] * 300 + [False] * 100, **(fields | wrong))  # type: ignore[arg-type]

    with open_gate(project, model, evaluate=evaluate) as gate, pytest.raises(Held) as caught:
        train(gate, model)
    assert "pydantic" not in str(caught.value)
    with reading(project.ledger) as journal:
        finished = [attempt.finished for attempt in journal.fold.attempts.values()]
    assert [(item.status, item.successes) for item in finished if item] == [("aborted", 300)]
    assert next(iter(wrong)) in finished[0].elicitation_method  # type: ignore[union-attr]


def test_what_an_evaluator_raises_may_have_many_lines(project: Project, caplog: pytest.LogCaptureFixture) -> None:
    """The ledger keeps one line of it; whoever wrote the evaluator is told all of it, with where it came from."""

    def broken(_request: EvaluationRequest) -> Measured:
        raise RuntimeError("device error:\n\tout of memory \x1b[2J\udc80")

    model = Model()
    with open_gate(project, model, evaluate=broken) as gate, pytest.raises(Held):
        train(gate, model)
    with reading(project.ledger) as journal:
        finished = [attempt.finished for attempt in journal.fold.attempts.values()]
    assert [item.status for item in finished if item] == ["aborted"]
    assert "device error: out of memory" in finished[0].elicitation_method  # type: ignore[union-attr]
    assert "in broken" in caplog.text
    assert "out of memory \\x1b[2J\\udc80" in caplog.text


@pytest.mark.parametrize("broken", ["checkpoint", "weights"])
def test_what_a_function_of_the_script_raises_within_a_step_is_a_hold(project: Project, broken: str) -> None:
    model, asked = Model(), []

    def raises() -> str:
        asked.append(1)
        if broken == "checkpoint" or len(asked) > 1:
            raise RuntimeError("no such device")
        return model.digest()

    with open_gate(project, model, **{broken: raises}) as gate, pytest.raises(Held, match="no such device") as caught:
        train(gate, model)
    assert caught.value.decision is not None
    assert isinstance(caught.value.__cause__, RuntimeError)


def test_nothing_is_authorised_within_an_evaluation_or_a_checkpoint(project: Project) -> None:
    model, said = Model(), []

    def again(request: EvaluationRequest) -> Measured:
        for call in (lambda: gate.step(STEP), gate.save, gate.evaluate):
            with pytest.raises(Held, match="within another") as caught:
                call()
            said.append(caught.value)
        return model.evaluate(request)

    with open_gate(project, model, evaluate=again) as gate:
        train(gate, model, 21)
    assert len(said) == 6
    assert replay(project.ledger).faults == ()


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
    assert [request.elicitation for request in calls] == ["none"]
    with reading(project.ledger) as journal:
        # Nothing was elicited, so nothing of alpha is spent.
        assert [piece.attempt for piece in journal.fold.situation("r", now=journal.now()).pieces] == [0]
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


def test_weights_that_have_a_conclusive_evaluation_are_left_out_by_evaluate(project: Project) -> None:
    model = Model()
    for _ in range(3):
        with open_gate(project, model, planned=25 * STEP) as gate:
            train(gate, model, 22 - model.flops // STEP)
            gate.evaluate()
            gate.evaluate()
    assert [request.elicitation for request in model.requests] == ["none", "fine-tuning"] * 2


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
    with open_gate(project, model) as gate, pytest.raises(Held, match="evaluation " + "a" * 64) as caught:
        train(gate, model)
    assert "evidence add" in (caught.value.fix or "")
    assert model.requests == [], "one more would not release it"
    with reading(project.ledger) as journal:
        assert journal.fold.attempts["a" * 64].finished is None


def base_without_evidence(project: Project) -> Model:
    """A run that was trained to its first evaluation, and whose script takes none."""
    base = Model()
    with open_gate(project, base, "base", evaluate=None) as gate, pytest.raises(Held):
        train(gate, base)
    return base


def test_a_run_is_evaluated_on_what_it_loaded_before_its_first_step(project: Project) -> None:
    base = base_without_evidence(project)
    tuned = Model(flops=base.flops)
    given: dict[str, Any] = {"from_scratch": False, "parents": [base.digest()]}
    with open_gate(project, tuned, "tuned", **given) as gate:
        train(gate, tuned, 3)
    assert {request.weights for request in tuned.requests} == {base.digest()}
    assert [request.elicitation for request in tuned.requests] == ["none", "fine-tuning"]
    assert replay(project.ledger).faults == ()
    # What it comes to is evaluated in its own name from then on.
    with open_gate(project, tuned, "tuned", **given) as gate:
        train(gate, tuned, 100)
    assert len({request.weights for request in tuned.requests}) == 2


def test_what_it_loaded_holds_it_if_that_shows_the_alarm_reached(project: Project) -> None:
    base = base_without_evidence(project)
    tuned = Model(flops=base.flops, skill=lambda _flops: 0.9)
    with open_gate(project, tuned, "tuned", from_scratch=False, parents=[base.digest()]) as gate:
        for _ in range(2):
            with pytest.raises(Held, match=r"safeguards\.level-2"):
                gate.step(STEP)
    assert len(tuned.requests) == 2


def test_a_script_may_have_what_it_loaded_evaluated(project: Project) -> None:
    base = base_without_evidence(project)
    tuned = Model(flops=base.flops)
    with open_gate(project, tuned, "tuned", from_scratch=False, parents=[base.digest()], planned=10**12) as gate:
        assert gate.evaluate().verdict == "PROCEED"
        assert gate.evaluate().verdict == "PROCEED"
    assert len(tuned.requests) == 2
    with (
        open_gate(project, Model(flops=1), "fresh") as gate,
        pytest.raises(InputError, match="nothing has been trained in this run yet"),
    ):
        gate.evaluate()


def test_a_first_step_that_something_else_holds_saves_nothing(project: Project) -> None:
    """What was declared by mistake may still be declared again."""
    saves = list[int]()
    first = Model()
    gate = open_gate(project, first, planned=None, checkpoint=lambda: saves.append(1))
    with gate, pytest.raises(Held, match="cap"):
        gate.step(STEP)
    assert saves == []
    with reading(project.ledger) as journal:
        assert journal.fold.runs["r"].fresh


def test_what_one_fine_tune_shows_of_what_it_loaded_holds_every_other(project: Project) -> None:
    """It is announced for the run that made the weights, once: another name gains no other result."""
    base = base_without_evidence(project)
    given: dict[str, Any] = {"from_scratch": False, "parents": [base.digest()]}
    tuned = [Model(flops=base.flops, skill=lambda _, skill=skill: skill) for skill in (0.18, 0.0)]  # type: ignore[misc]
    for number, model in enumerate(tuned):
        with open_gate(project, model, f"tuned-{number}", **given) as gate, pytest.raises(Held, match=r"level-2"):
            gate.step(STEP)
    with open_gate(project, Model(flops=base.flops), "base") as gate, pytest.raises(Held, match=r"level-2"):
        gate.step(STEP)
    assert [len(model.requests) for model in tuned] == [2, 0]
    with reading(project.ledger) as journal:
        announced = [it.announced for it in journal.fold.attempts.values() if it.announced]
        assert {(it.run, it.weights) for it in announced} == {("base", base.digest())}
        assert journal.fold.runs["base"].used("elicitation") == tuned[0].requests[1].elicitation_flops
        assert not any(run.faults for run in journal.fold.runs.values())
    assert replay(project.ledger).faults == ()


def test_an_evaluation_of_what_was_loaded_is_closed_by_whoever_opened_it(project: Project) -> None:
    base = base_without_evidence(project)
    given: dict[str, Any] = {"from_scratch": False, "parents": [base.digest()]}

    def dies(_request: EvaluationRequest) -> Measured:
        os._exit(7)

    child = os.fork()
    if child == 0:
        open_gate(project, Model(flops=base.flops), "tuned", evaluate=dies, **given).step(STEP)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7
    again = Model(flops=base.flops)
    with open_gate(project, again, "tuned", **given) as gate:
        train(gate, again, 2)
    with reading(project.ledger) as journal:
        finished = [it.finished for it in journal.fold.attempts.values()]
        assert [it.status for it in finished if it] == ["aborted", "completed", "completed"]


def test_a_project_that_is_moved_during_an_evaluation_says_where_the_result_is(project: Project) -> None:
    """The ledger cannot be written where it was; what was shown is on the disk, and the error says where."""
    model = Model()
    elsewhere = project.folder.with_name("moved")

    def evaluate(request: EvaluationRequest) -> Measured:
        if request.elicitation != "none":
            project.folder.rename(elsewhere)
        return Measured.of([True] * 400, assumptions=["a"], elicitation_flops=request.elicitation_flops)

    gate = open_gate(project, model, evaluate=evaluate)
    with pytest.raises(Held):
        train(gate, model)
    with pytest.raises(LedgerError, match=r"kept in the folder .*/p/evidence: whoever opens"):
        gate.close()
    (elsewhere / "evidence").mkdir(exist_ok=True)
    for log in (project.folder / "evidence").iterdir():
        log.rename(elsewhere / "evidence" / log.name)
    with open_gate(Project(elsewhere), model) as again, pytest.raises(Held, match=r"level-2"):
        again.step(STEP)


def test_elicitation_that_nobody_asked_for_is_not_the_makers(project: Project) -> None:
    """An extravagant fine-tune pays for itself: its base may go on."""
    base = base_without_evidence(project)
    tuned = Model(flops=base.flops)

    def extravagant(request: EvaluationRequest) -> Measured:
        more = 10**13 * (request.elicitation != "none")
        spent = request.elicitation_flops + more
        return Measured.of([0] * 400, assumptions=["a"], elicitation_flops=spent, elicitation_method="much")

    given: dict[str, Any] = {"from_scratch": False, "parents": [base.digest()]}
    with open_gate(project, tuned, "tuned", evaluate=extravagant, **given) as gate, pytest.raises(Held):
        gate.step(STEP)
    with reading(project.ledger) as journal:
        runs = journal.fold.runs
        assert runs["base"].used("elicitation") < 10**11 < 10**13 <= runs["tuned"].used("elicitation")
    with open_gate(project, base, "base") as gate:
        train(gate, base, 3)
