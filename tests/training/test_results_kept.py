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

from scalegate.cli.main import run
from scalegate.cli.status import status_document
from scalegate.errors import InputError, LedgerError
from scalegate.gate import replay
from scalegate.gate.journal import reading
from scalegate.gate.project import Project, adopt
from scalegate.ledger import SigningKey, _database
from scalegate.ledger.entries import EvaluationAnnounced
from scalegate.policy import load_policy
from scalegate.training.beside import fault_of, store
from scalegate.training.evaluation import EvaluationRequest, Measured, log_of
from scalegate.training.gate import Gate
from scalegate.training.held import Held
from support import STEP, SUITE, Model, new_project, open_gate, record_tier, train

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


def rotate(project: Project) -> None:
    """Two officers adopt a policy that names another key for the gate, which takes the place of the old one."""
    old = project.key("gatekeeper")
    new = SigningKey.generate("gatekeeper")
    text = project.policy.read_text().replace(old.verify_key.to_text(), new.verify_key.to_text())
    project.policy.write_text(text.replace('version: "1.0"', 'version: "1.1"'))
    with project.journal() as journal:
        for officer in ("ada", "grace"):
            adopt(journal, load_policy(project.policy), officer, project.key(officer))
    (project.keys / "gatekeeper.key").unlink()
    new.save(project.keys / "gatekeeper.key")
    record_tier(project)


@pytest.mark.parametrize("opens", ["r", "another"])
def test_a_fault_that_a_replaced_key_cannot_sign_is_written_when_a_run_is_opened(project: Project, opens: str) -> None:
    model = Model()
    gate = open_gate(project, model)
    train(gate, model, 3)
    gate.save()
    rotate(project)
    with pytest.raises(Held):
        gate.step(0)
    with pytest.raises(Held):
        gate.meter_fault("the meter\nmissed an expert")
    with pytest.raises(
        InputError, match=r"the signature is not by the key .* kept in the folder .*evidence: whoever opens"
    ):
        gate.close()
    for _ in range(2):
        open_gate(project, model if opens == "r" else Model(flops=1), opens).close()
        with reading(project.ledger) as journal:
            found = sorted(journal.fold.runs["r"].faults)
        assert found == ["a step was metered at 0 FLOP", "the meter missed an expert"]
    with open_gate(project, model) as gate, pytest.raises(Held, match=r"standing\.meter"):
        gate.step(STEP)
    replay(project.ledger)


def test_a_fault_in_a_file_counts_against_the_run_of_its_session_and_no_other(project: Project) -> None:
    """Nor does a file that is not whole, or one that says something else."""
    model = Model()
    gate = open_gate(project, model)
    train(gate, model, 3)
    gate.save()
    folder, token = gate._session.folder, gate._session.token
    gate.close()
    store(folder, fault_of("0" * 64, "of a session that this ledger does not know"))
    store(folder, b'{"meter_fault":7,"session":"' + token.encode() + b'"}')
    store(folder, b'{"meter_fault":"cut off')
    (folder / ("0" * 64 + ".json")).write_bytes(fault_of(token, "changed"))
    with open_gate(project, model) as gate:
        train(gate, model, 1)
    store(folder, fault_of(token, "seen"))
    with open_gate(project, model) as gate, pytest.raises(Held, match=r"standing\.meter"):
        train(gate, model, 1)
    with reading(project.ledger) as journal:
        assert journal.fold.runs["r"].faults == ["seen"]


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


def test_what_is_kept_is_said_only_where_it_could_be_stored(project: Project) -> None:
    model = Model()
    gate = open_gate(project, model)
    train(gate, model, 3)
    gate.save()
    rotate(project)
    (project.folder / "evidence").write_text("in the way")
    with pytest.raises(Held) as caught:
        gate.meter_fault("found")
    assert "kept in the folder" not in str(caught.value)
    with pytest.raises(InputError, match="nothing was written"):
        gate.close()


def test_a_fault_that_waits_is_said_and_written_before_a_decision(project: Project) -> None:
    """On the command line as well as by a gate."""
    model = Model()
    gate = open_gate(project, model)
    train(gate, model, 3)
    gate.save()
    store(gate._session.folder, fault_of(gate._session.token, "found"))
    gate.close()
    with reading(project.ledger) as journal:
        waiting = status_document(journal, project.folder)["waiting"]
    assert waiting == ["a fault of the meter of run `r`: found"]
    assert run(["decide", "--run", "r", "-p", str(project.folder)]) == 3
    with reading(project.ledger) as journal:
        assert journal.fold.runs["r"].faults == ["found"]
        assert status_document(journal, project.folder)["waiting"] == []
    replay(project.ledger)


@pytest.mark.parametrize("shows", [79, 300, 59])
def test_a_log_that_leaves_the_alarm_open_is_taken_up_by_whoever_opens_a_run(project: Project, shows: int) -> None:
    """The attempt was closed meanwhile by somebody who knew nothing of it, or it is another run's and still open."""
    model = Model()
    gate = open_gate(project, model)
    train(gate, model, 25)
    gate.save()
    [*_, announced] = [it for it in attempts(project) if it.elicitation != "none"]
    asked = EvaluationRequest("arithmetic", SUITE, announced.weights, "fine-tuning", 10**9, 0)
    measured = Measured.of([True] * shows + [False] * (400 - shows), assumptions=["a"], elicitation_flops=10**9)
    store(gate._session.folder, log_of(announced.evaluation, asked, measured))
    gate.close()
    with reading(project.ledger) as journal:
        assert len(status_document(journal, project.folder)["waiting"]) == (shows != 59)
    before = entries(project)
    open_gate(project, Model(flops=1), "another").close()
    assert entries(project) == before + 1 + (shows != 59)
    with reading(project.ledger) as journal:
        assert status_document(journal, project.folder)["waiting"] == []
    open_gate(project, Model(flops=1), "another").close()
    assert entries(project) == before + 2 + (shows != 59), "once"
    with open_gate(project, model) as gate:
        if shows == 59:
            train(gate, model, 1)
        else:
            with pytest.raises(Held, match=r"level-2"):
                train(gate, model, 1)
    replay(project.ledger)


@pytest.mark.parametrize("key", [True, False])
def test_what_waits_is_written_before_a_decision_on_the_command_line(
    project: Project, key: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    """A log, with what it says was spent: on no verdict is it left out, with a key for it or without."""
    model = Model()
    gate = open_gate(project, model)
    train(gate, model, 25)
    gate.save()
    [*_, announced] = [it for it in attempts(project) if it.elicitation != "none"]
    spent = gate._session.state.used("elicitation")
    asked = EvaluationRequest("arithmetic", SUITE, announced.weights, "fine-tuning", 10**9, 0)
    measured = Measured.of([True] * 79 + [False] * 321, assumptions=["a"], elicitation_flops=spent + 7)
    store(gate._session.folder, log_of(announced.evaluation, asked, measured))
    gate.close()
    decide = ["decide", "--run", "r", "-p", str(project.folder)]
    assert run([*decide, "--no-record"]) == 2
    if not key:
        (project.keys / "evaluator.key").unlink()
        assert run(decide) == 2
        assert "no key of an evaluator is here to record it" in capsys.readouterr().err
        with pytest.raises(InputError, match="no key of an evaluator"):
            open_gate(project, Model(flops=1), "another")
        return
    assert run(decide) == 3
    assert run([*decide, "--no-record"]) == 3
    with reading(project.ledger) as journal:
        assert journal.fold.runs["r"].used("elicitation") == spent + 7
        assert journal.fold.runs["r"].faults == []
    replay(project.ledger)


def attempts(project: Project) -> list[EvaluationAnnounced]:
    with reading(project.ledger) as journal:
        return [it.announced for it in journal.fold.attempts.values() if it.announced is not None]


def entries(project: Project) -> int:
    with reading(project.ledger) as journal:
        return journal.fold.size


def test_a_result_that_comes_after_a_takeover_counts_against(project: Project) -> None:
    """The new process closed the attempt as unknown; what the old one measured is signed, and leaves the alarm open."""
    model = Model()

    def evaluate(request: EvaluationRequest) -> Measured:
        if request.elicitation == "none":
            return model.evaluate(request)
        open_gate(project, Model(flops=model.flops), evaluate=None).close()
        return Measured.of([True] * 79 + [False] * 321, assumptions=["a"], elicitation_flops=request.elicitation_flops)

    with open_gate(project, model, evaluate=evaluate) as gate, pytest.raises(Held):
        train(gate, model)
    again = Model(flops=model.saved)
    with open_gate(project, again) as gate, pytest.raises(Held, match=r"level-2"):
        gate.step(STEP)
    assert len(again.requests) == 2
    replay(project.ledger)


@pytest.mark.parametrize("waits", ["fault", "log"])
def test_what_comes_to_wait_is_written_before_a_live_gate_decides_again(project: Project, waits: str) -> None:
    """Another process left it meanwhile: no decision of this one leaves it out."""
    model = Model()
    gate = open_gate(project, model)
    train(gate, model, 25)
    gate.save()
    folder, token = gate._session.folder, gate._session.token
    [*_, announced] = [it for it in attempts(project) if it.elicitation != "none"]
    gate.close()
    with open_gate(project, model) as gate:
        train(gate, model, 1)
        if waits == "fault":
            store(folder, fault_of(token, "found"))
        else:
            asked = EvaluationRequest("arithmetic", SUITE, announced.weights, "fine-tuning", 10**9, 0)
            shown = Measured.of([True] * 79 + [False] * 321, assumptions=["a"], elicitation_flops=10**9)
            store(folder, log_of(announced.evaluation, asked, shown))
        gate.save()
        # It holds at the next tranche, also within the permit and its lease.
        with pytest.raises(Held, match=r"standing\.meter" if waits == "fault" else r"level-2"):
            train(gate, model, 1)
    replay(project.ledger)
