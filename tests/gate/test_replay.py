"""What an outsider finds: the same decisions, or the first entry that does not check out."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from scalegate.errors import LedgerError, NotVerified
from scalegate.gate import Decision, replay
from scalegate.gate.fold import Fold
from scalegate.gate.journal import PAYLOAD_TYPE, Journal, reading
from scalegate.gate.project import Project
from scalegate.gate.witnessing import Log, Witnessing
from scalegate.ledger import Ledger, SigningKey, dsse
from scalegate.ledger.entries import Attestation, DecisionMade, read_statement, write_statement
from scalegate.training.held import Held
from support import STEP, Model, approve, attest, new_project, open_gate, train


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """A run that was held for its level and released, with a permit in force."""
    project = new_project(tmp_path / "p")
    model = Model(skill=lambda _flops: 0.9)
    with open_gate(project, model) as gate, pytest.raises(Held):
        train(gate, model)
    attest(project)
    approve(project, "ada", "alan")
    with open_gate(project, model) as gate:
        train(gate, model, 3)
    return project


def forged(project: Project, change: Callable[[dict[str, Any]], None], verdict: str = "PROCEED") -> Path:
    """A copy of the ledger whose first decision with that verdict is changed, all of it signed again by its owner."""
    path = project.folder / "forged.db"
    log = project.key("log")
    done = False
    with Ledger.create(path, origin="forged", log_key=log) as copy:
        for envelope in envelopes(project.ledger):
            entry = read_statement(dsse.parse(envelope).payload)
            if isinstance(entry, DecisionMade) and entry.decision["verdict"] == verdict and not done:
                document = json.loads(json.dumps(entry.decision))
                change(document)
                done = True
                changed = entry.model_copy(update={"decision": document})
                envelope = dsse.sign(write_statement(changed), PAYLOAD_TYPE, [project.key("gatekeeper")])
            copy.append([envelope])
    assert done
    return path


def envelopes(path: Path) -> list[bytes]:
    with Ledger.open(path) as ledger:
        return [envelope for _, envelope in ledger.entries()]


def test_everything_is_counted(project: Project) -> None:
    with project.journal() as journal:
        journal.decide("r", "train", project.key("gatekeeper"), "gatekeeper", compute=10**14)
    seen: list[tuple[int, int]] = []
    replayed = replay(project.ledger, progress=lambda done, whole: seen.append((done, whole)))
    with Ledger.open(project.ledger) as ledger:
        assert replayed.entries == ledger.size
        assert replayed.root == ledger.root().hex()
        assert replayed.checkpoints == len(list(ledger.checkpoints()))
        assert replayed.origin == ledger.origin == ledger.log_verify_key.name
        assert replayed.log_key == ledger.log_verify_key.to_text()
    kinds = [record.entry for record in replayed.fold.records if isinstance(record.entry, DecisionMade)]
    verdicts = [entry.decision["verdict"] for entry in kinds]
    assert replayed.decisions == len(verdicts) == replayed.proceeds + replayed.holds
    assert replayed.proceeds == verdicts.count("PROCEED") == 2
    assert replayed.holds == verdicts.count("HOLD") == 3
    assert replayed.faults == ()
    assert replayed.ignored == ()
    assert seen
    assert seen[-1][0] == seen[-1][1]


def test_a_copied_ledger_replays_alone(project: Project, tmp_path: Path) -> None:
    copy = tmp_path / "elsewhere" / "l.db"
    copy.parent.mkdir()
    copy.write_bytes(project.ledger.read_bytes())
    assert replay(copy).decisions == 4


@pytest.mark.parametrize(
    "change",
    [
        lambda d: d["permit"].update(compute=str(int(d["permit"]["compute"]) + 1)),
        lambda d: d["permit"].update(time=d["permit"]["time"] + 1),
        lambda d: d["limits"].update(inadequate=[]),
        lambda d: d["findings"][0].update(detail="nothing to see"),
        lambda d: d.update(policy_name="better 2.0"),
        lambda d: d.update(policy="0" * 64),
    ],
)
def test_a_decision_that_was_edited_is_found_and_named(project: Project, change: Any) -> None:
    path = forged(project, change)
    with pytest.raises(NotVerified, match="with other findings") as caught:
        replay(path)
    assert caught.value.place is not None
    assert caught.value.place.entry == 3
    assert caught.value.place.file == str(path)
    assert caught.value.exit_code == 4


def test_a_verdict_that_was_turned_is_found(project: Project) -> None:
    def turn(document: dict[str, Any]) -> None:
        document.update(verdict="PROCEED", resumption=None)
        document["permit"] = {
            "compute": "9",
            "time": 9,
            "others": "0",
            "lease": 9,
            "compute_ends_by": [],
            "time_ends_by": [],
        }

    with pytest.raises(NotVerified, match="recorded is PROCEED; deciding again gives HOLD"):
        replay(forged(project, turn, "HOLD"))


@pytest.mark.parametrize("field", [{"situation": "0" * 64}, {"now": 1}, {"run": "other"}, {"compute": "1"}])
def test_a_decision_on_another_situation_is_found(project: Project, field: dict[str, Any]) -> None:
    with pytest.raises(NotVerified, match="another situation"):
        replay(forged(project, lambda d: d.update(field)))


def test_a_decision_that_is_none_is_found(project: Project) -> None:
    with pytest.raises(NotVerified, match="not a decision: verdict"):
        replay(forged(project, lambda d: d.update(verdict="MAYBE")))


def test_a_decision_before_any_policy_is_found(project: Project) -> None:
    entries = envelopes(project.ledger)
    first = next(e for e in entries if isinstance(read_statement(dsse.parse(e).payload), DecisionMade))
    path = project.folder / "bare.db"
    with Ledger.create(path, origin="bare", log_key=project.key("log")) as bare:
        bare.append([first])
    with pytest.raises(NotVerified, match="before any policy"):
        replay(path)


def test_an_evaluation_left_out_changes_the_decisions_after_it(project: Project) -> None:
    path = project.folder / "shorter.db"
    with Ledger.create(path, origin="shorter", log_key=project.key("log")) as shorter:
        for envelope in envelopes(project.ledger):
            if b"evaluation-finished" not in dsse.parse(envelope).payload:
                shorter.append([envelope])
    with pytest.raises(NotVerified, match="another situation"):
        replay(path)


def test_an_entry_that_cannot_be_read_is_named_and_makes_every_decision_hold(project: Project) -> None:
    strange = dsse.sign(b'{"_type":"x"}', PAYLOAD_TYPE, [project.key("gatekeeper")])
    with Ledger.open(project.ledger, log_key=project.key("log")) as ledger:
        index = ledger.append([strange]).first
    with pytest.raises(NotVerified, match="unknown kind of entry") as caught:
        replay(project.ledger)
    assert caught.value.place is not None
    assert caught.value.place.entry == index
    with project.journal() as journal:
        decision = journal.decide("r", "train", project.key("gatekeeper"), "gatekeeper")
    assert decision.verdict == "HOLD"
    assert "standing.ledger" in (decision.resumption.because if decision.resumption else ())


def test_signatures_by_the_wrong_hand_count_for_nothing_and_are_listed(project: Project) -> None:
    """Written by the log's owner past every check of ours, they are still worth nothing."""
    stranger = SigningKey.generate("stranger")
    with project.journal() as journal:
        common = {"time": journal.now(), "policy": journal.policy.digest()}
        wrong = [
            (Attestation(actor="security", safeguard="weights-locked", until=2**40, statement="x", **common), stranger),
            (Attestation(actor="mallory", safeguard="weights-locked", until=2**40, statement="x", **common), stranger),
            (
                Attestation(actor="ada", safeguard="weights-locked", until=2**40, statement="x", **common),
                project.key("ada"),
            ),
            (
                Attestation(actor="security", safeguard="moat", until=2**40, statement="x", **common),
                project.key("security"),
            ),
            (
                Attestation(
                    actor="security",
                    safeguard="weights-locked",
                    until=2**40,
                    statement="x",
                    time=journal.now(),
                    policy="0" * 64,
                ),
                project.key("security"),
            ),
        ]
        signed = [dsse.sign(write_statement(entry), PAYLOAD_TYPE, [key]) for entry, key in wrong]
        before = len(journal.fold.signatures)
        first = journal.ledger.append(signed).first
        journal.refresh()
        assert len(journal.fold.signatures) == before
        reasons = journal.fold.ignored
    assert [reason.split(" (")[0] for reason in reasons] == [f"entry {first + n}" for n in range(5)]
    for reason, words in zip(
        reasons, ("not by the key", "not named", "role `security`", "nobody", "another policy"), strict=True
    ):
        assert words in reason
    assert replay(project.ledger).ignored == tuple(reasons)


def test_a_machine_entry_by_the_wrong_hand_makes_the_ledger_unsound(project: Project) -> None:
    with project.journal() as journal:
        entry = journal.fold.records[-1].entry
        stranger = dsse.sign(write_statement(entry), PAYLOAD_TYPE, [SigningKey.generate("x")])
        journal.ledger.append([stranger])
        decision = journal.decide("r", "train", project.key("gatekeeper"), "gatekeeper")
    assert decision.verdict == "HOLD"
    assert "not by the key" in replay(project.ledger).faults[0]


def test_no_write_of_ours_is_by_the_wrong_hand(project: Project) -> None:
    from scalegate.errors import InputError

    with project.journal() as journal:
        size = journal.ledger.size
        with pytest.raises(InputError, match="not by the key"):
            journal.decide("r", "train", project.key("ada"), "gatekeeper")
        with pytest.raises(InputError, match="does not have the role `gate`"):
            journal.decide("r", "train", project.key("ada"), "ada")
        assert journal.ledger.size == size


def test_a_fold_is_the_same_however_often_it_is_read(project: Project) -> None:
    log = project.key("log").verify_key
    whole, nobodys = Fold(witnessing=Witnessing(Log(log.name, log))), Fold()
    for envelope in envelopes(project.ledger):
        whole.add(envelope)
        nobodys.add(envelope)
    assert any("it is for another ledger" in it for it in nobodys.ignored), "what is of an unknown log grants nothing"
    assert not whole.ignored
    with reading(project.ledger) as journal:
        assert journal.fold.situation("r", now=2**33) == whole.situation("r", now=2**33)
        journal.refresh()
        assert journal.fold.size == whole.size == journal.ledger.size
    assert whole.latest["r"] == Decision.from_json(whole.latest["r"].to_json())
    assert isinstance(journal, Journal)
    assert STEP


def test_a_file_that_is_swapped_while_it_is_verified_is_found(project: Project, tmp_path: Path) -> None:
    """What is audited and what is replayed must be one ledger."""
    other = new_project(tmp_path / "other")
    model = Model(flops=3)
    with open_gate(other, model, tranche=STEP, evaluate=None) as gate:
        for _ in range(20):
            train(gate, model, 1)
    link = tmp_path / "link.db"
    link.symlink_to(project.ledger)

    def swap(done: int, total: int) -> None:
        if done == total and link.readlink() == project.ledger:
            link.unlink()
            link.symlink_to(other.ledger)

    with reading(other.ledger) as there, reading(project.ledger) as here:
        assert there.ledger.size >= here.ledger.size
    with pytest.raises(NotVerified):
        replay(link, progress=swap)


@pytest.mark.parametrize("other", ["other entries", "fewer entries", "another log key"])
def test_what_is_replayed_is_what_was_audited(project: Project, tmp_path: Path, other: str) -> None:
    """Swapped for one that differs in a single thing: never the root of one with the verdicts or the key of another."""
    policy, tier, opened, *_ = envelopes(project.ledger)
    log = project.key("log")

    def ledger(name: str, *entries: bytes, key: SigningKey = log) -> Path:
        with Ledger.create(tmp_path / name, origin="o", log_key=key) as made:
            made.append(entries)
        return tmp_path / name

    link = tmp_path / "l.db"
    link.symlink_to(ledger("checked.db", policy, tier))
    swapped = {
        "other entries": lambda: ledger("1.db", policy, opened),
        "fewer entries": lambda: ledger("1.db", policy),
        "another log key": lambda: ledger("1.db", policy, tier, key=SigningKey.generate("log")),
    }[other]()

    def swap(done: int, whole: int) -> None:
        if done == whole:
            link.unlink()
            link.symlink_to(swapped)

    with pytest.raises(NotVerified, match=r"db: the ledger changed while it was verified$"):
        replay(link, progress=swap)


def test_a_fault_while_verifying_is_not_held_against_the_ledger(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: object) -> None:
        raise MemoryError("none left")

    with monkeypatch.context() as patched:
        patched.setattr(sys.modules["scalegate.gate.decide"], "derive_facts", fails)
        with pytest.raises(LedgerError, match="could not be decided again: MemoryError: none left"):
            replay(project.ledger)
    assert replay(project.ledger).faults == ()


def test_a_recorded_fault_of_the_program_does_not_verify(project: Project) -> None:
    """Also if it would come out the same again: it is no decision."""

    def fault(document: dict[str, Any]) -> None:
        document["findings"][0].update(clause="standing.fault", status="not shown", detail="MemoryError")

    with pytest.raises(NotVerified, match="a fault of the program is recorded"):
        replay(forged(project, fault, "HOLD"))
