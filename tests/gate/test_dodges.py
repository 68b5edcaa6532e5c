"""Ways around that a reviewer found and that gained a PROCEED: each gains nothing now.

The attacker holds the log's key and the gate's key and can append what they like; where it says so also the
evaluator's key, but does not lie about scores.
"""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import Any

import pytest

from scalegate.gate import decide, replay
from scalegate.gate.project import Project, adopt
from scalegate.ledger.entries import (
    ComputeReserved,
    ComputeSettled,
    DecisionMade,
    EvaluationAnnounced,
    EvaluationFinished,
    Parent,
    RunOpened,
    WeightsRecorded,
)
from scalegate.policy import load_policy
from scalegate.training.held import Held
from support import POLICY_TEXT, STEP, Model, approve, attest, new_project, open_gate, train

SESSION = "1" * 64
GATE = "gatekeeper"


def digest(name: str) -> str:
    return hashlib.sha256(name.encode()).hexdigest()


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return new_project(tmp_path / "p")


def put(project: Project, who: str, entry_type: Any, key: str | None = None, **fields: Any) -> None:
    """Append past every check of ours, as the owner of the log can."""
    from scalegate.gate.journal import PAYLOAD_TYPE
    from scalegate.ledger import dsse
    from scalegate.ledger.entries import write_statement

    with project.journal() as journal:
        entry = entry_type(**({"actor": who, "time": journal.now(), "policy": journal.policy.digest()} | fields))
        journal.ledger.append([dsse.sign(write_statement(entry), PAYLOAD_TYPE, [project.key(key or who)])])


def opened(project: Project, run: str = "r", session: str = SESSION) -> None:
    fields = {"run": run, "session": session, "from_scratch": True, "parents": (), "planned": 10**12}
    put(project, GATE, RunOpened, start_weights=digest(f"{run} at first"), **fields)


def reserve(
    project: Project, flops: int, use: str = "training", run: str = "r", session: str = SESSION, **more: Any
) -> None:
    put(project, GATE, ComputeReserved, run=run, session=session, use=use, flops=flops, **more)


def record(project: Project, weights: str, trained: int, run: str = "r") -> None:
    put(project, GATE, WeightsRecorded, run=run, session=SESSION, weights=weights, trained=trained)


def announce(project: Project, name: str, weights: str, run: str = "r", **more: Any) -> None:
    fields: dict[str, Any] = {
        "domain": "arithmetic",
        "kind": "capability",
        "task": "t",
        "task_version": "1",
        "dataset": "d" * 64,
    }
    fields |= {"samples": 400, "elicitation": "fine-tuning", "run": run}
    put(project, "evaluator", EvaluationAnnounced, evaluation=name, weights=weights, **(fields | more))


def finish(project: Project, name: str, weights: str, successes: int, who: str = "evaluator", **more: Any) -> None:
    fields: dict[str, Any] = {"domain": "arithmetic", "status": "completed", "completed": 400, "errors": 0}
    fields |= {"elicitation_flops": 0, "elicitation_method": "m", "evaluation_flops": 0, "log": "0" * 64}
    fields |= {"assumptions": ("x",), "evaluation": name, "weights": weights, "successes": successes}
    put(project, who, EvaluationFinished, **(fields | more))


def verdict(project: Project, run: str = "r", compute: int | None = None) -> str:
    with project.journal() as journal:
        return journal.decide(run, "train", project.key(GATE), GATE, compute=compute).verdict


def faults(project: Project) -> str:
    return " ".join(replay(project.ledger).faults)


def trained_to(project: Project, model: Model, steps: int, run: str = "r", **options: Any) -> str:
    with open_gate(project, model, run, evaluate=None, **options) as gate:
        train(gate, model, steps)
        return gate.save()


def test_runs_side_by_side_share_the_developers_limits(project: Project) -> None:
    models = [Model(flops=10**6 + n) for n in range(4)]
    gates = [open_gate(project, m, f"s{n}", evaluate=None, tranche=STEP) for n, m in enumerate(models)]
    for gate, model in zip(gates, models, strict=True):
        train(gate, model, 1)
    for gate, model in zip(gates, models, strict=True):
        with pytest.raises(Held):
            train(gate, model)
        gate.close()
    assert sum(model.flops for model in models) - sum(10**6 + n for n in range(4)) <= 2 * 10**11
    assert faults(project) == ""


@pytest.mark.parametrize(
    "second",
    [
        {"successes": 2**40, "completed": 0, "status": "aborted"},
        {"successes": 400, "weights": "e" * 64},
        {"successes": 0},
    ],
)
def test_a_second_result_does_not_hide_the_first(project: Project, second: dict[str, Any]) -> None:
    weights = trained_to(project, Model(), 20)
    finish(project, "a" * 64, weights, 240)
    with project.journal() as journal:
        before = [p for p in journal.fold.situation("r", now=journal.now()).pieces if p.successes == 240]
    finish(project, "a" * 64, who=GATE, **({"weights": weights} | second))
    with project.journal() as journal:
        after = [p for p in journal.fold.situation("r", now=journal.now()).pieces if p.successes == 240]
    assert len(before) == len(after) == 1
    assert verdict(project, compute=2 * 10**11) == "HOLD"


def test_opening_a_run_again_does_not_wash_its_start(project: Project) -> None:
    model = Model()
    weights = trained_to(project, model, 5)
    finish(project, "a" * 64, weights, 240)
    for _ in range(2):
        with open_gate(project, model, "fresh", evaluate=None) as gate, pytest.raises(Held):
            gate.step(STEP)


def test_recording_foreign_weights_while_held_does_not_wash_them(project: Project) -> None:
    trained_to(project, Model(), 5)
    foreign = Model(flops=777 * 10**15)
    for _ in range(2):
        with open_gate(project, foreign, evaluate=None) as gate:
            with pytest.raises(Held):
                gate.step(STEP)
            with pytest.raises(Held, match="these weights cannot be recorded"):
                gate.save()
    assert verdict(project) == "HOLD"
    with open_gate(project, foreign, evaluate=None) as gate, pytest.raises(Held, match=r"standing\.lineage"):
        gate.step(STEP)


def test_old_signatures_put_in_again_count_for_nothing(project: Project) -> None:
    model = Model(skill=lambda _: 0.9)
    with open_gate(project, model) as gate, pytest.raises(Held):
        train(gate, model)
    attest(project)
    approve(project, "ada", "alan")
    assert verdict(project) == "PROCEED"
    with project.journal() as journal:
        old = [envelope for _, envelope in journal.ledger.entries()]
        records = list(journal.fold.records)
    votes = []
    for version, text in (("2.0", '"2.0"'), ("1.0", '"1.0"')):
        path = project.folder / f"{version}.yaml"
        path.write_text(project.policy.read_text().replace('"1.0"', text))
        with project.journal() as journal:
            first = journal.ledger.size
            for officer in ("ada", "grace"):
                adopt(journal, load_policy(path), officer, project.key(officer))
            votes.append([envelope for _, envelope in journal.ledger.entries(first)])
    # Back under the first policy, and its signatures do not revive by themselves or by being put in again.
    assert verdict(project) == "HOLD"
    with project.journal() as journal:
        for record, envelope in zip(records, old, strict=True):
            if type(record.entry).__name__ in ("Approval", "Attestation", "TierStatus"):
                journal.ledger.append([envelope.replace(b'"keyid":"', b'"keyid":"x')])
        for envelope in votes[0]:
            journal.ledger.append([envelope])
        journal.refresh()
        assert journal.policy.version == "1.0"
    assert verdict(project) == "HOLD"
    assert faults(project) == ""


def test_giving_compute_back_twice_is_a_fault(project: Project) -> None:
    model = Model()
    with open_gate(project, model, tranche=10 * STEP, evaluate=None) as gate:
        train(gate, model, 5)
        gate.save()
    with project.journal() as journal:
        settled = [
            (index, record.entry)
            for index, record in enumerate(journal.fold.records)
            if isinstance(record.entry, ComputeSettled)
        ]
        journal.ledger.append([journal.ledger.entry(settled[-1][0])])
    assert "gives back compute" in faults(project)


def test_compute_behind_recorded_weights_cannot_be_given_back(project: Project) -> None:
    opened(project)
    verdict(project, compute=1)
    reserve(project, 2 * 10**11)
    record(project, digest("w"), 2 * 10**11)
    fields = {"run": "r", "session": SESSION, "unspent": 2 * 10**11, "remaining": 0}
    put(project, GATE, ComputeSettled, **fields)
    assert "went into recorded weights" in faults(project)
    assert verdict(project) == "HOLD"


def test_all_but_what_is_behind_recorded_weights_can_be_given_back(project: Project) -> None:
    opened(project)
    verdict(project, compute=1)
    reserve(project, 2 * 10**11)
    record(project, digest("w"), 10**11)
    put(project, GATE, ComputeSettled, run="r", session=SESSION, unspent=10**11, remaining=10**11)
    assert faults(project) == ""
    with project.journal() as journal:
        assert journal.fold.runs["r"].used() == 10**11


def test_the_weights_that_a_run_starts_from_have_no_training_of_its_own(project: Project) -> None:
    """Whatever is claimed of them: what was counted until then is in no weights."""
    opened(project)
    verdict(project, compute=1)
    reserve(project, 2 * 10**11)
    record(project, digest("r at first"), 2 * 10**11)
    with project.journal() as journal:
        run = journal.fold.runs["r"]
        assert (run.weights, run.present, run.used()) == ({digest("r at first"): 0}, 0, 2 * 10**11)


def test_attempts_on_weights_recorded_later_count_and_cannot_rule_out(project: Project) -> None:
    """With the evaluator's key and true scores: evaluate twenty, record only the luckiest."""
    opened(project)
    verdict(project, compute=1)
    reserve(project, 2 * 10**11)
    reserve(project, 20 * 8 * 10**9, use="elicitation")
    for n in range(3):
        announce(project, digest(f"e{n}"), digest(f"try {n}"))
        finish(project, digest(f"e{n}"), digest(f"try {n}"), 100 if n < 2 else 0, elicitation_flops=8 * 10**9)
    record(project, digest("try 2"), 2 * 10**11)
    assert verdict(project) == "HOLD"
    with project.journal() as journal:
        found = journal.fold.situation("r", now=journal.now()).pieces
    assert [piece.attempt for piece in found] == [1, 2, 3]
    assert not any(piece.announced for piece in found)


def test_reservations_are_not_back_dated(project: Project) -> None:
    opened(project)
    verdict(project, compute=1)
    with project.journal() as journal:
        now = journal.fold.latest["r"].now
    finish(project, "a" * 64, digest("x"), 0, time=now + 3600)
    reserve(project, 2 * 10**11, time=now)
    assert "at a time before entries" in faults(project)


def test_a_decision_is_for_the_time_at_which_it_is_written(project: Project) -> None:
    opened(project)
    with project.journal() as journal:
        later = journal.fold.situation("r", now=journal.now() + 10**6, compute=1)
        decision = decide(journal.policy, later, "train")
    assert decision.verdict == "PROCEED"
    put(project, GATE, DecisionMade, decision=decision.to_json())
    with pytest.raises(Exception, match="other findings"):
        replay(project.ledger)
    assert verdict(project) == "HOLD"


def test_only_the_evaluator_closes_an_evaluation(project: Project) -> None:
    weights = trained_to(project, Model(), 20)
    announce(project, "a" * 64, weights)
    finish(project, "a" * 64, weights, 0, who=GATE, status="aborted", completed=0)
    with project.journal() as journal:
        found = journal.fold.situation("r", now=journal.now()).pieces
    assert [piece.status for piece in found] == ["open", "aborted"]
    assert verdict(project, compute=2 * 10**11) == "HOLD", "what is withheld is not known to be no alarm"
    finish(project, "a" * 64, weights, 0)
    assert verdict(project, compute=2 * 10**11) == "PROCEED"


def test_teachers_count_against_a_run_and_not_for_its_evidence(tmp_path: Path) -> None:
    project = new_project(tmp_path / "p", POLICY_TEXT.replace("first_evaluation_at: 2e11", "first_evaluation_at: 2e12"))
    teachers = [trained_to(project, Model(flops=10**9 + n), 20, f"t{n}") for n in range(3)]
    model = Model()
    relations = ("teacher", "merge", "data_generator")
    parents = [Parent(weights=w, relation=r) for w, r in zip(teachers, relations, strict=True)]  # type: ignore[arg-type]
    trained_to(project, model, 1, "child", from_scratch=False, parents=parents)
    with project.journal() as journal:
        situation = journal.fold.situation("child", now=journal.now())
    assert situation.lineage.compute == 61 * STEP
    assert situation.lineage.behind == STEP


def test_elicitation_of_another_run_is_not_credited(project: Project) -> None:
    opened(project)
    verdict(project, compute=1)
    reserve(project, 10**11)
    record(project, digest("w"), 10**11)
    opened(project, "dummy", "2" * 64)
    reserve(project, 10**12, "elicitation", "dummy", "2" * 64)
    announce(project, digest("e"), digest("w"), run="dummy")
    finish(project, digest("e"), digest("w"), 0, elicitation_flops=10**12)
    with project.journal() as journal:
        (piece,) = journal.fold.situation("r", now=journal.now()).pieces
    assert piece.elicitation_flops == 0


def test_a_forked_process_has_no_permit(project: Project) -> None:
    model = Model()
    with open_gate(project, model, tranche=10 * STEP, evaluate=None) as gate:
        gate.step(STEP)
        child = os.fork()
        if child == 0:
            try:
                gate.step(STEP)
            except Held:
                os._exit(7)
            os._exit(0)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7
        gate.step(STEP)
        model.flops += 2 * STEP


def test_a_session_is_opened_once(project: Project) -> None:
    opened(project)
    opened(project)
    assert "for the second time" in faults(project)


def test_a_recorded_decision_is_compared_as_it_stands(project: Project) -> None:
    opened(project)
    with project.journal() as journal:
        document = decide(journal.policy, journal.fold.situation("r", now=journal.now(), compute=1), "train").to_json()
    del document["schema_version"]
    put(project, GATE, DecisionMade, decision=document, time=document["now"])
    with pytest.raises(Exception, match="with other findings"):
        replay(project.ledger)


def test_verify_says_what_is_wrong_with_a_run(project: Project) -> None:
    opened(project)
    reserve(project, 10**30)
    assert "without a permit" in faults(project)


def test_evidence_for_a_domain_that_the_policy_does_not_have_is_a_fault(project: Project) -> None:
    weights = trained_to(project, Model(), 2)
    finish(project, "a" * 64, weights, 400, domain="arithmetik")
    assert "does not have" in faults(project)
    assert verdict(project) == "HOLD"


def test_what_is_promised_to_release_does_release(tmp_path: Path) -> None:
    """A floor on elicitation as large as all training: the compute that it costs is in the promise."""
    project = new_project(tmp_path / "p", POLICY_TEXT.replace("at_least: 1e9 FLOP", "at_least: 1e12 FLOP"))
    model = Model()
    with open_gate(project, model) as gate:
        with pytest.raises(Held) as caught:
            train(gate, model)
        decision = caught.value.decision
    assert decision is not None
    assert decision.resumption is not None
    assert not any(fact.text.startswith("if it turns out") for chosen in decision.resumption.sets for fact in chosen)


def test_a_clock_behind_the_ledger_reserves_nothing_and_spoils_nothing(project: Project) -> None:
    from scalegate.gate.journal import wall_time
    from support import Clock

    clock = Clock(wall_time() + 10)
    model = Model()

    def late(request: Any) -> Any:
        clock.seconds -= 5
        return model.evaluate(request)

    with open_gate(project, model, now=clock, evaluate=late) as gate, pytest.raises(Held, match="clock"):
        train(gate, model)
    assert faults(project) == ""
