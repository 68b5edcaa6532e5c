"""What a process left beside the ledger is written before anything is decided, by whoever comes next."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from scalegate.cli.main import run
from scalegate.cli.status import status_document
from scalegate.errors import InputError
from scalegate.gate import replay
from scalegate.gate.journal import reading
from scalegate.gate.project import Project, adopt
from scalegate.ledger import SigningKey
from scalegate.ledger.entries import EvaluationAnnounced
from scalegate.policy import load_policy
from scalegate.training.beside import fault_of, store
from scalegate.training.evaluation import EvaluationRequest, Measured, log_of
from scalegate.training.gate import Gate
from scalegate.training.held import Held
from support import STEP, SUITE, Model, new_project, open_gate, record_tier, train


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return new_project(tmp_path / "p")


def genesis(project: Project) -> str:
    with reading(project.ledger) as journal:
        return journal.fold.genesis


def leave_log(project: Project, gate: Gate, shows: int, spent: int = 10**9, whole: int = 400) -> str:
    """Store a log of the last elicited evaluation that shows so many successes, as a process that was killed would."""
    [*_, announced] = [it for it in attempts(project) if it.elicitation != "none"]
    asked = EvaluationRequest("arithmetic", SUITE, announced.weights, "fine-tuning", 10**9, 0)
    scores = [True] * shows + [False] * (whole - shows) + [None] * (400 - whole)
    measured = Measured.of(scores, assumptions=["a"], elicitation_flops=spent)
    return store(gate._session.folder, log_of(genesis(project), announced.evaluation, asked, measured))


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
    """Nor does one that says something else."""
    model = Model()
    gate = open_gate(project, model)
    train(gate, model, 3)
    gate.save()
    folder, token = gate._session.folder, gate._session.token
    gate.close()
    store(folder, fault_of("1" * 64, "0" * 64, "of a session that this ledger does not know"))
    store(folder, b'{"meter_fault":7,"session":"' + token.encode() + b'"}')
    store(folder, b'{"meter_fault":"cut off')
    with open_gate(project, model) as gate:
        train(gate, model, 1)
    store(folder, fault_of(genesis(project), token, "seen"))
    with open_gate(project, model) as gate, pytest.raises(Held, match=r"standing\.meter"):
        train(gate, model, 1)
    with reading(project.ledger) as journal:
        assert journal.fold.runs["r"].faults == ["seen"]


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
    store(gate._session.folder, fault_of(genesis(project), gate._session.token, "found"))
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
    leave_log(project, gate, shows)
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
    spent = gate._session.state.used("elicitation")
    leave_log(project, gate, 79, spent + 7)
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
    gate.close()
    with open_gate(project, model) as gate:
        train(gate, model, 1)
        if waits == "fault":
            store(folder, fault_of(genesis(project), token, "found"))
        else:
            leave_log(project, gate, 79)
        gate.save()
        # It holds at the next tranche, also within the permit and its lease.
        with pytest.raises(Held, match=r"standing\.meter" if waits == "fault" else r"level-2"):
            train(gate, model, 1)
    replay(project.ledger)


@pytest.mark.parametrize(("shows", "whole"), [(59, 60), (40, 100), (99_000, 110_000), (78, 78)])
def test_a_log_is_taken_up_by_what_it_would_count_for(project: Project, shows: int, whole: int) -> None:
    """Samples that errored excuse nothing, and no more do more samples than are worked out."""
    model = Model()
    gate = open_gate(project, model)
    train(gate, model, 25)
    gate.save()
    leave_log(project, gate, shows, whole=whole)
    gate.close()
    with open_gate(project, model) as gate, pytest.raises(Held, match=r"level-2"):
        train(gate, model, 1)
    before = entries(project)
    open_gate(project, Model(flops=1), "another").close()
    assert entries(project) == before + 1, "once"


def test_a_log_of_more_successes_in_less_is_not_what_is_known_already(project: Project) -> None:
    model = Model()
    gate = open_gate(project, model)
    train(gate, model, 25)
    gate.save()
    for shows, whole in ((50, 400), (45, 50)):
        leave_log(project, gate, shows, whole=whole)
    gate.close()
    with open_gate(project, model) as gate, pytest.raises(Held, match=r"level-2"):
        train(gate, model, 1)


def leave_open(project: Project, run: str, shows: int, **options: object) -> None:
    """A run is evaluated after a step; its log is stored, and its process is gone before the result is written."""
    model = Model(flops=7)
    evaluated = False

    def evaluate(request: EvaluationRequest) -> Measured:
        nonlocal evaluated
        evaluated = True
        return Measured.of([True] * shows + [False] * (400 - shows), assumptions=["a"])

    def digest() -> str:
        if evaluated:
            os._exit(9)
        return model.digest()

    if os.fork() == 0:
        gate = open_gate(project, model, run, evaluate=evaluate, weights=digest, **options)
        train(gate, model, 1)
        gate.evaluate()
        os._exit(0)
    assert os.waitstatus_to_exitcode(os.wait()[1]) == 9


@pytest.mark.parametrize("shows", [360, 79])
def test_what_nobody_lived_to_record_counts_for_other_runs_too(project: Project, shows: int) -> None:
    """The run that it is of may never be opened again. If that was only not ruled out, it is still its own matter."""
    leave_open(project, "gone", shows)
    with open_gate(project, Model(), "other") as gate:
        if shows == 360:
            with pytest.raises(Held, match="STOP"):
                gate.step(STEP)
        else:
            gate.step(STEP)
    with reading(project.ledger) as journal:
        [attempt] = journal.fold.attempts.values()
        assert (attempt.finished is not None) == (shows == 360)
    with open_gate(project, Model(flops=7), "gone"):
        pass
    with reading(project.ledger) as journal:
        [attempt] = journal.fold.attempts.values()
        assert attempt.finished is not None
        assert (attempt.finished.successes, attempt.others) == (shows, [])
    replay(project.ledger)


def test_what_was_taken_up_while_its_evaluator_lived_is_what_that_records(project: Project) -> None:
    """Between storing its log and recording its result another run is opened: that holds, and the result is whole."""
    model, evaluated = Model(flops=7), [0]

    def evaluate(request: EvaluationRequest) -> Measured:
        evaluated[0] += 1
        return Measured.of([True] * 360 + [False] * 40, assumptions=["a"], elicitation_flops=request.elicitation_flops)

    def digest() -> str:
        if evaluated[0] in (1, 2):
            evaluated[0] += 8
            with open_gate(project, Model(), f"other{evaluated[0]}") as other, pytest.raises(Held, match="STOP"):
                other.step(STEP)
            evaluated[0] -= 8 if evaluated[0] == 9 else 0
        return model.digest()

    with open_gate(project, model, evaluate=evaluate, weights=digest) as gate:
        train(gate, model, 1)
        decision = gate.evaluate()
    statuses = {finding.clause: finding.status for finding in decision.findings}
    assert (statuses["capability.arithmetic"], statuses["safeguards.level-2"]) == ("met", "not shown")
    with reading(project.ledger) as journal:
        for attempt in journal.fold.attempts.values():
            assert attempt.finished is not None
            assert (attempt.finished.status, attempt.others) == ("completed", [])
    replay(project.ledger)


def test_nobody_signs_over_what_waits(project: Project, capsys: pytest.CaptureFixture[str]) -> None:
    model = Model(skill=lambda _: 0.21)
    with open_gate(project, model) as gate:
        with pytest.raises(Held):
            train(gate, model)
        leave_log(project, gate, 400)
    sign = ["approve", "-p", str(project.folder), "--run", "r", "--level", "2", "--as", "ada", "--until", "2999-01-01"]
    assert run([*sign, "--statement", "seen"]) == 2
    assert "waits beside the ledger, and is not in it yet" in capsys.readouterr().err
    assert run(["decide", "--run", "r", "-p", str(project.folder)]) == 3
    assert run([*sign, "--statement", "seen"]) == 0
