"""What a hold asks for is done to the letter, with live gates: it releases."""

from __future__ import annotations

import re
import time
from datetime import UTC, datetime
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from scalegate.gate import Decision
from scalegate.gate.project import Project
from scalegate.ledger.entries import TierStatus
from scalegate.training.evaluation import EvaluationRequest, Measured
from scalegate.training.held import Held
from support import DAY, POLICY_TEXT, STEP, Clock, Model, new_project, open_gate, train

ODD = 12_010_000_000
"""FLOP of elicitation that three digits cannot say."""
FLOORED = POLICY_TEXT.replace("at_least: 1e9 FLOP", f"at_least: {ODD} FLOP")


def held(project: Project, model: Model, steps: int, last: int, **options: object) -> Decision:
    """The hold on one more step of `last` FLOP, after so many steps, with nothing evaluated."""
    with open_gate(project, model, evaluate=None, **options) as gate:
        train(gate, model, steps)
        with pytest.raises(Held) as caught:
            gate.step(last)
    assert caught.value.decision is not None
    return caught.value.decision


def facts(decision: Decision) -> list[str]:
    """The texts of the first set."""
    assert decision.resumption is not None
    assert not decision.resumption.stop
    return [fact.text for fact in decision.resumption.sets[0]]


def stated(pattern: str, text: str) -> int:
    found = re.search(pattern, text)
    assert found is not None, text
    return int(Fraction(found[1]))


def spending(figure: int) -> object:
    """An evaluator that elicits with just that much, and finds nothing."""

    def evaluate(request: EvaluationRequest) -> Measured:
        spent = figure if request.elicitation != "none" else 0
        assert spent in (0, request.elicitation_flops)
        return Measured.of([False] * 400, assumptions=("it tried",), elicitation_flops=spent)

    return evaluate


@pytest.mark.parametrize("bound", ["least", "most"])
def test_a_plan_and_an_elicitation_of_three_digits(tmp_path: Path, bound: str) -> None:
    project, model = new_project(tmp_path / "p", FLOORED), Model()
    measure, plan = facts(held(project, model, 20, 2 * STEP - 10**7, planned=20 * STEP))
    figure = stated(r"with at least ([\d.e+]+) FLOP", measure)
    assert figure == 12_100_000_000
    end = stated(rf"at {bound} ([\d.e+]+) FLOP", plan) - figure
    with open_gate(project, model, evaluate=spending(figure), planned=end) as gate:
        gate.step(2 * STEP - 10**7)


def test_where_a_cap_leaves_room_for_the_exact_figure_only_that_is_stated_and_spent(tmp_path: Path) -> None:
    end = 22 * STEP + ODD
    text = FLOORED.replace("at: 1e14 FLOP", f"at: {end} FLOP")
    project, model = new_project(tmp_path / "p", text), Model()
    [measure] = facts(held(project, model, 20, 2 * STEP, planned=22 * STEP))
    assert f"with at least {ODD} FLOP" in measure
    with open_gate(project, model, evaluate=spending(ODD), planned=22 * STEP) as gate:
        gate.step(2 * STEP)


@pytest.mark.parametrize("factor", ["1x", "3x"])
def test_a_cap_is_stated_in_training_flop_and_rounded_down(tmp_path: Path, factor: str) -> None:
    text = POLICY_TEXT.replace("factor: 1x", f"factor: {factor}").replace("at: 1e14 FLOP", "at: 1236600000000 FLOP")
    project, model = new_project(tmp_path / "p", text), Model()
    [plan] = facts(held(project, model, 1, 5 * STEP, planned=STEP))
    end = stated(r"at most ([\d.e+]+) FLOP", plan)
    assert end == {"1x": 1_230_000_000_000, "3x": 411_000_000_000}[factor]
    with open_gate(project, model, planned=end) as gate:
        gate.step(5 * STEP)


def test_a_cap_of_a_tier_that_may_come_to_bind_is_a_limit_of_the_plan(tmp_path: Path) -> None:
    clock = Clock(int(time.time()) + 10)
    day = datetime.fromtimestamp(clock.seconds + 5 * DAY, UTC).strftime("%Y-%m-%d")
    text = POLICY_TEXT.replace("until: 2027-01-01", f"until: {day}").replace("modality: aim", "modality: will")
    project, model = new_project(tmp_path / "p", text, tier_recorded=False), Model()
    with project.journal() as journal:
        nobody: dict[str, Any] = {"adopters": (), "until": clock.seconds + 2 * DAY, "statement": "none"}
        common = {"actor": "security", "time": journal.now(), "policy": journal.policy.digest()}
        journal.grant(TierStatus(**common, tier="international", **nobody), project.key("security"))
    decision = held(project, model, 0, STEP, planned=None, now=clock)
    plan, wait = facts(decision)
    assert wait.startswith(f"wait until {day}")
    assert stated(r"at most ([\d.e+]+) FLOP", plan) <= 5 * 10**12
    clock.seconds += 6 * DAY
    with open_gate(project, model, planned=stated(r"at most ([\d.e+]+) FLOP", plan), now=clock) as gate:
        gate.step(STEP)


@pytest.mark.parametrize("kind", ["capability", "cadence", "safeguards"])
def test_a_required_clause_that_comes_into_force_later_is_waited_for(tmp_path: Path, kind: str) -> None:
    clock = Clock(int(time.time()) + 10)
    day = datetime.fromtimestamp(clock.seconds + 5 * DAY, UTC).strftime("%Y-%m-%d")
    text = POLICY_TEXT.replace(f"    kind: {kind}\n", f"    kind: {kind}\n    in_force: {{from: {day}}}\n", 1)
    project, model = new_project(tmp_path / "p", text), Model()
    [wait] = facts(held(project, model, 0, STEP, now=clock))
    assert wait.startswith(f"wait until {day}")
    clock.seconds += 6 * DAY
    with open_gate(project, model, now=clock) as gate:
        gate.step(STEP)


def test_another_run_is_evaluated_with_what_is_stated(tmp_path: Path) -> None:
    """With a margin of 1x the evaluation covers no more than the elicitation that is stated."""
    text = POLICY_TEXT.replace("at_least: 1e9 FLOP", "at_least: 12345000000 FLOP").replace("margin: 1.5x", "margin: 1x")
    project, first, second = new_project(tmp_path / "p", text), Model(), Model(flops=1)
    with open_gate(project, first, run="a", evaluate=None) as gate:
        train(gate, first, 15)
        gate.save()
    [measure] = facts(held(project, second, 0, 20 * STEP, run="b", planned=20 * STEP))
    figure = stated(r"at least ([\d.e+]+) FLOP of elicitation", measure)
    with open_gate(project, first, run="a", evaluate=spending(figure)) as gate:
        gate._measure({gate._session.policy.domains[0]: figure}, gate._evaluate)  # type: ignore[arg-type]
    with open_gate(project, second, run="b", planned=20 * STEP) as gate:
        gate.step(20 * STEP)


def test_no_price_is_named_where_no_evaluation_is_left(tmp_path: Path) -> None:
    project = new_project(tmp_path / "p", POLICY_TEXT.replace("evaluations: 12", "evaluations: 1"))
    model = Model()
    with open_gate(project, model) as gate:
        train(gate, model, 10)
        due = gate.next_due()
        assert due is not None
        assert due.elicitation_flops > 0
        train(gate, model, 15)
        due = gate.next_due()
        assert due is not None
        assert due.elicitation_flops == 0


def test_an_amount_as_large_as_there_is_leaves_the_ledger_readable(tmp_path: Path) -> None:
    project, model = new_project(tmp_path / "p"), Model()

    def evaluate(request: EvaluationRequest) -> Measured:
        spent = 10**40 if request.elicitation != "none" else 0
        return Measured.of([False] * 400, assumptions=("it tried",), elicitation_flops=spent)

    with open_gate(project, model, evaluate=evaluate) as gate, pytest.raises(Held):
        train(gate, model)
    for run in ("r", "other"):
        with open_gate(project, model, run=run) as gate, pytest.raises(Held) as caught:
            gate.step(STEP)
        assert caught.value.decision is None or caught.value.decision.resumption is not None
    with project.journal() as journal:
        assert journal.fold.situation("other", now=journal.now()).elsewhere[0].compute > 10**40
