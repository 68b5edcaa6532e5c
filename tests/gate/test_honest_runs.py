"""What honest people do is not spoilt, and what a hold says would release it does. Reviewers found each of these."""

from __future__ import annotations

import re
import shutil
import time
from pathlib import Path
from typing import Any

import pytest
from test_dodges import announce, reserve, trained_to, verdict

from scalegate.errors import ScalegateError
from scalegate.gate import Decision, replay
from scalegate.gate.journal import reading
from scalegate.gate.project import Project, adopt
from scalegate.policy import load_policy
from scalegate.training.evaluation import EvaluationRequest, Measured
from scalegate.training.held import Held
from support import (
    DAY,
    POLICY_TEXT,
    STEP,
    SUITE,
    Clock,
    Model,
    approve,
    attest,
    new_project,
    open_gate,
    record_tier,
    steps_until_held,
    train,
)

SPENT = 8 * 10**9


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return new_project(tmp_path / "p")


def latest(project: Project, run: str = "r") -> Decision:
    with reading(project.ledger) as journal:
        return journal.fold.latest[run]


def beta(text: str) -> tuple[str, str]:
    """The policy with a second domain, and the text that takes it out again."""
    start, end = text.index("domains:\n") + len("domains:\n"), text.index("levels:\n")
    second = text[start:end].replace("id: arithmetic", "id: beta")
    clause = re.search(r"  - id: capability\.arithmetic\n.*?\n\n", text, re.DOTALL)
    assert clause is not None
    other = clause[0].replace("arithmetic", "beta")
    both = (text[:end] + second + text[end:]).replace(clause[0], clause[0] + other)
    return both, other


def test_an_evaluation_of_a_domain_that_was_dropped_meanwhile_is_closed_without_a_fault(tmp_path: Path) -> None:
    text, clause = beta(POLICY_TEXT)
    project, model = new_project(tmp_path / "p", text), Model()

    def amend() -> None:
        now = project.policy.read_text().replace(clause, "").replace('version: "1.0"', 'version: "1.1"')
        project.policy.write_text(re.sub(r"  - id: beta\n.*?levels:\n", "levels:\n", now, flags=re.DOTALL))
        changed = load_policy(project.policy)
        for officer in ("ada", "grace"):
            with project.journal() as journal:
                adopt(journal, changed, officer, project.key(officer))

    def evaluate(request: EvaluationRequest) -> Measured:
        if request.domain == "beta" and request.elicitation != "none":
            amend()
        return model.evaluate(request)

    suites = {"arithmetic": SUITE, "beta": SUITE}
    with open_gate(project, model, suites=suites, evaluate=evaluate) as gate, pytest.raises(Held):
        train(gate, model, 25)
    record_tier(project)
    with open_gate(project, model) as gate:
        gate.step(STEP)
    assert replay(project.ledger).faults == ()


def test_a_run_that_was_opened_wrongly_is_not_spoilt_by_what_the_gate_saves(project: Project) -> None:
    model = Model()
    with open_gate(project, model) as gate:
        train(gate, model, 10)
        gate.save()
    with open_gate(project, model, from_scratch=False) as gate:
        with pytest.raises(Held, match="opened again with the parents that it was first opened with"):
            gate.save()
        with pytest.raises(Held):
            gate.step(STEP)
    with open_gate(project, model) as gate:
        gate.step(STEP)
    assert replay(project.ledger).faults == ()


@pytest.mark.parametrize("slip", [{"from_scratch": False}, {"parents": ["a" * 64]}, {"weights": lambda: "b" * 64}])
def test_what_was_declared_by_mistake_may_be_declared_again_while_nothing_is_trained(
    project: Project, slip: dict[str, Any]
) -> None:
    open_gate(project, Model(), **slip).close()
    with open_gate(project, Model()) as gate:
        gate.step(STEP)


def test_a_child_that_saves_the_weights_it_starts_from_leaves_its_parent_free(project: Project) -> None:
    model = Model()
    with open_gate(project, model, run="one", evaluate=None) as gate:
        train(gate, model, 20)
        weights = gate.save()
    child = Model(flops=model.flops)
    with open_gate(project, child, run="child", from_scratch=False, parents=[weights]) as gate:
        gate.save()
    with open_gate(project, model, run="one") as gate:
        assert gate.evaluate().verdict == "PROCEED"
        gate.step(STEP)
    assert replay(project.ledger).faults == ()


def test_a_clock_a_little_behind_keeps_no_result_out(project: Project) -> None:
    """Not even where the elicitation took more than was set aside for it."""
    clock, model = Clock(int(time.time()) + 100), Model(skill=lambda _: 0.9)

    def evaluate(request: EvaluationRequest) -> Measured:
        result = model.evaluate(request)
        if request.elicitation == "none":
            return result
        clock.seconds -= 2
        more = result.elicitation_flops + 10**8
        return Measured.of([True] * 400, assumptions=["a"], elicitation_flops=more, elicitation_method="m")

    with open_gate(project, model, evaluate=evaluate, now=clock) as gate, pytest.raises(Held):
        train(gate, model, 25)
    with reading(project.ledger) as journal:
        last = [attempt.finished for attempt in journal.fold.attempts.values()][-1]
    assert last is not None
    assert (last.status, last.successes) == ("completed", 400)


def test_a_result_whose_log_cannot_be_stored_is_recorded_and_rules_nothing_out(project: Project) -> None:
    model = Model(skill=lambda flops: 0.9)

    def evaluate(request: EvaluationRequest) -> Measured:
        if request.elicitation != "none":
            shutil.rmtree(project.folder / "evidence")
            (project.folder / "evidence").write_text("in the way")
        return model.evaluate(request)

    with open_gate(project, model, evaluate=evaluate) as gate, pytest.raises(ScalegateError, match="looked into"):
        train(gate, model, 25)
    with reading(project.ledger) as journal:
        finished = [attempt.finished for attempt in journal.fold.attempts.values()]
    assert [(item.status, item.successes) for item in finished if item] == [("completed", 360), ("aborted", 360)]


# --- what releases a hold ------------------------------------------------------------------------------------


def resumed(project: Project, run: str = "r") -> list[list[str]]:
    way_out = latest(project, run).resumption
    assert way_out is not None
    return [[fact.text for fact in facts] for facts in way_out.sets]


def test_an_open_evaluation_promises_no_more_elicitation_than_is_reserved_for_it(project: Project) -> None:
    weights = trained_to(project, Model(), 20)
    with reading(project.ledger) as journal:
        session = journal.fold.runs["r"].latest.session
    announce(project, "a" * 64, weights)
    reserve(project, 2 * 10**9, use="elicitation", session=session, evaluation="a" * 64)
    assert verdict(project, compute=3 * 10**11) == "HOLD"
    assert all("then an announced evaluation" in facts[0] for facts in resumed(project))


def test_nobody_is_asked_to_sign_for_a_level_that_no_evidence_opens(project: Project) -> None:
    """Signatures are offered beside the measurement that opens the level, and nowhere else."""
    trained_to(project, Model(), 20)
    assert verdict(project, compute=3 * 10**11) == "HOLD"
    for facts in resumed(project):
        signed = [text for text in facts if "signs for level" in text]
        assert not signed or facts[0].startswith("whatever it turns out to show")
        assert all("after a decision that shows the level open" in text for text in signed)


@pytest.mark.parametrize("skill", [0.0, 0.9])
def test_a_wait_that_is_longer_than_evidence_and_signatures_last_is_no_stop(tmp_path: Path, skill: float) -> None:
    until = time.strftime("%Y-%m-%d", time.gmtime(time.time() + 200 * DAY))
    old = POLICY_TEXT[POLICY_TEXT.index("    above: 0 FLOP") :]
    new = old.replace("above: 0 FLOP", "above: 5e11 FLOP").replace("2027-01-01", until).replace("aim", "will")
    project, model = new_project(tmp_path / "p", POLICY_TEXT.replace(old, new)), Model(skill=lambda _: skill)
    with open_gate(project, model) as gate, pytest.raises(Held):
        train(gate, model, 100)
    if skill:
        attest(project)
        approve(project, "ada", "grace")
        with open_gate(project, model) as gate, pytest.raises(Held):
            train(gate, model, 100)
    way_out = latest(project).resumption
    assert way_out is not None
    assert (way_out.stop, way_out.sets) == (False, ())
    assert way_out.first[0].text.startswith("wait until")


def test_a_stop_that_another_checkpoint_would_not_release_is_a_stop(project: Project) -> None:
    model = Model()
    with open_gate(project, model) as gate:
        train(gate, model, 21)
        gate.save()
        with pytest.raises(Held):
            gate.meter_fault("the counter broke")
    with open_gate(project, Model(), evaluate=None) as gate, pytest.raises(Held):
        gate.step(STEP)
    way_out = latest(project).resumption
    assert way_out is not None
    assert (way_out.stop, way_out.first) == (True, ())


def test_only_runs_whose_evaluation_gains_something_are_named(project: Project) -> None:
    for run, evaluated in (("covered", True), ("lost", False)):
        model = Model(flops=len(run) * 10**15)
        with open_gate(project, model, run=run, evaluate=model.evaluate if evaluated else None) as gate:
            train(gate, model, 20)
            gate.save()
            if evaluated:
                gate.evaluate()
    assert steps_until_held(project, Model(flops=7), "next") == 0
    assert [("`lost`" in text, "`covered`" in text) for [text] in resumed(project, "next")] == [(True, False)]


def test_two_domains_that_leave_each_other_too_little_elicitation_are_measured_both(tmp_path: Path) -> None:
    """One evaluation's compute makes the other's share too small: the set has both, and the gate takes both."""
    project, model = new_project(tmp_path / "p", beta(POLICY_TEXT)[0]), Model()
    suites = {"arithmetic": SUITE, "beta": SUITE}
    with open_gate(project, model, suites=suites, planned=25 * STEP) as gate:
        train(gate, model, 20)
        gate.evaluate()
    for planned in (28, 40, 60):
        with open_gate(project, model, suites=suites, planned=planned * STEP) as gate:
            train(gate, model, planned - 3 - model.flops // STEP)
            gate.evaluate()
    assert model.flops == 57 * STEP


def test_what_a_process_that_still_trains_holds_is_no_stop_for_others(project: Project) -> None:
    first = Model()
    gate = open_gate(project, first, run="one", tranche=20 * STEP)
    train(gate, first, 19)
    assert steps_until_held(project, Model(flops=7), "two") == 0
    way_out = latest(project, "two").resumption
    assert way_out is not None
    assert (way_out.stop, way_out.sets) == (False, ())
    assert way_out.first[0].text.endswith("evaluates it and closes its gate: `one`")
    gate.evaluate()
    gate.close()
    assert steps_until_held(project, Model(flops=7), "two") > 0


def test_a_run_that_was_opened_and_left_idle_is_opened_again(tmp_path: Path) -> None:
    """A place in a queue may come after the time within which a first evaluation is due."""
    project, clock = new_project(tmp_path / "idle"), Clock(int(time.time()) + 10)
    model = Model()
    with open_gate(project, model, now=clock) as gate:
        clock.seconds += 92 * DAY
        with pytest.raises(Held) as held:
            gate.step(STEP)
    way_out = held.value.decision.resumption if held.value.decision else None
    assert way_out is not None
    assert not way_out.stop
    assert [[(fact.kind, fact.text) for fact in facts] for facts in way_out.sets] == [
        [("act", "run `r` is opened again: nothing came of it yet, so its time starts anew")]
    ]
    with open_gate(project, model, now=clock) as gate:
        train(gate, model, 1)
        gate.save()
    clock.seconds += 92 * DAY
    with open_gate(project, model, evaluate=None, now=clock) as gate, pytest.raises(Held) as held:
        gate.step(STEP)
    assert "starts anew" not in str(held.value)


@pytest.mark.parametrize(("share", "every"), [("20%", "1.5x"), ("30%", "2x")])
def test_an_evaluation_that_broke_off_is_asked_for_again_beside_one_that_cost_much(
    tmp_path: Path, share: str, every: str
) -> None:
    """Each measurement is charged with what it costs, and not with what the others would."""
    text, _ = beta(POLICY_TEXT.replace("every: 4x", f"every: {every}"))
    at = text.index("id: beta")
    project, model = (
        new_project(tmp_path / "p", text[:at] + text[at:].replace("share: 1%", f"share: {share}", 1)),
        Model(),
    )
    down = [True]

    def evaluate(request: EvaluationRequest) -> Measured:
        if request.domain == "arithmetic" and request.elicitation != "none" and down:
            down.clear()
            raise OSError("the server is down")
        return model.evaluate(request)

    suites = {"arithmetic": SUITE, "beta": SUITE}
    with open_gate(project, model, evaluate=evaluate, suites=suites) as gate, pytest.raises(Held) as held:
        train(gate, model, 60)
    assert held.value.decision is not None
    way_out = held.value.decision.resumption
    assert way_out is not None
    assert all("of `arithmetic`" in fact.text for facts in way_out.sets for fact in facts if fact.kind == "measure")
    assert (way_out.stop, len(way_out.sets[0])) == (False, 1)
    before = model.flops
    with open_gate(project, model, evaluate=evaluate, suites=suites) as gate:
        train(gate, model, 1)
    assert model.flops == before + STEP


@pytest.mark.parametrize("factor", ["1x", "1.3x", "2x", "4x"])
def test_a_run_that_stays_harmless_is_trained_to_its_planned_end_at_any_factor(tmp_path: Path, factor: str) -> None:
    """The elicitation that it asks for lasts until the end: its share is one of effective compute."""
    text = POLICY_TEXT.replace("factor: 1x", f"factor: {factor}").replace("share: 1%", "share: 5%")
    project, model = new_project(tmp_path / "p", text), Model()
    flops, planned = 7 * 10**9, 10**12
    with open_gate(project, model, planned=planned) as gate:
        train(gate, model, planned // flops, flops)
        assert gate.evaluate().verdict == "PROCEED"
