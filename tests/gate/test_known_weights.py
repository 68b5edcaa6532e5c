"""What is in weights that a run had before is known: nothing that is recorded later washes it off or adds to it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from test_descendants import branch, reached
from test_dodges import announce, faults, finish, trained_to, verdict

from scalegate.gate.lineage import Run
from scalegate.gate.project import Project
from scalegate.ledger.entries import Parent
from scalegate.training.held import Held
from support import STEP, Model, new_project, open_gate, train


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return new_project(tmp_path / "p")


def state(project: Project, run: str = "r") -> Run:
    with project.journal() as journal:
        return journal.fold.runs[run]


def washed(project: Project, run: str, flops: int) -> None:
    """The run is opened from its random start, its checkpoint is loaded, and that is saved."""
    model = Model()
    with open_gate(project, model, run, evaluate=None) as gate:
        model.flops = flops
        gate.save()


def test_a_checkpoint_that_is_loaded_after_the_gate_was_opened_holds_what_it_held(project: Project) -> None:
    model = Model()
    with open_gate(project, model) as gate:
        train(gate, model, 25)
        gate.save()
        gate.evaluate()
    weights = model.digest()
    washed(project, "r", model.flops)
    assert state(project).weights[weights] == 25 * STEP
    assert verdict(project) == "PROCEED"
    late = Model()
    with open_gate(project, late) as gate:
        late.flops = model.flops
        gate.save()
        train(gate, late, 2)
        assert gate.save() == late.digest()
    assert state(project).weights[late.digest()] == 27 * STEP
    assert (state(project).present, faults(project)) == (27 * STEP, "")


def test_going_back_and_forth_loses_nothing(project: Project) -> None:
    model = Model()
    with open_gate(project, model) as gate:
        train(gate, model, 5)
        gate.save()
        train(gate, model, 10)
        late = gate.save()
        model.flops = 5 * STEP
        gate.save()
        assert state(project).present == 5 * STEP
        model.flops = 15 * STEP
        gate.save()
        assert (state(project).weights[late], state(project).present) == (15 * STEP, 15 * STEP)
        model.flops = 5 * STEP
        gate.save()
        train(gate, model, 1)
        new = gate.save()
        assert state(project).weights[new] == 6 * STEP
    assert faults(project) == ""


def test_going_back_to_the_start_is_told_too(project: Project) -> None:
    model = Model()
    with open_gate(project, model) as gate:
        train(gate, model, 15)
        gate.save()
        model.flops = 0
        gate.save()
        assert (state(project).present, state(project).used("training")) == (0, 15 * STEP)
        train(gate, model, 1)
        new = gate.save()
        assert state(project).weights[new] == STEP
    assert faults(project) == ""


def test_an_evaluation_after_going_back_is_of_the_weights_there_are(project: Project) -> None:
    model = Model()
    with open_gate(project, model) as gate:
        train(gate, model, 1)
        early = gate.save()
        train(gate, model, 18)
        gate.evaluate()
        model.flops = STEP
        decision = gate.evaluate()
        assert model.requests[-1].weights == early
        assert (state(project).tip, state(project).present) == (early, STEP)
    assert decision.permit is None or decision.permit.compute <= 2 * 10**11


def test_no_new_weights_without_training_after_a_checkpoint_was_taken_up(project: Project) -> None:
    first = trained_to(project, Model(), 5)
    changed = Model(flops=5 * STEP)
    with open_gate(project, changed, evaluate=None) as gate:
        changed.flops += 1
        with pytest.raises(Held, match="no training was metered"):
            gate.save()
    assert set(state(project).weights) == {first}


def test_weights_that_were_washed_are_no_random_start(project: Project) -> None:
    weights = trained_to(project, Model(), 15, "base")
    washed(project, "base", 15 * STEP)
    with open_gate(project, Model(flops=15 * STEP), "x", evaluate=None) as gate, pytest.raises(Held, match="lineage"):
        gate.step(STEP)
    branch(project, [Parent(weights=weights, relation="initialisation")])
    assert reached(project)
    washed(project, "base", 15 * STEP)
    assert reached(project)


def derived(project: Project, run: str, parent: str, start: int = 7, relation: Any = "adapter") -> str:
    parents = [Parent(weights=parent, relation=relation)]
    with open_gate(project, Model(flops=start), run, from_scratch=False, parents=parents, evaluate=None) as gate:
        return gate.save()


@pytest.mark.parametrize("relation", ["adapter", "merge"])
def test_what_was_derived_from_a_model_is_no_random_start(project: Project, relation: Any) -> None:
    base = trained_to(project, Model(), 15, "base")
    derived(project, "c", base, relation=relation)
    with open_gate(project, Model(flops=7), "x", evaluate=None) as gate, pytest.raises(Held, match="lineage"):
        gate.step(STEP)
    # It is a descendant all the same, as far as the base was loaded.
    announce(project, "a" * 64, "7" * 64, run="x")
    finish(project, "a" * 64, "7" * 64, 380)
    assert reached(project) is (relation == "adapter")


def test_the_same_adapter_twice_hides_nothing_and_holds_nobody(project: Project) -> None:
    base = trained_to(project, Model(), 15, "base")
    fresh = derived(project, "c", base)
    announce(project, "a" * 64, fresh, run="c")
    finish(project, "a" * 64, fresh, 380)
    assert reached(project)
    assert derived(project, "d", base) == fresh
    assert reached(project)
    assert faults(project) == ""


@pytest.mark.parametrize("relation", ["initialisation", "merge", "teacher"])
def test_a_child_that_saves_its_start_takes_nothing_from_its_parents_evidence(project: Project, relation: Any) -> None:
    model = Model()
    with open_gate(project, model, "base") as gate:
        train(gate, model, 15)
        gate.save()
        permit = gate.evaluate().permit
    assert derived(project, "child", model.digest(), model.flops, relation) == model.digest()
    with project.journal() as journal:
        again = journal.decide("base", "train", project.key("gatekeeper"), "gatekeeper")
    assert permit is not None
    assert again.permit is not None
    assert again.permit.compute == permit.compute


def test_a_run_that_an_evaluation_is_about_is_not_declared_otherwise(project: Project) -> None:
    """It has recorded nothing, and a result that was announced for it shows the alarm reached."""
    base = trained_to(project, Model(), 15, "base")
    parents = [Parent(weights=base, relation="adapter")]
    with open_gate(project, Model(flops=7), "c", from_scratch=False, parents=parents, evaluate=None):
        pass
    announce(project, "a" * 64, "7" * 64, run="c")
    finish(project, "a" * 64, "7" * 64, 380)
    assert reached(project)
    with open_gate(project, Model(flops=9), "c", evaluate=None) as gate, pytest.raises(Held, match="lineage"):
        gate.step(STEP)
    assert reached(project)
