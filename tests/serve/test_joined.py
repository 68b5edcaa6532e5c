"""A ledger that is served elsewhere: people sign by the commands that they know, and believe the server nothing."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.request import Request

import pytest

pytest.importorskip("uvicorn")
pytest.importorskip("fastapi")

from served_support import Client, srv

from scalegate.cli.main import run
from scalegate.cli.serve import status_of
from scalegate.errors import InputError
from scalegate.gate import Journal
from scalegate.gate.project import Project
from scalegate.ledger import SigningKey
from scalegate.ledger.served import ServedLedger
from scalegate.serve.log_app import Served
from scalegate.training.beside import fault_of, kept_beside, store
from scalegate.training.held import Held
from support import STEP, Model, attest, new_project, open_gate, train

UNTIL = ("--until", "2999-01-01", "--statement", "I looked.")


@dataclass
class Desk:
    """A person's own machine: a folder that was joined, with their keys in it, and no ledger."""

    folder: Path
    capsys: pytest.CaptureFixture[str]

    def __call__(self, *words: object) -> tuple[int, Any, str]:
        code = run([*map(str, words), "-p", str(self.folder), "--json"])
        out, err = self.capsys.readouterr()
        return code, json.loads(out) if out else None, err


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return new_project(tmp_path / "p")


@pytest.fixture
def client(project: Project) -> Iterator[Client]:
    with srv(Served(project.ledger, project.key("log"), status_of)) as made:
        yield made


@pytest.fixture
def key(project: Project) -> str:
    return project.key("log").verify_key.to_text()


@pytest.fixture
def desk(project: Project, client: Client, key: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Desk:
    folder = tmp_path / "mine"
    assert run(["join", client.url, str(folder), "--log", key]) == 0
    assert "Joined" in capsys.readouterr().out
    assert sorted(it.name for it in folder.iterdir()) == ["keys", "ledger.db", "ledger.db.head"]
    for who in ("ada", "grace", "security"):
        shutil.copy(project.keys / f"{who}.key", folder / "keys")
    return Desk(folder, capsys)


def test_a_held_run_goes_on_by_what_three_people_signed_elsewhere(project: Project, desk: Desk) -> None:
    model = Model(skill=lambda _flops: 0.4)
    with open_gate(project, model) as gate, pytest.raises(Held):
        train(gate, model)
    code, told, _ = desk("status")
    assert (code, told["runs"][0]["run"], told["runs"][0]["now"]) == (0, "r", "HOLD")
    assert desk("attest", "weights-locked", "--as", "security", *UNTIL)[0] == 0
    for who in ("ada", "grace"):
        code, told, err = desk("approve", "--run", "r", "--level", 2, "--as", who, *UNTIL)
        assert (code, told and told["verdict"]) == (0, "HOLD"), err
    with Journal.open(project.ledger) as journal:
        assert [it.entry.actor for it in journal.fold.records[-3:]] == ["security", "ada", "grace"]
        assert journal.fold.ignored == []
    with open_gate(project, model) as gate:
        gate.step(STEP)


def test_what_the_ledger_would_not_take_there_is_not_taken_here(project: Project, desk: Desk) -> None:
    code, _, err = desk("attest", "weights-locked", "--as", "ada", *UNTIL)
    assert (code, "does not have the role" in err) == (2, True)
    model = Model()
    open_gate(project, model, evaluate=None).close()
    shutil.copy(project.keys / "gatekeeper.key", desk.folder / "keys")
    code, _, err = desk("decide", "--run", "r")
    assert (code, "the gate's own" in err) == (2, True), err
    assert desk("decide", "--run", "r", "--flops", "1e9 FLOP")[0] in (0, 3)
    for words in (["verify", desk.folder / "ledger.db"], ["ledger", "checkpoint", desk.folder / "ledger.db"]):
        assert run([*map(str, words)]) == 2
        assert "served elsewhere" in desk.capsys.readouterr().err


def test_whoever_serves_another_log_is_not_believed(
    project: Project, client: Client, key: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other = SigningKey.generate(key.partition("+")[0]).verify_key.to_text()
    assert run(["join", client.url, str(tmp_path / "mine"), "--log", other]) == 4
    assert "is not this log" in capsys.readouterr().err
    assert not (tmp_path / "mine").exists()
    for url in ("ftp://x", "https://user:secret@host", "http://host/?a=b", "file:///etc/passwd", "http://h ost"):
        assert run(["join", url, str(tmp_path / "mine"), "--log", key]) == 2
        assert not (tmp_path / "mine").exists()
    assert run(["join", "http://127.0.0.1:9", str(tmp_path / "mine"), "--log", key]) == 2
    assert "does not answer" in capsys.readouterr().err
    assert not (tmp_path / "mine").exists()
    assert run(["join", client.url, str(project.folder), "--log", key]) == 2


def test_a_server_that_goes_back_or_another_way_is_found_out(project: Project, desk: Desk, tmp_path: Path) -> None:
    shutil.copytree(project.folder, tmp_path / "older")
    older = Project(tmp_path / "older")
    attest(project)
    assert desk("status")[0] == 0
    for days, said in ((None, "rolled back"), (91, "not shown to be a growth")):
        if days is not None:
            attest(older, days=days)
            attest(older, days=days + 1)
        with srv(Served(older.ledger, older.key("log"))) as other:
            line = (desk.folder / "ledger.db").read_text(encoding="utf-8").rpartition(" ")[0]
            (desk.folder / "ledger.db").write_text(f"{line} {other.url}\n", encoding="utf-8")
            code, _, err = desk("attest", "weights-locked", "--as", "security", *UNTIL)
            assert (code, said in err) == (4, True), err


def test_entries_that_are_not_those_which_were_signed_are_not_read(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    get = ServedLedger._get

    def changed(self: ServedLedger, path: str) -> bytes:
        data = get(self, path)
        return data.replace(b"sig", b"sag", 1) if path.startswith("tile/entries") else data

    monkeypatch.setattr(ServedLedger, "_get", changed)
    code, _, err = desk("attest", "weights-locked", "--as", "security", *UNTIL)
    assert (code, "not those that were signed" in err) == (4, True), err


def test_a_statement_that_is_not_shown_to_be_in_the_log_is_not_said_to_be(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    post = ServedLedger._post

    def swallowed(self: ServedLedger, envelope: bytes) -> dict[str, Any]:
        return post(self, envelope) | {"receipt": "c2sp.org/tlog-proof@v1\nindex 0\n\nnone\n"}

    monkeypatch.setattr(ServedLedger, "_post", swallowed)
    code, _, err = desk("attest", "weights-locked", "--as", "security", *UNTIL)
    assert (code, "does not show" in err) == (4, True), err


def test_what_others_write_between_reading_and_sending_comes_before(
    project: Project, desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    post = ServedLedger._post

    def later(self: ServedLedger, envelope: bytes) -> dict[str, Any]:
        open_gate(project, Model(), evaluate=None).close()
        return post(self, envelope)

    monkeypatch.setattr(ServedLedger, "_post", later)
    code, told, err = desk("attest", "weights-locked", "--as", "security", *UNTIL)
    if code != 0:
        # A second went by: it is dated before what came, and is signed again.
        assert "dated before" in err
        code, told, err = desk("attest", "weights-locked", "--as", "security", *UNTIL)
    assert code == 0, err
    with Journal.open(project.ledger) as journal:
        assert journal.fold.records[told["entry"]].entry.actor == "security"


@pytest.mark.parametrize("text", ["log x y\n", "log a b c\n", "log \n", "log \xff", "log KEY https://me:secret@host\n"])
def test_a_file_that_names_no_server_as_it_should(desk: Desk, key: str, text: str) -> None:
    (desk.folder / "ledger.db").write_text(text.replace("KEY", key), encoding="utf-8")
    code, _, err = desk("status")
    assert (code, "ledger.db" in err) == (2, True)


def test_no_run_is_gated_by_a_ledger_that_is_served_elsewhere(project: Project, desk: Desk) -> None:
    for it in project.keys.iterdir():
        shutil.copy(it, desk.folder / "keys")
    with pytest.raises(InputError, match="served elsewhere"):
        open_gate(Project(desk.folder), Model(), policy=project.policy)


def test_what_waits_beside_the_ledger_is_said_to_be_unknown_here(project: Project, client: Client, desk: Desk) -> None:
    open_gate(project, Model(), evaluate=None).close()
    with project.journal() as journal:
        genesis, (token, *_) = journal.fold.genesis, journal.fold.runs["r"].sessions
    store(kept_beside(project.ledger), fault_of(genesis, token, "the meter stood still"))
    code, told, _ = desk("status")
    assert (code, told["waiting"]) == (0, None)
    assert run(["status", "-p", str(desk.folder)]) == 0
    assert "What waits beside the ledger to be written, and may hold a run, is not known here" in " ".join(
        desk.capsys.readouterr().out.split()
    )
    (there,) = client.get("/status").json["waiting"]
    assert "the meter stood still" in there
    assert run(["status", "-p", str(project.folder)]) == 0
    assert "is not known here" not in desk.capsys.readouterr().out


@pytest.mark.parametrize("what", ["a growth", "a refusal", "a receipt"])
def test_what_is_nested_too_deep_to_be_read_is_told_as_a_fault(
    what: str, project: Project, desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    get, deep = ServedLedger._get, b'{"error": ' + b"[" * 200_000
    answers = {"a refusal": (400, deep), "a receipt": (201, b'{"receipt": ' + b"[" * 200_000)}
    ask = ServedLedger._ask

    def got(self: ServedLedger, path: str) -> bytes:
        return deep if path.startswith("consistency") else get(self, path)

    def answered(self: ServedLedger, request: Request) -> tuple[int, bytes]:
        return answers[what] if request.get_method() == "POST" else ask(self, request)

    if what == "a growth":
        attest(project)
        monkeypatch.setattr(ServedLedger, "_get", got)
    else:
        monkeypatch.setattr(ServedLedger, "_ask", answered)
    code, _, err = desk("attest", "weights-locked", "--as", "security", *UNTIL)
    assert code == (2 if what == "a refusal" else 4), err
