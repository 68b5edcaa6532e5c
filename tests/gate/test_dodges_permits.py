"""Permits that outlived what they rested on, and evidence that was of something else. Each gained once, and gains
nothing now."""

from __future__ import annotations

from pathlib import Path

import pytest
from test_dodges import announce, finish, reserve, trained_to, verdict

from scalegate.errors import InputError
from scalegate.gate import Decision, replay
from scalegate.gate.journal import reading
from scalegate.gate.project import Project, adopt
from scalegate.ledger.entries import Parent, TierStatus
from scalegate.policy import load_policy
from scalegate.training.gate import Gate
from scalegate.training.held import Held
from support import (
    DAY,
    POLICY_TEXT,
    STEP,
    Model,
    approve,
    attest,
    new_project,
    open_gate,
    train,
)

SPENT = 8 * 10**9


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return new_project(tmp_path / "p")


def latest(project: Project, run: str = "r") -> Decision:
    with reading(project.ledger) as journal:
        return journal.fold.latest[run]


def held_at(gate: Gate, model: Model, steps: int = 30) -> int:
    """Steps that it takes before it is held."""
    for step in range(steps):
        try:
            gate.step(STEP)
        except Held:
            return step
        model.flops += STEP
    raise AssertionError("never held")


# --- a permit ends with what it rests on ---------------------------------------------------------------------


def test_a_tier_that_comes_to_bind_ends_the_permit(tmp_path: Path) -> None:
    project = new_project(tmp_path / "p", POLICY_TEXT.replace("at: 5e12 FLOP", "at: 5e10 FLOP"))
    model = Model()
    with open_gate(project, model, tranche=STEP, planned=19 * STEP) as gate:
        train(gate, model, 2)
        with project.journal() as journal:
            entry = TierStatus(
                actor="security",
                time=journal.now(),
                policy=journal.policy.digest(),
                tier="international",
                adopters=("Sample AI", "Specimen Research"),
                until=journal.now() + DAY,
                statement="both have signed",
            )
            journal.grant(entry, project.key("security"))
        assert held_at(gate, model) == 0
    held = latest(project).resumption
    assert held is not None
    assert held.because == ("international.cap",)


def test_weights_that_show_where_another_run_came_from_end_the_permits_that_rest_on_it(project: Project) -> None:
    """`x` said from scratch, and started from what `z` had trained and not saved."""
    z = Model()
    gate_z = open_gate(project, z, run="z", evaluate=None)
    train(gate_z, z, 1)
    gate_z._settle()
    x = Model(flops=z.flops)
    with open_gate(project, x, run="x") as gate_x:
        train(gate_x, x, 60)
        gate_x.evaluate()
    n = Model(flops=7)
    with open_gate(project, n, run="n", evaluate=None, tranche=STEP) as gate_n:
        train(gate_n, n, 2)
        gate_z.save()
        assert held_at(gate_n, n) == 0
    gate_z.close()


# --- what evidence is of -------------------------------------------------------------------------------------


def test_the_evaluation_of_a_deployments_configuration_carries_no_training(project: Project) -> None:
    """What filters withhold in a deployment is there in training; what shows through them counts all the same."""
    weights = trained_to(project, Model(), 20)
    with reading(project.ledger) as journal:
        session = journal.fold.runs["r"].latest.session
    for name, successes, words in (("a" * 64, 0, "of a deployment's configuration"), ("b" * 64, 400, "reached")):
        announce(project, name, weights, configuration="c" * 64)
        reserve(project, SPENT, use="elicitation", session=session, evaluation=name)
        finish(project, name, weights, successes, elicitation_flops=SPENT)
        assert verdict(project, compute=3 * 10**11) == "HOLD"
        found = next(item for item in latest(project).findings if item.clause == "safeguards.level-2")
        assert words in found.detail


@pytest.mark.parametrize("steps", [1, 7, 8, 30])
def test_what_a_branch_reached_within_the_margin_counts_against_what_it_grew_from(project: Project, steps: int) -> None:
    """Tuning on is what elicitation by others looks like. The margin is 1.5x: from 15 steps to 22.5."""
    model = Model()
    with open_gate(project, model, run="one", evaluate=None) as gate:
        train(gate, model, 15)
        weights = gate.save()
    end = (15 + steps) * STEP
    child = Model(flops=model.flops, skill=lambda flops: 0.9 if flops >= end else 0.0)
    with open_gate(project, child, run="child", from_scratch=False, parents=[weights]) as gate:
        train(gate, child, steps)
        gate.evaluate()
    with open_gate(project, model, run="one") as gate:
        assert (held_at(gate, model, 400) == 0) is (steps <= 7)
    assert replay(project.ledger).faults == ()


def test_a_result_that_is_withheld_is_not_known_to_be_no_alarm(project: Project) -> None:
    weights = trained_to(project, Model(), 5)
    assert verdict(project, compute=10**11) == "PROCEED"
    announce(project, "a" * 64, weights)
    assert verdict(project, compute=10**11) == "HOLD"


# --- what a session says of weights and declarations ---------------------------------------------------------


def test_a_declaration_that_is_replaced_takes_the_signatures_with_it(project: Project) -> None:
    """Officers signed for a child of a small model; nothing was trained, and it is opened again as another's."""
    at = {"small": 5 * 10**15, "big": 3 * 10**15}
    parents = {}
    for run, base in at.items():
        model = Model(flops=base, skill=lambda flops, base=base: 0.9 if flops >= base + 25 * STEP else 0.0)
        with open_gate(project, model, run=run) as gate:
            train(gate, model, 25)
            gate.evaluate()
            parents[run] = gate.save()
    attest(project)
    for run, base in at.items():
        given = {"from_scratch": False, "parents": [parents[run]], "evaluate": None}
        with open_gate(project, Model(flops=base + 25 * STEP), **given) as gate, pytest.raises(Held):
            gate.step(STEP)
        if run == "small":
            approve(project, "ada", "grace")
    with reading(project.ledger) as journal:
        situation = journal.fold.situation("r", now=journal.now())
    assert situation.lineage.members == ("big", "r")
    assert [signature for signature in situation.signatures if signature.subject.startswith("approval")] == []


def test_nobody_signs_under_a_policy_for_what_was_decided_under_another(project: Project) -> None:
    model = Model(skill=lambda _: 0.9)
    with open_gate(project, model) as gate, pytest.raises(Held):
        train(gate, model)
    project.policy.write_text(project.policy.read_text().replace('version: "1.0"', 'version: "1.1"'))
    changed = load_policy(project.policy)
    for officer in ("ada", "grace"):
        with project.journal() as journal:
            adopt(journal, changed, officer, project.key(officer))
    with pytest.raises(InputError, match="under the policy in force"):
        approve(project, "ada")


def test_a_result_beside_another_of_the_same_name_is_seen_from_the_parent_too(project: Project) -> None:
    weights = trained_to(project, Model(), 15, "one")
    child = Model(flops=15 * STEP)
    with open_gate(project, child, run="child", from_scratch=False, parents=[weights], evaluate=None) as gate:
        gate.step(STEP)
        child.flops += STEP
        tuned = gate.save()
    announce(project, "a" * 64, tuned, run="child")
    finish(project, "a" * 64, tuned, 0, status="aborted", completed=0)
    assert verdict(project, "one") == "PROCEED"
    finish(project, "a" * 64, tuned, 360)
    assert verdict(project, "one") == "HOLD"


def test_what_another_parent_of_a_child_reached_is_not_this_ones(project: Project) -> None:
    weights = trained_to(project, Model(), 10, "good")
    z = Model(flops=7, skill=lambda _: 0.9)
    with open_gate(project, z, run="z") as gate:
        train(gate, z, 5)
        gate.evaluate()
        poison = gate.save()
    parents = [Parent(weights=w, relation="merge") for w in (weights, poison)]
    open_gate(project, Model(flops=9), run="third", from_scratch=False, parents=parents).close()
    with reading(project.ledger) as journal:
        assert journal.fold.situation("good", now=journal.now()).descendants == ()


def test_going_back_to_a_checkpoint_ends_the_permit_and_takes_back_what_was_counted(project: Project) -> None:
    """W1 is saved, training goes on, W1 is loaded and saved again: what came between is in no weights."""
    model = Model()
    with open_gate(project, model, evaluate=None, tranche=STEP) as gate:
        train(gate, model, 5)
        first = gate.save()
        train(gate, model, 12)
        gate.save()
        train(gate, model, 1)
        model.flops = 5 * STEP
        with reading(project.ledger) as journal:
            assert journal.fold.permitted("r", journal.now())
        assert gate.save() == first
        with reading(project.ledger) as journal:
            assert not journal.fold.permitted("r", journal.now())
        train(gate, model, 1)
        last = gate.save()
    with reading(project.ledger) as journal:
        run = journal.fold.runs["r"]
        situation = journal.fold.situation("r", now=journal.now())
    assert (run.weights[first], run.weights[last], situation.lineage.behind) == (5 * STEP, 6 * STEP, 6 * STEP)
    assert replay(project.ledger).faults == ()


def test_what_a_parent_trains_meanwhile_ends_its_childs_permit(project: Project) -> None:
    """The end that the child was planned to have counts the parent's compute, and falls when some is given back."""
    parent = Model()
    gate = open_gate(project, parent, run="parent", evaluate=None, tranche=3 * STEP)
    train(gate, parent, 4)
    weights = gate.save()
    gate.step(STEP)
    child = Model(flops=4 * STEP)
    given = {"from_scratch": False, "parents": [weights], "evaluate": None, "planned": 5 * STEP, "tranche": STEP}
    with open_gate(project, child, run="child", **given) as second:
        train(second, child, 2)
        gate.close()
        with reading(project.ledger) as journal:
            assert not journal.fold.permitted("child", journal.now())
        assert held_at(second, child) == 3


def test_a_deployments_evaluation_is_none_for_the_end_of_a_run(project: Project) -> None:
    model = Model()
    with open_gate(project, model, run="one") as gate:
        train(gate, model, 3)
        weights = gate.save()
        entry_of(project, "one", weights)
        gate.evaluate()
    assert [request.elicitation for request in model.requests] == ["none", "fine-tuning"]


def entry_of(project: Project, run: str, weights: str) -> None:
    """A conclusive evaluation of a deployment's configuration."""
    with reading(project.ledger) as journal:
        session = journal.fold.runs[run].latest.session
    announce(project, "c" * 64, weights, run, configuration="c" * 64)
    reserve(project, SPENT, run=run, use="elicitation", session=session, evaluation="c" * 64)
    finish(project, "c" * 64, weights, 0, elicitation_flops=SPENT)
