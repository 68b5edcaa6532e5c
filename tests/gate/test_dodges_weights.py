"""Ways around by way of weights that are not those of the model, and of what came after a decision.

As in `test_dodges.py`, each gained a PROCEED or an authorised step once, and gains nothing now.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from test_dodges import (
    GATE,
    SESSION,
    announce,
    digest,
    faults,
    finish,
    opened,
    put,
    record,
    reserve,
    trained_to,
    verdict,
)

from scalegate.errors import InputError
from scalegate.gate import Decision
from scalegate.gate.journal import reading
from scalegate.gate.project import Project, adopt
from scalegate.ledger.entries import MeterFault, Parent, RunOpened, WeightsRecorded
from scalegate.policy import load_policy
from scalegate.training.held import Held
from support import POLICY_TEXT, STEP, Model, approve, attest, new_project, open_gate, steps_until_held, train

SPENT = 8 * 10**9


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return new_project(tmp_path / "p")


def evaluated(project: Project, steps: int, run: str = "harmless", **options: Any) -> tuple[Model, str]:
    """A run whose alarm is ruled out at its end."""
    model = Model()
    with open_gate(project, model, run, **options) as gate:
        train(gate, model, steps)
        weights = gate.save()
        gate.evaluate()
    return model, weights


@pytest.mark.parametrize("relation", ["data_generator", "teacher", "merge", "reward_model"])
def test_evidence_on_a_model_that_these_weights_did_not_grow_from_carries_nothing(
    project: Project, relation: Any
) -> None:
    _, weights = evaluated(project, 60)
    parents = [Parent(weights=weights, relation=relation)]
    assert steps_until_held(project, Model(flops=7), "other", from_scratch=False, parents=parents) == 0
    with reading(project.ledger) as journal:
        [last] = [d for d in journal.fold.latest.values() if d.run == "other"]
    assert "weights that this model did not grow from" in detail(last, "capability.arithmetic")


def detail(decision: Decision, clause: str) -> str:
    return next(finding.detail for finding in decision.findings if finding.clause == clause)


def test_what_a_teacher_reached_still_counts_against(project: Project) -> None:
    model = Model(skill=lambda _: 0.9)
    with open_gate(project, model, "teacher") as gate, pytest.raises(Held):
        train(gate, model)
    with reading(project.ledger) as journal:
        weights = next(iter(journal.fold.runs["teacher"].weights))
    parents = [Parent(weights=weights, relation="teacher")]
    steps_until_held(project, Model(flops=7), "pupil", from_scratch=False, parents=parents)
    with reading(project.ledger) as journal:
        assert "reached" in detail(journal.fold.latest["pupil"], "safeguards.level-2")


def test_evidence_of_a_branch_that_was_given_up_carries_nothing(project: Project) -> None:
    """The same run is opened again at its random start, and trained on something else."""
    first = Model()
    with open_gate(project, first) as gate:
        start = gate.save()
        train(gate, first, 21)
        gate.save()
    assert steps_until_held(project, Model(flops=0), "r") == 0
    assert steps_until_held(project, Model(flops=0), "child", from_scratch=False, parents=[start]) == 0
    assert faults(project) == ""


def test_evidence_along_the_way_carries_through_sessions_and_children(project: Project) -> None:
    """What the dodge must not break: checkpoints of earlier sessions, of a parent and of a parent's parent."""
    model, weights = evaluated(project, 30, "base")
    with open_gate(project, model, "base", evaluate=None) as gate:
        train(gate, model, 2)
        middle = gate.save()
    child = Model(flops=model.flops)
    with open_gate(project, child, "child", from_scratch=False, parents=[middle], evaluate=None) as gate:
        train(gate, child, 3)
        last = gate.save()
    grandchild = Model(flops=child.flops)
    assert steps_until_held(project, grandchild, "grandchild", from_scratch=False, parents=[last]) > 50
    with reading(project.ledger) as journal:
        pieces = journal.fold.situation("grandchild", now=journal.now()).pieces
    assert [piece.ancestor for piece in pieces if piece.weights == weights] == [True, True]
    assert faults(project) == ""


def test_a_result_about_the_weights_that_a_run_starts_from_is_about_the_run(project: Project) -> None:
    _, harmless = evaluated(project, 21)
    put(project, GATE, RunOpened, run="bad", session="2" * 64, from_scratch=True, parents=(), planned=10**12,
        start_weights=digest("s"))  # fmt: skip
    announce(project, "a" * 64, digest("W"), run="bad")
    finish(project, "a" * 64, digest("W"), 400)
    parent = Parent(weights=harmless, relation="data_generator")
    put(project, GATE, RunOpened, run="clean", session="3" * 64, from_scratch=False, parents=(parent,),
        planned=10**12, start_weights=digest("W"))  # fmt: skip
    with reading(project.ledger) as journal:
        pieces = journal.fold.situation("clean", now=journal.now()).pieces
    assert any(piece.weights == digest("W") and piece.successes == 400 for piece in pieces)
    assert verdict(project, "clean", compute=3 * 10**11) == "HOLD"


def test_weights_without_training_are_those_that_the_run_started_from(project: Project) -> None:
    opened(project)
    record(project, digest("r at first"), 0)
    assert faults(project) == ""
    record(project, digest("foreign"), 0)
    assert "without training that are new to it" in faults(project)


@pytest.mark.parametrize("who", ["evaluator", "ada"])
def test_a_bad_result_counts_elsewhere_however_it_stands(project: Project, who: str) -> None:
    put(project, GATE, RunOpened, run="bad", session="2" * 64, from_scratch=True, parents=(), planned=10**12,
        start_weights=digest("s"))  # fmt: skip
    announce(project, "a" * 64, digest("W"), run="bad")
    finish(project, "a" * 64, digest("W"), 400, who=who)
    if who != "evaluator":
        finish(project, "a" * 64, digest("W"), 0, status="aborted", completed=0)
    assert verdict(project, "bad", compute=1) == "HOLD"
    opened(project, "fresh", "4" * 64)
    assert verdict(project, "fresh", compute=1) == "HOLD"


def test_weights_are_recorded_by_the_session_that_holds_the_run(project: Project) -> None:
    """Harmless weights in place of the trained ones, in a session that nobody opened."""
    opened(project)
    verdict(project, compute=1)
    reserve(project, 2 * 10**11)
    record(project, digest("dangerous"), 2 * 10**11)
    put(project, GATE, WeightsRecorded, run="r", session="f" * 64, weights=digest("harmless"), trained=2 * 10**11)
    reserve(project, SPENT, use="elicitation")
    announce(project, "a" * 64, digest("harmless"))
    finish(project, "a" * 64, digest("harmless"), 0, elicitation_flops=SPENT)
    assert "session that does not hold the run" in faults(project)
    assert verdict(project, compute=7 * 10**11) == "HOLD"


@pytest.mark.parametrize("what", ["fault", "result", "announcement"])
def test_what_came_after_the_decision_ends_its_permit(project: Project, what: str) -> None:
    """Nothing more is reserved until it has been decided on, though the lease runs on."""
    model = Model()
    with open_gate(project, model, tranche=STEP, evaluate=None) as gate:
        train(gate, model, 3)
        weights = gate.save()
        train(gate, model, 1)
        if what == "fault":
            put(project, GATE, MeterFault, run="r", reason="the counter returns zero")
        elif what == "result":
            finish(project, "a" * 64, weights, 400)
        else:
            announce(project, "a" * 64, weights)
        before = model.flops
        with pytest.raises(Held):
            train(gate, model, 15)
        assert model.flops == before
    assert verdict(project) == "HOLD"


def test_an_amendment_there_and_back_ends_the_permit(project: Project) -> None:
    """All signatures end with it, so the permit that rests on them must."""
    model = Model(skill=lambda _: 0.9)
    with open_gate(project, model) as gate, pytest.raises(Held):
        train(gate, model)
    attest(project)
    approve(project, "ada", "alan")
    with open_gate(project, model, tranche=STEP) as gate:
        train(gate, model, 2)
        for version in ("2.0", "1.0"):
            path = project.folder / f"{version}.yaml"
            path.write_text(project.policy.read_text().replace('"1.0"', f'"{version}"'))
            with project.journal() as journal:
                for officer in ("ada", "grace"):
                    adopt(journal, load_policy(path), officer, project.key(officer))
        with pytest.raises(Held):
            train(gate, model, 10)


def test_a_false_promise_is_not_made_for_what_was_declared_for_good(project: Project) -> None:
    """Nothing mends a meter fault: that is a stop. An unknown parent can be recorded."""
    model = Model(flops=1)
    parent = trained_to(project, Model(flops=3), 1, "p")
    assert trained_to(project, model, 1, "x", from_scratch=False, parents=[Parent(weights=parent, relation="teacher")])
    put(project, GATE, MeterFault, run="x", reason="for good")
    verdict(project, "x")
    teacher = Parent(weights="e" * 64, relation="teacher")
    assert steps_until_held(project, Model(flops=2), "y", from_scratch=False, parents=[teacher]) == 0
    with reading(project.ledger) as journal:
        nothing, unknown = (journal.fold.latest[run].resumption for run in ("x", "y"))
    assert nothing is not None
    assert nothing.stop
    assert unknown is not None
    assert any("records these weights" in fact.text for facts in unknown.sets for fact in facts)


def test_a_session_that_started_from_the_wrong_weights_is_told_to_start_again_and_is_no_stop(project: Project) -> None:
    model = Model(skill=lambda _: 0.9)
    with open_gate(project, model) as gate, pytest.raises(Held):
        train(gate, model)
    assert steps_until_held(project, Model(flops=model.flops + 1), "r") == 0
    with reading(project.ledger) as journal:
        held = journal.fold.latest["r"]
    assert held.resumption is not None
    assert (held.resumption.stop, held.resumption.sets) == (False, ())
    assert "run `r` is opened again from weights that it recorded" in [fact.text for fact in held.resumption.first]
    assert "To mend it: run `r` is opened again from weights that it recorded" in detail(held, "standing.lineage")


def test_a_script_that_was_run_again_without_its_checkpoint_is_told_so_and_is_no_stop(tmp_path: Path) -> None:
    project = new_project(tmp_path / "p", POLICY_TEXT.replace("evaluations: 12", "evaluations: 1"))
    model = Model()
    with open_gate(project, model) as gate:
        train(gate, model, 21)
        gate.save()
    with open_gate(project, Model(), evaluate=None) as gate, pytest.raises(Held):
        gate.step(STEP)
    with reading(project.ledger) as journal:
        held = journal.fold.latest["r"]
    assert held.resumption is not None
    assert (held.resumption.stop, held.resumption.sets) == (False, ())
    (first,) = held.resumption.first
    assert first.text.startswith("run `r` is opened again from weights")
    with open_gate(project, model) as gate:
        gate.step(STEP)


def test_the_weights_after_a_crash_are_those_that_were_saved(project: Project) -> None:
    """A measurement is promised for the weights there are, not for the compute that a crash forfeited."""
    model = Model()
    gate = open_gate(project, model, tranche=19 * STEP, evaluate=None)
    train(gate, model, 1)
    gate.save()
    train(gate, model, 1)
    gate._session.journal.close()
    with open_gate(project, Model(flops=STEP), evaluate=None), reading(project.ledger) as journal:
        lineage = journal.fold.situation("r", now=journal.now()).lineage
    assert lineage.behind == STEP
    assert lineage.compute >= 19 * STEP


def test_a_last_open_attempt_is_a_way_out_and_so_is_a_plan_just_under_the_cap(tmp_path: Path) -> None:
    project = new_project(tmp_path / "one", POLICY_TEXT.replace("evaluations: 12", "evaluations: 1"))
    weights = trained_to(project, Model(), 20)
    with reading(project.ledger) as journal:
        session = journal.fold.runs["r"].latest.session
    announce(project, "a" * 64, weights)
    reserve(project, SPENT, use="elicitation", session=session, evaluation="a" * 64)
    with project.journal() as journal:
        decision = journal.decide("r", "train", project.key(GATE), GATE, compute=3 * 10**11)
    assert decision.resumption is not None
    assert "already announced is added" in decision.resumption.sets[0][0].text
    finish(project, "a" * 64, weights, 0, elicitation_flops=SPENT)
    assert verdict(project, compute=3 * 10**11) == "PROCEED"

    project = new_project(tmp_path / "two", POLICY_TEXT.replace("at_least: 1e9 FLOP", "at_least: 1e14 FLOP"))
    put(project, GATE, RunOpened, run="r", session=SESSION, from_scratch=True, parents=(), planned=None,
        start_weights=digest("s"))  # fmt: skip
    with project.journal() as journal:
        decision = journal.decide("r", "train", project.key(GATE), GATE, compute=1)
    assert decision.resumption is not None
    assert not decision.resumption.stop


def test_a_promise_for_a_deployment_is_about_exact_weights(tmp_path: Path) -> None:
    text = POLICY_TEXT.replace("actions: [train]", "actions: [train, deploy_internal]")
    project = new_project(tmp_path / "p", text)
    weights = trained_to(project, Model(), 20)

    def asked(**exact: str) -> Any:
        with project.journal() as journal:
            return journal.decide("r", "deploy_internal", project.key(GATE), GATE, **exact).resumption

    assert "exact weights and their deployment configuration are stated" in asked().sets[0][0].text
    both = {"weights": weights, "configuration": "c" * 64}
    assert f"exactly weights {weights[:12]}" in asked(**both).sets[0][0].text
    assert asked(weights="9" * 64, configuration="c" * 64).stop


def test_nobody_signs_before_there_is_something_to_see(project: Project) -> None:
    """Approvals of a PROCEED at the start, or of the hold in which an evaluation falls due, carry nothing past it."""
    model = Model(skill=lambda _: 0.9)
    with open_gate(project, model, evaluate=None) as gate:
        train(gate, model, 1)
        with pytest.raises(InputError, match="no evidence had put the model in level 2"):
            approve(project, "ada")
        with pytest.raises(Held):
            train(gate, model)
        with pytest.raises(InputError, match="no evidence had put the model in level 2"):
            approve(project, "ada")
    with open_gate(project, model) as gate, pytest.raises(Held):
        train(gate, model)
    with reading(project.ledger) as journal:
        assert journal.fold.latest["r"].levels == (2,)
    approve(project, "ada", "alan")
    attest(project)
    with open_gate(project, model) as gate:
        train(gate, model, 1)
        # Signed again in time, before the first signatures run out.
        approve(project, "grace")


# --- honest runs that must not be spoilt, and entries that contradict each other --------------------------


def test_a_child_that_saves_the_weights_it_starts_from_is_no_parent_of_itself_or_of_others(project: Project) -> None:
    model, weights = evaluated(project, 21, "parent")
    for run in ("first", "second"):
        child = Model(flops=model.flops)
        with open_gate(project, child, run, from_scratch=False, parents=[weights], evaluate=None) as gate:
            gate.save()
            train(gate, child, 1 + (run == "second"))
        with reading(project.ledger) as journal:
            assert journal.fold.situation(run, now=journal.now()).lineage.members == tuple(sorted(("parent", run)))
    assert faults(project) == ""


def test_two_runs_may_start_from_the_same_random_weights(project: Project) -> None:
    for run in ("one", "two"):
        model = Model()
        with open_gate(project, model, run, evaluate=None) as gate:
            gate.save()
            gate.step(STEP)
            model.flops += STEP + (run == "two")
            gate.save()
    assert faults(project) == ""


def test_a_run_repeated_under_another_name_is_refused_and_not_spoilt(project: Project) -> None:
    trained_to(project, Model(), 3, "one")
    model = Model()
    with open_gate(project, model, "two", evaluate=None) as gate:
        train(gate, model, 3)
        with pytest.raises(Held, match="weights of run `one`, which it did not start from"):
            gate.save()
    assert faults(project) == ""


def test_elicitation_that_ends_after_a_takeover_counts_and_is_no_fault(project: Project) -> None:
    opened(project)
    opened(project, session="2" * 64)
    reserve(project, SPENT, use="elicitation")
    assert faults(project) == ""
    with reading(project.ledger) as journal:
        assert journal.fold.runs["r"].used("elicitation") == SPENT
    reserve(project, SPENT, use="elicitation", session="9" * 64)
    assert "no longer holds the run" in faults(project)


def test_a_session_records_no_more_than_it_started_with_and_reserved(project: Project) -> None:
    """Back at the random start, the training of the branch that was given up is not in the weights."""
    trained_to(project, Model(), 19)
    with open_gate(project, Model(), evaluate=None) as gate:
        gate.step(10**9)
        with reading(project.ledger) as journal:
            session = journal.fold.runs["r"].latest.session
        trained = 19 * STEP + 10**9
        put(project, GATE, WeightsRecorded, run="r", session=session, weights=digest("B"), trained=trained)
    assert "claims more training in its weights than was reserved" in faults(project)


def test_what_happens_in_other_runs_ends_a_permit_too(project: Project) -> None:
    """Another run reached the alarm early: nothing more is reserved before it has been decided on."""
    other = trained_to(project, Model(flops=10**15), 2, "other")
    model = Model()
    with open_gate(project, model, tranche=STEP, evaluate=None) as gate:
        train(gate, model, 2)
        finish(project, "a" * 64, other, 400)
        with pytest.raises(Held):
            train(gate, model, 5)
    assert model.flops == 2 * STEP


def test_a_bad_result_about_weights_that_are_recorded_later_ends_the_permit(project: Project) -> None:
    model = Model()
    with open_gate(project, model, tranche=STEP, evaluate=None) as gate:
        train(gate, model, 2)
        finish(project, "a" * 64, model.digest(), 400)
        train(gate, model, 0)
        gate.save()
        with pytest.raises(Held):
            train(gate, model, 3)
