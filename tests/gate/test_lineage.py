"""A model is what went into it: renaming, fine-tuning, merging and restarting gain nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

from scalegate.gate.journal import reading, wall_time
from scalegate.gate.project import Project
from scalegate.gate.situation import Lineage
from scalegate.ledger.entries import Parent, WeightsRecorded
from scalegate.training.held import Held
from support import STEP, Model, new_project, open_gate, steps_until_held, train


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """A project with run `base`, trained to 1.5e11 FLOP and saved."""
    project = new_project(tmp_path / "p")
    model = Model()
    with open_gate(project, model, run="base") as gate:
        train(gate, model, 15)
        gate.save()
    return project


BASE = Model(flops=15 * STEP)


def lineage(project: Project, run: str) -> Lineage:
    with reading(project.ledger) as journal:
        return journal.fold.situation(run, now=wall_time()).lineage


def test_a_fine_tune_inherits_the_compute_of_its_parent(project: Project) -> None:
    child = Model(flops=BASE.flops)
    assert steps_until_held(project, child, "child", from_scratch=False, parents=[BASE.digest()]) == 5
    assert lineage(project, "child").members == ("base", "child")
    assert lineage(project, "child").compute == 2 * 10**11


def test_a_renamed_run_inherits_too(project: Project) -> None:
    """The same weights under another name, declared from scratch: the starting weights give it away."""
    renamed = Model(flops=BASE.flops)
    assert steps_until_held(project, renamed, "renamed") == 0
    assert "starts from weights of run `base`, which it does not declare" in lineage(project, "renamed").faults[0]


def test_many_short_runs_share_the_developers_bootstrap(project: Project) -> None:
    """Ten short runs from scratch have no more before the first evaluation than one long one."""
    total = sum(steps_until_held(project, Model(flops=10**6 + n), f"short-{n}") for n in range(4))
    assert total == 5


@pytest.mark.parametrize(
    ("options", "fault"),
    [
        ({"from_scratch": False}, "neither parents nor"),
        ({"from_scratch": True, "parents": [BASE.digest()]}, "states parents and that it is from scratch"),
        ({"from_scratch": False, "parents": ["e" * 64]}, "not in this ledger"),
    ],
)
def test_an_undeclared_or_unknown_parent_holds(project: Project, options: dict[str, object], fault: str) -> None:
    assert steps_until_held(project, Model(flops=1), "x", **options) == 0
    assert fault in lineage(project, "x").faults[0]


def test_starting_from_other_weights_than_the_declared_parent_holds(project: Project) -> None:
    assert steps_until_held(project, Model(flops=77), "x", from_scratch=False, parents=[BASE.digest()]) == 0
    assert "other weights than the parent" in lineage(project, "x").faults[0]


def test_starting_from_a_run_that_only_a_teacher_hides_holds(project: Project) -> None:
    """A tiny teacher is declared, and the weights of another run are loaded all the same."""
    tiny = Model(flops=7)
    with open_gate(project, tiny, run="tiny") as gate:
        train(gate, tiny, 1)
        gate.save()
    teacher = Parent(weights=tiny.digest(), relation="teacher")
    assert steps_until_held(project, Model(flops=BASE.flops), "x", from_scratch=False, parents=[teacher]) == 0
    assert "does not declare as a parent" in lineage(project, "x").faults[0]


def test_recording_the_weights_of_an_unrelated_run_is_a_fault(project: Project) -> None:
    thief = Model(flops=3)
    with open_gate(project, thief, run="thief") as gate:
        gate.step(STEP)
        thief.flops = BASE.flops
        with pytest.raises(Held, match="weights of run `base`, which it did not start from"):
            gate.save()
    with project.journal() as journal:
        run = journal.fold.runs["thief"]
        entry = WeightsRecorded(
            actor="gatekeeper",
            time=journal.now(),
            policy=journal.policy.digest(),
            run="thief",
            session=run.latest.session,
            weights=BASE.digest(),
            trained=STEP,
        )
        journal.append(lambda: [(entry, project.key("gatekeeper"))])
        assert "which it did not start from" in run.faults[0]


def test_going_on_from_weights_that_the_run_never_recorded_holds(project: Project) -> None:
    assert steps_until_held(project, Model(flops=123), "base") == 0
    assert "never recorded" in lineage(project, "base").faults[0]
    # Its own saved weights, or a fresh start, are fine again.
    assert steps_until_held(project, Model(flops=BASE.flops), "base") == 5


def test_other_parents_at_a_later_opening_hold(project: Project) -> None:
    again = Model(flops=BASE.flops)
    assert steps_until_held(project, again, "base", from_scratch=False, parents=[BASE.digest()]) == 0
    assert "other parents" in lineage(project, "base").faults[0]


def test_a_merge_counts_each_ancestor_once_and_a_teacher_counts_too(project: Project) -> None:
    left = Model(flops=BASE.flops)
    with open_gate(project, left, run="left", from_scratch=False, parents=[BASE.digest()]) as gate:
        train(gate, left, 2)
        gate.save()
    right = Model(flops=BASE.flops)
    with open_gate(project, right, run="right", from_scratch=False, parents=[BASE.digest()]) as gate:
        train(gate, right, 1)
        gate.save()
    parents = [
        Parent(weights=left.digest(), relation="merge"),
        Parent(weights=right.digest(), relation="teacher"),
    ]
    steps = steps_until_held(project, Model(flops=5), "merged", from_scratch=False, parents=parents)
    assert lineage(project, "merged").members == ("base", "left", "merged", "right")
    assert steps == 2


def test_evidence_on_an_ancestor_carries_as_far_as_its_buffer_and_no_further(tmp_path: Path) -> None:
    project = new_project(tmp_path / "p")
    base = Model()
    with open_gate(project, base, run="base") as gate:
        train(gate, base, 25)
        gate.save()
        permit = gate.decision.permit if gate.decision else None
    assert permit is not None
    child = Model(flops=base.flops)
    steps_until_held(project, child, "child", from_scratch=False, parents=[base.digest()])
    assert lineage(project, "child").compute <= permit.compute < lineage(project, "child").compute + STEP


def test_weights_that_change_while_the_meter_stands_still_are_a_fault(project: Project) -> None:
    """The gate refuses to write them; written past it, they are a fault of the run."""
    model = Model(flops=BASE.flops)
    with open_gate(project, model, run="base") as gate:
        gate.step(STEP)
        model.flops += STEP
        gate.save()
        model.flops += STEP
        with pytest.raises(Held, match="no training was metered"):
            gate.save()
    with project.journal() as journal:
        assert journal.fold.runs["base"].faults == []
        run = journal.fold.runs["base"]
        entry = WeightsRecorded(
            actor="gatekeeper",
            time=journal.now(),
            policy=journal.policy.digest(),
            run="base",
            session=run.latest.session,
            weights=model.digest(),
            trained=run.most_trained,
        )
        journal.append(lambda: [(entry, project.key("gatekeeper"))])
    with reading(project.ledger) as journal:
        assert "has other weights at the same count of FLOP" in journal.fold.runs["base"].faults[0]
