"""The gate in a loop: stops by itself, holds, releases, and is not got around by bad input or a dying process."""

from __future__ import annotations

import math
import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import pytest

from scalegate.errors import InputError, LedgerError, NotVerified
from scalegate.gate import replay
from scalegate.gate.journal import reading, wall_time
from scalegate.gate.project import Project, adopt
from scalegate.ledger.entries import ComputeReserved
from scalegate.policy import load_policy
from scalegate.training import measuring
from scalegate.training.evaluation import Measured
from scalegate.training.held import Held
from support import DAY, POLICY_TEXT, STEP, Clock, Model, approve, attest, new_project, open_gate, record_tier, train


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return new_project(tmp_path / "p")


def held(call: Any, *args: Any) -> Held:
    with pytest.raises(Held) as caught:
        call(*args)
    return caught.value


def test_a_crash_of_the_first_steps_forfeits_a_small_part_of_what_goes_before_a_first_evaluation(
    project: Project,
) -> None:
    gate = open_gate(project, Model())
    gate.step(STEP // 4)
    gate._session.journal.close()
    with reading(project.ledger) as journal:
        assert journal.fold.runs["r"].used() == 2 * 10**11 // 16
    with open_gate(project, Model()) as again:
        again.step(STEP)
        due = again.next_due()
    assert due is not None
    assert due.flops_left == 2 * 10**11 - 2 * 10**11 // 16 - STEP


def test_the_main_job(project: Project) -> None:
    """Metered, evaluated at each due point, held, released, and stopped at the last gate; then replayed."""
    model = Model(skill=lambda flops: 0.0 if flops < 3 * 10**12 else 0.7)
    with open_gate(project, model) as gate:
        assert gate.next_due() is None
        gate.step(STEP)
        model.flops += STEP
        due = gate.next_due()
        assert due is not None
        assert due.compute == 2 * 10**11
        assert due.flops_left == 2 * 10**11 - STEP
        assert due.elicitation_flops >= 2 * 10**9
        first = held(train, gate, model)
        assert gate.trained == model.flops
    assert first.decision is not None
    assert first.decision.resumption is not None
    assert first.decision.resumption.because == ("safeguards.level-2",)
    assert model.saved == model.flops
    kinds = [(request.elicitation, request.elicitation_flops > 0) for request in model.requests]
    assert kinds == [("none", False), ("fine-tuning", True)] * 3
    attest(project)
    approve(project, "ada")
    with open_gate(project, model) as gate:
        assert held(train, gate, model).decision.resumption.stop is False  # type: ignore[union-attr]
    approve(project, "ada")
    with open_gate(project, model) as gate:
        held(train, gate, model)
    approve(project, "alan")
    with open_gate(project, model) as gate:
        last = held(train, gate, model)
    assert last.decision is not None
    assert last.decision.resumption is not None
    assert last.decision.resumption.because == ("last-gate",)
    assert last.decision.resumption.stop is True
    lineage = replay(project.ledger).fold.situation("r", now=wall_time()).lineage.compute
    assert 2 * 10**13 - STEP < lineage <= 2 * 10**13
    assert 1.9 * 10**13 < model.flops < 2 * 10**13
    replayed = replay(project.ledger)
    assert replayed.decisions >= 8
    assert (replayed.faults, replayed.ignored) == ((), ())


def test_no_step_is_authorised_past_the_permit(project: Project) -> None:
    model = Model()
    with open_gate(project, model, evaluate=None) as gate:
        train(gate, model, 20)
        assert model.flops == 2 * 10**11
        held(gate.step, 1)
        held(gate.step, 1)
        assert gate.trained == 2 * 10**11


@pytest.mark.parametrize("flops", [0, -1, -(10**41), math.nan])
def test_a_meter_that_cannot_be_counts_as_a_fault_and_holds_for_good(project: Project, flops: Any) -> None:
    model = Model()
    with open_gate(project, model) as gate:
        gate.step(STEP)
        error = held(gate.step, flops)
        assert "standing.meter" in str(error)
        held(gate.step, STEP)
    with open_gate(project, Model()) as again:
        assert "standing.meter" in str(held(again.step, STEP))


def test_compute_is_reserved_before_it_is_spent_and_given_back_at_the_end(project: Project) -> None:
    model = Model()
    gate = open_gate(project, model, tranche=5 * STEP)
    gate.step(STEP)
    with reading(project.ledger) as journal:
        assert journal.fold.runs["r"].used() == 5 * STEP
    gate.close()
    gate.close()
    with reading(project.ledger) as journal:
        assert journal.fold.runs["r"].used() == STEP
    assert "closed" in str(held(gate.step, STEP))


def test_a_process_that_is_killed_forfeits_its_tranche_and_nothing_else(project: Project) -> None:
    script = textwrap.dedent(
        """
        import os, signal, sys
        sys.path.insert(0, sys.argv[2])
        from pathlib import Path
        from support import *
        gate = open_gate(Project(Path(sys.argv[1])), Model(), tranche=7 * STEP)
        gate.step(STEP)
        os.kill(os.getpid(), signal.SIGKILL)
        """
    )
    tests = str(Path(__file__).parents[1])
    done = subprocess.run([sys.executable, "-c", script, str(project.folder), tests], check=False, env=os.environ)
    assert done.returncode == -signal.SIGKILL
    model = Model()
    with open_gate(project, model) as gate:
        train(gate, model, 13)
        with reading(project.ledger) as journal:
            assert journal.fold.runs["r"].used() == 2 * 10**11
        assert gate.trained == 13 * STEP
    replay(project.ledger)


def test_a_process_killed_during_an_evaluation_leaves_an_attempt_that_counts(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Killed(BaseException):
        pass

    def dies(_request: Any) -> Measured:
        raise Killed

    model = Model()
    gate = open_gate(project, model, evaluate=dies)
    # As if the process ended right here, before it could write anything more.
    monkeypatch.setattr(measuring, "_record", lambda *_: None)
    with pytest.raises(Killed):
        train(gate, model)
    gate.close()
    with reading(project.ledger) as journal:
        assert [piece.status for piece in journal.fold.situation("r", now=wall_time()).pieces] == ["open"]
    monkeypatch.undo()
    with open_gate(project, model) as gate:
        train(gate, model, 5)
    with reading(project.ledger) as journal:
        pieces = journal.fold.situation("r", now=wall_time()).pieces
        assert [piece.status for piece in pieces] == ["aborted", "completed", "completed"]


@pytest.mark.parametrize(
    "scores",
    [
        [],
        [math.nan] * 400,
        [False] * 399 + [math.nan],
        [False] * 399 + [None],
        [False] * 399,
        [0.5] * 400,
        ["timeout"] * 400,
        [math.inf] * 400,
    ],
    ids=["empty", "all NaN", "one NaN", "one errored", "one missing", "not a score", "text", "inf"],
)
def test_evaluations_that_are_not_whole_are_unknown(project: Project, scores: list[Any]) -> None:
    model = Model()
    measured = Measured.of(scores, assumptions=("a",), elicitation_flops=10**12, elicitation_method="fine-tuning")
    with open_gate(project, model, evaluate=lambda _request: measured) as gate:
        error = held(train, gate, model)
    assert error.decision is not None
    statuses = {finding.clause: finding.status for finding in error.decision.findings}
    assert statuses["capability.arithmetic"] == "not shown"


def test_an_evaluation_that_raises_is_recorded_and_holds(project: Project) -> None:
    def broken(_request: Any) -> Measured:
        raise RuntimeError("out of memory")

    model = Model()
    with open_gate(project, model, evaluate=broken) as gate:
        error = held(train, gate, model)
    assert error.decision is not None
    with reading(project.ledger) as journal:
        finished = [attempt.finished for attempt in journal.fold.attempts.values()]
    assert all(item is not None and "out of memory" in item.elicitation_method for item in finished)


def test_weights_are_evaluated_once_however_often_the_step_is_tried(project: Project) -> None:
    model = Model(skill=lambda _flops: 0.16)
    with open_gate(project, model) as gate:
        for _ in range(3):
            held(train, gate, model)
    assert len(model.requests) == 2


def test_only_the_latest_process_holds_the_run(project: Project) -> None:
    first, second = Model(), Model()
    old = open_gate(project, first, tranche=STEP)
    old.step(STEP)
    first.flops += STEP
    with open_gate(project, second, tranche=STEP) as new:
        new.step(STEP)
        assert str(held(old.step, STEP)).count("taken over") == 1
    old.close()
    assert replay(project.ledger).faults == ()
    with reading(project.ledger) as journal:
        assert journal.fold.runs["r"].faults == []


def test_a_decision_from_elsewhere_revokes_the_permit(project: Project) -> None:
    model = Model()
    with open_gate(project, model, tranche=STEP) as gate:
        gate.step(STEP)
        with project.journal() as journal:
            journal.decide("r", "train", project.key("gatekeeper"), "gatekeeper", compute=10**14)
            assert journal.fold.latest["r"].verdict == "HOLD"
        gate.step(STEP)
        model.flops += 2 * STEP
        assert gate.decision is not None
        assert gate.decision.verdict == "PROCEED"
    with reading(project.ledger) as journal:
        assert journal.fold.runs["r"].faults == []


def test_reserving_without_a_permit_is_a_fault_of_the_run(project: Project) -> None:
    model = Model()
    with open_gate(project, model, tranche=STEP) as gate:
        gate.step(STEP)
        session = gate._session.token
    with project.journal() as journal:
        entry = ComputeReserved(
            actor="gatekeeper",
            time=journal.now(),
            policy=journal.policy.digest(),
            run="r",
            session=session,
            use="training",
            flops=10**12,
        )
        journal.append(lambda: [(entry, project.key("gatekeeper"))])
    with open_gate(project, Model()) as again:
        assert "standing.meter" in str(held(again.step, STEP))


def test_a_lease_ends_by_the_monotonic_clock_and_is_renewed_at_the_head(tmp_path: Path) -> None:
    text = POLICY_TEXT.replace("lease: 10 minutes", "lease: 1 minute")
    project = new_project(tmp_path / "p", text)
    model = Model()
    with open_gate(project, model) as gate:
        gate.step(STEP)
        first = gate.decision
        gate._expires = 0.0
        gate.step(STEP)
        model.flops += 2 * STEP
        assert gate.decision is not first


def test_a_clock_that_went_back_holds(project: Project) -> None:
    clock = Clock(wall_time() + 10)
    model = Model()
    with open_gate(project, model, now=clock) as gate:
        train(gate, model, 1)
        clock.seconds -= 5
        gate._expires = 0.0
        assert "standing.clock" in str(held(gate.step, STEP))
        clock.seconds += 5
        gate.step(STEP)
    assert replay(project.ledger).faults == ()


def test_a_clock_far_ahead_gains_nothing(project: Project) -> None:
    clock = Clock(wall_time())
    model = Model()
    with open_gate(project, model, now=clock) as gate:
        gate.step(STEP)
        clock.seconds += 400 * DAY
        gate._expires = 0.0
        held(gate.step, STEP)


def test_another_policy_than_the_one_in_force_is_refused(project: Project, tmp_path: Path) -> None:
    lax = tmp_path / "lax.yaml"
    lax.write_text(project.policy.read_text().replace("every: 4x", "every: 400x"))
    with pytest.raises(InputError, match="policy in force"):
        open_gate(project, Model(), policy=lax)


def test_a_policy_changed_during_a_run_ends_the_session(project: Project, tmp_path: Path) -> None:
    changed = tmp_path / "changed.yaml"
    changed.write_text(project.policy.read_text().replace("every: 4x", "every: 3x").replace('"1.0"', '"1.1"'))
    wanted = load_policy(changed)
    with open_gate(project, Model(), tranche=STEP) as gate:
        gate.step(STEP)
        with project.journal() as journal:
            assert adopt(journal, wanted, "ada", project.key("ada")) != wanted.digest()
        gate.step(STEP)
        with project.journal() as journal:
            assert adopt(journal, wanted, "grace", project.key("grace")) == wanted.digest()
        assert "a policy has been adopted" in str(held(gate.step, STEP))
    record_tier(project)
    with open_gate(project, Model(), policy=changed) as gate:
        gate.step(STEP)
    assert replay(project.ledger).faults == ()


def test_keys_that_the_policy_does_not_name_are_refused(project: Project) -> None:
    (project.keys / "gatekeeper.key").unlink()
    with pytest.raises(InputError, match="role `gate`"):
        open_gate(project, Model())


def test_the_ledger_of_another_project_is_refused(project: Project, tmp_path: Path) -> None:
    other = new_project(tmp_path / "other")
    with pytest.raises(InputError, match="not the key of this log"):
        open_gate(project, Model(), ledger=other.ledger, keys=project.keys)
    with pytest.raises(InputError, match="policy in force"):
        open_gate(project, Model(), ledger=other.ledger, keys=other.keys)


def test_a_ledger_put_back_from_an_older_copy_is_refused(project: Project, tmp_path: Path) -> None:
    old = project.ledger.read_bytes()
    with open_gate(project, Model()) as gate:
        gate.step(STEP)
    project.ledger.write_bytes(old)
    with pytest.raises(NotVerified, match="rolled back"):
        open_gate(project, Model())


def test_no_ledger_no_training(tmp_path: Path, project: Project) -> None:
    with pytest.raises(LedgerError):
        open_gate(project, Model(), ledger=tmp_path / "none.db", keys=project.keys)


def test_a_ledger_that_cannot_be_written_holds(project: Project) -> None:
    model = Model()
    with open_gate(project, model, tranche=STEP) as gate:
        gate.step(STEP)
        project.ledger.rename(project.folder / "gone.db")
        gate._session.journal.ledger._drop()
        error = held(gate.step, STEP)
        assert error.decision is None
        (project.folder / "gone.db").rename(project.ledger)


def test_a_negative_tranche_is_refused(project: Project) -> None:
    with pytest.raises(InputError, match="tranche"):
        open_gate(project, Model(), tranche=0)
