"""What people send in, signed on their own machines: taken once, as if it were signed here, or refused with why."""

from __future__ import annotations

import base64
import json
import logging
import shutil
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("uvicorn")
pytest.importorskip("fastapi")

from served_support import Answer, Client, attestation, signed_by, srv

from scalegate.gate import Journal
from scalegate.gate.journal import sealed
from scalegate.gate.project import Project
from scalegate.ledger import SigningKey, dsse
from scalegate.ledger.entries import (
    Approval,
    CheckpointWitnessed,
    ComputeReserved,
    DecisionMade,
    Entry,
    EvaluationFinished,
    KeyRevoked,
    KeyRotated,
    PolicyAdopted,
    write_statement,
)
from scalegate.ledger.receipt import Receipt, verify_receipt
from scalegate.ledger.trust_file import NO_QUORUM, Trust
from scalegate.policy import parse_policy
from scalegate.serve.limits import Limits
from scalegate.serve.log_app import Served
from scalegate.training.held import Held
from support import DAY, POLICY_TEXT, STEP, Model, attest, new_project, open_gate, train
from witnessed_support import WITNESSES, cosigned, witnessed_clause


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return new_project(tmp_path / "p")


@pytest.fixture
def client(project: Project) -> Iterator[Client]:
    with srv(served(project)) as made:
        yield made


def served(project: Project, **more: Any) -> Served:
    return Served(project.ledger, project.key("log"), **({"limits": Limits(10**6)} | more))


def size(project: Project) -> int:
    with Journal.open(project.ledger) as journal:
        return journal.fold.size


def folded(project: Project, ask: Callable[[Journal], Any]) -> Any:
    with Journal.open(project.ledger) as journal:
        return ask(journal)


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
    common = folded(project, lambda journal: {"time": journal.now(), "policy": journal.policy.digest()})
    said = {"run": "r", "level": 2, "decision": decision, "until": common["time"] + DAY, "statement": "seen"}
    return Approval.model_validate({"actor": who, **common, **said})


def test_a_signed_statement_is_taken_counts_and_has_a_receipt(project: Project, client: Client) -> None:
    before, sent = size(project), signed_by(project, attestation(project))
    answer = client.post(sent)
    assert (answer.status, answer.json["entry"], answer.json["again"]) == (201, before, False)
    assert answer.json["actor"] == "security"
    key = folded(project, lambda journal: journal.ledger.log_verify_key)
    shown = verify_receipt(Receipt.from_text(answer.json["receipt"]), sent, Trust((key,), {}, {}, NO_QUORUM, {}))
    assert shown.index == before
    record = folded(project, lambda journal: journal.fold.records[-1])
    assert (record.index, record.refused, record.entry.statement) == (before, None, "locked")
    assert client.get(f"/entries/{before}").json["envelope"].encode() == sent


def test_sent_again_it_is_the_same_entry_whatever_came_between(project: Project, client: Client) -> None:
    entry = attestation(project)
    sent = signed_by(project, entry)
    first = client.post(sent).json
    attest(project)
    there = size(project)
    again = client.post(sent)
    assert again.status == 200
    assert {name: again.json[name] for name in ("entry", "statement", "again", "refused")} == {
        "entry": first["entry"],
        "statement": first["statement"],
        "again": True,
        "refused": None,
    }
    # The hint beside a signature is signed by nobody: the statement is what it was.
    document = json.loads(sent)
    document["signatures"][0]["keyid"] = "another hint"
    other = client.post(json.dumps(document).encode())
    assert (other.status, other.json["entry"], size(project)) == (200, first["entry"], there)


def test_nothing_is_kept_that_nobody_signed(project: Project, client: Client) -> None:
    sent = signed_by(project, attestation(project))
    document = json.loads(sent)
    (signature,) = document["signatures"]
    stray = {"keyid": "a hint \u202e", "sig": base64.b64encode(bytes(64)).decode()}
    document["signatures"] = [stray, signature | {"keyid": "not security"}, stray]
    answer = client.post(json.dumps(document, indent=3).encode() + b" " * 60_000)
    assert answer.status == 201
    assert client.get(f"/entries/{answer.json['entry']}").json["envelope"].encode() == sent


def test_what_its_signer_did_not_sign_or_may_not_is_refused(project: Project, client: Client) -> None:
    entry, before = attestation(project), size(project)
    edited = json.loads(sealed(entry, project.key("security")))
    edited["payload"] = base64.b64encode(write_statement(attestation(project, statement="edited"))).decode()
    unsigned = json.loads(sealed(entry, project.key("security")))
    unsigned["signatures"] = []
    stranger = SigningKey.generate("security")
    for name, sent, why, said in (
        ("another's key", sealed(entry, project.key("ada")), (403, "signer"), "not by the key that the policy names"),
        ("a key of the same name", sealed(entry, stranger), (403, "signer"), "not by the key"),
        ("edited", json.dumps(edited).encode(), (403, "signer"), "not by the key"),
        ("unsigned", json.dumps(unsigned).encode(), (400, "malformed"), "at least one signature"),
        ("another role", signed_by(project, attestation(project, "ada")), (403, "signer"), "not have the role"),
        ("nobody", signed_by(project, attestation(project, "mallory"), "ada"), (403, "signer"), "not named"),
        ("other policy", signed_by(project, attestation(project, policy="0" * 64)), (403, "signer"), "another policy"),
        ("no such thing", signed_by(project, attestation(project, safeguard="x")), (403, "signer"), "role `nobody`"),
    ):
        answer = client.post(sent)
        assert (answer.why, said in answer.said) == (why, True), (name, answer.body)
    assert size(project) == before


def test_what_is_no_statement_is_refused(project: Project, client: Client) -> None:
    whole = json.loads(signed_by(project, attestation(project)))
    statement = json.loads(base64.b64decode(whole["payload"]))

    def stating(changed: dict[str, Any]) -> bytes:
        payload = json.dumps(changed, sort_keys=True, separators=(",", ":")).encode()
        return dsse.sign(payload, dsse.IN_TOTO, [project.key("security")])

    predicate = statement["predicate"]
    for name, sent in (
        ("no JSON", b"signed: yes"),
        ("empty", b""),
        ("not UTF-8", b"\xff\xfe"),
        ("a list", b"[]"),
        ("deep", b"[" * 60_000),
        ("twice", b'{"payload":"","payload":"","payloadType":"application/vnd.in-toto+json","signatures":[]}'),
        ("a field more", json.dumps(whole | {"by": "me"}).encode()),
        ("another type", json.dumps(whole | {"payloadType": "text/plain"}).encode()),
        ("no base64", json.dumps(whole | {"payload": "!"}).encode()),
        ("a field more within", stating(statement | {"predicate": predicate | {"sudo": True}})),
        ("a field less within", stating(statement | {"predicate": {it: predicate[it] for it in list(predicate)[1:]}})),
        ("another subject", stating(statement | {"subject": []})),
        ("a float", stating(statement | {"predicate": predicate | {"until": 1.5}})),
        ("of no kind", stating(statement | {"predicateType": "https://scalegate.dev/attestation/x/v9"})),
        ("hidden text", stating(statement | {"predicate": predicate | {"statement": "a\u202eb"}})),
    ):
        answer = client.post(sent)
        assert answer.why == (400, "malformed"), (name, answer.body)
    assert client.post(json.dumps(whole).encode(), kind="text/plain").why == (415, "malformed")
    assert client.post(b" " * 65_536).why == (413, "too large")


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


def test_nobody_signs_for_what_waits_beside_the_ledger(project: Project, client: Client) -> None:
    _, decision = held(project)
    folder = project.ledger.parent / "evidence"
    (folder / f"{'0' * 64}.fault.json").write_text("{}", encoding="utf-8")
    answer = client.post(signed_by(project, approval(project, decision)))
    assert answer.status in (409, 503), answer.body
    assert answer.status != 201


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
        lambda journal: {"time": journal.now(), "policy": journal.policy.digest(), "ledger": journal.fold.genesis},
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
        lambda journal: {"time": journal.now(), "policy": journal.policy.digest(), "ledger": journal.fold.genesis},
    )
    keys = {"before": old.verify_key.to_text(), "after": log.named("security").verify_key.to_text()}
    rotated = KeyRotated.model_validate({"actor": "security", **common, **keys})
    assert client.post(sealed(rotated, (old, log.named("security")))).why == (409, "counts for nothing")


def test_a_version_is_adopted_by_two_who_never_meet(project: Project, client: Client) -> None:
    text = project.policy.read_text(encoding="utf-8").replace('version: "1.0"', 'version: "1.1"')
    policy = parse_policy(text)
    assert policy.version == "1.1"

    def adoption(who: str) -> bytes:
        now, before = folded(project, lambda journal: (journal.now(), journal.policy.digest()))
        said = {"document": policy.document(), "supersedes": before, "enforcement": "cooperative"}
        fields = {"actor": who, "time": now, "policy": policy.digest(), **said}
        return signed_by(project, PolicyAdopted.model_validate(fields))

    assert client.post(adoption("ada")).status == 201
    assert folded(project, lambda journal: journal.policy.version) == "1.0"
    assert client.post(adoption("evaluator")).why == (403, "signer")
    assert client.post(adoption("grace")).status == 201
    assert folded(project, lambda journal: journal.policy.version) == "1.1"


def test_the_proof_of_two_histories_is_not_written_by_whoever_sends_it(tmp_path: Path) -> None:
    project = new_project(tmp_path / "p", POLICY_TEXT.rstrip() + witnessed_clause() + "\n")
    log = project.key("log")
    now, policy, root = folded(project, lambda it: (it.now(), it.policy.digest(), it.ledger.root()))
    common = {"actor": "ada", "time": now, "policy": policy}
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


def test_many_at_once_make_an_entry_each_and_no_gap(project: Project, client: Client) -> None:
    before = size(project)
    sent = [signed_by(project, attestation(project, statement=f"number {number}")) for number in range(4)]
    start, answers = threading.Barrier(9), list[Answer]()

    def send(envelope: bytes) -> None:
        start.wait()
        answers.append(client.post(envelope))

    def write() -> None:
        start.wait()
        attest(project)

    # Each twice, and somebody who writes here meanwhile.
    threads = [threading.Thread(target=send, args=(it,)) for it in sent * 2] + [threading.Thread(target=write)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    # Who is dated before an entry that came meanwhile signs again; nobody is written twice.
    taken = [it.json for it in answers if it.status in (200, 201)]
    assert {it.status for it in answers} <= {200, 201, 409}
    new = [it["entry"] for it in taken if not it["again"]]
    assert len(set(new)) == len(new) >= 1
    assert {it["entry"] for it in taken} == set(new)
    assert size(project) == before + len(new) + 1
    assert folded(project, lambda journal: journal.fold.ignored) == []


def test_two_at_the_same_moment_both_are_in(project: Project, client: Client) -> None:
    before = size(project)
    sent = [signed_by(project, attestation(project, statement=text)) for text in ("one", "two")]
    answers = list[Answer]()
    threads = [threading.Thread(target=lambda it=it: answers.append(client.post(it))) for it in sent]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [it.status for it in answers] == [201, 201]
    assert sorted(it.json["entry"] for it in answers) == [before, before + 1]


def test_it_is_written_to_the_file_that_is_there_by_now(project: Project, client: Client) -> None:
    assert client.post(signed_by(project, attestation(project))).status == 201
    aside = project.ledger.with_name("moved.db")
    shutil.copy(project.ledger, aside)
    aside.replace(project.ledger)
    answer = client.post(signed_by(project, attestation(project, statement="another file")))
    assert (answer.status, size(project)) == (201, answer.json["entry"] + 1)


def test_whoever_sends_too_much_is_told_to_wait(project: Project) -> None:
    with srv(served(project, limits=Limits(burst=3, per_minute=1))) as client:
        assert [client.post(b"{}").status for _ in range(4)] == [400, 400, 400, 429]
        answer = client.post(b"{}")
        assert answer.why == (429, "too many")
        assert 1 <= int(answer.headers["retry-after"]) <= 61
        assert client.get("/health").status == 200


def test_a_bucket_fills_up_again_and_one_client_is_not_another() -> None:
    now = [0.0]
    limits = Limits(burst=2, per_minute=60, clock=lambda: now[0])
    assert [limits.wait("a"), limits.wait("a"), limits.wait("a"), limits.wait("b")] == [0, 0, 1, 0]
    now[0] = 0.5
    assert limits.wait("a") == 0.5
    now[0] = 1.5
    assert [limits.wait("a"), limits.wait("a")] == [0, 0.5]


def test_nothing_secret_and_nothing_that_was_sent_is_logged(
    project: Project, client: Client, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    sent = signed_by(project, attestation(project, statement="a sentence of mine"))
    assert client.post(sent).status == 201
    assert client.post(sealed(attestation(project, statement="another"), project.key("ada"))).status == 403
    assert client.post(b'{"payload": "pass phrase"}').status == 400
    client.get("/status")
    told = "\n".join(
        record.getMessage() for record in caplog.records if record.name.startswith(("scalegate", "uvicorn"))
    )
    assert "entry" in told
    assert "signed by security" in told
    secrets = [base64.b64encode(file.read_bytes()).decode() for file in project.keys.iterdir()]
    secrets += [line for file in project.keys.iterdir() for line in file.read_text(encoding="utf-8").split()]
    for secret in (*secrets, "a sentence of mine", "pass phrase", json.loads(sent)["payload"]):
        assert len(secret) < 8 or secret not in told, secret


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
