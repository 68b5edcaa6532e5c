"""Evidence beside a ledger: kept by its digest, withheld where an entry says so, and packed for somebody outside."""

from __future__ import annotations

import base64
import hashlib
import json
import shutil
from pathlib import Path

import pytest
from cli_support import Command, Ran

from scalegate.errors import InputError, Place
from scalegate.evidence.folder import keep, named_file
from scalegate.gate.project import Project
from scalegate.ledger.plain_tar import read_tar, write_member, write_tail

HAZARD = "how to do it"


def add(scalegate: Command, weights: str, name: str, *more: str) -> str:
    """Add a result that was not announced; returns the digest of its file."""
    said = {"weights": weights, "domain": "arithmetic", "outcomes": [True, False], "assumptions": [name]}
    Path(f"{name}.json").write_text(json.dumps(said))
    ran = scalegate("evidence", "add", f"{name}.json", "-p", "p", "--as", "evaluator", *more)
    assert ran.code == 0, ran.err
    return hashlib.sha256(Path(f"{name}.json").read_bytes()).hexdigest()


def verify(scalegate: Command, *given: object) -> Ran:
    return scalegate("verify", *given)


@pytest.fixture
def both(scalegate: Command, project: Project, weights: str) -> tuple[str, str]:
    """Digests of evidence that is shown and of evidence that is withheld."""
    return add(scalegate, weights, "shown"), add(scalegate, weights, HAZARD, "--withhold")


def test_what_is_added_is_copied_and_what_is_withheld_is_not(
    scalegate: Command, project: Project, both: tuple[str, str]
) -> None:
    shown, withheld = both
    folder = project.folder / "evidence"
    assert named_file(folder, shown).read_bytes() == Path("shown.json").read_bytes()
    assert not named_file(folder, withheld).exists()
    ran = verify(scalegate, project.ledger)
    assert ran.code == 0, ran.err
    assert "Evidence that is here and is what entries name: " in ran.out
    assert f"WITHHELD: log {withheld}, as is signed in entry " in ran.out
    assert "MISSING" not in ran.out
    found = verify(scalegate, project.ledger, "--whole", "--json").json["evidence"]
    assert [it["digest"] for it in found["withheld"]] == [withheld]
    assert shown in [it["digest"] for it in found["right"]]
    assert withheld not in [it["digest"] for it in found["right"]]


def test_a_copy_without_its_evidence_is_told_so_and_refused_where_all_is_asked_for(
    scalegate: Command, project: Project, both: tuple[str, str]
) -> None:
    for name in ("ledger.db", "ledger.db.head"):
        Path("copy").mkdir(exist_ok=True)
        shutil.copy(project.folder / name, Path("copy") / name)
    ran = verify(scalegate, "copy/ledger.db")
    assert (ran.code, "MISSING: " in ran.out, both[0][:12] in ran.out) == (0, True, True)
    ran = verify(scalegate, "copy/ledger.db", "--whole")
    assert (ran.code, "is not here, and no entry that counts says that it is withheld" in ran.err) == (4, True)
    assert verify(scalegate, "copy/ledger.db", "--whole", "--evidence", project.folder / "evidence").code == 0


@pytest.mark.parametrize("damage", ["changed", "link", "folder"])
def test_evidence_that_is_another_is_not_verified(
    scalegate: Command, project: Project, both: tuple[str, str], damage: str
) -> None:
    path = named_file(project.folder / "evidence", both[0])
    path.unlink()
    if damage == "changed":
        path.write_text("{}")
    elif damage == "link":
        path.symlink_to(Path("shown.json").resolve())
    else:
        path.mkdir()
    ran = verify(scalegate, project.ledger)
    assert (ran.code, "VERIFIED" in ran.out) == (4, False)


def test_what_is_withheld_once_is_withheld_whatever_is_said_later(
    scalegate: Command, project: Project, weights: str, both: tuple[str, str]
) -> None:
    add(scalegate, weights, HAZARD)
    assert not named_file(project.folder / "evidence", both[1]).exists()
    named_file(project.folder / "evidence", both[1]).write_bytes(Path(f"{HAZARD}.json").read_bytes())
    found = verify(scalegate, project.ledger, "--json").json["evidence"]
    assert [len(it["entries"]) for it in found["withheld"]] == [2]
    assert scalegate("bundle", "b.tar", "-p", "p").code == 0
    assert HAZARD.encode() not in Path("b.tar").read_bytes()


def test_what_was_shown_once_is_withheld_by_nobody_later(scalegate: Command, project: Project, weights: str) -> None:
    shown = add(scalegate, weights, "shown")
    assert verify(scalegate, project.ledger, "--whole").code == 0
    named_file(project.folder / "evidence", shown).unlink()
    assert verify(scalegate, project.ledger, "--whole").code == 4
    add(scalegate, weights, "shown", "--withhold")
    assert verify(scalegate, project.ledger, "--whole").code == 4
    found = verify(scalegate, project.ledger, "--json").json["evidence"]
    assert [it["digest"] for it in found["withheld"]] == []
    assert shown in [it["digest"] for it in found["missing"]]
    assert scalegate("bundle", "b.tar", "-p", "p").code == 0
    assert verify(scalegate, "b.tar", "--whole").code == 4


def test_a_log_that_is_another_by_then_is_not_kept(tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_text("one")
    with pytest.raises(InputError, match="changed while"):
        keep(tmp_path / "evidence", [log], "a" * 64)
    assert list((tmp_path / "evidence" / "sha256").iterdir()) == []


def test_a_log_of_two_files_is_kept_as_one(tmp_path: Path) -> None:
    parts = [tmp_path / "a", tmp_path / "b"]
    for part in parts:
        part.write_text(part.name)
    kept = keep(tmp_path / "evidence", parts, hashlib.sha256(b"ab").hexdigest())
    assert kept.read_bytes() == b"ab"


def test_a_bundle_is_verified_as_the_ledger_is_and_has_no_private_key(
    scalegate: Command, project: Project, both: tuple[str, str]
) -> None:
    for name in ("b.tar", "again.tar"):
        ran = scalegate("bundle", name, "-p", "p")
        assert ran.code == 0, ran.err
        assert f"WITHHELD: log {both[1]}" in ran.out
    data = Path("b.tar").read_bytes()
    assert data == Path("again.tar").read_bytes()
    assert scalegate("bundle", "b.tar", "-p", "p").code == 2
    for key in project.keys.iterdir():
        secret = key.read_text().strip().split("+", 4)[4]
        assert secret.encode() not in data
        assert base64.b64decode(secret)[1:] not in data
    assert b"PRIVATE" not in data
    with Path("b.tar").open("rb") as file:
        names = [it.name for it in read_tar(file, Place())]
    assert names[0] == "BUNDLE"
    assert names[-2:] == ["policy.json", "trust"]
    assert f"evidence/sha256/{both[0]}" in names
    assert f"evidence/sha256/{both[1]}" not in names
    said, of = (verify(scalegate, it, "--json").json for it in ("b.tar", project.ledger))
    assert {it: said[it] for it in ("root", "entries", "decisions", "log_key")} == {
        it: of[it] for it in ("root", "entries", "decisions", "log_key")
    }
    assert said["evidence"] == of["evidence"]
    assert said["trusted"] is False
    told = verify(scalegate, "b.tar", "--whole").out
    assert "that the log's key is the one you know" in told
    assert f"WITHHELD: log {both[1]}" in told
    Path("trust").write_text(f"log {said['log_key']}\nquorum none\n")
    assert verify(scalegate, "b.tar", "--trust", "trust", "--json").json["trusted"] is True


def test_a_private_key_that_was_added_as_evidence_stays_out(scalegate: Command, project: Project, weights: str) -> None:
    add(scalegate, weights, (project.keys / "log.key").read_text().strip().replace("/", "")[:60])
    ran = scalegate("bundle", "b.tar", "-p", "p")
    assert (ran.code, Path("b.tar").exists()) == (2, False)
    assert "private key" in ran.err


Files = list[tuple[str, bytes]]


def packed(name: str, files: Files) -> None:
    with Path(name).open("wb") as out:
        for it, data in files:
            write_member(out, it, len(data), [data])
        write_tail(out)


def files_of(name: str) -> Files:
    with Path(name).open("rb") as file:
        return [(it.name, b"".join(it.chunks)) for it in read_tar(file, Place())]


def test_a_bundle_that_was_changed_is_not_verified(scalegate: Command, project: Project, both: tuple[str, str]) -> None:
    scalegate("bundle", "b.tar", "-p", "p")
    whole, files = Path("b.tar").read_bytes(), files_of("b.tar")
    packed("same.tar", files)
    assert Path("same.tar").read_bytes() == whole
    evidence = next(at for at, it in enumerate(files) if it[0].endswith(both[0]))
    policy, trust = ([it for it in files if it[0] != name] for name in ("policy.json", "trust"))
    changes: dict[str, Files] = {
        "evidence": [*files[:evidence], (files[evidence][0], b"{}"), *files[evidence + 1 :]],
        "withheld": sorted([*files, (f"evidence/sha256/{both[1]}", Path(f"{HAZARD}.json").read_bytes())]),
        "stray": sorted([*files, (f"evidence/sha256/{hashlib.sha256(b'x').hexdigest()}", b"x")]),
        "up": sorted([*files, ("log/../../x", b"x")]),
        "absolute": [files[0], *sorted([*files[1:], ("evidence", b"x")])],
        "key": sorted([*files, ("keys/log.key", b"x")]),
        "twice": [*files, files[-1]],
        "order": [files[0], *reversed(files[1:])],
        "no policy": policy,
        "no trust": trust,
        "no form": files[1:],
        "form": [("BUNDLE", b"scalegate.dev/bundle/v2\n"), *files[1:]],
        "a tile": [
            (name, data[:-1] + bytes([data[-1] ^ 1]) if "tile/entries" in name else data) for name, data in files
        ],
    }
    for name, changed in changes.items():
        packed("bad.tar", changed)
        ran = verify(scalegate, "bad.tar")
        assert (ran.code, "VERIFIED" in ran.out) == (4, False), name
        assert ran.err.startswith("error: bad.tar"), (name, ran.err)
    missing = [it for it in files if not it[0].endswith(both[0])]
    packed("bad.tar", missing)
    assert "MISSING" in verify(scalegate, "bad.tar").out
    assert verify(scalegate, "bad.tar", "--whole").code == 4


def test_a_tar_in_any_other_form_is_not_read(scalegate: Command, project: Project, both: tuple[str, str]) -> None:
    scalegate("bundle", "b.tar", "-p", "p")
    whole = Path("b.tar").read_bytes()
    link = bytearray(whole)
    link[156:157] = b"2"
    link[148:156] = b"%06o\x00 " % (sum(link[:148]) + 8 * 32 + sum(link[156:512]))
    for changed in (bytes(link), whole[:-1], whole + b"\x00", whole[:700], whole[:512]):
        Path("bad.tar").write_bytes(changed)
        ran = verify(scalegate, "bad.tar")
        assert (ran.code, "VERIFIED" in ran.out) == (4, False)
    for at in range(0, 512, 7):
        Path("bad.tar").write_bytes(whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :])
        ran = verify(scalegate, "bad.tar")
        assert (ran.code in (2, 4), "VERIFIED" in ran.out) == (True, False)


def test_a_folder_of_evidence_that_is_not_there_is_no_evidence_to_go_by(scalegate: Command, project: object) -> None:
    refused = scalegate("verify", "p/ledger.db", "--evidence", "nowhere")
    assert (refused.code, "nowhere: there is no such folder of evidence" in refused.err) == (2, True)
