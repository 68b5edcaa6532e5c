"""`scalegate ledger` and what `verify` takes from outside: checkpoints, trust files, exported logs."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from cli_support import Command

from scalegate.gate.project import Project
from scalegate.ledger import SigningKey
from scalegate.ledger.keys import COSIGNATURE
from scalegate.ledger.note import cosign, joined

LEDGER = "p/ledger.db"
WITNESS = SigningKey("witness.example/w", bytes(31) + b"w", COSIGNATURE)


@pytest.fixture
def trust(scalegate: Command, project: Project) -> Path:
    """A trust file that asks for no cosignature."""
    key = scalegate("verify", LEDGER, "--json").json["log_key"]
    file = Path("trust.txt")
    file.write_text(f"log {key}\nwitness w {WITNESS.verify_key.to_text()}\nquorum none\n", encoding="utf-8")
    return file


def strictly(trust: Path) -> Path:
    """The same, with the witness."""
    file = Path("strict.txt")
    file.write_text(trust.read_text(encoding="utf-8").replace("quorum none", "quorum w"), encoding="utf-8")
    return file


def test_an_exported_log_is_verified_as_the_ledger_is(scalegate: Command, trust: Path) -> None:
    done = scalegate("ledger", "export", LEDGER, "log", "--json")
    assert done.code == 0, done.err
    plain, exported = (scalegate("verify", it, "--trust", trust, "--json") for it in (LEDGER, "log"))
    assert (plain.code, exported.code) == (0, 0), exported.err
    for name in ("entries", "decisions", "proceeds", "holds", "root", "origin", "log_key", "ignored", "trusted"):
        assert plain.json[name] == exported.json[name], name
    assert plain.json["outside"] is None
    assert exported.json["outside"] == {
        "size": done.json["size"],
        "root": done.json["root"],
        "entry": None,
        "later": 0,
        "cosigned": [],
    }
    told = " ".join(scalegate("verify", "log", "--trust", trust).out.split())
    assert "which no witness that is trusted cosigned" in told
    assert "that the log's key is the one you know" not in told
    unknown = scalegate("verify", "log")
    assert unknown.code == 2
    assert "`--trust FILE`" in unknown.err


def test_a_folder_that_is_a_project_or_none_is_told_so(scalegate: Command, trust: Path) -> None:
    assert "p/ledger.db" in scalegate("verify", "p").err
    Path("empty").mkdir()
    ran = scalegate("verify", "empty", "--trust", trust)
    assert (ran.code, "the file is missing" in ran.err) == (4, True)


def test_a_held_checkpoint_finds_a_ledger_that_went_back_or_was_written_anew(
    scalegate: Command, project: Project
) -> None:
    shutil.copy(project.ledger, "before.db")
    assert scalegate("decide", "--run", "r", "-p", "p").code in (0, 3)
    assert scalegate("ledger", "checkpoint", LEDGER, "--out", "held").code == 0
    assert scalegate("verify", LEDGER, "--checkpoint", "held").code == 0
    assert "It is a growth of the" in " ".join(scalegate("verify", LEDGER, "--checkpoint", "held").out.split())
    back = scalegate("verify", "before.db", "--checkpoint", "held")
    assert back.code == 4
    assert "it was rolled back" in back.err
    shutil.copytree("p", "q")
    shutil.copy("before.db", "q/ledger.db")
    Path("q/ledger.db.head").unlink()
    said = ("incident", "report", "arithmetic", "--any-run", "--as", "ada", "-p", "q")
    for number in range(2):
        assert scalegate(*said, "--because", f"because {number}").code == 0
    other = scalegate("verify", "q/ledger.db", "--checkpoint", "held")
    assert other.code == 4
    assert "is no growth of the" in other.err
    assert scalegate("verify", "q/ledger.db").code == 0, "nothing inside shows it"


def test_a_trust_file_that_asks_for_witnesses_is_not_met_without(scalegate: Command, trust: Path) -> None:
    strict = strictly(trust)
    short = scalegate("verify", LEDGER, "--trust", strict)
    assert short.code == 4
    assert "no cosigned checkpoint covers any of its entries, in the ledger or beside it" in short.err
    note = scalegate("ledger", "checkpoint", LEDGER).out
    Path("plain").write_text(note, encoding="utf-8")
    Path("cosigned").write_text(joined(note, [cosign(note, WITNESS, 1_800_000_000)]), encoding="utf-8")
    assert (
        "has not the cosignatures of `w`" in scalegate("verify", LEDGER, "--trust", strict, "--checkpoint", "plain").err
    )
    met = scalegate("verify", LEDGER, "--trust", strict, "--checkpoint", "cosigned")
    assert met.code == 0, met.err
    assert "cosigned by witness.example/w on 2027-01-15" in " ".join(met.out.split())
    assert scalegate("ledger", "export", LEDGER, "log", "--cosigned", "cosigned").code == 0
    assert scalegate("verify", "log", "--trust", strict).code == 0
    scalegate("decide", "--run", "r", "-p", "p")
    stale = scalegate("ledger", "export", LEDGER, "log", "--cosigned", "cosigned")
    assert (stale.code, "not of the latest checkpoint" in stale.err) == (2, True)


def test_another_key_than_the_trusted_one_is_not_verified(scalegate: Command, trust: Path) -> None:
    other = SigningKey("example.com/other", bytes(32)).verify_key.to_text()
    Path("other.txt").write_text(f"log {other}\nquorum none\n", encoding="utf-8")
    ran = scalegate("verify", LEDGER, "--trust", "other.txt")
    assert (ran.code, "those that are trusted" in ran.err) == (4, True)


def test_a_receipt_is_checked_without_the_ledger(scalegate: Command, trust: Path) -> None:
    assert scalegate("ledger", "receipt", LEDGER, 2, "--out", "two.tlog-proof").code == 0
    assert scalegate("ledger", "entry", LEDGER, 2, "--out", "two.json").code == 0
    assert Path("two.json").read_text(encoding="utf-8") == scalegate("ledger", "entry", LEDGER, 2).out
    json.loads(Path("two.json").read_bytes())
    found = scalegate("ledger", "check-receipt", "two.tlog-proof", "two.json", "--trust", trust)
    assert found.code == 0, found.err
    told = " ".join(found.out.split())
    assert told.startswith("VERIFIED: entry 2 of the ")
    assert "Cosigned by nobody whom the trust file names." in told
    assert "Not proved: that the entry is true" in told
    assert scalegate("ledger", "entry", LEDGER, 1, "--out", "one.json").code == 0
    assert scalegate("ledger", "check-receipt", "two.tlog-proof", "one.json", "--trust", trust).code == 4
    assert scalegate("ledger", "check-receipt", "two.tlog-proof", "two.json", "--trust", strictly(trust)).code == 4
    shown = scalegate("ledger", "check-receipt", "two.tlog-proof", "two.json", "--trust", trust, "--json").json
    assert (shown["entry"], shown["cosigned"]) == (2, [])


@pytest.mark.usefixtures("project")
@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (("receipt", LEDGER, 999), 2, "entry 999 is not under a checkpoint"),
        (("entry", LEDGER, 999), 2, "has no entry 999"),
        (("entry", "none.db", 0), 2, "there is no ledger here"),
        (("receipt", LEDGER, 0, "--checkpoint", "none"), 2, "cannot be read"),
        (("export", LEDGER, LEDGER), 2, "cannot be written"),
        (("export", LEDGER, "p"), 2, "holds other files"),
        (("check-receipt", LEDGER, LEDGER, "--trust", LEDGER), 2, "no text"),
        (("checkpoint", LEDGER, "--out", "no/such/folder"), 2, "cannot be written"),
    ],
)
def test_what_is_wrong_is_said_in_one_sentence(
    scalegate: Command, arguments: tuple[object, ...], code: int, says: str
) -> None:
    ran = scalegate("ledger", *arguments)
    assert ran.code == code
    assert says in ran.err
    assert "Traceback" not in ran.err


def test_what_is_no_receipt_and_no_checkpoint_is_named_with_its_file(scalegate: Command, trust: Path) -> None:
    assert scalegate("ledger", "entry", LEDGER, 0, "--out", "e.json").code == 0
    none = scalegate("ledger", "check-receipt", "e.json", "e.json", "--trust", trust)
    assert (none.code, none.err.startswith("error: e.json: this is no receipt")) == (2, True)
    assert scalegate("ledger", "receipt", LEDGER, 0, "--out", "r").code == 0
    other = scalegate("ledger", "check-receipt", "r", "r", "--trust", trust)
    assert (other.code, other.err.startswith("error: r: entry 0: ")) == (4, True)
    held = scalegate("verify", LEDGER, "--checkpoint", "e.json")
    assert (held.code, held.err.startswith("error: e.json: note has no signatures")) == (2, True)
