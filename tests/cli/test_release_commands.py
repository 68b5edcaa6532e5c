"""What a hold says people can type is what releases it."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path

import pytest
from cli_support import Command

from scalegate.gate.journal import reading
from scalegate.gate.project import Project
from scalegate.ledger.entries import EvaluationAnnounced
from scalegate.training.held import Held
from support import POLICY_TEXT, STEP, Model, new_project, open_gate, train

FILLED = {"WHO": "security", "DATE": "2999-01-01", "TEXT": "seen", "SHA256": "d" * 64}


def commands(shown: str) -> list[list[str]]:
    """The commands that stand under the hold, with what stands in capitals filled in."""
    lines = re.findall(r"^  scalegate (.*)$", shown, re.MULTILINE)
    return [[FILLED.get(word, word) for word in shlex.split(line, comments=True)] for line in lines]


@pytest.mark.parametrize("asked", [("status", "-p", "p"), ("decide", "--run", "r", "--no-record", "-p", "p")])
def test_the_commands_under_a_hold_release_it(
    scalegate: Command, project: Project, asked: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    """In a narrow window too: a command is one line, to be copied."""
    monkeypatch.setattr("scalegate.cli.show.console.width", 60)
    *signed, decide = commands(scalegate(*asked).out)
    assert [command[0] for command in signed] == ["attest", "approve", "approve"]
    for command in signed:
        assert scalegate(*decide).code == 3
        assert scalegate(*command).code == 0
    assert scalegate(*decide).code == 0


def test_a_project_folder_with_a_space_in_its_name_is_quoted(scalegate: Command, project: Project) -> None:
    project.folder.rename("my project")
    attest, *_ = commands(scalegate("status", "-p", "my project").out)
    assert scalegate(*attest).code == 0


def announcements(folder: str) -> list[EvaluationAnnounced]:
    with reading(Path(folder) / "ledger.db") as journal:
        return [it.announced for it in journal.fold.attempts.values() if it.announced is not None]


def result(folder: Path, scalegate: Command, announced: str, successes: int) -> None:
    """A result file for what was announced last, as somebody would write it."""
    evaluation = re.search("evaluation ([0-9a-f]{64})", announced)
    assert evaluation is not None
    [weights] = [it.weights for it in announcements("p") if it.evaluation == evaluation[1]]
    document = {
        "evaluation": evaluation[1],
        "weights": weights,
        "domain": "arithmetic",
        "elicitation_flops": "1" + 10 * "0",
    }
    document |= {"outcomes": [True] * successes + [False] * (400 - successes), "assumptions": ["it tried"]}
    (folder / "FILE").write_text(json.dumps(document))


def unevaluated(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, **options: object) -> Model:
    """Run `r` of project `p`, here, held at its first evaluation: its script takes none."""
    model = Model()
    with open_gate(new_project(tmp_path / "p"), model, evaluate=None, **options) as gate, pytest.raises(Held):
        train(gate, model)
    monkeypatch.chdir(tmp_path)
    return model


def test_a_run_that_its_script_does_not_evaluate_is_released_by_the_commands_alone(
    scalegate: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Announced, measured and decided on; once it is announced, the result alone is asked for."""
    model = unevaluated(tmp_path, monkeypatch)
    announce, add, decide = commands(scalegate("status", "-p", "p").out)
    assert announce[:2] == ["evidence", "announce"]
    assert model.digest() in announce
    announced = scalegate(*announce).out
    assert add[:3] == ["evidence", "add", "FILE"]
    assert "scalegate evidence add FILE --as evaluator --project p" in announced
    # Announced again it would spend another attempt: nobody is told to, before it is decided on or after.
    outdated = scalegate("status", "-p", "p").out
    assert commands(outdated) == []
    assert "r: what would release it is no longer what it was. To decide again: scalegate decide" in " ".join(
        outdated.split()
    )
    assert scalegate(*decide).code == 3
    assert commands(scalegate("status", "-p", "p").out) == [add, decide]
    result(tmp_path, scalegate, announced, 0)
    assert scalegate(*add).code == 0
    assert scalegate(*decide).code == 0


def test_a_deployment_is_evaluated_in_its_configuration(
    scalegate: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = POLICY_TEXT.replace("actions: [train]", "actions: [train, deploy_external]")
    folder, model = tmp_path / "p", Model()
    with open_gate(new_project(folder, text), model) as gate:
        train(gate, model, 3)
        gate.save()
    monkeypatch.chdir(tmp_path)
    exact = ("--weights", model.digest(), "--configuration", "c" * 64)
    asked = ("decide", "-p", "p", "--run", "r", "--action", "deploy_external", *exact)
    announce, add, decide = commands(scalegate(*asked).out)
    announced = scalegate(*announce).out
    result(tmp_path, scalegate, announced, 0)
    assert scalegate(*add).code == 0
    assert scalegate(*decide).code == 0


def test_other_runs_are_evaluated_by_commands_and_the_next_step_is_what_is_decided(
    scalegate: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What another run leaves uncovered holds this one: the commands name that run and its weights."""
    folder, first, second = tmp_path / "p", Model(), Model(flops=1)
    project = new_project(folder)
    with open_gate(project, first, run="a", evaluate=None) as gate:
        train(gate, first, 15)
        gate.save()
    with open_gate(project, second, run="b", evaluate=None) as gate, pytest.raises(Held):
        gate.step(19 * STEP)
    monkeypatch.chdir(tmp_path)
    announce, add, decide = commands(scalegate("status", "-p", "p").out)
    assert announce[announce.index("--run") + 1] == "a"
    assert first.digest() in announce
    announced = scalegate(*announce).out
    result(tmp_path, scalegate, announced, 0)
    assert scalegate(*add).code == 0
    assert scalegate(*decide).code == 0
    with open_gate(project, second, run="b") as gate:
        gate.step(19 * STEP)
    # What was spent on its elicitation serves the other run too, as far as its evidence carries.
    with open_gate(project, first, run="a", evaluate=None) as gate:
        train(gate, first, 30)


def test_where_something_else_is_to_be_done_the_commands_are_said_to_be_a_part(
    scalegate: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    unevaluated(tmp_path, monkeypatch, planned=20 * STEP)
    shown = scalegate("status", "-p", "p").out
    assert "Commands for a part of the first of these, with what stands in capitals filled in; the rest stands" in shown
    assert [command[:2] for command in commands(shown)][:2] == [["evidence", "announce"], ["evidence", "add"]]


def test_what_was_announced_as_it_is_is_finished_first(
    scalegate: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    unevaluated(tmp_path, monkeypatch)
    announce, *_ = commands(scalegate("status", "-p", "p").out)
    at = announce.index("--elicitation-flops")
    announced = scalegate(*announce[:at], "--as-is", *announce[at + 2 :]).out
    assert scalegate("decide", "--run", "r", "-p", "p").code == 3
    [finish, announce, add, decide] = commands(scalegate("status", "-p", "p").out)
    assert finish == add
    result(tmp_path, scalegate, announced, 0)
    assert scalegate(*finish).code == 0
    result(tmp_path, scalegate, scalegate(*announce).out, 0)
    assert scalegate(*add).code == 0
    assert scalegate(*decide).code == 0


def test_a_hold_under_a_policy_that_was_superseded_names_no_commands(scalegate: Command, project: Project) -> None:
    """They would be of a safeguard that the policy in force may not have."""
    text = (
        project.policy.read_text().replace("weights-locked", "weights-kept").replace('version: "1.0"', 'version: "1.1"')
    )
    amended = project.folder / "amended.yaml"
    amended.write_text(text)
    for officer in ("ada", "grace"):
        assert scalegate("adopt", amended, "-p", "p", "--as", officer).code == 0
    ran = scalegate("status", "-p", "p")
    assert ran.code == 0
    assert commands(ran.out) == []


def test_a_fine_tune_is_released_by_an_evaluation_of_what_it_loaded(
    scalegate: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It has recorded no weights of its own yet: the commands name the run that made them."""
    base = unevaluated(tmp_path, monkeypatch)
    tuned = Model(flops=base.flops)
    given: dict[str, object] = {"from_scratch": False, "parents": [base.digest()], "planned": 10**11, "evaluate": None}
    project = Project(Path("p"))
    with open_gate(project, tuned, "tuned", **given) as gate, pytest.raises(Held):
        gate.step(STEP)
    announce, add, decide = commands(scalegate("decide", "--run", "tuned", "-p", "p").out)
    assert base.digest() in announce
    assert announce[announce.index("--run") + 1] == "r"
    result(tmp_path, scalegate, scalegate(*announce).out, 0)
    assert scalegate(*add).code == 0
    assert scalegate(*decide).code == 0
    with open_gate(project, tuned, "tuned", **given) as gate:
        train(gate, tuned, 3)


def test_what_was_signed_already_is_not_asked_for_again(scalegate: Command, project: Project) -> None:
    attest, *_ = commands(scalegate("status", "-p", "p").out)
    assert scalegate(*attest).code == 0
    status = scalegate("status", "-p", "p").out
    assert commands(status) == []
    assert "1 attestation" in status
    left = commands(scalegate("decide", "--run", "r", "--no-record", "-p", "p").out)
    assert [command[0] for command in left] == ["approve", "approve", "decide"]
