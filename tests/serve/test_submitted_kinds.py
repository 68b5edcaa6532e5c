"""Each kind of statement that is sent in counts as if it were signed here, or is refused; only the gate decides."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("uvicorn")
pytest.importorskip("fastapi")

from served_support import Client, attestation, folded, served, signed_by, size, srv

from scalegate.gate import Journal
from scalegate.gate.journal import sealed
from scalegate.gate.project import Project
from scalegate.ledger import SigningKey
from scalegate.ledger.entries import (
    Approval,
    CheckpointWitnessed,
    ComputeReserved,
    DecisionMade,
    Determination,
    Entry,
    EvaluationFinished,
    ExceptionGranted,
    IncidentReported,
    KeyRevoked,
    KeyRotated,
    PolicyAdopted,
    RiskClaimed,
)
from scalegate.policy import parse_policy
from scalegate.training.beside import fault_of, kept_beside, store
from scalegate.training.held import Held
from support import DAY, POLICY_TEXT, STEP, Model, new_project, open_gate, train
from witnessed_support import WITNESSES, cosigned, witnessed_clause

SAID: dict[type[Entry], dict[str, Any]] = {
    IncidentReported: {"domain": "arithmetic"},
    ExceptionGranted: {"exception": "publish", "decision": None, "withdrawn": True},
    Determination: {"determination": "bio"},
    RiskClaimed: {"risk": "harm", "action": "train", "bound": None},
}
JUDGED = """exceptions:
  - id: publish
    text: Another developer is about to cause a catastrophe that this run would help to prevent.
    source: {document: Policy of Example Lab, section: "8"}
    clauses: [capability.arithmetic]
    actions: [train]
    granted_by: {role: officer, at_least: 2}
    valid_for: 30 days
    growth: 2x
determinations:
  - id: bio
    text: The model does not come near the bio threshold.
    about: weights
    decided_by: {role: officer, at_least: 1}
    level: 2
    carries: 6x
    valid_for: 6 months
risks:
  - id: harm
    about: A catastrophe from it within a year.
    claimed_by: {role: officer, at_least: 1}
    valid_for: 60 days
    carries: 4x
    years_from: 2026-01-01
clauses:
  - id: harm
    kind: residual_risk
    risk: harm
    at_most: 0.01%
    per: action
    text: The risk is small.
    source: {document: d}
    actions: [store]
    modality: will
  - {id: bio, kind: capability, domain: bio, text: a, source: {document: d}, actions: [train], modality: will}
"""


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return new_project(tmp_path / "p")


@pytest.fixture
def client(project: Project) -> Iterator[Client]:
    with srv(served(project)) as made:
        yield made


def held(project: Project) -> tuple[Model, str]:
    """A run that is held in level 2, and the digest of the decision that holds it."""
    model = Model(skill=lambda _flops: 0.4)
    with open_gate(project, model) as gate:
        try:
            train(gate, model)
        except Held as error:
            return model, error.decision.digest()
    raise AssertionError("it was not held")


def approval(project: Project, decision: str, who: str = "ada") -> Approval:
    common = folded(
        project,
        lambda journal: {"time": journal.now(), "policy": journal.policy.digest(), "ledger": journal.fold.identity},
    )
    said = {"run": "r", "level": 2, "decision": decision, "until": common["time"] + DAY, "statement": "seen"}
    return Approval.model_validate({"actor": who, **common, **said})


def test_a_time_that_is_to_come_or_gone_is_refused(project: Project, client: Client) -> None:
    now = folded(project, lambda journal: journal.now())
    for name, entry in (
        ("an hour ahead", attestation(project, time=now + 3600)),
        ("before what is there", attestation(project, time=now - 3600)),
        ("past its own end", attestation(project, time=now, until=now - 1)),
    ):
        assert client.post(signed_by(project, entry)).why == (409, "counts for nothing"), name
    answer = client.post(signed_by(project, attestation(project, time=now + 3, statement="a little ahead")))
    assert answer.status == 201
    # No entry is dated to come, or a gate on this machine would be behind the ledger.
    assert folded(project, lambda journal: journal.fold.time <= journal.now())


def test_a_key_that_was_rotated_or_revoked_signs_no_more(project: Project, client: Client) -> None:
    fresh = SigningKey.generate("security")
    old = project.key("security")
    common = folded(
        project,
        lambda journal: {"time": journal.now(), "policy": journal.policy.digest(), "ledger": journal.fold.identity},
    )
    keys = {"before": old.verify_key.to_text(), "after": fresh.verify_key.to_text()}
    rotated = KeyRotated.model_validate({"actor": "security", **common, **keys})
    assert client.post(sealed(rotated, old)).why == (403, "signer")
    assert client.post(sealed(rotated, (old, fresh))).status == 201
    assert client.post(signed_by(project, attestation(project))).why == (403, "signer")
    sent = sealed(attestation(project), fresh)
    assert client.post(sent).status == 201
    common |= {"time": folded(project, lambda journal: journal.now())}
    gone = {"person": "security", "revoked": keys["after"], "since": None, "because": "it was left on a train"}
    assert client.post(sealed(KeyRevoked.model_validate({"actor": "security", **common, **gone}), fresh)).status == 201
    answer = client.post(sealed(attestation(project, statement="again"), fresh))
    assert (answer.why, "revoked" in answer.said) == ((403, "signer"), True)
    # What it signed before stands, and is where it was.
    assert client.post(sent).status == 200


def test_the_log_s_own_key_becomes_nobody_s(project: Project, client: Client) -> None:
    log, old = project.key("log"), project.key("security")
    common = folded(
        project,
        lambda journal: {"time": journal.now(), "policy": journal.policy.digest(), "ledger": journal.fold.identity},
    )
    keys = {"before": old.verify_key.to_text(), "after": log.named("security").verify_key.to_text()}
    rotated = KeyRotated.model_validate({"actor": "security", **common, **keys})
    assert client.post(sealed(rotated, (old, log.named("security")))).why == (409, "counts for nothing")


def test_a_version_is_adopted_by_two_who_never_meet(project: Project, client: Client) -> None:
    text = project.policy.read_text(encoding="utf-8").replace('version: "1.0"', 'version: "1.1"')
    policy = parse_policy(text)
    assert policy.version == "1.1"

    def adoption(who: str) -> bytes:
        now, before, ledger = folded(project, lambda it: (it.now(), it.policy.digest(), it.fold.identity))
        said = {"document": policy.document(), "supersedes": before, "enforcement": "cooperative"}
        fields = {"actor": who, "time": now, "policy": policy.digest(), "ledger": ledger, **said}
        return signed_by(project, PolicyAdopted.model_validate(fields))

    assert client.post(adoption("ada")).status == 201
    assert folded(project, lambda journal: journal.policy.version) == "1.0"
    assert client.post(adoption("evaluator")).why == (403, "signer")
    assert client.post(adoption("grace")).status == 201
    assert folded(project, lambda journal: journal.policy.version) == "1.1"


def test_the_proof_of_two_histories_is_not_written_by_whoever_sends_it(tmp_path: Path) -> None:
    project = new_project(tmp_path / "p", POLICY_TEXT.rstrip() + witnessed_clause() + "\n")
    log = project.key("log")
    now, policy, root, ledger = folded(
        project, lambda it: (it.now(), it.policy.digest(), it.ledger.root(), it.fold.identity)
    )
    common = {"actor": "ada", "time": now, "policy": policy, "ledger": ledger}
    at, there = {WITNESSES[0]: now}, size(project)
    forked = cosigned(there, bytes(32), at, log=log, origin=log.name)
    with srv(served(project)) as client:
        answer = client.post(signed_by(project, CheckpointWitnessed.model_validate(common | {"note": forked})))
        assert (answer.why, "two histories" in answer.said) == ((409, "counts for nothing"), True)
        assert folded(project, lambda journal: journal.fold.unsound) == ()
        good = cosigned(there, root, at, log=log, origin=log.name)
        assert (
            client.post(signed_by(project, CheckpointWitnessed.model_validate(common | {"note": good}))).status == 201
        )


def test_only_the_gate_decides(project: Project, client: Client) -> None:
    held(project)
    before = size(project)
    made = folded(project, lambda journal: journal.fold.latest["r"])
    proceed = made.to_json() | {"verdict": "PROCEED"}
    common = {"actor": "gatekeeper", "time": made.now, "policy": made.policy}
    reserved = {"run": "r", "session": "0" * 64, "use": "training", "flops": "1"}
    result = {
        "evaluation": "e" * 64,
        "weights": "f" * 64,
        "domain": "arithmetic",
        "status": "completed",
        "successes": 0,
        "completed": 400,
        "errors": 0,
        "elicitation_flops": "0",
        "elicitation_method": "m",
        "evaluation_flops": "0",
        "log": "0" * 64,
        "assumptions": ["a"],
    }
    for entry, key in (
        (DecisionMade.model_validate(common | {"decision": proceed}), "gatekeeper"),
        (DecisionMade.model_validate(common | {"decision": made.to_json(), "actor": "ada"}), "ada"),
        (ComputeReserved.model_validate(common | reserved), "gatekeeper"),
        (EvaluationFinished.model_validate(common | result | {"actor": "evaluator"}), "evaluator"),
    ):
        answer = client.post(signed_by(project, entry, key))
        assert answer.why == (403, "kind"), entry
    assert size(project) == before


def test_an_approval_is_for_the_latest_decision_and_for_what_its_signer_saw(project: Project, client: Client) -> None:
    model, decision = held(project)
    assert client.post(signed_by(project, approval(project, "0" * 64))).why == (409, "counts for nothing")
    assert client.post(signed_by(project, attestation(project))).status == 201
    assert client.post(signed_by(project, approval(project, decision))).status == 201
    with project.journal() as journal:
        newer = journal.decide("r", "train", project.key("gatekeeper"), "gatekeeper").digest()
    late = client.post(signed_by(project, approval(project, decision, "grace")))
    assert (late.why, "not the one you read" in late.said) == ((409, "counts for nothing"), True)
    assert client.post(signed_by(project, approval(project, newer, "grace"))).status == 201
    with open_gate(project, model, from_scratch=True) as gate:
        gate.step(STEP)
    told = client.get("/decisions?run=r").json["decisions"]
    assert [it["verdict"] for it in told][-1] == "PROCEED"


@pytest.mark.parametrize(
    ("kind", "said", "why"),
    [
        (IncidentReported, {"run": "typo", "weights": None}, "no run `typo` has been opened"),
        (IncidentReported, {"run": None, "weights": "a" * 64}, "weights are of a run, and it names none"),
        (IncidentReported, {"run": "r", "weights": "a" * 64}, "run `r` never had weights aaaaaaaaaaaa"),
        (ExceptionGranted, {"run": "typo"}, "no run `typo` has been opened"),
        (Determination, {"run": None, "weights": None, "holds": False}, "`bio` is about weights of a run"),
        (Determination, {"run": "r", "weights": None, "holds": True}, "`bio` is about weights of a run"),
        (Determination, {"run": "typo", "weights": "a" * 64, "holds": False}, "no run `typo` has been opened"),
        (Determination, {"run": "r", "weights": "a" * 64, "holds": True}, "the ledger does not know these weights"),
        (RiskClaimed, {"run": None, "weights": "TIP"}, "it names no run, and is of one"),
        (RiskClaimed, {"run": "typo", "weights": "TIP"}, "no run `typo` has been opened"),
        (RiskClaimed, {"run": "r", "weights": "a" * 64, "bound": "0.00001"}, "the ledger does not know these weights"),
        (RiskClaimed, {"run": "r", "weights": "TIP", "action": "store"}, "is claimed of a deployment configuration"),
    ],
)
def test_what_is_of_nothing_that_the_ledger_knows_is_a_slip_of_the_pen(
    kind: type[Entry], said: dict[str, Any], why: str, tmp_path: Path
) -> None:
    """As the commands tell it before a signature."""
    model, text = Model(), POLICY_TEXT.replace("clauses:\n", JUDGED, 1)
    project = new_project(tmp_path / "p", text)
    with open_gate(project, model, evaluate=None) as gate:
        train(gate, model, 5)
        gate.save()

    def common(journal: Journal) -> dict[str, Any]:
        of = {"time": journal.now(), "policy": journal.policy.digest(), "ledger": journal.fold.identity}
        return of | {"actor": "ada", "statement": "seen", "until": of["time"] + DAY, "configuration": None}

    whole = folded(project, common) | SAID[kind] | said
    if whole.get("weights") == "TIP":
        whole["weights"] = folded(project, lambda journal: journal.fold.runs["r"].tip)
    entry = kind.model_validate({name: it for name, it in whole.items() if name in kind.model_fields})
    before = size(project)
    with srv(served(project)) as client:
        answer = client.post(signed_by(project, entry))
        assert (answer.why, why in answer.said) == ((409, "counts for nothing"), True), answer.said
    assert size(project) == before


def test_nobody_signs_for_what_waits_beside_the_ledger(project: Project, client: Client) -> None:
    _, decision = held(project)
    genesis, (token, *_) = folded(project, lambda it: (it.fold.genesis, it.fold.runs["r"].sessions))
    store(kept_beside(project.ledger), fault_of(genesis, token, "the meter stood still"))
    answer = client.post(signed_by(project, approval(project, decision)))
    assert (answer.why, "waits beside the ledger" in answer.said) == ((409, "counts for nothing"), True)


def test_every_kind_is_taken_or_refused_on_purpose() -> None:
    """A new kind of entry is taken from nobody until somebody says so here."""
    from typing import get_args

    from scalegate.gate.submitted import TAKEN

    others = {it.__name__ for it in get_args(Entry) if it not in TAKEN}
    assert others == {
        "RunOpened",
        "ComputeReserved",
        "ComputeSettled",
        "MeterFault",
        "WeightsRecorded",
        "DecisionMade",
        "EvaluationAnnounced",
        "EvaluationFinished",
        "ForecastMade",
    }
