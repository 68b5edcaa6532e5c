"""What witnesses cosigned, recorded by a command: a hold says what to run, and two histories are told as such."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path

import pytest
from cli_support import Command

from scalegate.gate.journal import sealed
from scalegate.gate.project import Project
from scalegate.ledger import SigningKey
from scalegate.ledger.entries import CheckpointWitnessed
from scalegate.ledger.merkle import EMPTY_ROOT
from scalegate.ledger.note import cosign, joined
from scalegate.training.held import Held
from support import POLICY_TEXT, STEP, Model, new_project, open_gate
from witnessed_support import WITNESSES, cosigned, one_more, witnessed_clause

ONE, TWO, THREE, _ = WITNESSES


@pytest.fixture
def watched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    """A project whose policy asks for two of three witnesses, with a run that took no step yet."""
    monkeypatch.chdir(tmp_path)
    project = new_project(Path("p"), POLICY_TEXT.rstrip() + witnessed_clause() + "\n")
    open_gate(project, Model(), evaluate=None).close()
    return project


def note_of(project: Project, *witnesses: SigningKey, at: Mapping[SigningKey, int] | None = None) -> Path:
    """The latest checkpoint, cosigned now."""
    with project.journal() as journal:
        note, now = journal.ledger.checkpoint() or "", journal.now()
    file = Path("cosigned")
    lines = [cosign(note, key, (at or {}).get(key, now)) for key in witnesses]
    file.write_text(joined(note, lines), encoding="utf-8")
    return file


def test_a_hold_says_what_to_run_and_what_is_recorded_ends_it(scalegate: Command, watched: Project) -> None:
    held = scalegate("decide", "--run", "r", "-p", "p")
    assert held.code == 3
    assert "0 of the 2 witnesses that are asked for have cosigned this ledger" in " ".join(held.out.split())
    assert "scalegate ledger cosign p/ledger.db --trust FILE --record --as WHO" in " ".join(held.out.split())
    told = scalegate("ledger", "record-cosigned", note_of(watched, ONE), "--as", "grace", "-p", "p")
    assert (told.code, told.err) == (0, "")
    assert "seen: asks for 2 of 3 witnesses, and 1 have cosigned this ledger" in " ".join(told.out.split())
    assert scalegate("decide", "--run", "r", "-p", "p").code == 3
    assert scalegate("ledger", "record-cosigned", note_of(watched, TWO), "--as", "ada", "-p", "p").code == 0
    decided = scalegate("decide", "--run", "r", "-p", "p")
    assert (decided.code, decided.err) == (0, "")
    item = scalegate("status", "-p", "p", "--json").json["witnessed"][0]
    assert (item["clause"], item["have"], item["counts"]) == ("seen", 2, True)
    assert item["until"] == item["upto"] + 86_400
    assert "seen: 2 of 3 witnesses vouch for the ledger up to" in " ".join(scalegate("status", "-p", "p").out.split())
    assert scalegate("verify", "p/ledger.db").code == 0


def test_a_training_loop_goes_on_once_another_process_has_recorded_it(scalegate: Command, watched: Project) -> None:
    with open_gate(watched, Model(), evaluate=None) as gate:
        with pytest.raises(Held, match="by: seen") as held:
            gate.step(STEP)
        assert "says what releases it" in str(held.value)
        assert scalegate("ledger", "record-cosigned", note_of(watched, ONE, THREE), "--as", "ada", "-p", "p").code == 0
        gate.step(STEP)


def test_a_report_tells_what_was_cosigned_and_what_cannot_be_read(scalegate: Command, watched: Project) -> None:
    pytest.importorskip("jinja2")
    pytest.importorskip("matplotlib")
    assert scalegate("ledger", "record-cosigned", note_of(watched, ONE, TWO), "--as", "ada", "-p", "p").code == 0
    with watched.journal() as journal:
        common = {"actor": "ada", "time": journal.now(), "policy": journal.policy.digest()}
        entry = CheckpointWitnessed.model_validate(common | {"note": "<b>no note</b>"})
        journal.append(lambda: [(entry, watched.key("ada"))])
    assert scalegate("report", "-p", "p", "--out", "report.html").code == 0
    page = Path("report.html").read_text(encoding="utf-8")
    assert "entries cosigned" in page
    assert "Signed by" in page
    assert "w0.example/w, w1.example/w." in page
    assert "<b>no note" not in page


def test_it_is_verified_from_an_exported_log_by_whoever_knows_the_logs_key(
    scalegate: Command, watched: Project
) -> None:
    assert scalegate("ledger", "record-cosigned", note_of(watched, ONE, TWO), "--as", "ada", "-p", "p").code == 0
    assert scalegate("decide", "--run", "r", "-p", "p").code == 0
    key = scalegate("verify", "p/ledger.db", "--json").json["log_key"]
    Path("trust.txt").write_text(f"log {key}\nquorum none\n", encoding="utf-8")
    assert scalegate("ledger", "export", "p/ledger.db", "log").code == 0
    plain, exported = (scalegate("verify", it, "--trust", "trust.txt", "--json") for it in ("p/ledger.db", "log"))
    assert (plain.code, exported.code) == (0, 0), exported.err
    assert plain.json["proceeds"] == exported.json["proceeds"] >= 1


def test_of_a_fork_it_is_told_that_there_are_two_histories_and_nothing_is_written(
    scalegate: Command, watched: Project
) -> None:
    shutil.copytree("p", "fork")
    one_more(Project(Path("fork")), "one way")
    one_more(watched, "another way")
    before = scalegate("status", "-p", "p", "--json").json["entries"]
    note = note_of(Project(Path("fork")), ONE, TWO)
    told = scalegate("ledger", "record-cosigned", note, "--as", "ada", "-p", "p")
    assert told.code == 4
    assert "it proves two histories: the log signed another tree of" in " ".join(told.err.split())
    assert scalegate("status", "-p", "p", "--json").json["entries"] == before
    assert scalegate("verify", "p/ledger.db", "--checkpoint", note).code == 4
    proven = scalegate("ledger", "record-cosigned", note, "--as", "ada", "-p", "p", "--proof", "--json")
    assert (proven.code, len(proven.json["faults"])) == (0, 1)
    assert scalegate("decide", "--run", "r", "-p", "p").code == 3
    verified = scalegate("verify", "p/ledger.db")
    assert verified.code == 4
    assert f"entry {proven.json['entry']}: it proves two histories" in " ".join(verified.err.split())


def test_an_older_copy_of_what_was_cosigned_is_told_to_be_one(scalegate: Command, watched: Project) -> None:
    shutil.copytree("p", "older")
    one_more(watched, "later")
    told = scalegate("ledger", "record-cosigned", note_of(watched, ONE, TWO), "--as", "ada", "-p", "older")
    assert told.code == 4
    assert "this is an older copy that was written on" in " ".join(told.err.split())


def test_what_counts_for_nothing_is_not_written(scalegate: Command, watched: Project) -> None:
    stranger = SigningKey("w0.example/w", b"o" * 32, 4)
    for note, why in ((note_of(watched, stranger), "no witness that the policy in force names"),):
        told = scalegate("ledger", "record-cosigned", note, "--as", "ada", "-p", "p")
        assert (told.code, why in " ".join(told.err.split())) == (2, True)
    Path("long").write_text("x" * 30_000, encoding="utf-8")
    told = scalegate("ledger", "record-cosigned", "long", "--as", "ada", "-p", "p")
    assert told.code == 2
    assert "pydantic" not in told.err


def test_asking_says_where_what_is_given_goes(scalegate: Command, watched: Project) -> None:
    Path("trust.txt").write_text(f"witness w {ONE.verify_key.to_text()}\nquorum none\n", encoding="utf-8")
    asked = ("ledger", "cosign", "p/ledger.db", "--trust", "trust.txt")
    with watched.journal() as journal:
        line = f"log {journal.ledger.log_verify_key.to_text()}\n"
    Path("known.txt").write_text(line + Path("trust.txt").read_text(encoding="utf-8"), encoding="utf-8")
    alone = scalegate("ledger", "cosign", "p/ledger.db", "--trust", "known.txt", "--record", "--as", "ada")
    assert (alone.code, "nobody cosigned it, and nothing was recorded" in alone.err) == (4, True)
    assert "Without w: the trust file has no address of it" in alone.out
    for options, why in (
        ((), "it is not said where to"),
        (("--record",), "it is recorded by somebody"),
        (("--out", "x", "--as", "ada"), "`--as` is for `--record`"),
    ):
        told = scalegate(*asked, *options)
        assert (told.code, why in told.err) == (2, True)


def test_a_trust_file_is_met_by_what_the_ledger_itself_has_cosigned(scalegate: Command, watched: Project) -> None:
    """Whoever put it in: the log cannot cosign for its witnesses."""
    with watched.journal() as journal:
        log = journal.ledger.log_verify_key.to_text()
    lines = [f"log {log}", *(f"witness w{at} {it.verify_key.to_text()}" for at, it in enumerate((ONE, TWO)))]
    Path("trust").write_text("\n".join([*lines, "group both all w0 w1", "quorum both", ""]), encoding="utf-8")
    assert scalegate("verify", "p/ledger.db", "--trust", "trust").code == 4
    assert scalegate("ledger", "record-cosigned", note_of(watched, ONE), "--as", "ada", "-p", "p").code == 0
    assert scalegate("verify", "p/ledger.db", "--trust", "trust").code == 4, "one of the two"
    assert scalegate("ledger", "record-cosigned", note_of(watched, TWO), "--as", "ada", "-p", "p").code == 0
    assert scalegate("verify", "p/ledger.db", "--trust", "trust").code == 4, "each another checkpoint"
    assert scalegate("ledger", "record-cosigned", note_of(watched, ONE, TWO), "--as", "ada", "-p", "p").code == 0
    assert scalegate("ledger", "record-cosigned", note_of(watched, ONE), "--as", "ada", "-p", "p").code == 0
    met = scalegate("verify", "p/ledger.db", "--trust", "trust")
    assert (met.code, met.err) == (0, "")
    assert "under the checkpoint that its entry" in " ".join(met.out.split())
    assert scalegate("ledger", "export", "p/ledger.db", "log").code == 0
    assert scalegate("verify", "log", "--trust", "trust").code == 0
    told = " ".join(met.out.split())
    document = scalegate("verify", "p/ledger.db", "--trust", "trust", "--json").json["outside"]
    assert document["later"] == 2
    assert f"It covers {document['size']} of {document['size'] + 2}: for the 2 that came after nobody vouches" in told
    assert document["entry"] > document["size"] - 1
    assert len(document["cosigned"]) == 2


def asking_one(project: Project) -> Path:
    """A trust file that asks for one witness."""
    with project.journal() as journal:
        log = journal.ledger.log_verify_key.to_text()
    Path("trust").write_text(f"log {log}\nwitness w {ONE.verify_key.to_text()}\nquorum w\n", encoding="utf-8")
    return Path("trust")


def put_in(project: Project, note: str, key: SigningKey, **more: int) -> str | None:
    """Write a note as an entry, whether or not it counts. Returns why it does not."""
    with project.journal() as journal:
        common = {"actor": "ada", "time": journal.now(), "policy": journal.policy.digest()}
        entry = CheckpointWitnessed.model_validate(common | {"ledger": journal.fold.identity, "note": note} | more)
        journal.ledger.append([sealed(entry, key)])
        journal.refresh()
        return journal.fold.records[-1].refused


def test_what_was_cosigned_of_no_entries_vouches_for_none(scalegate: Command, watched: Project) -> None:
    """An honest witness that saw the log before its first entry cosigns that, and any two histories begin so."""
    trust, log = asking_one(watched), watched.key("log")
    none = cosigned(0, EMPTY_ROOT, {ONE: 1_700_000_000}, log=log, origin=log.name)
    put_in(watched, none, watched.key("ada"))
    told = scalegate("verify", "p/ledger.db", "--trust", trust)
    assert (told.code, "no cosigned checkpoint covers any of its entries" in " ".join(told.err.split())) == (4, True)
    Path("none").write_text(none, encoding="utf-8")
    for options in (("--trust", trust), ()):
        told = scalegate("verify", "p/ledger.db", *options, "--checkpoint", "none")
        assert (told.code, "the checkpoint is of no entries" in " ".join(told.err.split())) == (4, True)


@pytest.mark.parametrize("what", ["another signer", "an earlier date", "a wrong cosignature"])
def test_a_proof_of_two_histories_counts_whatever_else_is_wrong_with_its_entry(
    what: str, scalegate: Command, watched: Project
) -> None:
    trust, log = asking_one(watched), watched.key("log")
    assert scalegate("ledger", "record-cosigned", note_of(watched, ONE), "--as", "ada", "-p", "p").code == 0
    assert scalegate("verify", "p/ledger.db", "--trust", trust).code == 0
    forked = cosigned(2, bytes(32), {ONE: 1_700_000_000}, log=log, origin=log.name)
    if what == "a wrong cosignature":
        other = cosigned(2, bytes(31) + b"1", {TWO: 1_700_000_000}, log=log, origin=log.name)
        forked += other.splitlines(keepends=True)[-1]
    by = SigningKey.generate("ada") if what == "another signer" else watched.key("ada")
    refused = put_in(watched, forked, by, **({"time": 1} if what == "an earlier date" else {}))
    assert (refused is None) is (what == "a wrong cosignature")
    for options in ((), ("--trust", trust)):
        told = scalegate("verify", "p/ledger.db", *options)
        assert (told.code, "it proves two histories" in " ".join(told.err.split())) == (4, True)
    assert scalegate("decide", "--run", "r", "-p", "p").code == 3
