"""The files beside a ledger: what cannot be read, was changed or is newer than it is not as if it were not there."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest
from test_left_behind import genesis, leave_log

from scalegate.cli.main import run
from scalegate.cli.status import status_document
from scalegate.errors import InputError
from scalegate.gate.journal import reading
from scalegate.gate.project import Project
from scalegate.training.beside import fault_of, store
from scalegate.training.held import Held
from support import Model, new_project, open_gate, train


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return new_project(tmp_path / "p")


@pytest.mark.parametrize("opens", [True, False])
def test_a_file_that_cannot_be_read_is_not_as_if_it_were_not_there(
    project: Project, opens: bool, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    model = Model()
    gate = open_gate(project, model)
    train(gate, model, 3)
    gate.save()
    waits = (
        gate._session.folder
        / f"{store(gate._session.folder, fault_of(genesis(project), gate._session.token, 'found'))}.json"
    )
    gate.close()
    real = Path.read_bytes

    def read(path: Path) -> bytes:
        if path == waits:
            raise PermissionError(13, "Permission denied")
        return real(path)

    monkeypatch.setattr(Path, "read_bytes", read)
    if opens:
        with pytest.raises(InputError, match="it cannot be read: permission denied"):
            open_gate(project, model)
    else:
        assert run(["decide", "--run", "r", "-p", str(project.folder)]) == 2
        assert f"{waits}: it cannot be read: permission denied" in capsys.readouterr().err


CHANGED = ("cut", "emptied", "a line more", "packed", "renamed and changed")
DAMAGE = (*CHANGED, "renamed", "upper case", "another suffix", "no suffix", "none")


@pytest.mark.parametrize("damage", DAMAGE)
def test_a_file_that_is_not_what_was_stored_is_not_as_if_it_were_not_there(project: Project, damage: str) -> None:
    model = Model()
    gate = open_gate(project, model)
    train(gate, model, 25)
    gate.save()
    path = gate._session.folder / f"{leave_log(project, gate, 79)}.json"
    gate.close()
    data = path.read_bytes()
    match damage:
        case "cut":
            path.write_bytes(data[:-9])
        case "emptied":
            path.write_bytes(b"")
        case "a line more":
            path.write_bytes(data + b"\n")
        case "renamed":
            path.rename(path.with_name(f"{path.stem} (1).json"))
        case "upper case":
            path.rename(path.with_suffix(".JSON"))
        case "another suffix":
            path.rename(path.with_name(f"{path.name}.bak"))
        case "no suffix":
            path.rename(path.with_suffix(""))
        case "packed":
            path.unlink()
            path = path.with_name(f"{path.name}.gz")
            path.write_bytes(gzip.compress(data))
        case "renamed and changed":
            path.unlink()
            path = path.with_name("run-1.json")
            path.write_text(json.dumps(json.loads(data) | {"note": 0.5}))
    if damage in CHANGED:
        with pytest.raises(InputError, match=r"not what was stored under this name|was changed: "):
            open_gate(project, model)
        assert run(["decide", "--run", "r", "-p", str(project.folder)]) == 2
        path.write_bytes(data)
    with open_gate(project, model) as gate, pytest.raises(Held, match=r"level-2"):
        train(gate, model, 1)


@pytest.mark.parametrize("newer", ["fault", "log"])
def test_a_ledger_that_is_older_than_what_is_stored_decides_nothing(project: Project, newer: str) -> None:
    """It was put back from a copy: what happened since cannot be told, and what is stored says that something did."""
    model = Model()
    gate = open_gate(project, model)
    train(gate, model, 3)
    gate.save()
    gate.close()
    copies = {path: path.read_bytes() for path in project.folder.glob("ledger.db*")}
    with open_gate(project, model) as gate:
        if newer == "fault":
            with pytest.raises(Held):
                gate.meter_fault("found")
        else:
            gate.evaluate()
    for path in project.folder.glob("ledger.db*"):
        path.unlink()
    for path, data in copies.items():
        path.write_bytes(data)
    with pytest.raises(InputError, match=r"the ledger lacks .* older than what stands in"):
        open_gate(project, model)
    assert run(["decide", "--run", "r", "-p", str(project.folder)]) == 2
    with reading(project.ledger) as journal:
        *_, waiting = status_document(journal, project.folder)["waiting"]
    assert ("session" if newer == "fault" else "evaluation") in waiting
    for path in (project.folder / "evidence").iterdir():
        path.rename(project.folder / path.name)
    with open_gate(project, model) as gate:
        train(gate, model, 1)


def test_what_else_lies_there_is_nobodys_log(project: Project) -> None:
    """A lab's own files: they name an evaluation of theirs, and have outcomes of a form of their own."""
    model = Model()
    gate = open_gate(project, model)
    train(gate, model, 3)
    gate.save()
    folder = gate._session.folder
    gate.close()
    folder.mkdir(exist_ok=True)
    for number, text in enumerate(
        (
            '{"evaluation":"mmlu","outcomes":[{"id":1,"correct":true}]}',
            '{"evaluation":"mmlu","outcomes":[1,1]}',
            '{"evaluation":' + "[" * 9_000 + "]" * 9_000 + "}",
            '{"evaluation":1e999,"outcomes":7}',
            '{"meter_fault":["x"],"session":7}',
            '"evaluation"',
        )
    ):
        (folder / f"{number}.json").write_text(text)
    (folder / "7.json").write_bytes(b'\xff\x00"evaluation"')
    with open_gate(project, model) as gate:
        train(gate, model, 1)
    with reading(project.ledger) as journal:
        assert status_document(journal, project.folder)["waiting"] == []


def test_what_was_announced_after_a_ledger_was_read_is_nothing_that_it_lacks(project: Project) -> None:
    """A run that lives announces and stores while somebody looks."""
    model = Model()
    gate = open_gate(project, model)
    train(gate, model, 3)
    with reading(project.ledger) as journal:
        gate.evaluate()
        assert status_document(journal, project.folder)["waiting"] == []
    gate.close()


@pytest.mark.parametrize("what", ["file", "folder"])
def test_what_leads_nowhere_is_not_as_if_it_were_not_there(project: Project, what: str) -> None:
    """Where the logs are kept elsewhere, and that is not mounted."""
    model = Model()
    gate = open_gate(project, model)
    train(gate, model, 25)
    gate.save()
    folder = gate._session.folder
    path = folder / f"{leave_log(project, gate, 79)}.json"
    gate.close()
    moved, elsewhere = (path if what == "file" else folder), project.folder / "elsewhere"
    moved.rename(elsewhere)
    moved.symlink_to(project.folder / "unmounted")
    with pytest.raises(InputError, match="cannot be read" if what == "file" else "cannot be looked into"):
        open_gate(project, model)
    assert run(["decide", "--run", "r", "-p", str(project.folder)]) == 2
    moved.unlink()
    moved.symlink_to(elsewhere)
    with open_gate(project, model) as gate, pytest.raises(Held, match=r"level-2"):
        train(gate, model, 1)


def test_a_file_in_place_of_the_folder_is_not_as_if_nothing_were_there(project: Project) -> None:
    (project.folder / "evidence").write_text("notes")
    with pytest.raises(InputError, match="cannot be looked into"):
        open_gate(project, Model())


@pytest.mark.parametrize("whole", [True, False])
def test_a_result_that_is_kept_there_to_be_added_counts_when_it_is_whole(
    project: Project, whole: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    """Somebody writes it sample by sample, and adds it when it is whole; in between somebody else decides."""
    model = Model()
    with open_gate(project, model) as gate:
        train(gate, model, 25)
        weights = gate.save()
    here = ["-p", str(project.folder), "--as", "evaluator"]
    of_it = ["--run", "r", "--weights", weights, "--domain", "arithmetic", "--task", "t", "--task-version", "1"]
    asked = ["--dataset", "d" * 64, "--samples", "400", "--elicitation-flops", "2e10 FLOP", "--json"]
    assert run(["evidence", "announce", *of_it, *asked, *here]) == 0
    result = {
        "evaluation": json.loads(capsys.readouterr().out)["evaluation"],
        "weights": weights,
        "domain": "arithmetic",
        "assumptions": ["a"],
        "elicitation_flops": "20000000000",
        "elicitation_method": "fine-tuning",
        "evaluation_flops": "0",
    }
    file = project.folder / "evidence" / "result.json"
    shown = 360 if whole else 1
    outcomes = [True] * shown + [False] * (400 - shown)
    file.write_text(json.dumps(result | {"outcomes": outcomes if whole else outcomes[:1]}))
    run(["decide", "--run", "r", "-p", str(project.folder)])
    with reading(project.ledger) as journal:
        assert (journal.fold.attempts[str(result["evaluation"])].finished is not None) == whole
    file.write_text(json.dumps(result | {"outcomes": outcomes}))
    assert run(["evidence", "add", str(file), *here]) == 0
    with reading(project.ledger) as journal:
        attempt = journal.fold.attempts[str(result["evaluation"])]
    assert attempt.finished is not None
    assert (attempt.finished.status, attempt.finished.successes, attempt.others) == ("completed", shown, [])
    assert run(["evidence", "add", str(file), *here]) == 2
