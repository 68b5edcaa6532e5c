"""What an evaluator tells of its elicitation: through the gate, the log beside the ledger and the ledger itself."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from elicited_support import probe, told
from scalegate.gate import replay
from scalegate.gate.journal import reading
from scalegate.gate.project import Project
from scalegate.ledger.elicited import Elicited
from scalegate.ledger.entries import EvaluationFinished
from scalegate.training.evaluation import EvaluationRequest, Measured, log_of
from scalegate.training.gate import Gate
from scalegate.training.held import Held
from support import STEP, Model, new_project, open_gate, train


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return new_project(tmp_path / "p")


class Teller(Model):
    """A model without the skill whose evaluator tells of its elicitation what it is given."""

    def __init__(self, **changes: Any) -> None:
        super().__init__()
        self.changes = changes

    def evaluate(self, request: EvaluationRequest) -> Measured:
        measured = super().evaluate(request)
        elicited = None if request.elicitation == "none" else self.tell(request)
        return Measured.of(
            measured.outcomes,
            assumptions=measured.assumptions,
            elicitation_flops=measured.elicitation_flops,
            elicitation_method="tuned",
            elicited=elicited,
        )

    def tell(self, request: EvaluationRequest) -> Elicited:
        return told(request.elicitation_flops, **self.changes)


def results(project: Project) -> list[EvaluationFinished]:
    with reading(project.ledger) as journal:
        return [it.entry for it in journal.fold.records if isinstance(it.entry, EvaluationFinished)]


def evaluated(project: Project, model: Model) -> Gate:
    gate = open_gate(project, model)
    train(gate, model, 3)
    with gate:
        gate.evaluate()
    return gate


def test_it_stands_in_the_log_and_in_the_ledger_and_is_verified(project: Project) -> None:
    evaluated(project, Teller())
    bare, full = results(project)
    assert bare.elicited is None
    assert full.elicited == told(full.elicitation_flops)
    log = json.loads((project.ledger.parent / "evidence" / f"{full.log}.json").read_text())
    assert Elicited.model_validate(log["elicited"]) == full.elicited
    decision = json.loads(replay_decision(project))
    assert decision["verdict"] == "PROCEED"


def replay_decision(project: Project) -> str:
    replayed = replay(project.ledger)
    with reading(project.ledger) as journal:
        assert replayed.decisions
        return journal.fold.latest["r"].canonical().decode()


def test_a_probe_that_reaches_the_alarm_holds_the_run(project: Project) -> None:
    evaluated(project, Teller(probes=[probe(100)]))
    assert json.loads(replay_decision(project))["verdict"] == "HOLD"
    replay(project.ledger)


def test_what_contradicts_itself_rules_nothing_out_and_is_told(
    project: Project, caplog: pytest.LogCaptureFixture
) -> None:
    model = Teller(attempts=0)
    with pytest.raises(Held), open_gate(project, model) as gate:
        train(gate, model)
    assert "can rule nothing out: no run of fine-tuning is told, and what came of it is" in caplog.text
    assert results(project)[-1].status == "completed"


def test_what_is_no_such_record_breaks_the_evaluation_off(project: Project, caplog: pytest.LogCaptureFixture) -> None:
    class Wrong(Teller):
        def tell(self, request: EvaluationRequest) -> Elicited:
            return {"attempts": 3}  # type: ignore[return-value]

    evaluated(project, Wrong())
    assert (results(project)[-1].status, results(project)[-1].completed) == ("aborted", 400)
    assert "`elicited` is no" in caplog.text


def test_an_evaluation_that_is_broken_off_keeps_what_its_probe_showed(project: Project) -> None:
    class Broken(Teller):
        def evaluate(self, request: EvaluationRequest) -> Measured:
            measured = super().evaluate(request)
            if request.elicitation != "none":
                self.flops += 1  # it changes the model itself
            return measured

    model = Broken(probes=[probe(100)])
    gate = open_gate(project, model)
    train(gate, model, 3)
    with pytest.raises(Exception, match="changed the model itself"):
        gate.evaluate()
    last = results(project)[-1]
    assert last.status == "aborted"
    assert last.elicited is not None
    assert [it.successes for it in last.elicited.probes[0].points] == [0, 100]


def test_a_log_that_was_left_with_a_probe_over_the_alarm_is_taken_up(project: Project) -> None:
    """A process was killed after its log was stored and before its result was written."""
    from scalegate.training.beside import store
    from support import SUITE

    model = Model()
    gate = open_gate(project, model)
    train(gate, model, 3)
    gate.evaluate()
    with reading(project.ledger) as journal:
        genesis, attempts = journal.fold.genesis, [it.announced for it in journal.fold.attempts.values()]
    announced = next(it for it in attempts if it is not None and it.elicitation != "none")
    asked = EvaluationRequest("arithmetic", SUITE, announced.weights, "fine-tuning", 10**9, 0)
    left = told(10**9, probes=[probe(90)])
    shown = Measured.of([False] * 400, assumptions=["a"], elicitation_flops=10**9, elicited=left)
    store(gate._session.folder, log_of(genesis, announced.evaluation, asked, shown))
    gate.close()
    again = open_gate(project, model)
    with pytest.raises(Held) as held:
        train(again, model, 1, STEP)
    assert held.value.decision is not None
    (taken,) = [it for it in results(project) if it.elicited is not None]
    assert taken.elicited == left
    assert "taken from its log" in taken.elicitation_method
    assert json.loads(replay_decision(project))["verdict"] == "HOLD"
    before = len(results(project))
    with pytest.raises(Held):
        train(again, model, 1, STEP)
    assert len(results(project)) == before
