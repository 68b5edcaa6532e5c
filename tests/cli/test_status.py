"""What `status` says of a run that has not been decided on yet, and how an evaluation that is due looks."""

from __future__ import annotations

from pathlib import Path

import pytest
from cli_support import Command

from scalegate.gate.project import Project
from scalegate.training.held import Held
from support import Model, approve, attest, new_project, open_gate, train

RESULT = '{"weights": "%s", "domain": "arithmetic", "outcomes": [true, false], "assumptions": ["it tried"]}'


def test_what_came_after_the_latest_decision_is_said_with_the_way_to_decide(
    scalegate: Command, project: Project, weights: str
) -> None:
    assert "not decided on yet" not in scalegate("status", "-p", "p").out
    assert scalegate("status", "-p", "p", "--json").json["runs"][0]["undecided"] is None

    attest(project)
    approve(project, "ada", "grace")
    Path("result.json").write_text(RESULT % weights)
    assert scalegate("evidence", "add", "result.json", "-p", "p", "--as", "evaluator").code == 0

    text = " ".join(scalegate("status", "-p", "p").out.split())
    assert "r: not decided on yet: 4 later entries that could matter (1 attestation, 2 approvals, 1 result)." in text
    assert "To decide again: scalegate decide --run r --project p" in text
    told = scalegate("status", "-p", "p", "--json").json["runs"][0]
    assert told["undecided"] == {"entries": 4, "kinds": {"attestation": 1, "approval": 2, "result": 1}}
    assert told["decide"] == "scalegate decide --run r --project p"

    scalegate("decide", "--run", "r", "--project", "p")
    assert "not decided on yet" not in scalegate("status", "-p", "p").out


def test_a_run_without_a_decision_says_so(scalegate: Command, tmp_path: Path) -> None:
    project = new_project(tmp_path / "p")
    open_gate(project, Model()).close()
    ran = scalegate("status", "-p", project.folder)
    assert "r: no training decision yet. To decide: scalegate decide --run r --project" in " ".join(ran.out.split())
    assert scalegate("status", "-p", project.folder, "--json").json["runs"][0]["decided_at"] is None


def test_an_evaluation_that_is_due_is_named_in_the_head_line(scalegate: Command, tmp_path: Path) -> None:
    project, model = new_project(tmp_path / "p"), Model()
    gate = open_gate(project, model, evaluate=None, suites={})
    with pytest.raises(Held):
        train(gate, model)
    gate.close()
    ran = scalegate("decide", "-p", project.folder, "--run", "r", "--no-record")
    assert ran.code == 3
    assert " HOLD  evaluation due: train run `r`" in ran.out
    decided = scalegate("decide", "-p", project.folder, "--run", "r", "--no-record", "--json").json
    assert decided["verdict"] == "HOLD"
    assert "evaluation_due" not in decided


def test_a_hold_that_takes_more_than_a_measurement_is_not_called_due(scalegate: Command, project: Project) -> None:
    ran = scalegate("decide", "-p", project.folder, "--run", "r", "--no-record")
    assert " HOLD   train run `r`" in ran.out
    assert "evaluation due" not in ran.out
