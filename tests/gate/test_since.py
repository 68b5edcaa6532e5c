"""What counts as news for a run: what could turn its decision, and nothing else."""

from __future__ import annotations

from pathlib import Path

import pytest

from scalegate.gate import Decision, Fold, Resumption, ResumptionFact
from scalegate.gate.project import Project, adopt
from scalegate.gate.since import Since, asked_again, latest_decision, otherwise, outdated, since, to_decide
from scalegate.ledger.entries import ComputeReserved, EvaluationFinished, MeterFault
from scalegate.policy import parse_policy
from scalegate.training.held import Held
from support import DAY, STEP, Model, approve, attest, new_project, open_gate, train


def two_runs(folder: Path) -> Project:
    project = new_project(folder / "p")
    for number, run in enumerate(("first", "second")):
        model = Model(flops=number)
        with open_gate(project, model, run, planned=10**12) as gate:
            train(gate, model, steps=1)
    return project


def news(project: Project, run: str) -> dict[str, int]:
    with project.journal() as journal:
        found = latest_decision(journal.fold, run, "train")
        assert found is not None
        return since(journal.fold, run, found[0]).kinds


def fault(project: Project, run: str) -> None:
    with project.journal() as journal:
        entry = MeterFault(actor="gatekeeper", time=journal.now(), policy=journal.policy.digest(), run=run, reason="0")
        journal.append(lambda: [(entry, project.key("gatekeeper"))])


def evaluated(project: Project, run: str) -> None:
    """Open a run and train it past its first evaluation."""
    model = Model(flops=len(run))
    with open_gate(project, model, run, planned=10**12) as gate:
        train(gate, model, steps=25)
    assert model.requests


def test_a_signature_for_another_run_is_no_news(tmp_path: Path) -> None:
    project, model = new_project(tmp_path / "p"), Model(skill=lambda _: 0.9)
    with open_gate(project, model, "second") as gate, pytest.raises(Held):
        train(gate, model)
    open_gate(project, Model(flops=1), "first").close()
    with project.journal() as journal:
        journal.decide("first", "train", project.key("gatekeeper"), "gatekeeper")
    approve(project, "ada", run="second")
    assert (news(project, "first"), news(project, "second")) == ({}, {"approval": 1})
    attest(project)
    assert (news(project, "first"), news(project, "second")) == ({"attestation": 1}, {"approval": 1, "attestation": 1})


def test_other_runs_matter_to_a_run_that_stands_on_what_they_leave_of_the_first_compute(tmp_path: Path) -> None:
    project = two_runs(tmp_path)
    evaluated(project, "third")
    assert news(project, "third") == {}
    evaluated(project, "fourth")
    fault(project, "fourth")
    assert news(project, "third") == {}, "it has an evaluation of its own"
    assert news(project, "fourth") == {"meter fault": 1}
    assert news(project, "first") == {"result": 4, "meter fault": 1}, "it has none"


def test_an_adoption_is_news_once_it_takes_force(tmp_path: Path) -> None:
    project = two_runs(tmp_path)
    changed = parse_policy(project.policy.read_text().replace('version: "1.0"', 'version: "1.1"'), name="changed")
    for officer, expected in (("ada", {}), ("alan", {"adoption of a policy": 2})):
        with project.journal() as journal:
            adopt(journal, changed, officer, project.key(officer))
        assert news(project, "second") == expected


def test_the_latest_decision_is_that_of_its_action_and_run(tmp_path: Path) -> None:
    project = two_runs(tmp_path)
    with project.journal() as journal:
        journal.decide("first", "store", project.key("gatekeeper"), "gatekeeper")
        fold: Fold = journal.fold
        stored = latest_decision(fold, "first", "store")
        assert stored is not None
        assert stored[0] == fold.size - 1
        assert latest_decision(fold, "second", "store") is None
        trained = latest_decision(fold, "first", "train")
        assert trained is not None
        assert trained[1] == fold.latest["first"]
        # Of a run that was never opened too, wherever it was decided on.
        key = project.key("gatekeeper")
        unknown = journal.decide("nobody", "train", key, "gatekeeper")
        journal.decide("first", "store", key, "gatekeeper")
        assert latest_decision(journal.fold, "nobody", "train") == (journal.fold.size - 2, unknown)


def test_elicitation_since_a_decision_comes_on_top_of_what_it_asked_for(tmp_path: Path) -> None:
    """Of its own action: a later decision on another one is not the latest on this."""
    project = two_runs(tmp_path)
    with project.journal() as journal:
        made, key = journal.fold.latest["first"], project.key("gatekeeper")
        run = journal.fold.runs["first"]
        assert asked_again(journal.fold, made) == made.compute
        for kind, flops in ("first", 7 * 10**9), ("second", 10**9):
            entry = ComputeReserved(
                actor="gatekeeper",
                time=journal.now(),
                policy=journal.policy.digest(),
                run=kind,
                session=journal.fold.runs[kind].latest.session,
                use="elicitation",
                flops=flops,
            )
            journal.append(lambda entry=entry: [(entry, key)])  # type: ignore[misc]
        journal.decide("first", "store", key, "gatekeeper")
        assert run.faults == []
        assert asked_again(journal.fold, made) == made.compute + 7 * 10**9
        # What is not the latest is asked for again as it was, or for what is used by now.
        older = made.model_copy(update={"compute": made.compute - 1})
        assert asked_again(journal.fold, older) == max(older.compute, run.used())


def test_the_command_says_what_it_needs() -> None:
    assert to_decide("r") == "scalegate decide --run r"
    assert to_decide("r", project="my project") == "scalegate decide --run r --project 'my project'"
    needed = "scalegate decide --run r --action store --weights DIGEST --configuration CONFIGURATION"
    assert to_decide("r", "store") == needed


def test_an_evaluation_is_due_if_measuring_alone_may_release(tmp_path: Path) -> None:
    project = two_runs(tmp_path)
    with project.journal() as journal:
        decision = journal.fold.latest["first"]

    def due(verdict: str, *sets: tuple[str, ...]) -> bool:
        facts = tuple(tuple(ResumptionFact(kind=kind, text="x") for kind in kinds) for kinds in sets)  # type: ignore[arg-type]
        way_out = Resumption(sets=facts, more=False, stop=not facts, because=("cadence",))
        changed: Decision = decision.model_copy(update={"verdict": verdict, "permit": None, "resumption": way_out})
        assert Decision.from_json(changed.to_json()) == changed
        return changed.evaluation_due

    assert due("HOLD", ("measure",))
    assert due("HOLD", ("act", "sign"), ("measure", "measure"))
    assert not due("HOLD", ("measure", "sign"), ("time",))
    assert not due("HOLD")
    assert not due("PROCEED", ("measure",))
    assert not decision.evaluation_due


def test_deciding_again_is_none_where_it_comes_out_the_same(tmp_path: Path) -> None:
    project = two_runs(tmp_path)
    with project.journal() as journal:
        made = journal.decide("first", "train", project.key("gatekeeper"), "gatekeeper")
        assert otherwise(journal.fold, made) is None
        # A decision that asked for less than has been used since is asked again for what has been used.
        early = made.model_copy(update={"compute": 1, "now": 1})
        assert otherwise(journal.fold, early) is None
        far = made.model_copy(update={"compute": 10**11})
        assert otherwise(journal.fold, far) is None
        past = made.model_copy(update={"compute": 10**14})
        again = otherwise(journal.fold, past)
        assert again is not None
        assert (again.verdict, again.compute, again.now) == ("HOLD", 10**14, max(journal.fold.time, made.now))
    assert otherwise(Fold(), made) is None


def test_a_permit_that_others_have_shrunk_since_is_told(tmp_path: Path) -> None:
    """The two share what goes before a first evaluation: what one trains, the other's permit loses."""
    project = new_project(tmp_path / "p")
    with open_gate(project, Model(), "first") as gate:
        gate.step(STEP)
    model = Model()
    with open_gate(project, model, "second") as gate:
        train(gate, model, steps=5)
    with project.journal() as journal:
        made = journal.fold.latest["first"]
        again = otherwise(journal.fold, made)
    assert again is not None
    assert again.permit is not None
    assert made.permit is not None
    assert again.permit.compute == made.permit.compute - 5 * STEP


def test_deciding_again_after_a_fault_gives_the_hold(tmp_path: Path) -> None:
    project = two_runs(tmp_path)
    with project.journal() as journal:
        made = journal.fold.latest["first"]
    fault(project, "first")
    with project.journal() as journal:
        again = otherwise(journal.fold, made)
        assert again is not None
        assert again.resumption is not None
        assert again.resumption.because == ("standing.meter",)
        assert otherwise(journal.fold, again) is None
        released = again.model_copy(update={"resumption": None})
        assert otherwise(journal.fold, released) is not None


def test_news_are_counted_in_words() -> None:
    assert str(Since({"approval": 2, "attestation": 1})) == "2 approvals, 1 attestation"
    assert str(Since({"adoption of a policy": 2})) == "2 adoptions of a policy"
    assert Since({"approval": 2, "attestation": 1}).number == 3


def test_a_permit_that_time_has_ended_is_told(tmp_path: Path) -> None:
    project, model = new_project(tmp_path / "p"), Model()
    with open_gate(project, model) as gate:
        train(gate, model, 25)
    with project.journal() as journal:
        made = journal.fold.latest["r"]
        assert otherwise(journal.fold, made, journal.fold.time) is None
        again = otherwise(journal.fold, made, made.now + 200 * DAY)
    assert again is not None
    assert again.resumption is not None
    assert (again.verdict, again.now) == ("HOLD", made.now + 200 * DAY)
    assert "cadence" in again.resumption.because


def test_a_result_under_a_name_that_was_announced_for_the_run_is_news_whatever_it_is_about(tmp_path: Path) -> None:
    project = two_runs(tmp_path)
    evaluated(project, "third")
    with project.journal() as journal:
        [*_, name] = [name for name, attempt in journal.fold.attempts.items() if attempt.announced]
        at = journal.fold.size - 1
        result = EvaluationFinished(
            **{"actor": "evaluator", "time": journal.now(), "policy": journal.policy.digest(), "evaluation": name},
            **{"weights": "7" * 64, "domain": "arithmetic", "status": "completed", "successes": 400, "completed": 400},
            **{"errors": 0, "elicitation_flops": 0, "elicitation_method": "m", "evaluation_flops": 0, "log": "0" * 64},
            assumptions=("x",),
        )
        journal.append(lambda: [(result, project.key("evaluator"))])
        assert since(journal.fold, "third", at).kinds == {"result": 1}


def test_what_is_no_news(tmp_path: Path) -> None:
    project = two_runs(tmp_path)
    with project.journal() as journal:
        assert since(journal.fold, "first", -1).kinds == {"adoption of a policy": 1, "tier record": 1}


def test_a_deployment_is_decided_again_for_its_own_weights_and_configuration(tmp_path: Path) -> None:
    """It is held by what was not evaluated of exactly these, and a decision on other ones says otherwise."""
    project, model = new_project(tmp_path / "p"), Model()
    with open_gate(project, model) as gate:
        train(gate, model, 5)
        weights = gate.save()
    with project.journal() as journal:
        asked = {"weights": weights, "configuration": "c" * 64}
        made = journal.decide("r", "deploy_external", project.key("gatekeeper"), "gatekeeper", **asked)
        again = otherwise(journal.fold, made.model_copy(update={"resumption": None}))
        assert again is not None
        assert (again.weights, again.configuration, again.action) == (weights, "c" * 64, "deploy_external")
        assert otherwise(journal.fold, made) is None


def test_a_clock_behind_the_ledger_is_no_better_when_it_is_asked_again(tmp_path: Path) -> None:
    project = two_runs(tmp_path)
    with project.journal() as journal:
        made = journal.fold.latest["first"]
        again = otherwise(journal.fold, made, journal.fold.time - DAY)
    assert again is not None
    assert again.resumption is not None
    assert "standing.clock" in again.resumption.because


def test_what_would_release_it_first_is_outdated_once_some_of_it_is_done(tmp_path: Path) -> None:
    project, model = new_project(tmp_path / "p"), Model(skill=lambda _: 0.9)
    with open_gate(project, model, "first") as gate:
        gate.step(STEP)
        model.flops += STEP
        permitted = gate.decision
        with pytest.raises(Held):
            train(gate, model)
    with project.journal() as journal:
        made, fold = journal.fold.latest["first"], journal.fold
        assert not outdated(fold, made)
        assert permitted is not None
        assert not outdated(fold, permitted)
        assert not outdated(Fold(), permitted)
        assert outdated(Fold(), made), "without a policy nothing is known"
        assert made.resumption is not None
        first = made.resumption.model_copy(update={"first": made.resumption.sets[1]})
        assert outdated(fold, made.model_copy(update={"resumption": first}))
        none = made.resumption.model_copy(update={"sets": ()})
        assert outdated(fold, made.model_copy(update={"resumption": none}))
    attest(project)
    with project.journal() as journal:
        assert outdated(journal.fold, made)
        assert otherwise(journal.fold, made) is None, "the same clause holds it still"
