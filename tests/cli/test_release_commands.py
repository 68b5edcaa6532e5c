"""What a hold says people can type is what releases it."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest
from cli_support import Command

from scalegate.gate.project import Project
from scalegate.training.held import Held
from support import Model, new_project, open_gate, train

FILLED = {"WHO": "security", "DATE": "2999-01-01", "TEXT": "seen", "SHA256": "d" * 64}


def commands(shown: str) -> list[list[str]]:
    """The commands that stand under the hold, with what stands in capitals filled in."""
    lines = re.findall(r"^  scalegate (.*?)(?:  \(or .*\))?$", shown, re.MULTILINE)
    return [[FILLED.get(word, word) for word in shlex.split(line)] for line in lines]


@pytest.mark.parametrize("asked", [("status", "-p", "p"), ("decide", "--run", "r", "--no-record", "-p", "p")])
def test_the_commands_under_a_hold_release_it(
    scalegate: Command, project: Project, asked: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    """In a narrow window too: a command is one line, to be copied."""
    monkeypatch.setattr("scalegate.cli.show.console.width", 60)
    shown = scalegate(*asked).out
    attest, approve, decide = commands(shown)
    assert "  (or grace, alan)" in shown
    assert scalegate(*attest).code == 0
    assert scalegate(*approve).code == 0
    assert scalegate(*decide).code == 3, "one of two has signed"
    assert scalegate(*(word.replace("ada", "alan") for word in approve)).code == 0
    assert scalegate(*decide).code == 0


def test_a_project_folder_with_a_space_in_its_name_is_quoted(scalegate: Command, project: Project) -> None:
    project.folder.rename("my project")
    attest, *_ = commands(scalegate("status", "-p", "my project").out)
    assert scalegate(*attest).code == 0


def test_a_run_without_an_evaluator_of_its_own_is_told_how_to_announce_one(
    scalegate: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, model = tmp_path / "p", Model()
    with open_gate(new_project(folder), model, evaluate=None) as gate, pytest.raises(Held):
        train(gate, model)
    monkeypatch.chdir(tmp_path)
    announce = next(it for it in commands(scalegate("status", "-p", "p").out) if it[:2] == ["evidence", "announce"])
    filled = {"DIGEST": model.digest(), "security": "evaluator"}
    assert scalegate(*(filled.get(word, word) for word in announce)).code == 0
    assert "open since" in scalegate("status", "-p", "p").out
