"""A checkpoint function that says where it wrote: the files are hashed by us, and one entry names both digests."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest

from scalegate.cli.main import run
from scalegate.gate import replay
from scalegate.gate.bookkeeping import recording_faults, weights_in
from scalegate.gate.project import Project
from scalegate.ledger.entries import WeightsRecorded, read_statement, write_statement
from scalegate.training.held import Held
from scalegate.weights import manifest_of
from support import STEP, Model, new_project, open_gate, train


@dataclass
class Saver:
    """Writes what the model is to one folder; `stale`: what it was."""

    model: Model
    folder: Path
    stale: bool = False

    def __call__(self) -> Path:
        self.folder.mkdir(exist_ok=True)
        if not self.stale:
            (self.folder / "model.bin").write_text(self.model.digest())
        return self.folder


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return new_project(tmp_path / "p")


def trained(project: Project, saver: Saver, **options: object) -> str:
    with open_gate(project, saver.model, checkpoint=saver, evaluate=None, **options) as gate:
        train(gate, saver.model, steps=2)
        return gate.save()


def test_the_ledger_has_both_digests_and_still_verifies(project: Project, tmp_path: Path) -> None:
    saver = Saver(Model(), tmp_path / "saved")
    weights = trained(project, saver)
    files = manifest_of(saver.folder).digest
    with project.journal() as journal:
        fold = journal.fold
        assert weights_in(fold.runs, files) == (weights,)
        assert fold.runs["r"].faults == []
        entries = [it.entry for it in fold.records if isinstance(it.entry, WeightsRecorded)]
        assert [(it.weights, it.files) for it in entries] == [(weights, None), (weights, files)]
        assert entries[-1].subjects() == {"weights": weights, "files": files}
        assert read_statement(write_statement(entries[-1])) == entries[-1]
        assert b'"files"' not in write_statement(entries[0])
    assert replay(project.ledger).faults == ()


def test_a_command_finds_the_weights_by_their_files(
    project: Project, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    saver = Saver(Model(), tmp_path / "saved")
    weights = trained(project, saver)
    asked = ["decide", "--run", "r", "--action", "deploy_internal", "--no-record", "-p", str(project.folder)]
    assert run([*asked, "--weights", str(saver.folder), "--configuration", "c" * 64]) == 3
    told = capsys.readouterr()
    assert f"1 files, 64 bytes, {manifest_of(saver.folder).digest}: the ledger has them as {weights}" in told.err
    (saver.folder / "more").write_text("")
    assert run([*asked, "--weights", str(saver.folder), "--configuration", "c" * 64]) == 3
    assert "the ledger does not have them" in capsys.readouterr().err


def test_a_checkpoint_that_holds_other_weights_holds_the_run(project: Project, tmp_path: Path) -> None:
    saver = Saver(Model(), tmp_path / "saved")
    first = trained(project, saver)
    saver.stale = True
    with open_gate(project, saver.model, checkpoint=saver, evaluate=None) as gate:
        train(gate, saver.model, steps=1)
        with pytest.raises(Held, match=f"hold weights {first[:12]}, and not these"):
            gate.save()
    with project.journal() as journal:
        known = journal.fold.runs["r"]
        assert known.faults == []
        made = WeightsRecorded(
            **{"actor": "gate", "time": 1, "policy": "a" * 64, "run": "r", "session": known.latest.session},
            weights="b" * 64,
            trained=3 * STEP,
            files=manifest_of(saver.folder).digest,
        )
        assert "names files that hold other weights" in recording_faults(journal.fold.runs, known, made)


def test_what_cannot_be_hashed_is_logged_and_holds_nothing(
    project: Project, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    saver = Saver(Model(), tmp_path / "saved")
    saver.folder.mkdir()
    (saver.folder / "latest").symlink_to("model.bin")
    weights = trained(project, saver)
    assert "it is not recorded which files hold its weights" in caplog.text
    with project.journal() as journal:
        assert journal.fold.runs["r"].tip == weights
        assert journal.fold.runs["r"].files == {}
