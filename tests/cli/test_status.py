"""What `status` says of a run that has not been decided on yet, and how an evaluation that is due looks."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest
from cli_support import Command

from scalegate.gate.project import Project, adopt
from scalegate.policy import parse_policy
from scalegate.training.held import Held
from support import DAY, Model, approve, attest, new_project, open_gate, record_tier, train

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


@pytest.mark.parametrize("how", ["by time", "by an amendment", "by compute"])
def test_a_permit_that_has_ended_leads_as_ended_with_what_to_do(
    scalegate: Command, tmp_path: Path, how: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    project, model = new_project(tmp_path / "q"), Model()
    with open_gate(project, model, evaluate=None) as gate:
        train(gate, model, steps=1)
    assert " PROCEED  " in scalegate("status", "-p", project.folder).out
    if how == "by time":
        late = time.time() + DAY
        monkeypatch.setattr("time.time", lambda: late)
    elif how == "by an amendment":
        new = parse_policy(project.policy.read_text().replace('version: "1.0"', 'version: "1.1"'))
        for officer in ("ada", "alan"):
            with project.journal() as journal:
                adopt(journal, new, officer, project.key(officer))
    else:
        other = Model(flops=3)
        with open_gate(project, other, "two", evaluate=None) as gate:
            train(gate, other, 1)
            gate.save()
    about = scalegate("status", "-p", project.folder).out.split("THIS POLICY")[1]
    [table] = [at for at, line in enumerate(about.splitlines()) if line.startswith("clause ")]
    assert about.splitlines()[table - 1].startswith("As it was decided at 20")
    assert about.splitlines()[table - 1].rstrip().endswith(", and not as it is now:")
    assert about.splitlines()[1].startswith(" PERMIT ENDED   it may not go on until it is decided again.")
    assert " PROCEED  " not in about
    assert "To decide again: scalegate decide --run r --project" in " ".join(about.split())
    told = scalegate("status", "-p", project.folder, "--json").json["runs"][0]
    assert (told["now"], told["ended"]) == ("permit ended", True)


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


def test_a_policy_file_that_is_not_in_force_is_named(scalegate: Command, project: Project) -> None:
    assert "is not the policy in force" not in scalegate("status", "-p", "p").out
    text = project.policy.read_text()
    project.policy.write_text(text.replace('version: "1.0"', 'version: "1.1"'))
    said = " ".join(scalegate("status", "-p", "p").out.split())
    assert "policy.yaml is not the policy in force. To adopt it: scalegate adopt p/policy.yaml -p p --as NAME" in said
    project.policy.write_text("nothing: [")
    assert "policy.yaml cannot be read as a policy" in " ".join(scalegate("status", "-p", "p").out.split())


def test_an_amendment_says_what_is_to_be_signed_again(scalegate: Command, project: Project) -> None:
    project.policy.write_text(project.policy.read_text().replace('version: "1.0"', 'version: "1.1"'))
    first = scalegate("adopt", "p/policy.yaml", "-p", "p", "--as", "ada").out
    assert "counts no more" not in first
    second = " ".join(scalegate("adopt", "p/policy.yaml", "-p", "p", "--as", "alan").out.split())
    assert "is in force. What was attested, approved and recorded under the version before counts no more" in second


def test_a_result_is_compared_with_what_was_reserved_and_with_the_policys_method(
    scalegate: Command, project: Project, weights: str
) -> None:
    announced = scalegate(
        *("evidence", "announce", "-p", "p", "--run", "r", "--weights", weights, "--domain", "arithmetic"),
        *("--task", "sums", "--task-version", "1", "--dataset", "d" * 64, "--samples", 400, "--as", "evaluator"),
        *("--elicitation-flops", "1e10 FLOP", "--json"),
    )
    result = {"evaluation": announced.json["evaluation"], "weights": weights, "domain": "arithmetic"}
    result |= {"outcomes": [False] * 400, "assumptions": ["it tried"], "elicitation_method": "prompting"}
    Path("result.json").write_text(json.dumps(result | {"elicitation_flops": str(10**10 + 1)}))
    said = " ".join(scalegate("evidence", "add", "result.json", "-p", "p", "--as", "evaluator").out.split())
    assert "It spent 10000000001 FLOP of elicitation by its own words, and 10000000000 were reserved" in said
    assert "The policy names `fine-tuning`, the result `prompting`" in said
    assert "rule nothing out" not in said
    Path("result.json").write_text(json.dumps(result | {"evaluation": None}))
    beside = " ".join(scalegate("evidence", "add", "result.json", "-p", "p", "--as", "evaluator").out.split())
    assert "It can rule nothing out: it was not announced" in beside


def test_deciding_again_is_about_what_the_script_last_asked_for(scalegate: Command, tmp_path: Path) -> None:
    """A hold on a step is not shown as a PROCEED on less; under another policy its amount says nothing."""
    project = new_project(tmp_path / "q")
    open_gate(project, Model()).close()
    again = ("decide", "-p", project.folder, "--run", "r", "--no-record")
    assert scalegate(*again).code == 0
    with project.journal() as journal:
        made = journal.decide("r", "train", project.key("gatekeeper"), "gatekeeper", compute=10**13)
    assert made.verdict == "HOLD"
    assert scalegate(*again).code == 3
    assert scalegate(*again, "--flops", "1 FLOP").code == 0
    assert scalegate("status", "-p", project.folder, "--json").json["runs"][0]["otherwise"] is None
    new = parse_policy(project.policy.read_text().replace('version: "1.0"', 'version: "1.1"'))
    for officer in ("ada", "alan"):
        with project.journal() as journal:
            adopt(journal, new, officer, project.key(officer))
    record_tier(project)
    assert scalegate(*again).code == 0
    assert scalegate("status", "-p", project.folder, "--json").json["runs"][0]["otherwise"]["verdict"] == "PROCEED"
