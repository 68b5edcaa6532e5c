"""A run that goes on by an exception: granted on the command line, bounded in the loop, told first everywhere."""

from __future__ import annotations

import json
import logging
from pathlib import Path

import pytest

from scalegate.cli.main import run
from scalegate.gate import replay
from scalegate.gate.project import Project, adopt
from scalegate.policy import load_policy
from scalegate.training.held import Held
from support import POLICY_TEXT, STEP, Model, new_project, open_gate, train

TERMS = """
exceptions:
  - id: others-ahead
    text: Another developer is about to cause a catastrophe that this run would help to prevent.
    source: {document: Policy of Example Lab, section: "8"}
    clauses: [safeguards.level-2]
    actions: [train]
    granted_by: {role: officer, at_least: 2}
    valid_for: 30 days
    growth: 1.5x
"""


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return new_project(tmp_path / "p", POLICY_TEXT + TERMS)


def grant(project: Project, who: str, *more: str) -> int:
    words = ["except", "others-ahead", "--run", "r", "--as", who, "--until", "2099-01-01", "--statement", "it is so"]
    return run([*words, "-p", str(project.folder), *more])


def test_it_goes_on_as_far_as_granted_and_is_told_first_everywhere(
    project: Project, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    model = Model(skill=lambda flops: 0.0 if flops < 3 * 10**12 else 0.7)
    with open_gate(project, model) as gate, pytest.raises(Held) as first:
        train(gate, model)
    assert first.value.decision is not None
    assert first.value.decision.resumption is not None
    assert first.value.decision.resumption.because == ("safeguards.level-2",)
    stood = model.flops

    assert grant(project, "ada") == 0
    first_said = capsys.readouterr().out
    assert "It names decision" in first_said
    assert first_said.endswith("1 of the 2 that `others-ahead` asks for have granted it.\n")
    with open_gate(project, model) as gate, pytest.raises(Held):
        train(gate, model, 1)
    assert grant(project, "grace") == 0
    assert "asks for have granted it.\nEXCEPTION `others-ahead`: it may go on until" in capsys.readouterr().out
    evaluations = len(model.requests)
    with caplog.at_level(logging.WARNING), open_gate(project, model) as gate:
        train(gate, model, 3)
        assert gate.decision is not None
        assert (gate.decision.verdict, gate.decision.permit) == ("HOLD", None)
        due = gate.next_due()
        assert due is not None
        assert due.compute == stood * 3 // 2
        # What was to be ruled out is not measured over and over while nothing would change.
        assert len(model.requests) - evaluations <= 2
        with pytest.raises(Held):
            train(gate, model)
    assert stood * 3 // 2 - 2 * STEP < replay(project.ledger).fold.situation("r", now=2 * 10**9).lineage.compute
    assert model.saved == model.flops
    assert "EXCEPTION `others-ahead`: it may go on until" in caplog.text

    assert grant(project, "ada") == grant(project, "grace") == 0
    capsys.readouterr()
    assert run(["decide", "--run", "r", "-p", str(project.folder)]) == 3
    shown = capsys.readouterr().out
    assert " ".join(shown.split()).startswith(
        "EXCEPTION `others-ahead`, of which 4 grants were signed so far: it may go on until"
    )
    assert "Exception permit: up to" in " ".join(shown.split())
    assert run(["status", "-p", str(project.folder)]) == 0
    assert capsys.readouterr().out.startswith("train r: EXCEPTION `others-ahead`, of which 4 grants were")
    page = project.folder / "report.html"
    assert run(["report", "-p", str(project.folder), "--out", str(page)]) == 0
    text = page.read_text(encoding="utf-8")
    assert text.index("EXCEPTION <code>others-ahead</code>") < text.index("<h1>")
    assert "Decisions that let an action go on by an exception:" in text
    replayed = replay(project.ledger)
    assert (replayed.faults, replayed.ignored) == ((), ())
    assert replayed.excepted == 3

    words = ["except", "others-ahead", "--run", "r", "--as", "ada", "--withdraw", "--statement"]
    for said in ("What you granted is taken back.", "Nothing that you granted stood: nothing has changed."):
        assert run([*words, said, "-p", str(project.folder)]) == 0
        assert f"It counts at once. {said}" in capsys.readouterr().out
    assert run(["status", "-p", str(project.folder)]) == 0
    assert capsys.readouterr().out.startswith("train r: EXCEPTION `others-ahead` has ended: it may not go on.")
    with open_gate(project, model) as gate, pytest.raises(Held):
        train(gate, model, 1)


def test_a_hold_that_no_decision_pronounced_saves_here_too(project: Project) -> None:
    model = Model(skill=lambda flops: 0.0 if flops < 3 * 10**12 else 0.7)
    with open_gate(project, model) as gate, pytest.raises(Held):
        train(gate, model)
    assert grant(project, "ada") == grant(project, "grace") == 0
    gate = open_gate(project, model)
    train(gate, model, 2)
    new = project.folder / "new.yaml"
    new.write_text(project.policy.read_text(encoding="utf-8").replace('version: "1.0"', 'version: "1.1"'))
    for who in ("ada", "grace"):
        with project.journal() as journal:
            adopt(journal, load_policy(new), who, project.key(who))
    with pytest.raises(Held):
        train(gate, model)
    assert model.saved == model.flops
    gate.close()


def test_a_grant_without_a_hold_that_was_read_is_refused(project: Project, capsys: pytest.CaptureFixture[str]) -> None:
    model = Model()
    with open_gate(project, model) as gate:
        train(gate, model, 2)
    assert grant(project, "ada") == 2
    assert "the decision that it names is no HOLD of an action that `others-ahead` is an exception for" in (
        capsys.readouterr().err
    )
    assert grant(project, "ada", "--action", "deploy_external") == 2
    assert "there is no decision on run `r` for `deploy_external` to sign for yet" in capsys.readouterr().err
    words = ["except", "others-behind", "--run", "r", "--as", "ada", "--until", "2099-01-01", "--statement", "so"]
    assert run([*words, "-p", str(project.folder)]) == 2
    assert "`others-behind` is not an exception of the policy in force" in capsys.readouterr().err


def test_the_last_who_signs_is_told_what_holds_all_the_same(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    terms = TERMS.replace("[safeguards.level-2]", "[capability.arithmetic, cadence]")
    project = new_project(tmp_path / "p", POLICY_TEXT + terms)
    model = Model(skill=lambda flops: 0.0 if flops < 3 * 10**12 else 0.7)
    with open_gate(project, model) as gate, pytest.raises(Held):
        train(gate, model)
    assert grant(project, "ada") == 0
    capsys.readouterr()
    assert grant(project, "grace") == 0
    assert capsys.readouterr().out.endswith(
        "2 of the 2 that `others-ahead` asks for have granted it.\nThe exception `others-ahead` is granted by `ada`,"
        " `grace` and lets nothing go on: `safeguards.level-2` holds too.\n"
    )
    assert grant(project, "ada", "--json", "--statement", "still so") == 0
    assert json.loads(capsys.readouterr().out)["goes_on"] is False
