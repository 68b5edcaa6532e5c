"""What the gate says and keeps when a script lacks something, or the policy changes under it."""

from __future__ import annotations

import logging
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest

from scalegate.errors import InputError
from scalegate.gate import replay
from scalegate.gate.journal import reading
from scalegate.gate.project import Project, adopt
from scalegate.ledger.entries import Parent
from scalegate.policy import parse_policy
from scalegate.training.evaluation import EvaluationRequest, Measured
from scalegate.training.held import Held
from scalegate.training.tranche import FIRST_STEPS, PART, Tranche
from support import STEP, Model, new_project, open_gate, train


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return new_project(tmp_path / "p")


def test_an_adoption_while_a_run_trains_loses_nothing(project: Project) -> None:
    """The run is held, saved until then, and goes on from there once it is opened under the new policy."""
    model = Model()
    new = parse_policy(project.policy.read_text().replace('version: "1.0"', 'version: "1.1"'))
    with open_gate(project, model, tranche=3 * STEP) as gate:
        train(gate, model, 4)
        for officer in ("ada", "alan"):
            with project.journal() as journal:
                adopt(journal, new, officer, project.key(officer))
        with pytest.raises(Held, match="a policy has been adopted"):
            train(gate, model)
        held_at = model.flops
        assert model.saved == held_at == 6 * STEP
    with open_gate(project, model, policy=new) as gate:
        assert gate.trained == held_at
    assert replay(project.ledger).faults == ()


def test_weights_that_nobody_keeps_are_named(project: Project, caplog: pytest.LogCaptureFixture) -> None:
    model = Model()
    with open_gate(project, model, checkpoint=None, evaluate=None) as gate, pytest.raises(Held):
        train(gate, model)
    assert caplog.text.count("its weights are recorded, and kept nowhere: the gate has no `checkpoint=`") == 1
    caplog.clear()
    with open_gate(project, model, "kept", evaluate=None) as gate, pytest.raises(Held):
        train(gate, model)
    assert "kept nowhere" not in caplog.text


def test_a_domain_without_a_suite_is_named_if_the_script_evaluates(
    project: Project, caplog: pytest.LogCaptureFixture
) -> None:
    open_gate(project, Model(), suites={}).close()
    assert "there is no suite for `arithmetic`: this gate does not evaluate it" in caplog.text
    caplog.clear()
    open_gate(project, Model(), "other", suites={}, evaluate=None).close()
    open_gate(project, Model(flops=3), "third").close()
    assert "no suite" not in caplog.text


def test_a_hold_names_the_folder_of_the_project(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    for folder, command in ((project.folder.parent, f"`scalegate status -p {project.folder}`"),
                            (project.folder, "`scalegate status`")):  # fmt: skip
        monkeypatch.chdir(folder)
        model = Model()
        with open_gate(project, model, folder.name, evaluate=None) as gate, pytest.raises(Held) as caught:
            train(gate, model)
        assert (caught.value.fix or "").startswith(command)


def test_runs_that_start_alike_are_named_but_not_to_whoever_trained_the_weights(
    project: Project, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)
    base = Model()
    with open_gate(project, base, "base") as gate:
        train(gate, base, 2)
        weights = gate.save()
    for run, told in (("one", False), ("two", True)):
        caplog.clear()
        open_gate(project, Model(flops=3), run).close()
        assert ("run `two` starts from the same weights as run `one`" in caplog.text) is told
    caplog.clear()
    parents = [Parent(weights=weights, relation="initialisation")]
    for run in ("tuned", "tuned-2"):
        open_gate(project, Model(flops=base.flops), run, from_scratch=False, parents=parents).close()
    open_gate(project, Model(flops=base.flops), "base").close()
    assert "the same weights" not in caplog.text


def test_a_crash_forfeits_no_whole_permit() -> None:
    """However long a permit would last at this pace, a tranche is at most a part of the room."""
    tranche = Tranche(None, "r")
    tranche.add(10**6)
    tranche.spend(10**6)
    assert tranche.wanted(10, room=10**6) == 10**6 // PART
    assert tranche.wanted(10, room=100) == FIRST_STEPS * 10
    assert tranche.wanted(10**9, room=10**6) == 10**9


@pytest.mark.parametrize(
    ("changes", "lacks"),
    [
        ({"assumptions": []}, "its assumptions are not stated"),
        ({"scores": [0.3] * 400}, "400 samples errored, were cut off, or scored neither 0 nor 1"),
        ({"elicitation_flops": 7}, "7 FLOP of elicitation"),
        ({}, None),
    ],
)
def test_a_result_that_can_rule_nothing_out_is_said_to_the_script(
    project: Project, caplog: pytest.LogCaptureFixture, changes: dict[str, Any], lacks: str | None
) -> None:
    def evaluate(request: EvaluationRequest) -> Measured:
        given = {"scores": [0] * 400, "assumptions": ["a"], "elicitation_flops": request.elicitation_flops}
        given |= changes if request.elicitation != "none" else {}
        return Measured.of(given.pop("scores"), **given)

    model = Model()
    with open_gate(project, model, evaluate=evaluate) as gate:
        train(gate, model, 1)
        gate.evaluate()
    assert ("the evaluation of `arithmetic` can rule nothing out" in caplog.text) is (lacks is not None)
    assert (lacks or "") in caplog.text
    with reading(project.ledger) as journal:
        finished = [attempt.finished for attempt in journal.fold.attempts.values() if attempt.finished]
    assert [result.elicitation_method for result in finished] == ["none", "not stated"]


@pytest.mark.parametrize("spent", [1e9, "1", None])
def test_compute_that_is_no_whole_number_keeps_no_outcome_back(project: Project, spent: Any) -> None:
    def evaluate(request: EvaluationRequest) -> Measured:
        return Measured.of([1] * 400, assumptions=["a"], elicitation_flops=spent)

    model = Model()
    with open_gate(project, model, evaluate=evaluate) as gate:
        train(gate, model, 1)
        gate.evaluate()
    with reading(project.ledger) as journal:
        [finished] = [attempt.finished for attempt in journal.fold.attempts.values() if attempt.finished]
    assert (finished.status, finished.successes) == ("aborted", 400)
    assert f"`elicitation_flops` is {spent!r}, no whole number of FLOP" in finished.elicitation_method


@pytest.mark.parametrize("name", ["weights", "checkpoint", "evaluate"])
def test_what_cannot_be_called_is_refused_before_anything_is_written(project: Project, name: str) -> None:
    before = project.ledger.read_bytes()
    with pytest.raises(InputError, match=f"`{name}` is str, which cannot be called"):
        open_gate(project, Model(), **{name: "abc"})
    assert project.ledger.read_bytes() == before


def test_a_fine_tune_is_told_of_another_that_went_on_from_the_same_parent(
    project: Project, caplog: pytest.LogCaptureFixture
) -> None:
    base = Model()
    with open_gate(project, base, "base") as gate:
        train(gate, base, 2)
        parents = [Parent(weights=gate.save(), relation="initialisation")]
    for run, told in (("one", False), ("two", True)):
        caplog.clear()
        tuned = Model(flops=base.flops)
        refused = pytest.raises(Held, match="records weights of run `one`") if told else nullcontext()
        with refused, open_gate(project, tuned, run, from_scratch=False, parents=parents) as gate:
            train(gate, tuned, 1)
        assert ("run `two` starts from the same weights as run `one`" in caplog.text) is told


@pytest.mark.parametrize("taken", [True, False])
def test_a_block_that_ends_well_saves_what_was_trained(project: Project, taken: bool) -> None:
    """The loop of the README: without a save of its own, its last steps are no loss. Nobody can tell whether the very
    last step was taken: it is in the weights and not in what is claimed for them."""
    model = Model()
    with open_gate(project, model) as gate:
        train(gate, model, 3)
        gate.step(5 * STEP)
        model.flops += 5 * STEP * taken
    assert model.saved == model.flops
    with open_gate(project, model) as gate:
        assert gate.trained == 3 * STEP
        assert gate._session.state.used() == 8 * STEP


def test_a_block_that_is_held_by_a_fault_on_the_way_saves_what_was_trained(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = Model()

    def work() -> None:
        with open_gate(project, model) as gate:
            train(gate, model, 3)
            monkeypatch.setattr(gate._session, "decide", lambda _flops: 1 // 0)
            monkeypatch.setattr(gate._session, "reserve", lambda _least, _wanted: 0)
            train(gate, model)

    with pytest.raises(Held, match="ZeroDivisionError"):
        work()
    assert model.saved == model.flops
    with open_gate(project, model) as gate:
        assert gate.trained == model.flops


def test_a_block_that_fails_saves_nothing_and_says_what_is_lost(
    project: Project, caplog: pytest.LogCaptureFixture
) -> None:
    """A step may have been cut short: its weights are nobody's."""
    model = Model()

    def fail() -> None:
        with open_gate(project, model) as gate:
            train(gate, model, 2)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert model.saved == 0
    assert "ends with training that no save has recorded: it counts against the run" in caplog.text


def test_weights_that_cannot_be_recorded_at_the_end_of_the_block_are_an_error(project: Project) -> None:
    """A second run with the same seed comes to the first one's weights: a script that exits with 0 has saved them."""
    model = Model()
    with open_gate(project, model) as gate:
        train(gate, model, 2)
    model = Model()
    with pytest.raises(Held, match="records weights of run `r`"), open_gate(project, model, "again") as gate:
        train(gate, model, 2)
    assert model.saved == 0


def test_whoever_takes_a_run_from_a_process_that_may_live_is_told(
    project: Project, caplog: pytest.LogCaptureFixture
) -> None:
    model = Model()
    first = open_gate(project, model)
    assert "by a process that has not given back" not in caplog.text
    train(first, model, 2)
    with open_gate(project, Model()) as second:
        assert "s ago by a process that has not given back what it reserved" in caplog.text
        caplog.clear()
    with pytest.raises(Held, match="taken over"):
        train(first, model)
    first.close()
    with open_gate(project, model, "other") as gate:
        train(gate, model, 2)
        second.close()
    with open_gate(project, model, "other"):
        assert "has not given back" not in caplog.text


def test_a_checkpoint_that_fails_at_the_end_of_the_block_is_an_error(project: Project) -> None:
    def checkpoint() -> None:
        raise OSError("the disk is full")

    model = Model()
    with pytest.raises(OSError, match="full"), open_gate(project, model, checkpoint=checkpoint) as gate:
        train(gate, model, 2)
    with open_gate(project, Model(flops=2 * STEP)) as gate:
        assert gate.trained == STEP, "its weights are recorded, and the run can go on from them"


@pytest.mark.parametrize("saved", [True, False])
def test_where_the_weights_tell_that_the_last_step_was_taken_it_counts(project: Project, saved: bool) -> None:
    """One step in each process, or a save before each: none is lost, and one that was not taken is not claimed."""
    model = Model()
    for number in range(1, 5):
        with open_gate(project, model) as gate:
            if saved:
                train(gate, model, 1)
                gate.save()
            gate.step(STEP)
            model.flops += STEP
        assert model.saved == model.flops == number * (1 + saved) * STEP
    with open_gate(project, model) as gate:
        assert gate.trained == model.flops
        gate.step(STEP)
    with open_gate(project, model) as gate:
        assert gate.trained == model.flops, "it was not taken"


def test_a_step_that_was_refused_after_all_is_not_saved_as_taken(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As by a signal handler that raises between the reservation and the step."""
    model = Model()
    gate = open_gate(project, model, tranche=STEP)
    train(gate, model, 3)
    reserve = gate._session.reserve

    def reserving(least: int, wanted: int) -> int:
        reserve(least, wanted)
        raise TimeoutError

    monkeypatch.setattr(gate._session, "reserve", reserving)
    with pytest.raises(Held, match="TimeoutError"):
        gate.step(5 * STEP)
    monkeypatch.setattr(gate._session, "reserve", reserve)
    assert model.saved == model.flops
    gate.close()
    with open_gate(project, model) as gate:
        assert gate.trained == 3 * STEP


def test_assumptions_that_are_one_text_are_refused() -> None:
    with pytest.raises(InputError, match="one text"):
        Measured.of([0], assumptions="it tried")


def test_a_block_that_ends_by_what_the_gate_refuses_saves_what_was_trained(project: Project) -> None:
    """An argument that is missing costs nobody the training."""
    model = Model()

    def script() -> None:
        with open_gate(project, model, evaluate=None) as gate:
            train(gate, model, 3)
            gate.evaluate()

    with pytest.raises(InputError, match="without a function that evaluates"):
        script()
    assert model.saved == model.flops
    with reading(project.ledger) as journal:
        assert journal.fold.runs["r"].weights == {model.digest(): 3 * STEP}


@pytest.mark.parametrize("works", [True, False])
def test_an_evaluation_at_the_end_that_came_to_nothing_is_said(
    project: Project, works: bool, caplog: pytest.LogCaptureFixture
) -> None:
    model = Model()

    def evaluate(request: EvaluationRequest) -> Measured:
        raise MemoryError

    with open_gate(project, model, evaluate=model.evaluate if works else evaluate) as gate:
        train(gate, model, 3)
        gate.evaluate()
    assert ("its weights have no conclusive evaluation in `arithmetic`" in caplog.text) is not works
