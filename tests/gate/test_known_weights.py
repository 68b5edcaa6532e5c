"""What is in weights that a run had before is known: nothing that is recorded later washes it off or adds to it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from test_descendants import reached
from test_dodges import announce, digest, faults, finish, opened, put, record, reserve, trained_to, verdict

from scalegate.gate.lineage import Run
from scalegate.gate.project import Project, adopt
from scalegate.gate.since import latest_decision
from scalegate.ledger.entries import ComputeSettled, Parent, WeightsRecorded
from scalegate.policy import parse_policy
from scalegate.training.held import Held
from support import STEP, Model, new_project, open_gate, train


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return new_project(tmp_path / "p")


def state(project: Project, run: str = "r") -> Run:
    with project.journal() as journal:
        return journal.fold.runs[run]


def test_a_checkpoint_is_loaded_before_the_gate_is_opened(project: Project) -> None:
    """What it holds is no part of what a gate counts that was opened before: told so, nothing is lost."""
    weights = trained_to(project, Model(), 15)
    model = Model()
    with open_gate(project, model, evaluate=None) as gate:
        model.flops = 15 * STEP
        with pytest.raises(
            Held, match=r"hold 150000000000 FLOP of it, more than this gate counts .*open the run again"
        ):
            gate.save()
    with open_gate(project, model, evaluate=None) as gate:
        train(gate, model, 1)
        gate.save()
    assert state(project).weights == {weights: 15 * STEP, model.digest(): 16 * STEP}
    assert faults(project) == ""


def test_going_back_is_told_and_forth_again_takes_another_gate(project: Project) -> None:
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
        with pytest.raises(Held, match="more than this gate counts"):
            gate.save()
    with open_gate(project, model) as gate:
        assert (state(project).weights[late], state(project).present) == (15 * STEP, 15 * STEP)
        model.flops = 5 * STEP
        gate.save()
        train(gate, model, 1)
        new = gate.save()
        assert state(project).weights[new] == 6 * STEP
    assert faults(project) == ""


def test_a_count_that_falls_or_holds_more_than_it_counts_is_a_fault(project: Project) -> None:
    """With the gate's key: each known checkpoint recorded at nought, and the next one on top of it."""
    opened(project)
    verdict(project, compute=10**11)
    reserve(project, 10**11)
    record(project, "a" * 64, 10**11)
    assert faults(project) == ""
    record(project, "a" * 64, 5 * 10**10)
    assert "counts less training than it did before" in faults(project)
    assert "comes to weights that hold more training than it counts" in faults(project)
    record(project, "b" * 64, 10**11)
    assert state(project).weights == {"a" * 64: 10**11, "b" * 64: 10**11}


def test_what_went_into_weights_of_a_session_cannot_be_given_back(project: Project) -> None:
    opened(project)
    verdict(project, compute=10**11)
    reserve(project, 10**11)
    record(project, digest("r at first"), 0)
    record(project, "a" * 64, 10**11)
    opened(project, session="2" * 64)
    verdict(project, compute=15 * 10**10)
    reserve(project, 5 * 10**10, session="2" * 64)
    put(project, "gatekeeper", WeightsRecorded, run="r", session="2" * 64, weights="b" * 64, trained=5 * 10**10)
    put(project, "gatekeeper", ComputeSettled, run="r", session="2" * 64, unspent=10**10, remaining=4 * 10**10)
    assert "gives back compute that went into recorded weights" in faults(project)


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


@pytest.mark.parametrize("start", ["ours", "theirs"])
def test_weights_of_another_run_are_not_taken_up_in_a_process(project: Project, start: str) -> None:
    """Neither by a stranger, also if it was opened from them once, nor by a child that loads an earlier checkpoint."""
    model = Model()
    with open_gate(project, model, "base", evaluate=None) as gate:
        train(gate, model, 1)
        early = gate.save()
        train(gate, model, 14)
        late = gate.save()
    if start == "ours":
        ours = Model(flops=7)
        trained_to(project, ours, 1, "x")
        open_gate(project, Model(flops=15 * STEP), "x", evaluate=None).close()
        taken, options = Model(flops=ours.flops), {}
        with open_gate(project, taken, "x", evaluate=None) as gate:
            gate.step(STEP)
            taken.flops = 15 * STEP
            with pytest.raises(Held, match="records weights of run `base`"):
                gate.save()
        assert late not in state(project, "x").weights
        return
    options = {"from_scratch": False, "parents": [Parent(weights=late, relation="initialisation")]}
    child = Model(flops=15 * STEP)
    with open_gate(project, child, "c", evaluate=None, **options) as gate:
        train(gate, child, 1)
        gate.save()
        gate.step(STEP)
        child.flops = STEP
        with pytest.raises(Held, match="records weights of run `base`"):
            gate.save()
        child.flops = 15 * STEP
        assert gate.save() == late
        assert state(project, "c").present == 0
    assert early not in state(project, "c").weights
    assert faults(project) == ""


def test_a_run_that_says_it_came_to_anothers_weights_hides_nothing(project: Project) -> None:
    base = trained_to(project, Model(), 15, "base")
    parents = [Parent(weights=base, relation="adapter")]
    open_gate(project, Model(flops=7), "c", from_scratch=False, parents=parents, evaluate=None).close()
    announce(project, "a" * 64, Model(flops=7).digest(), run="c")
    finish(project, "a" * 64, Model(flops=7).digest(), 380)
    assert reached(project)
    y = Model(flops=3)
    with open_gate(project, y, "y", evaluate=None) as gate:
        with pytest.raises(Held):
            gate.step(STEP)
        y.flops = 7
        with pytest.raises(Held, match="no training was metered"):
            gate.save()
    opened(project, run="z", session="3" * 64)
    with project.journal() as journal:
        session = journal.fold.runs["z"].latest.session
    put(project, "gatekeeper", WeightsRecorded, run="z", session=session, weights=Model(flops=7).digest(), trained=1)
    assert reached(project)


def test_going_back_to_the_start_ends_the_permit(project: Project) -> None:
    model = Model()
    with open_gate(project, model) as gate:
        train(gate, model, 30)
        gate.save()
        gate.evaluate()
        gate.step(STEP)
        model.flops += STEP
        model.flops = 0
        gate.save()
        with project.journal() as journal:
            assert not journal.fold.permitted("r", journal.now())


def test_a_meter_fault_is_written_whatever_policy_was_adopted_meanwhile(project: Project) -> None:
    model = Model()
    new = parse_policy(project.policy.read_text().replace('version: "1.0"', 'version: "1.1"'))
    with open_gate(project, model) as gate:
        train(gate, model, 2)
        for officer in ("ada", "alan"):
            with project.journal() as journal:
                adopt(journal, new, officer, project.key(officer))
        with pytest.raises(Held):
            gate.meter_fault("a kernel was not counted")
    assert state(project).faults == ["a kernel was not counted"]


def test_what_was_decided_before_a_run_was_declared_otherwise_was_about_another(project: Project) -> None:
    base = trained_to(project, Model(), 15, "base")
    parents = [Parent(weights=base, relation="teacher")]
    open_gate(project, Model(flops=7), "n", from_scratch=False, parents=parents, evaluate=None).close()
    assert verdict(project, "n", compute=10**12) == "HOLD"
    open_gate(project, Model(flops=7), "n", evaluate=None).close()
    with project.journal() as journal:
        assert "n" not in journal.fold.latest
        assert latest_decision(journal.fold, "n", "train") is None


def test_an_evaluation_that_was_announced_before_the_run_was_opened_binds_it_too(project: Project) -> None:
    base = trained_to(project, Model(), 15, "base")
    announce(project, "a" * 64, "7" * 64, run="c")
    finish(project, "a" * 64, "7" * 64, 380)
    parents = [Parent(weights=base, relation="adapter")]
    open_gate(project, Model(flops=7), "c", from_scratch=False, parents=parents, evaluate=None).close()
    assert reached(project)
    open_gate(project, Model(flops=9), "c", evaluate=None).close()
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
    assert reached(project)


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


def test_a_meter_fault_is_written_whoever_holds_the_run(project: Project) -> None:
    """What the first process trained is in the ledger, and the second goes on from it."""
    model = Model()
    with open_gate(project, model) as first:
        train(first, model, 2)
        first.save()
        with open_gate(project, model) as heir:
            train(heir, model, 1)
            with pytest.raises(Held):
                first.meter_fault("a kernel was not counted")
            assert state(project).faults == ["a kernel was not counted"]
            with pytest.raises(Held, match=r"standing\.meter"):
                train(heir, model)
