"""What scripts do wrong: nothing uncounted is authorised, and nothing is spoilt."""

from __future__ import annotations

import copy
import pickle
import subprocess
import sys
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from scalegate.errors import InputError, ScalegateError
from scalegate.gate import replay
from scalegate.gate.journal import reading
from scalegate.gate.project import Project
from scalegate.training.evaluation import Suite
from scalegate.training.held import Held
from support import STEP, SUITE, Model, new_project, open_gate, train


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return new_project(tmp_path / "p")


def used(project: Project, run: str = "r") -> int:
    with reading(project.ledger) as journal:
        return journal.fold.runs[run].used("training")


# --- what a script hands in ------------------------------------------------------------------------------


@pytest.mark.parametrize("flops", [1e10, "1", None, True, Fraction(3, 2), 10**41])
def test_a_step_of_no_whole_amount_is_refused_and_spoils_nothing(project: Project, flops: Any) -> None:
    model = Model()
    with open_gate(project, model) as gate:
        train(gate, model, 1)
        with pytest.raises(Held):
            gate.step(flops)
        train(gate, model, 1)
    assert replay(project.ledger).faults == ()


def test_whole_numbers_of_other_libraries_are_taken(project: Project) -> None:
    numpy = pytest.importorskip("numpy")
    model = Model()
    with open_gate(project, model, tranche=numpy.int64(4 * STEP), planned=numpy.int64(10**13)) as gate:
        for _ in range(3):
            gate.step(numpy.int64(STEP))
            model.flops += STEP
        assert used(project) == 4 * STEP, "the tranche lasts"
        assert gate.trained == 3 * STEP


@pytest.mark.parametrize(
    ("option", "words"),
    [
        ({"planned": 1e13}, "`planned`: 10000000000000.0 is not a whole number"),
        ({"planned": 0}, "`planned` is 0 FLOP"),
        ({"planned": 10**41}, "at most 1e40"),
        ({"run": "my run"}, "`my run` cannot name a run"),
        ({"run": ""}, "cannot name a run"),
        ({"parents": ["abc"], "from_scratch": False}, "a parent is `abc`, which is no digest"),
        ({"parents": "a" * 64, "from_scratch": False}, "give a list"),
        ({"weights": lambda: "w"}, "what `weights` returns is `w`, which is no digest"),
        ({"suites": {"cyber": SUITE}}, "a suite for `cyber`, and no such domain"),
        ({"suites": {"arithmetic": Suite("t", "1", "d" * 64, 399)}}, "has 399 samples, and the policy asks for 400"),
        ({"suites": {"arithmetic": Suite("t", "1", "d", 400)}}, "is `d`, which is no digest"),
        ({"suites": {"arithmetic": Suite("", "1", "d" * 64, 400)}}, "has no task"),
        ({"suites": {"arithmetic": Suite("t", "1\n2", "d" * 64, 400)}}, "has no version"),
        ({"suites": {"arithmetic": Suite("t", "1", "d" * 64, 400.0)}}, "write an int"),  # type: ignore[arg-type]
        ({"suites": {"arithmetic": ("t", "1", "d" * 64, 400)}}, "the suite of `arithmetic` is tuple"),
        ({"tranche": 0}, "a tranche"),
        ({"tranche": 1.5}, "not a whole number"),
    ],
)
def test_an_argument_that_cannot_be_is_one_clear_error(project: Project, option: dict[str, Any], words: str) -> None:
    with pytest.raises(InputError, match=words) as caught:
        open_gate(project, Model(), **option)
    assert "pydantic" not in str(caught.value)
    with reading(project.ledger) as journal:
        assert journal.fold.runs == {}


def test_weights_that_change_without_training_are_refused_and_spoil_nothing(project: Project) -> None:
    model = Model()
    with open_gate(project, model) as gate:
        train(gate, model, 2)
        gate.save()
        model.flops += 1
        with pytest.raises(Held, match="no training was metered"):
            gate.save()
        model.flops -= 1
        gate.save()
        train(gate, model, 1)
    assert replay(project.ledger).faults == ()


def test_a_save_before_the_step_was_taken_is_refused_and_spoils_nothing(project: Project) -> None:
    model = Model()
    with open_gate(project, model) as gate:
        gate.step(STEP)
        with pytest.raises(Held, match="those that it started from"):
            gate.save()
        model.flops += STEP
        gate.save()
    assert replay(project.ledger).faults == ()


# --- faults of the meter, forks and copies ---------------------------------------------------------------------------


def test_a_meter_fault_of_many_lines_is_recorded(project: Project) -> None:
    with open_gate(project, Model(), tranche=STEP) as gate:
        gate.step(STEP)
        with pytest.raises(Held, match=r"standing\.meter"):
            gate.meter_fault("the counter broke:\n\tkernel not registered")
        with pytest.raises(Held, match=r"standing\.meter"):
            gate.step(STEP)


@pytest.mark.parametrize("steps_on", [True, False])
def test_a_meter_fault_that_could_not_be_written_is_not_forgotten(project: Project, steps_on: bool) -> None:
    gone = project.folder / "gone.db"
    with open_gate(project, Model(), tranche=STEP) as gate:
        gate.step(STEP)
        project.ledger.rename(gone)
        gate._session.journal.ledger._drop()
        with pytest.raises(Held):
            gate.meter_fault("the counter broke")
        gone.rename(project.ledger)
        if steps_on:
            with pytest.raises(Held, match=r"standing\.meter"):
                gate.step(STEP)
    with reading(project.ledger) as journal:
        assert journal.fold.runs["r"].faults == ["the counter broke"]


def test_a_meter_fault_that_can_never_be_written_is_an_error_at_the_end(project: Project) -> None:
    gate = open_gate(project, Model(), tranche=STEP)
    gate.step(STEP)
    project.ledger.rename(project.folder / "gone.db")
    gate._session.journal.ledger._drop()
    with pytest.raises(Held):
        gate.meter_fault("the counter broke")
    with pytest.raises(ScalegateError):
        gate.close()


@pytest.mark.parametrize("copied", [copy.copy, copy.deepcopy, pickle.dumps])
def test_a_gate_is_not_copied(project: Project, copied: Any) -> None:
    with open_gate(project, Model()) as gate, pytest.raises(TypeError, match="cannot be copied"):
        copied(gate)


def test_weights_that_training_does_not_change_are_told_of(project: Project, caplog: pytest.LogCaptureFixture) -> None:
    refused = pytest.raises(Held, match="the weights are those that it started from")
    with refused, open_gate(project, Model(), weights=lambda: "a" * 64, tranche=STEP) as gate:
        gate.step(STEP)
        assert "have not changed" not in caplog.text
        for _ in range(3):
            gate.step(STEP)
    assert caplog.text.count("the weights have not changed") == 1


def test_a_script_that_ends_without_closing_gives_back_what_it_did_not_spend(project: Project) -> None:
    code = f"""
import sys
sys.path[:0] = {sys.path!r}
from pathlib import Path
from support import STEP, Model, open_gate
from scalegate.gate.project import Project
gate = open_gate(Project(Path({str(project.folder)!r})), Model(), tranche=10 * STEP)
gate.step(STEP)
"""
    subprocess.run([sys.executable, "-c", code], check=True)
    assert used(project) == STEP


def test_a_run_that_starts_like_another_is_told_so(project: Project, caplog: pytest.LogCaptureFixture) -> None:
    open_gate(project, Model(), run="one").close()
    assert caplog.text == ""
    open_gate(project, Model(), run="two").close()
    assert "run `two` starts from the same weights as run `one`" in caplog.text


@pytest.mark.parametrize("broken", ["checkpoint", "weights"])
def test_what_a_function_of_the_script_raises_is_told_whole(
    project: Project, caplog: pytest.LogCaptureFixture, broken: str
) -> None:
    model, asked = Model(), []

    def no_such_device() -> str:
        asked.append(1)
        if broken == "weights" and len(asked) == 1:
            return model.digest()
        raise RuntimeError("lost")

    with open_gate(project, model, **{broken: no_such_device}) as gate, pytest.raises(Held):
        train(gate, model)
    assert "in no_such_device" in caplog.text


@pytest.mark.parametrize("forked", [False, True])
def test_a_meter_fault_after_the_gate_was_let_go_is_written(project: Project, forked: bool) -> None:
    model = Model()
    with open_gate(project, model) as gate:
        train(gate, model, 2)
        gate.save()
        if forked:
            gate.abandon()
    with pytest.raises(Held, match=r"standing\.meter"):
        gate.meter_fault("the counter broke")
    with open_gate(project, model) as again, pytest.raises(Held, match=r"standing\.meter"):
        again.step(STEP)
    with reading(project.ledger) as journal:
        assert journal.fold.runs["r"].faults == ["the counter broke"]


def test_a_gate_that_is_closed_while_a_meter_fault_is_written_writes_it(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As by a signal handler: once, whole, and the gate is closed after that."""
    gate = open_gate(project, Model(), tranche=STEP)
    gate.step(STEP)
    append = gate._session.journal.ledger.append

    def closing(envelopes: Any) -> Any:
        gate.close()
        return append(envelopes)

    monkeypatch.setattr(gate._session.journal.ledger, "append", closing)
    with pytest.raises(Held, match=r"standing\.meter"):
        gate.meter_fault("the counter broke")
    with pytest.raises(Held, match="the gate is closed"):
        gate.step(STEP)
    with reading(project.ledger) as journal:
        assert journal.fold.runs["r"].faults == ["the counter broke"]


def test_a_meter_fault_behind_what_can_never_be_written_is_written(project: Project) -> None:
    gate = open_gate(project, Model(), tranche=STEP)
    gate.step(STEP)

    def refused() -> Any:
        raise InputError("the key was replaced")

    gate._session.keep(refused)
    with pytest.raises(Held, match="the key was replaced"):
        gate.meter_fault("the counter broke")
    with reading(project.ledger) as journal:
        assert journal.fold.runs["r"].faults == ["the counter broke"]
    with pytest.raises(InputError, match="the key was replaced"):
        gate.close()
    gate._session.unwritten.clear()


def test_a_gate_that_could_not_be_closed_is_closed_again(project: Project) -> None:
    """What it could not write is written then."""
    gone = project.folder / "gone.db"
    gate = open_gate(project, Model(), tranche=STEP)
    gate.step(STEP)
    project.ledger.rename(gone)
    gate._session.journal.ledger._drop()
    with pytest.raises(Held):
        gate.meter_fault("the counter broke")
    for _ in range(2):
        with pytest.raises(ScalegateError):
            gate.close()
    gone.rename(project.ledger)
    gate.close()
    with reading(project.ledger) as journal:
        assert journal.fold.runs["r"].faults == ["the counter broke"]


@pytest.mark.parametrize(
    "option",
    [
        {"from_scratch": "yes"},
        {"from_scratch": 1},
        {"from_scratch": None},
        {"policy": None},
        {"parents": None},
        {"suites": [1]},
        {"keys": 5},
        {"ledger": None},
    ],
    ids=str,
)
def test_a_word_for_yes_is_no_yes(project: Project, option: dict[str, Any]) -> None:
    with pytest.raises(InputError, match=next(iter(option))):
        open_gate(project, Model(), **option)


def test_a_fault_that_a_handler_reports_while_compute_is_reserved_authorises_nothing_more(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also if the handler takes no notice of what it is told: the fault is written first."""
    gate = open_gate(project, Model(), tranche=10 * STEP)
    reserve = gate._session.reserve

    def reserving(least: int, wanted: int) -> int:
        granted = reserve(least, wanted)
        monkeypatch.setattr(gate._session, "_inside", True)
        with pytest.raises(Held, match="which is kept and written as soon as it can be"):
            gate.meter_fault("the counter broke")
        monkeypatch.setattr(gate._session, "_inside", False)
        return granted

    monkeypatch.setattr(gate._session, "reserve", reserving)
    with pytest.raises(Held, match="what was reported meanwhile holds it"):
        gate.step(STEP)
    with pytest.raises(Held, match=r"standing\.meter"):
        gate.step(STEP)
    gate.close()
    with reading(project.ledger) as journal:
        assert journal.fold.runs["r"].faults == ["the counter broke"]


def test_a_hold_by_a_wrong_amount_saves_what_was_trained(project: Project) -> None:
    model = Model()
    gate = open_gate(project, model)
    train(gate, model, 3)
    with pytest.raises(Held, match="not a whole number"):
        gate.step(1.5)  # type: ignore[arg-type]
    assert model.saved == 3 * STEP
    gate.close()
