"""A result as in-toto's proposed `eval-result`: in the shape of the draft, and no more than the gate holds."""

from __future__ import annotations

import hashlib
import json
import re
from pathlib import Path
from typing import Any

import pytest
from cli_support import Command

from scalegate.errors import InputError
from scalegate.gate.eval_result import PREDICATE_TYPE
from scalegate.gate.project import Project
from scalegate.ledger import dsse
from scalegate.ledger.entries import DecisionMade, MeterFault, read_statement
from support import Model, new_project, open_gate, train

SPENT = "1e10 FLOP"


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    """One whose run saved weights that nobody has evaluated yet."""
    monkeypatch.chdir(tmp_path)
    project, model = new_project(Path("p")), Model()
    with open_gate(project, model, evaluate=None) as gate:
        train(gate, model, 5)
        gate.save()
    return project


@pytest.fixture
def weights(project: Project) -> str:
    with project.journal() as journal:
        return str(journal.fold.runs["r"].tip)


def brought(
    scalegate: Command, weights: str, successes: int, missing: int = 0, configuration: str | None = None, **more: object
) -> str:
    """An evaluation that was announced, with its result."""
    exact = ("--configuration", configuration) if configuration else ()
    asked = ("--domain", "arithmetic", "--task", "add", "--task-version", "3", "--dataset", "d" * 64)
    about = (*asked, "--samples", "400", "--elicitation-flops", SPENT, "--as", "evaluator", "-p", "p")
    made = scalegate("evidence", "announce", "--run", "r", "--weights", weights, *about, *exact, "--json")
    assert made.code == 0, made.err
    result = {
        "evaluation": made.json["evaluation"],
        "weights": weights,
        "domain": "arithmetic",
        "outcomes": [True] * successes + [False] * (400 - missing - successes) + [None] * missing,
        "assumptions": ["honest"],
        "elicitation_flops": "10000000000",
        "elicitation_method": "fine-tuning",
        "evaluation_flops": "1",
    } | more
    Path("result.json").write_text(json.dumps(result), encoding="utf-8")
    added = scalegate("evidence", "add", "result.json", "--as", "evaluator", "-p", "p")
    assert added.code == 0, added.err
    return str(made.json["evaluation"])


def opened(envelope: str, project: Project) -> dict[str, Any]:
    """The statement, signed by the evaluator."""
    read = dsse.parse(envelope.encode())
    assert dsse.verified_by(read, [project.key("evaluator").verify_key])
    statement: dict[str, Any] = json.loads(read.payload)
    return statement


def conforms(statement: dict[str, Any]) -> None:
    """What the draft requires of a statement."""
    assert statement["_type"] == "https://in-toto.io/Statement/v1"
    assert statement["predicateType"] == PREDICATE_TYPE
    predicate = statement["predicate"]
    assert re.match(r"[a-z]+:", predicate["evaluator"]["id"])
    assert set(predicate["suite"]) == {"name", "version"}
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", predicate["evaluatedAt"])
    for claim in predicate["claims"]:
        assert set(claim) == {"metric", "comparator", "threshold", "passed"}
        assert re.fullmatch(r"-?[0-9]+(\.[0-9]+)?", claim["threshold"])
        assert isinstance(claim["passed"], bool)
    assert isinstance(predicate["sampleSize"], int)
    assert "commitments" not in predicate, "each of model and dataset is identified once"
    for of in (predicate["model"], predicate["dataset"], *predicate["evidence"], *statement["subject"]):
        assert re.fullmatch("[0-9a-f]{64}", of["digest"]["sha256"])
    assert predicate["assuranceLevel"] == "self_attested"
    assert statement["subject"][0]["digest"] == predicate["model"]["digest"]


def test_a_result_that_rules_out_is_attested_in_the_shape_of_the_draft(
    scalegate: Command, project: Project, weights: str
) -> None:
    name = brought(scalegate, weights, 3)
    done = scalegate("evidence", "attest", name[:12], "--as", "evaluator", "-p", "p", "--out", "it.json")
    assert (done.code, done.err) == (0, "")
    assert "is under the alarm" in done.out
    assert "every other attempt is in the ledger" in " ".join(done.out.split())
    statement = opened(Path("it.json").read_text(encoding="utf-8"), project)
    conforms(statement)
    predicate = statement["predicate"]
    assert predicate["claims"][0]["passed"] is True
    assert (predicate["claims"][0]["comparator"], predicate["claims"][0]["threshold"]) == ("<", "0.2")
    assert (predicate["sampleSize"], predicate["suite"]) == (400, {"name": "add", "version": "3"})
    assert statement["subject"][0]["digest"]["sha256"] == weights
    # What was preregistered is an entry of the ledger, and so is the result.
    entries = {hashlib.sha256(it).hexdigest() for _, it in _entries(project)}
    assert predicate["preRegistration"]["value"] in entries
    assert {it["digest"]["sha256"] for it in predicate["evidence"][:2]} <= entries
    assert predicate["evidence"][2]["digest"]["sha256"] == hashlib.sha256(Path("result.json").read_bytes()).hexdigest()


def _entries(project: Project) -> list[tuple[int, bytes]]:
    with project.journal() as journal:
        return list(journal.ledger.entries())


@pytest.mark.parametrize(
    ("successes", "missing", "more"),
    [(200, 0, {}), (3, 1, {}), (3, 0, {"elicitation_flops": "1"}), (60, 0, {})],
    ids=["reached", "one is missing", "elicited too little", "not ruled out"],
)
def test_what_the_gate_does_not_take_as_ruled_out_is_not_passed(
    successes: int, missing: int, more: dict[str, object], scalegate: Command, project: Project, weights: str
) -> None:
    name = brought(scalegate, weights, successes, missing, **more)
    done = scalegate("evidence", "attest", name, "--as", "evaluator", "-p", "p", "--json")
    assert done.code == 0, done.err
    statement = opened(done.json["envelope"], project)
    conforms(statement)
    assert statement["predicate"]["claims"][0]["passed"] is done.json["passed"] is False


def attested(scalegate: Command, name: str) -> bool:
    done = scalegate("evidence", "attest", name, "--as", "evaluator", "-p", "p", "--json")
    assert done.code == 0, done.err
    return bool(done.json["passed"])


@pytest.mark.parametrize("what", ["another result", "an incident", "a broken assumption", "the ledger", "the meter"])
def test_what_else_speaks_against_the_weights_keeps_it_from_passing(
    what: str, scalegate: Command, project: Project, weights: str
) -> None:
    name = brought(scalegate, weights, 3)
    assert attested(scalegate, name)
    match what:
        case "another result":
            brought(scalegate, weights, 300)
        case "an incident":
            said = ("arithmetic", "--run", "r", "--weights", weights, "--because", "seen", "--as", "ada", "-p", "p")
            assert scalegate("incident", "report", *said).code == 0
        case "a broken assumption":
            said = ("no-sandbagging", "--because", "it hid it", "--as", "ada", "-p", "p")
            assert scalegate("assumption", "break", *said).code == 0
        case _:
            with project.journal() as journal:
                common = {"actor": "gatekeeper", "time": journal.now(), "policy": journal.policy.digest()}
                fault = MeterFault.model_validate(common | {"run": "r", "reason": "zero"})
                other = DecisionMade.model_validate(common | {"decision": {"x": 1}})
                journal.append(lambda: [(fault if what == "the meter" else other, project.key("gatekeeper"))])
    assert not attested(scalegate, name)


def test_what_the_predicate_would_say_otherwise_is_refused(scalegate: Command, project: Project, weights: str) -> None:
    asked = ("evidence", "attest")
    by = ("--as", "evaluator", "-p", "p")
    assert "no evaluation of this name was announced" in scalegate(*asked, "0" * 12, *by).err
    assert "8 characters at the least name one" in scalegate(*asked, "0", *by).err
    name = brought(scalegate, weights, 3)
    assert "`ada` does not sign what a measurement showed" in scalegate(*asked, name, "--as", "ada", "-p", "p").err
    about = (
        "--domain",
        "arithmetic",
        "--task",
        "add",
        "--task-version",
        "3",
        "--dataset",
        "d" * 64,
        "--samples",
        "400",
    )
    more = ("--elicitation-flops", SPENT, "--as", "evaluator", "-p", "p", "--json")
    still = scalegate("evidence", "announce", "--run", "r", "--weights", weights, *about, *more).json["evaluation"]
    assert "has no result yet" in scalegate(*asked, still, *by).err
    exact = brought(scalegate, weights, 3, configuration="c" * 64)
    assert "in a deployment configuration" in scalegate(*asked, exact, *by).err
    assert "cannot be written" in scalegate(*asked, name, *by, "--out", "no/where/it.json").err


def test_it_is_no_entry_of_a_ledger(scalegate: Command, project: Project, weights: str) -> None:
    """The evaluator's key signs it, and so it must pass for nothing that the gate goes by."""
    name = brought(scalegate, weights, 3)
    envelope = scalegate("evidence", "attest", name, "--as", "evaluator", "-p", "p", "--json").json["envelope"]
    with pytest.raises(InputError, match="unknown kind of entry"):
        read_statement(dsse.parse(envelope.encode()).payload)
