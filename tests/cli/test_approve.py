"""Signing for an action: the signature names the latest decision for that action, and counts for no other."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from cli_support import Command

from scalegate.gate import Journal
from scalegate.gate.project import Project
from scalegate.ledger.entries import EvaluationFinished
from support import STEP, Model, new_project, open_gate, train

SIGN = ("approve", "-p", "p", "--run", "r", "--level", "2", "--as", "ada", "--until", "2999-01-01")
SIGN += ("--statement", "I looked.")
DEPLOY = ("--action", "deploy_external")
CONFIGURATION = "c" * 64


def shown_late(project: Project, journal: Journal, weights: str) -> None:
    """A result that nobody announced, and that shows all there is."""
    late = EvaluationFinished(
        actor="evaluator",
        time=journal.now(),
        policy=journal.policy.digest(),
        evaluation="e" * 64,
        weights=weights,
        domain="arithmetic",
        status="completed",
        successes=400,
        completed=400,
        errors=0,
        elicitation_flops=0,
        elicitation_method="m",
        evaluation_flops=0,
        log="0" * 64,
        assumptions=("a",),
    )
    journal.append(lambda: [(late, project.key("evaluator"))])


def deploy(scalegate: Command, weights: str) -> dict[str, object]:
    exact = ("--weights", weights, "--configuration", CONFIGURATION)
    ran = scalegate("decide", "-p", "p", "--run", "r", *DEPLOY, *exact, "--json")
    assert ran.code == 3
    return dict(ran.json)


def test_it_names_the_latest_decision_for_its_action(scalegate: Command, project: Project, weights: str) -> None:
    deploy(scalegate, weights)
    made = deploy(scalegate, weights)
    scalegate("decide", "-p", "p", "--run", "r")
    signed = scalegate(*SIGN, *DEPLOY, "--json")
    assert signed.code == 0
    assert {name: signed.json[name] for name in ("action", "weights", "configuration")} == {
        "action": "deploy_external",
        "weights": weights,
        "configuration": CONFIGURATION,
    }
    with project.journal() as journal:
        seen = journal.fold.decisions[signed.json["decision"]]
        assert json.dumps(seen.to_json(), sort_keys=True) == json.dumps(made, sort_keys=True)
        assert journal.fold.situation("r", now=journal.now()).signatures[-1].action == "deploy_external"


def test_nobody_signs_over_a_result_that_the_decision_did_not_see(scalegate: Command, project: Project) -> None:
    """It may be far worse than what was decided on: it is decided on, and read, first."""
    with project.journal() as journal:
        announced, *_ = [it.announced for it in journal.fold.attempts.values() if it.announced]
        shown_late(project, journal, announced.weights)
    refused = scalegate(*SIGN)
    assert (refused.code, refused.out) == (2, "")
    assert "1 result came after decision " in refused.err
    assert "scalegate decide --run r --project p" in refused.err
    assert scalegate("decide", "-p", "p", "--run", "r").code == 3
    assert scalegate(*SIGN).code == 0


@pytest.mark.usefixtures("project")
def test_without_an_action_it_is_training(scalegate: Command, weights: str) -> None:
    deploy(scalegate, weights)
    assert scalegate(*SIGN, "--json").json["action"] == "train"
    ran = scalegate(*SIGN[:-1], "I looked again.")
    assert ", the HOLD of " in ran.out
    assert ": train run `r`" in ran.out
    assert weights not in ran.out
    assert weights in scalegate(*SIGN, *DEPLOY).out


@pytest.mark.usefixtures("project")
def test_no_decision_for_the_action_is_an_error_with_the_command_that_makes_one(scalegate: Command) -> None:
    ran = scalegate(*SIGN, *DEPLOY)
    assert (ran.code, ran.out) == (2, "")
    assert "there is no decision on run `r` for `deploy_external` to sign for yet" in ran.err
    command = (
        "scalegate decide --run r --action deploy_external --weights DIGEST --configuration CONFIGURATION --project p"
    )
    assert command in ran.err
    assert "`fly` is not an action" in scalegate(*SIGN, "--action", "fly").err


def test_a_result_of_what_grew_from_the_run_is_seen_before_anybody_signs(
    scalegate: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It counts against the run: tuned on is what elicitation by others looks like."""
    project, model = new_project(tmp_path / "p"), Model()
    monkeypatch.chdir(tmp_path)
    with open_gate(project, model) as gate:
        train(gate, model, 25)
        weights = gate.save()
    tuned = Model(flops=model.flops)
    with open_gate(project, tuned, "tuned", from_scratch=False, parents=[weights], evaluate=None) as gate:
        train(gate, tuned, 1, STEP + 7)
        gate.save()
    model.skill = lambda _flops: 79 / 400
    with open_gate(project, model) as gate:
        train(gate, model, 1)
        assert gate.evaluate().levels == (2,)
    with project.journal() as journal:
        shown_late(project, journal, tuned.digest())
    assert "1 result came after decision " in scalegate(*SIGN).err
    assert scalegate("decide", "-p", "p", "--run", "r").code == 3
    assert scalegate(*SIGN).code == 0
