"""What a screen shows is what the ledger says: no text in it acts on the terminal, no old verdict stands unmarked."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest
from cli_support import Command
from rich.panel import Panel
from rich.text import Text

from scalegate.cli.show import _Visible, visible
from scalegate.gate.project import Project
from scalegate.training.held import Held
from support import Model, approve, attest, new_project, open_gate, train

ERASE = "x\x1b[2K\x1b[1G\x1b[8m\x9b2K\x7f\u202e\ry"


def test_a_text_cannot_move_the_cursor_or_turn_the_line() -> None:
    shown = _Visible(file=io.StringIO(), width=200, force_terminal=False)
    shown.print(Panel(Text(ERASE)))
    assert isinstance(shown.file, io.StringIO)
    text = shown.file.getvalue()
    assert not set(text) & set("\x1b\x9b\x7f\u202e\r")
    assert "x\\u001b[2K\\u001b[1G" in text


def test_what_is_written_out_is_still_the_same_json() -> None:
    document = json.dumps({"reason": ERASE}, ensure_ascii=False)
    assert json.loads(visible(document)) == {"reason": ERASE}
    assert visible("Zoë, 安全\n") == "Zoë, 安全\n"


def test_an_approval_is_of_the_decision_that_was_read(scalegate: Command, project: Project, weights: str) -> None:
    sign = ("approve", "-p", "p", "--run", "r", "--level", "2", "--as", "ada", "--until", "2999-01-01")
    sign += ("--statement", "I looked.")
    with project.journal() as journal:
        digest = journal.fold.latest["r"].digest()
    assert f"(decision {digest[:12]})" in " ".join(scalegate("status", "-p", "p").out.split())
    ran = scalegate(*sign, "--decision", "0" * 12)
    assert ran.code == 2
    assert f"is {digest[:12]}, not the one you read" in " ".join(ran.err.split())
    assert scalegate(*sign, "--decision", digest[:12]).code == 0
    assert weights


def test_status_decides_again_in_memory(scalegate: Command, tmp_path: Path) -> None:
    """An old HOLD that signatures have released since is named."""
    project, model = new_project(tmp_path / "q"), Model(skill=lambda _: 0.9)
    with open_gate(project, model) as gate, pytest.raises(Held):
        train(gate, model)
    attest(project)
    approve(project, "ada", "grace")
    text = " ".join(scalegate("status", "-p", project.folder).out.split())
    assert "r: decided again now it would be PROCEED, up to " in text
    [told] = scalegate("status", "-p", project.folder, "--json").json["runs"]
    assert told["otherwise"]["verdict"] == "PROCEED"


def test_what_is_not_as_it_must_be_is_not_said_to_be(scalegate: Command, project: Project) -> None:
    with open_gate(project, Model(), "other") as gate, pytest.raises(Held):
        gate.step(0)
    text = " ".join(scalegate("decide", "--run", "other", "-p", "p").out.split())
    assert "standing.meter violated" in text
    assert "as it must be: lineage, ledger, clock, compute, plan" in text
