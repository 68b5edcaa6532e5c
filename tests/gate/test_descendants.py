"""What a run shows that grew from a model's weights counts against that model, whatever the run declares."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from test_dodges import announce, finish, put, reserve, trained_to

from scalegate.gate.facts import derive_facts
from scalegate.gate.project import Project
from scalegate.ledger.entries import Parent, RunOpened
from scalegate.training.held import Held
from support import STEP, Model, approve, attest, new_project, open_gate, train

BASE = 15
"""Steps of the base run: less than its first evaluation."""


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return new_project(tmp_path / "p")


def branch(project: Project, parents: list[Parent] | None, start: int = BASE * STEP, run: str = "child") -> None:
    """A run that starts from weights with this many FLOP in them, and whose weights reach the alarm at once."""
    child = Model(flops=start, skill=lambda _: 0.9)
    declared: dict[str, Any] = {"from_scratch": not parents, "parents": parents or []}
    with open_gate(project, child, run=run, **declared) as gate:
        gate.step(STEP)
        child.flops += STEP
        gate.save()
        gate.evaluate()


def reached(project: Project, run: str = "base") -> bool:
    """Whether the alarm counts as reached in this run's own lineage."""
    with project.journal() as journal:
        situation = journal.fold.situation(run, now=journal.now())
        return derive_facts(journal.policy, situation, "train")["arithmetic.reached"] is True


@pytest.mark.parametrize(
    "relation", ["initialisation", "adapter", "merge", "teacher", "data_generator", "reward_model"]
)
def test_whoever_starts_from_the_weights_is_a_descendant_whatever_the_relation(project: Project, relation: Any) -> None:
    weights = trained_to(project, Model(), BASE, "base")
    assert not reached(project)
    branch(project, [Parent(weights=weights, relation=relation)])
    assert reached(project)
    assert reached(project)


def test_an_adapter_is_a_descendant_with_fresh_weights_of_its_own(project: Project) -> None:
    weights = trained_to(project, Model(), BASE, "base")
    branch(project, [Parent(weights=weights, relation="adapter")], start=7)
    assert reached(project)


def test_a_run_that_hides_where_it_starts_from_counts_too(project: Project) -> None:
    """It is held itself, and trains nothing; a result of its weights is signed all the same."""
    weights = trained_to(project, Model(), BASE, "base")
    put(project, "gatekeeper", RunOpened, run="x", session="2" * 64, from_scratch=True, parents=(), planned=10**13,
        start_weights=weights)  # fmt: skip
    announce(project, "a" * 64, "7" * 64, run="x")
    finish(project, "a" * 64, "7" * 64, 360)
    assert reached(project)


def test_a_branch_of_a_branch_is_a_descendant(project: Project) -> None:
    weights = trained_to(project, Model(), BASE, "base")
    first = Model(flops=BASE * STEP)
    parents = [Parent(weights=weights, relation="initialisation")]
    with open_gate(project, first, run="one", from_scratch=False, parents=parents, evaluate=None) as gate:
        gate.step(STEP)
        first.flops += STEP
        tuned = gate.save()
    branch(project, [Parent(weights=tuned, relation="initialisation")], start=first.flops, run="two")
    assert reached(project)


def test_what_an_unrelated_parent_of_a_branch_reached_is_its_own(project: Project) -> None:
    """Somebody only opens a run with a cleared model to load and a dangerous one as its teacher."""
    weights = trained_to(project, Model(), 10, "good")
    z = Model(flops=7, skill=lambda _: 0.9)
    with open_gate(project, z, run="z") as gate:
        train(gate, z, 5)
        gate.evaluate()
        dangerous = gate.save()
    announce(project, "b" * 64, "7" * 64, run="z")
    finish(project, "b" * 64, "7" * 64, 360)
    parents = [Parent(weights=weights, relation="initialisation"), Parent(weights=dangerous, relation="teacher")]
    open_gate(project, Model(flops=10 * STEP), run="student", from_scratch=False, parents=parents).close()
    with project.journal() as journal:
        assert journal.fold.situation("good", now=journal.now()).descendants == ()
        assert {piece.successes for piece in journal.fold.situation("student", now=journal.now()).pieces} == {360}


def test_the_same_random_start_makes_nobody_a_descendant(project: Project) -> None:
    first = Model()
    with open_gate(project, first, run="one", evaluate=None) as gate:
        gate.save()
        train(gate, first, 2)
        gate.save()
    put(project, "gatekeeper", RunOpened, run="x", session="2" * 64, from_scratch=True, parents=(), planned=10**13,
        start_weights=Model().digest())  # fmt: skip
    announce(project, "a" * 64, "7" * 64, run="x")
    finish(project, "a" * 64, "7" * 64, 360)
    with project.journal() as journal:
        assert journal.fold.situation("one", now=journal.now()).descendants == ()


@pytest.mark.parametrize("others", [0, 1])
def test_a_merge_of_one_lineage_is_a_descendant_and_one_of_two_is_not(project: Project, others: int) -> None:
    model = Model()
    with open_gate(project, model, "base", evaluate=None) as gate:
        train(gate, model, 2)
        early = gate.save()
        train(gate, model, 3)
        weights = [early, gate.save()]
    if others:
        weights.append(trained_to(project, Model(flops=5), 2, "other"))
    branch(project, [Parent(weights=digest, relation="merge") for digest in weights], start=7)
    assert reached(project) is (others == 0)


def test_a_later_session_from_the_weights_makes_a_descendant_too(project: Project) -> None:
    """It is held, and trains nothing; what is evaluated of it counts all the same."""
    weights = trained_to(project, Model(), BASE, "base")
    trained_to(project, Model(flops=7), 1, "c")
    open_gate(project, Model(flops=BASE * STEP), "c", evaluate=None).close()
    announce(project, "a" * 64, "7" * 64, run="c")
    finish(project, "a" * 64, "7" * 64, 360)
    assert reached(project)
    assert weights


# --- what is declared again ------------------------------------------------------------------------------------


def fine_tune(project: Project, weights: str, model: Model, **options: Any) -> Any:
    parents = [Parent(weights=weights, relation="initialisation")]
    return open_gate(project, model, run="tuned", from_scratch=False, parents=parents, **options)


def signed_fine_tune(project: Project) -> tuple[str, int]:
    """A model that reached the alarm, and a fine-tune of it that was held before its first step and signed for."""
    base = Model(skill=lambda _: 0.9)
    with open_gate(project, base, run="base") as gate, pytest.raises(Held):
        train(gate, base)
    weights, flops = base.digest(), base.flops
    with fine_tune(project, weights, Model(flops=flops)) as gate, pytest.raises(Held):
        gate.step(STEP)
    attest(project)
    approve(project, "ada", "grace", run="tuned")
    return weights, flops


def test_a_script_that_is_run_again_keeps_what_was_signed_for_it(project: Project) -> None:
    """A fine-tune of a model that reached the alarm is held before its first step; signed, the same command goes on."""
    weights, flops = signed_fine_tune(project)
    with fine_tune(project, weights, Model(flops=flops), planned=2 * 10**13) as gate:
        gate.step(STEP)


def test_a_run_that_is_declared_otherwise_loses_what_was_signed_for_it(project: Project) -> None:
    weights, flops = signed_fine_tune(project)
    parents = [Parent(weights=weights, relation="adapter")]
    with (
        open_gate(project, Model(flops=flops), run="tuned", from_scratch=False, parents=parents) as gate,
        pytest.raises(Held),
    ):
        gate.step(STEP)
    with project.journal() as journal:
        assert journal.fold.situation("tuned", now=journal.now()).signatures[1:] == ()


# --- going back ------------------------------------------------------------------------------------------------


def test_a_process_goes_back_to_a_checkpoint_and_says_so(project: Project) -> None:
    """It loads an earlier checkpoint after a spike: the gate is told, and evidence of the other branch ends with it."""
    model = Model()
    with open_gate(project, model) as gate:
        train(gate, model, 15)
        early, at = gate.save(), model.flops
        train(gate, model, 10)
        gate.save()
        gate.evaluate()
        assert gate.step(STEP) is None
        model.flops += STEP
        late = gate.save()
        model.flops = at
        assert gate.save() == early
        with project.journal() as journal:
            run = journal.fold.runs["r"]
            assert (run.tip, run.present, run.faults) == (early, at, [])
        with project.journal() as journal:
            grown = journal.fold.situation("r", now=journal.now()).pieces
            assert not any(piece.ancestor and piece.compute and piece.compute > at for piece in grown)
    assert late != early


def test_each_evaluation_of_a_branch_counts_once_and_under_the_run_that_made_the_weights(project: Project) -> None:
    """The second branch records the first one's weights as its start: they are the first one's all the same."""
    weights = trained_to(project, Model(), BASE, "base")
    first = Model(flops=BASE * STEP)
    parents = [Parent(weights=weights, relation="initialisation")]
    with open_gate(project, first, run="one", from_scratch=False, parents=parents, evaluate=None) as gate:
        gate.step(STEP)
        first.flops += STEP
        tuned = gate.save()
    second = Model(flops=first.flops)
    parents = [Parent(weights=tuned, relation="initialisation")]
    with open_gate(project, second, run="two", from_scratch=False, parents=parents, evaluate=None) as gate:
        assert gate.save() == tuned
    for name, run in (("a" * 64, "one"), ("b" * 64, "two"), ("c" * 64, "base")):
        announce(project, name, tuned if run != "base" else weights, run=run)
    announce(project, "d" * 64, "7" * 64, run="two")
    with project.journal() as journal:
        found = journal.fold.situation("base", now=journal.now()).descendants
    assert sorted(piece.evaluation[:1] for piece in found) == ["a", "b", "d"]
    assert {piece.origin for piece in found} == {BASE * STEP}


def test_elicitation_that_a_child_paid_shows_nothing_of_its_parents_share(project: Project) -> None:
    """It counts against the child, so the parent would have its evidence for nothing."""
    weights = trained_to(project, Model(), BASE, "base")
    parents = [Parent(weights=weights, relation="initialisation")]
    child = Model(flops=BASE * STEP)
    with open_gate(project, child, run="child", from_scratch=False, parents=parents) as gate:
        gate.save()
        announce(project, "b" * 64, weights, run="child")
        reserve(project, 10**11, "elicitation", "child", gate._session.token, evaluation="b" * 64)
        finish(project, "b" * 64, weights, 0, elicitation_flops=10**11)
    with project.journal() as journal:
        of = {run: journal.fold.situation(run, now=journal.now()).pieces for run in ("base", "child")}
    assert [piece.elicitation_flops for piece in of["base"]] == [0]
    assert all(piece.elicitation_flops > 0 for piece in of["child"])


def test_the_start_of_an_adapter_is_what_it_made_as_long_as_nobody_else_has_it(project: Project) -> None:
    weights = trained_to(project, Model(), BASE, "base")
    parents = [Parent(weights=weights, relation="adapter")]
    with open_gate(project, Model(flops=7), run="lora", from_scratch=False, parents=parents, evaluate=None) as gate:
        fresh = gate.save()
    announce(project, "a" * 64, fresh, run="lora")
    finish(project, "a" * 64, fresh, 380)
    assert reached(project)


def test_the_same_parents_in_another_order_are_the_same_declaration(project: Project) -> None:
    one, two = trained_to(project, Model(), 2, "one"), trained_to(project, Model(flops=5), 2, "two")
    parents = [Parent(weights=weights, relation="teacher") for weights in (one, two)]
    model = Model(flops=3)
    with open_gate(project, model, "s", from_scratch=False, parents=parents, evaluate=None) as gate:
        train(gate, model, 1)
        gate.save()
    with open_gate(
        project, model, "s", from_scratch=False, parents=[*parents[::-1], parents[0]], evaluate=None
    ) as gate:
        train(gate, model, 1)
        gate.save()
