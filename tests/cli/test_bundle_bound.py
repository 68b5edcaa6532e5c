"""Every byte of a bundle is bound by something, and only whose word counts withholds."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from cli_support import Command
from test_evidence_withheld import Files, add, files_of, packed

from scalegate.cli.passphrases import load
from scalegate.gate.journal import sealed
from scalegate.gate.project import Project
from scalegate.ledger import Ledger, SigningKey
from scalegate.ledger.entries import EvaluationFinished
from scalegate.ledger.keys import COSIGNATURE
from scalegate.ledger.note import cosign, joined

LEDGER = "p/ledger.db"
WITNESS = SigningKey("witness.example/w", bytes(range(32)), COSIGNATURE)
OTHER = SigningKey("witness.example/other", bytes(range(1, 33)), COSIGNATURE)
Change = Callable[[bytes], bytes]
UNNAMED = "c" * 64
"""Digest of a log that nothing names yet."""


@pytest.fixture
def shown(scalegate: Command, project: Project, weights: str) -> str:
    """Digest of evidence that nobody withholds."""
    return add(scalegate, weights, "shown")


def withhold(project: Project, log: str, signer: SigningKey, actor: str, **more: object) -> None:
    """Append, as whoever has the log's key can, that a log is withheld."""
    with project.journal() as journal:
        last = next(it.entry for it in reversed(journal.fold.records) if isinstance(it.entry, EvaluationFinished))
        new = {"actor": actor, "evaluation": "f" * 64, "log": log, "withheld": True, "time": journal.now()}
        entry = last.model_copy(update=new | more)
    with Ledger.open(project.ledger, log_key=load(project.keys / "log.key")) as ledger:
        ledger.append([sealed(entry, signer)])


def test_whoever_counts_for_nothing_withholds_nothing(scalegate: Command, project: Project, shown: str) -> None:
    withhold(project, shown, SigningKey("mallory", b"7" * 32), "mallory")
    assert scalegate("verify", LEDGER, "--whole").code == 0, "it is here"
    # What anybody says is withheld stays out of the bundle, and is missing there.
    assert "MISSING" in scalegate("bundle", "b.tar", "-p", "p").out
    assert f"evidence/sha256/{shown}" not in [name for name, _ in files_of("b.tar")]
    assert scalegate("verify", "b.tar").code == 0
    with_it = (f"evidence/sha256/{shown}", Path("shown.json").read_bytes())
    packed("with.tar", sorted([*files_of("b.tar"), with_it]))
    assert scalegate("verify", "with.tar").code == 4
    (project.folder / "evidence" / "sha256" / shown).unlink()
    told = scalegate("verify", LEDGER)
    assert (told.code, "WITHHELD" in told.out, "MISSING" in told.out) == (0, False, True)
    for given in (LEDGER, "b.tar"):
        ran = scalegate("verify", given, "--whole")
        assert (ran.code, "no entry that counts" in ran.err) == (4, True)


def test_an_evaluator_withholds_also_by_a_result_that_counts_for_nothing_else(
    scalegate: Command, project: Project, shown: str
) -> None:
    evaluator = load(project.keys / "evaluator.key")
    with project.journal() as journal:
        known = next(it.entry for it in journal.fold.records if isinstance(it.entry, EvaluationFinished))
    withhold(project, UNNAMED, evaluator, "evaluator", evaluation=known.evaluation, weights="e" * 64)
    ran = scalegate("verify", LEDGER, "--whole")
    assert (ran.code, f"WITHHELD: log {UNNAMED}" in ran.out) == (0, True)
    # What an entry named before as shown stays so.
    (project.folder / "evidence" / "sha256" / shown).unlink()
    withhold(project, shown, evaluator, "evaluator")
    ran = scalegate("verify", LEDGER, "--whole")
    assert (ran.code, "no entry that counts" in ran.err) == (4, True)


def test_a_key_in_wrong_hands_withholds_nothing(scalegate: Command, project: Project, shown: str) -> None:
    with project.journal() as journal:
        since = journal.fold.size
    withhold(project, UNNAMED, load(project.keys / "evaluator.key"), "evaluator")
    assert scalegate("verify", LEDGER, "--whole").code == 0
    said = ("key", "revoke", "evaluator", "--as", "evaluator", "--because", "stolen", "--since", since, "-p", "p")
    ran = scalegate(*said)
    assert ran.code == 0, ran.err
    ran = scalegate("verify", LEDGER, "--whole")
    assert (ran.code, "no entry that counts" in ran.err) == (4, True)


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("log/checkpoint", lambda data: data + "\u2014 w.example/x AAAABBBBBBBB\n".encode()),
        ("log/checkpoint", lambda data: data + data.splitlines(keepends=True)[-1]),
        ("log/checkpoint", lambda data: data + cosign(data.decode(), WITNESS, 1_800_000_000).encode()),
        ("policy.json", lambda data: b"# approved\n" + data),
        ("policy.json", lambda data: data.replace(b":", b": ", 1)),
        ("policy.json", lambda data: data[:-1]),
        ("policy.json", lambda _: b"[" * 900_000),
        ("policy.json", lambda _: b""),
        ("trust", lambda data: b"# trusted by the regulator\n" + data),
        ("trust", lambda data: data.replace(b" ", b"  ", 1)),
        ("trust", lambda data: data.replace(b"\nquorum", b" https://example.com\nquorum")),
        ("log/tile/9/x001/000", lambda _: b"a private key"),
        ("log/tile/entries/000.p/5", lambda _: b"another history"),
        ("log/tile/0/000.p/1", lambda _: bytes(32)),
        ("policy.yaml", lambda _: b"# approved\n"),
    ],
)
def test_what_would_not_have_been_packed_so_is_refused_by_its_name(
    scalegate: Command, project: Project, shown: str, name: str, change: Change
) -> None:
    assert scalegate("bundle", "b.tar", "-p", "p").code == 0
    files: Files = files_of("b.tar")
    there = dict(files)
    there[name] = change(there.get(name, b""))
    packed("bad.tar", sorted(there.items()))
    ran = scalegate("verify", "bad.tar")
    assert (ran.code, "VERIFIED" in ran.out) == (4, False)
    assert ran.err.startswith("error: bad.tar"), ran.err
    assert name in ran.err
    assert len(ran.err.strip().splitlines()) <= 2, "one sentence, and perhaps what to do"


def test_cosignatures_of_whom_the_trust_file_names_go_in_and_no_others(
    scalegate: Command, project: Project, shown: str
) -> None:
    note = scalegate("ledger", "checkpoint", LEDGER).out
    times = [cosign(note, WITNESS, at) for at in (1_800_000_000, 1_800_000_009)]
    Path("note").write_text(joined(note, times), encoding="utf-8")
    Path("both").write_text(joined(note, [*times, cosign(note, OTHER, 1)]), encoding="utf-8")
    log = scalegate("verify", LEDGER, "--json").json["log_key"]
    asked = (
        f"# mine\nlog {log} https://example.com\nwitness w {WITNESS.verify_key.to_text()}\ngroup g any w\nquorum g\n"
    )
    Path("trust").write_text(asked, encoding="utf-8")
    unnamed = scalegate("bundle", "b.tar", "-p", "p", "--cosigned", "note")
    assert (unnamed.code, "witness.example/w is of no key" in unnamed.err) == (2, True)
    other = scalegate("bundle", "b.tar", "-p", "p", "--cosigned", "both", "--trust", "trust")
    assert (other.code, "witness.example/other is of no key" in other.err) == (2, True)
    assert not Path("b.tar").exists()
    assert scalegate("bundle", "b.tar", "-p", "p", "--cosigned", "note", "--trust", "trust").code == 0
    files = dict(files_of("b.tar"))
    assert files["log/checkpoint"].decode() == note + times[1], "of two by one witness the latest"
    assert files["trust"].decode() == (
        f"log {log}\nwitness w {WITNESS.verify_key.to_text()}\ngroup g 1 w\nquorum g\n"
    ), "what was said beside it is not in it"
    for options in ((), ("--trust", "trust")):
        ran = scalegate("verify", "b.tar", *options)
        assert ran.code == 0, ran.err
