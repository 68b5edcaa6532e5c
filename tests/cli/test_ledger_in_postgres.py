"""A project whose ledger is in PostgreSQL: the same commands, the same gate, the same verification."""

from __future__ import annotations

import uuid
from pathlib import Path

import pytest
from cli_support import Command

from postgres_server import Server
from scalegate.errors import InputError, LedgerError
from scalegate.gate.project import Project, create_project
from scalegate.training.gate import Gate
from scalegate.training.held import Held
from support import POLICY_TEXT, Model, open_gate, record_tier, train


@pytest.fixture
def address(postgres: Server) -> str:
    return postgres.address(f"t_{uuid.uuid4().hex[:16]}")


def test_a_run_is_gated_decided_and_verified(
    scalegate: Command, tmp_path: Path, address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    project = create_project(tmp_path / "p", POLICY_TEXT, name="test policy", address=address)
    record_tier(project)
    model = Model(skill=lambda _flops: 0.5)
    gate = open_gate(project, model)
    with pytest.raises(Held):
        train(gate, model)
    gate.close()
    assert project.ledger.read_text() == f"{address}\n"
    assert (project.folder / "evidence").is_dir()

    assert scalegate("status", "-p", "p").code == 0
    assert scalegate("decide", "-p", "p", "--run", "r", "--action", "train").code == 3
    verified = scalegate("verify", "p/ledger.db", "--json")
    assert verified.code == 0
    by_address = scalegate("verify", address, "--json").json
    assert {**by_address, "evidence": 0} == {**verified.json, "evidence": 0}
    assert (by_address["evidence"]["right"], verified.json["evidence"]["missing"]) == ([], []), (
        "by an address none is kept"
    )
    assert scalegate("ledger", "checkpoint", address, "--out", "note").code == 0
    assert scalegate("verify", "p/ledger.db", "--checkpoint", "note").code == 0
    assert scalegate("ledger", "export", address, "log").code == 0
    (tmp_path / "trust").write_text(f"log {verified.json['log_key']}\nquorum none\n")
    exported = scalegate("verify", "log", "--trust", "trust", "--json")
    assert (exported.code, exported.json["root"]) == (0, verified.json["root"])
    assert scalegate("ledger", "entry", address, 0, "--out", "entry").code == 0
    assert scalegate("ledger", "receipt", "p/ledger.db", 0, "--out", "receipt").code == 0
    assert scalegate("ledger", "check-receipt", "receipt", "entry", "--trust", "trust").code == 0


def test_init_names_the_ledger_in_a_file(
    scalegate: Command, tmp_path: Path, address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    made = scalegate("init", "p", "--ledger", address)
    assert (made.code, f"ledger.db names the ledger: {address}" in made.out) == (0, True)
    # There is no second one in the same schema, and what was begun is gone.
    again = scalegate("init", "q", "--ledger", address)
    assert (again.code, "something in this schema already" in again.err) == (2, True)
    assert not Path("q").exists()
    assert scalegate("verify", "p/ledger.db").code == 0
    for wrong in ("x", "postgresql://u:geheim@127.0.0.1:1/d", "postgresql://u@127.0.0.1:1/d"):
        refused = scalegate("init", "q", "--ledger", wrong)
        assert refused.code == 2
        assert "geheim" not in refused.err + refused.out
        assert not Path("q").exists()


def test_a_project_that_cannot_be_finished_leaves_no_ledger(
    tmp_path: Path, address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("scalegate.gate.project.adopt", full)
        with pytest.raises(InputError, match="no space left"):
            create_project(tmp_path / "p", POLICY_TEXT, name="test policy", address=address)
    assert not (tmp_path / "p").exists()
    create_project(tmp_path / "p", POLICY_TEXT, name="test policy", address=address)


def test_no_password_is_shown(scalegate: Command, postgres: Server) -> None:
    for words in (["verify"], ["ledger", "checkpoint"], ["verify", "--deep"]):
        for address in ("postgresql://locked:geheim@127.0.0.1:1/d", f"{postgres.over_tcp('locked')}&password=geheim"):
            ran = scalegate(*words, address)
            assert ran.code == 2
            assert "geheim" not in ran.err + ran.out


def test_a_gate_is_opened_by_the_file(tmp_path: Path, address: str) -> None:
    project = create_project(tmp_path / "p", POLICY_TEXT, name="test policy", address=address)
    model = Model(skill=lambda _flops: 0.5)
    with pytest.raises(LedgerError, match="beside an address there is no place"):
        Gate.open(policy=project.policy, ledger=address, run="r", weights=model.digest, from_scratch=True)
    assert isinstance(Project(project.folder).ledger, Path)
