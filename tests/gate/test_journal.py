"""Writing through a journal: what would not count is refused, with its reason and place, and nothing is written."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from scalegate.errors import InputError, LedgerError, NotVerified, ScalegateError
from scalegate.gate.journal import Journal, reading, wall_time
from scalegate.gate.project import Project
from scalegate.ledger import Ledger, SigningKey
from scalegate.ledger.entries import Attestation, ComputeReserved, DecisionMade, EvaluationAnnounced, RunOpened
from scalegate.training.held import Held
from support import START, Clock, Model, new_project, open_gate, record_tier, train

SESSION = "1" * 64


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return new_project(tmp_path / "p", tier_recorded=False)


def attestation(journal: Journal, **changes: Any) -> Attestation:
    given = {"actor": "security", "time": journal.now(), "policy": journal.policy.digest(), "until": 2**33}
    return Attestation(**({"safeguard": "weights-locked", "statement": "locked"} | given | changes))


def opened(journal: Journal, **changes: Any) -> RunOpened:
    given = {"actor": "gatekeeper", "time": journal.now(), "policy": journal.policy.digest(), "run": "r"}
    given |= {"session": SESSION, "from_scratch": True, "parents": (), "planned": 10**12, "start_weights": "a" * 64}
    return RunOpened(**(given | changes))


def reserved(journal: Journal, **changes: Any) -> ComputeReserved:
    given = {"actor": "gatekeeper", "time": journal.now(), "policy": journal.policy.digest(), "run": "r"}
    return ComputeReserved(**(given | {"session": SESSION, "use": "elicitation", "flops": 10} | changes))


def refusal(journal: Journal, write: Callable[[], object]) -> ScalegateError:
    """The error, with which nothing was written or folded."""
    before = (journal.ledger.size, journal.fold.size, len(journal.fold.records))
    with pytest.raises(ScalegateError) as caught:
        write()
    assert (journal.ledger.size, journal.fold.size, len(journal.fold.records)) == before
    assert caught.value.place is not None
    assert caught.value.place.file == str(journal.ledger.path)
    return caught.value


def test_an_entry_by_the_wrong_hand_is_not_written(project: Project) -> None:
    with project.journal() as journal:
        entries = [(opened(journal), project.key("gatekeeper")), (opened(journal), project.key("ada"))]
        error = refusal(journal, lambda: journal.append(lambda: entries))
        assert isinstance(error, InputError)
        assert error.message == "the signature is not by the key that the policy names for `gatekeeper`"
        assert error.fix == "nothing was written"


def test_a_grant_that_would_not_count_is_not_written(project: Project) -> None:
    with project.journal() as journal:
        error = refusal(journal, lambda: journal.grant(attestation(journal, actor="ada"), project.key("ada")))
        assert isinstance(error, InputError)
        assert (error.message, error.fix) == ("`ada` does not have the role `security`", "nothing was written")


def test_compute_is_not_reserved_before_what_the_ledger_already_has(project: Project) -> None:
    gate = project.key("gatekeeper")
    with project.journal() as journal:
        journal.append(lambda: [(opened(journal), gate)])
        at = journal.fold.time
        error = refusal(journal, lambda: journal.append(lambda: [(reserved(journal, time=at - 1), gate)]))
        assert isinstance(error, LedgerError)
        assert error.message == "this machine's clock is behind the ledger, and compute is not reserved in the past"
        assert error.fix == "set the clock, or wait"
        assert journal.append(lambda: [(reserved(journal, time=at), gate)]) == 2
        assert journal.fold.runs["r"].faults == []


def test_entries_made_together_are_written_together_and_folded(project: Project) -> None:
    gate = project.key("gatekeeper")
    with project.journal() as journal:
        assert journal.append(lambda: [(opened(journal), gate), (reserved(journal), gate)]) == 1
        assert journal.ledger.size == journal.fold.size == 3
        assert journal.fold.runs["r"].used("elicitation") == 10


def test_what_others_wrote_is_read_before_anything_is_made(project: Project) -> None:
    gate = project.key("gatekeeper")
    with project.journal() as one, project.journal() as two:
        two.append(lambda: [(opened(two), gate)])
        assert "r" not in one.fold.runs
        seen: list[bool] = []

        def make() -> list[tuple[Any, SigningKey]]:
            seen.append("r" in one.fold.runs)
            return [(reserved(one), gate)]

        assert one.append(make) == 2
        assert seen == [True]
        two.refresh()
        assert two.fold.runs["r"].used() == 10


def test_a_decision_is_about_what_was_asked_and_is_recorded_at_its_time(project: Project) -> None:
    clock = Clock(START)
    with Journal.open(project.ledger, log_key=project.key("log"), now=clock) as journal:
        clock.seconds = journal.fold.time + 7
        decision = journal.decide(
            "r",
            "deploy_external",
            project.key("gatekeeper"),
            "gatekeeper",
            compute=123,
            weights="b" * 64,
            configuration="c" * 64,
        )
        assert (decision.run, decision.action, decision.compute) == ("r", "deploy_external", 123)
        assert (decision.weights, decision.configuration) == ("b" * 64, "c" * 64)
        assert decision.now == clock.seconds
        entry = journal.fold.records[-1].entry
        assert isinstance(entry, DecisionMade)
        assert (entry.actor, entry.time, entry.decision) == ("gatekeeper", clock.seconds, decision.to_json())
        assert journal.fold.decisions[decision.digest()] == decision


def test_a_ledger_without_a_policy_says_what_to_do(tmp_path: Path) -> None:
    Ledger.create(tmp_path / "l.db", origin="o", log_key=SigningKey.generate("log")).close()
    with reading(tmp_path / "l.db") as journal, pytest.raises(InputError) as caught:
        assert journal.policy
    assert caught.value.message == "no policy is in force in this ledger"
    assert caught.value.fix == "adopt one: `scalegate adopt POLICY`"


def test_what_is_opened_for_reading_cannot_be_written_and_is_closed_at_the_end(project: Project) -> None:
    with reading(project.ledger) as journal:
        assert abs(journal.now() - wall_time()) < 60
        assert isinstance(journal.now(), int)
        with pytest.raises(LedgerError):
            journal.grant(attestation(journal), project.key("security"))
    with pytest.raises(ScalegateError):
        list(journal.ledger.entries(0))


def test_a_clock_of_the_callers_is_kept(project: Project) -> None:
    clock = Clock(5)
    with Journal.open(project.ledger, now=clock) as journal:
        assert journal.now() == 5


def test_an_announcement_needs_the_evaluators_key(project: Project) -> None:
    with project.journal() as journal:
        given = {"time": journal.now(), "policy": journal.policy.digest(), "evaluation": "e" * 64, "run": "r"}
        given |= {"weights": "a" * 64, "domain": "arithmetic", "kind": "capability", "task": "t", "task_version": "1"}
        given |= {"dataset": "d" * 64, "samples": 4, "elicitation": "fine-tuning"}
        entry = EvaluationAnnounced(actor="ada", **given)
        error = refusal(journal, lambda: journal.append(lambda: [(entry, project.key("ada"))]))
        assert error.message == "`ada` does not have the role `evaluator`"


@contextmanager
def tampering(project: Project) -> Iterator[sqlite3.Connection]:
    """The file open for what nobody's program does: without the triggers that refuse it."""
    db = sqlite3.connect(project.ledger)
    triggers = db.execute("SELECT name, sql FROM sqlite_schema WHERE type = 'trigger'").fetchall()
    for name, _ in triggers:
        db.execute(f"DROP TRIGGER {name}")
    yield db
    for _, sql in triggers:
        db.execute(sql)
    db.commit()
    db.close()


def replace_entry(project: Project, *, by: int, at: int) -> None:
    """Put a row in the place of another."""
    with tampering(project) as db:
        row = db.execute("SELECT leaf, envelope FROM entry WHERE position = ?", (by,)).fetchone()
        db.execute("UPDATE entry SET leaf = ?, envelope = ? WHERE position = ?", (*row, at))


@pytest.mark.parametrize("middle", [True, False])
def test_entries_that_are_not_those_that_were_signed_are_read_by_nobody(project: Project, middle: bool) -> None:
    """A row that was put in place of another is whole in itself: only the tree over all of them shows it."""
    model = Model()
    record_tier(project)
    with open_gate(project, model) as gate:
        train(gate, model, 2)
        if middle:
            gate.save()
        with pytest.raises(Held):
            gate.meter_fault("the counter broke")
    with reading(project.ledger) as journal:
        kinds = [type(record.entry).__name__ for record in journal.fold.records]
    replace_entry(project, by=kinds.index("PolicyAdopted"), at=kinds.index("MeterFault"))
    for read in (lambda: Journal.open(project.ledger), lambda: open_gate(project, model)):
        with pytest.raises(NotVerified, match="are not those that were signed"):
            read()


def test_a_reader_that_was_told_once_is_told_again(project: Project) -> None:
    """What it has folded by then it neither decides on nor writes after."""
    with project.journal() as journal:
        with project.journal() as other:
            other.append(lambda: [(opened(other), project.key("gatekeeper"))])
            other.append(lambda: [(attestation(other), project.key("security"))])
        replace_entry(project, by=0, at=1)
        for use in (journal.refresh, lambda: journal.append(lambda: [(opened(journal), project.key("gatekeeper"))])):
            for _ in range(2):
                with pytest.raises(NotVerified, match="are not those that were signed"):
                    use()


@pytest.mark.parametrize("size", [1, 2])
def test_an_older_checkpoint_that_is_damaged_is_seen_before_anything_is_decided(project: Project, size: int) -> None:
    """A decision that is taken on such a ledger could never be verified."""
    with project.journal() as journal:
        journal.append(lambda: [(opened(journal), project.key("gatekeeper"))])
        journal.append(lambda: [(attestation(journal), project.key("security"))])
    with tampering(project) as db:
        (note,) = db.execute("SELECT note FROM checkpoint WHERE size = ?", (size,)).fetchone()
        changed = note[:-9] + ("A" if note[-9] != "A" else "B") + note[-8:]
        db.execute("UPDATE checkpoint SET note = ? WHERE size = ?", (changed, size))
    with pytest.raises(NotVerified, match="checkpoint"):
        project.journal()
    with pytest.raises(NotVerified, match="checkpoint"), reading(project.ledger):
        pass


@pytest.mark.parametrize("says", [1_764_000_000_000, 1.5, -1, True, None, "now"])
def test_a_clock_that_counts_in_another_way_is_refused_before_anything_is_written(project: Project, says: Any) -> None:
    """A time that is in the ledger is there for good, and every clock that is right would be behind it."""
    with Journal.open(project.ledger, log_key=project.key("log"), now=lambda: says) as journal:
        size = journal.fold.size
        with pytest.raises(InputError, match="`now` gives whole seconds"):
            journal.decide("r", "train", project.key("gatekeeper"), "gatekeeper")
    with reading(project.ledger) as journal:
        assert journal.fold.size == size
