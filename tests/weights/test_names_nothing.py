"""Digests that tools give which hashed nothing: wherever weights are named they are refused, and nothing is written."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from scalegate.cli.main import run
from scalegate.errors import InputError
from scalegate.gate.project import Project
from scalegate.ledger.entries import PREDICATES, Parent, RunOpened
from scalegate.weights.manifest import HEADER
from support import Model, new_project, open_gate

NOTHING = ["0" * 64, hashlib.sha256().hexdigest(), hashlib.sha256(HEADER).hexdigest()]
NAMED = [
    (model, name)
    for model in (*PREDICATES.values(), Parent)
    for name in model.model_fields
    if "weights" in name or name == "files"
]


def test_the_fields_are_found() -> None:
    assert len(NAMED) >= 9


@pytest.mark.parametrize("nothing", NOTHING)
@pytest.mark.parametrize(("model", "name"), NAMED, ids=lambda it: getattr(it, "__name__", it))
def test_no_entry_names_weights_by_one(model: Any, name: str, nothing: str) -> None:
    field = model.model_fields[name]
    if (model, name) == (RunOpened, "start_weights"):
        # A session that began from nothing said so by the digest of nothing: its entry is still read.
        return
    adapter = TypeAdapter(field.rebuild_annotation())
    adapter.validate_python("a" * 64)
    with pytest.raises(ValidationError, match="names no weights"):
        adapter.validate_python(nothing)


@pytest.fixture
def project(tmp_path: Path) -> Project:
    project = new_project(tmp_path / "p")
    with open_gate(project, Model(), evaluate=None) as gate:
        gate.step(10**10)
    return project


WHO = ("--as", "evaluator")
COMMANDS: list[tuple[str, ...]] = [
    ("decide", "--run", "r", "--action", "deploy_internal"),
    *[
        ("evidence", "announce", "--run", "r", "--domain", "arithmetic", "--task", "t", "--task-version", "1", *more)
        for more in [("--dataset", "d" * 64, "--samples", "400", *WHO)]
    ],
    ("evidence", "import", "log.eval", "--assumption", "a", "--domain", "arithmetic", *WHO),
    ("incident", "report", "arithmetic", "--run", "r", "--because", "b", *WHO),
    ("determine", "d", "--run", "r", "--until", "2999-01-01", "--statement", "s", *WHO),
    ("claim-risk", "k", "--run", "r", "--bound", "1%", "--until", "2999-01-01", "--statement", "s", *WHO),
    *[
        ("candidate", "tried", "understanding", "c", *more)
        for more in [("--protocol", "p.md", "--statement", "s", "--passed", *WHO)]
    ],
]


@pytest.mark.parametrize("nothing", NOTHING)
@pytest.mark.parametrize("command", COMMANDS, ids=lambda it: " ".join(it[:2]))
def test_no_command_takes_one(
    project: Project, command: tuple[str, ...], nothing: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (project.folder / "p.md").write_text("p")
    before = project.ledger.read_bytes()
    given = [str(project.folder / it) if it == "p.md" else it for it in command]
    assert run([*given, "--weights", nothing, "-p", str(project.folder)]) == 2
    assert "`--weights`: " in (said := capsys.readouterr().err)
    assert "names no weights" in said
    assert project.ledger.read_bytes() == before


@pytest.mark.parametrize("nothing", NOTHING)
def test_no_training_script_names_its_weights_or_parents_by_one(project: Project, nothing: str) -> None:
    for options in ({"weights": lambda: nothing}, {"from_scratch": False, "parents": [nothing]}):
        with pytest.raises(InputError, match="names no weights"):
            open_gate(project, Model(), run="s", **options)


@pytest.mark.parametrize("nothing", NOTHING)
def test_no_decision_is_taken_on_one(project: Project, nothing: str) -> None:
    with project.journal() as journal, pytest.raises(InputError, match="names no weights"):
        journal.decide("r", "deploy_internal", project.key("log"), "gate", weights=nothing)
