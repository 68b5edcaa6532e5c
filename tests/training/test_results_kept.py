"""What an evaluation showed is never lost: it is in the ledger before anything else is, or before the run goes on."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
from test_gate_interrupts import interrupted

from scalegate.errors import LedgerError
from scalegate.gate import replay
from scalegate.gate.journal import reading
from scalegate.gate.project import Project
from scalegate.ledger import _database
from scalegate.training.evaluation import EvaluationRequest, Measured
from scalegate.training.gate import Gate
from scalegate.training.held import Held
from support import STEP, Model, new_project, open_gate, train

REACHED = 300
START, EVERY = 1, 211
"""Instructions at which an evaluation is interrupted: the first, and how many lie between."""
FILES = ("training/measuring.py", "training/session.py", "gate/journal.py")


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return new_project(tmp_path / "p")


def once(then: Callable[[], Any] | None = None) -> Callable[[EvaluationRequest], Measured]:
    """Shows the alarm reached the first time that it elicits, after doing something else, and nothing from then on."""
    shown: list[int] = []

    def evaluate(request: EvaluationRequest) -> Measured:
        first = request.elicitation != "none" and not shown
        successes = REACHED if first else 0
        measured = Measured.of(
            [True] * successes + [False] * (400 - successes),
            assumptions=("it tried",),
            elicitation_flops=request.elicitation_flops,
            elicitation_method="tuned",
        )
        if first:
            shown.append(successes)
            if then is not None:
                then()
        return measured

    return evaluate


def successes(project: Project) -> list[int]:
    """Of the elicited evaluations in the ledger, which verifies."""
    replay(project.ledger)
    with reading(project.ledger) as journal:
        pieces = journal.fold.situation("r", now=journal.now()).pieces
        return [piece.successes for piece in pieces if piece.elicitation != "none"]


def holds_on(project: Project, model: Model) -> None:
    """The run is held, in this process and in every other, and its ledger has what was shown, once."""
    with open_gate(project, model) as gate, pytest.raises(Held, match=r"safeguards\.level-2"):
        train(gate, model, 1)
    assert [it for it in successes(project) if it] == [REACHED]


@pytest.fixture
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_database, "BUSY_MS", 100)


@contextmanager
def locked(project: Project) -> Iterator[None]:
    """Somebody else has the ledger for longer than anybody waits."""
    other = sqlite3.connect(project.ledger, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    try:
        yield
    finally:
        other.close()


@pytest.mark.usefixtures("_impatient")
@pytest.mark.parametrize("goes_on", ["step", "evaluate", "close"])
def test_a_result_that_cannot_be_written_is_written_before_anything_else(project: Project, goes_on: str) -> None:
    model, lock = Model(), locked(project)
    gate = open_gate(project, model, evaluate=once(lock.__enter__))
    with pytest.raises(Held, match="another process has held the ledger"):
        train(gate, model)
    lock.__exit__(None, None, None)
    if goes_on == "step":
        with pytest.raises(Held, match=r"safeguards\.level-2"):
            gate.step(STEP)
    elif goes_on == "evaluate":
        assert gate.evaluate().verdict == "HOLD"
    gate.close()
    assert successes(project)[0] == REACHED
    holds_on(project, model)


@pytest.mark.usefixtures("_impatient")
def test_a_gate_that_cannot_write_a_result_does_not_close_in_silence(project: Project) -> None:
    """Its log is there: whoever opens the run again takes it from there."""
    model, lock = Model(), locked(project)
    gate = open_gate(project, model, evaluate=once(lock.__enter__))
    with pytest.raises(Held):
        train(gate, model)
    with pytest.raises(LedgerError):
        gate.close()
    lock.__exit__(None, None, None)
    holds_on(project, model)


def test_a_gate_that_is_closed_within_an_evaluation_records_what_it_shows(project: Project) -> None:
    model, gates = Model(), list[Gate]()
    gates.append(open_gate(project, model, evaluate=once(lambda: gates[0].close())))
    with pytest.raises(Held, match=r"safeguards\.level-2"):
        train(gates[0], model)
    with pytest.raises(Held, match="the gate is closed"):
        gates[0].step(STEP)
    holds_on(project, model)


def test_a_handler_that_closes_the_gate_and_ends_the_process_ends_it(project: Project) -> None:
    model, gates = Model(), list[Gate]()

    def handler() -> None:
        gates[0].close()
        sys.exit(7)

    gates.append(open_gate(project, model, evaluate=once(handler)))
    with pytest.raises(SystemExit):
        train(gates[0], model)
    with reading(project.ledger) as journal:
        assert all(attempt.finished for attempt in journal.fold.attempts.values())


def test_a_gate_that_is_closed_within_a_step_authorises_it_no_more(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate = open_gate(project, Model())
    reserve = gate._session.reserve

    def closing(least: int, wanted: int) -> int:
        granted = reserve(least, wanted)
        gate.close()
        return granted

    monkeypatch.setattr(gate._session, "reserve", closing)
    for _ in range(2):
        with pytest.raises(Held, match="the gate is closed"):
            gate.step(STEP)
    with reading(project.ledger) as journal:
        assert journal.fold.runs["r"].used() == 0


def test_an_interrupt_anywhere_after_it_was_shown_loses_nothing(tmp_path: Path) -> None:
    """At moments spread over all instructions from there to the entry: each once, until there are none left."""
    at, number, cut = START, 0, True
    while cut:
        number += 1
        project, model = new_project(tmp_path / f"p{number}"), Model(flops=0)
        armed: list[int] = []
        gate = open_gate(project, model, evaluate=once(lambda: armed.append(1)))  # noqa: B023
        train(gate, model, 3)
        cut, _ = interrupted(gate.evaluate, at, FILES)
        with suppress(Held):
            gate.close()
        if armed:
            assert [it for it in successes(project) if it] == [REACHED], at
        at += EVERY


@pytest.mark.parametrize("when", ["before the log", "after the log", "as the weights are hashed"])
def test_a_process_that_is_killed_loses_no_more_than_what_it_had_not_stored(project: Project, when: str) -> None:
    script = f"""
import os, signal, sys
sys.path[:0] = {sys.path!r}
from pathlib import Path
from scalegate.gate.project import Project
from scalegate.training import session
from support import Model, open_gate, train
from test_results_kept import once
real = session.store
def store(folder, data):
    kill = b"true" in data and {when != "as the weights are hashed"}
    if kill and {when == "before the log"}:
        os.kill(os.getpid(), signal.SIGKILL)
    digest = real(folder, data)
    if kill:
        os.kill(os.getpid(), signal.SIGKILL)
    return digest
session.store = store
model, shown = Model(), []
def hashed():
    if shown and {when == "as the weights are hashed"}:
        os.kill(os.getpid(), signal.SIGKILL)
    return model.digest()
project = Project(Path({str(project.folder)!r}))
train(open_gate(project, model, weights=hashed, evaluate=once(lambda: shown.append(1))), model)
"""
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == -signal.SIGKILL
    model = Model(flops=20 * STEP)
    if when != "before the log":
        holds_on(project, model)
    else:
        with open_gate(project, model, evaluate=once()):
            pass
        assert successes(project) == [0], "its attempt counts, and nothing is known of it"


def test_elicitation_past_what_was_asked_for_counts_also_from_the_log(project: Project) -> None:
    """It was spent, whoever records it."""
    spendings: list[int] = []

    def evaluate(request: EvaluationRequest) -> Measured:
        spent = request.elicitation_flops + 10**12 * (request.elicitation != "none")
        spendings.append(spent)
        return Measured.of([False] * 400, assumptions=("it tried",), elicitation_flops=spent)

    model = Model()
    gate = open_gate(project, model, evaluate=evaluate)
    train(gate, model, 3)
    gate.save()
    real = gate._session.append

    def append(make: Callable[[], Any]) -> None:
        if gate._session.unwritten and spendings[-1]:
            raise SystemExit
        real(make)

    gate._session.append = append  # type: ignore[method-assign]
    with pytest.raises(SystemExit):
        gate.evaluate()
    gate._session.append = real  # type: ignore[method-assign]
    gate._session.unwritten.clear()
    gate.close()
    open_gate(project, model, evaluate=evaluate).close()
    with reading(project.ledger) as journal:
        assert journal.fold.runs["r"].used("elicitation") == spendings[-1] > 10**12


@pytest.mark.parametrize("ends", ["returns", "raises"])
def test_a_forked_child_of_an_evaluator_records_nothing(project: Project, ends: str) -> None:
    """What its parent measures stands alone."""
    model, children = Model(), list[int]()

    def fork() -> None:
        children.append(os.fork())
        if children[-1] == 0 and ends == "raises":
            raise RuntimeError("in the child")

    gate = open_gate(project, model, evaluate=once(fork))
    try:
        train(gate, model)
    except Held as held:
        if children[-1] == 0:
            gate.close()
            os._exit(0 if "its parent's" in str(held) or "closed" in str(held) else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(children[-1], 0)[1]) == 0
    gate.close()
    holds_on(project, model)


@pytest.mark.usefixtures("_impatient")
def test_a_fault_that_is_found_while_a_closed_gates_ledger_is_held_is_written_later(project: Project) -> None:
    model = Model()
    gate = open_gate(project, model)
    train(gate, model, 3)
    gate.save()
    gate.close()
    with locked(project), pytest.raises(Held):
        gate.meter_fault("found late")
    with open_gate(project, model) as gate, pytest.raises(Held, match=r"standing\.meter"):
        train(gate, model, 1)
