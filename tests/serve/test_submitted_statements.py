"""What people send in, signed on their own machines: taken once, as if it were signed here, or refused with why."""

from __future__ import annotations

import base64
import json
import logging
import shutil
import threading
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("uvicorn")
pytest.importorskip("fastapi")

from served_support import Answer, Client, attestation, folded, served, signed_by, size, srv

from postgres_server import Server
from scalegate.gate.journal import sealed
from scalegate.gate.project import Project, create_project
from scalegate.ledger import Ledger, SigningKey, dsse
from scalegate.ledger.entries import (
    write_statement,
)
from scalegate.ledger.receipt import Receipt, verify_receipt
from scalegate.ledger.trust_file import NO_QUORUM, Trust
from scalegate.serve.limits import Limits
from support import POLICY_TEXT, attest, new_project


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return new_project(tmp_path / "p")


@pytest.fixture
def client(project: Project) -> Iterator[Client]:
    with srv(served(project)) as made:
        yield made


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


def test_a_ledger_in_postgresql_is_served_too(tmp_path: Path, postgres: Server) -> None:
    address = postgres.address(f"t_{uuid.uuid4().hex[:16]}")
    project = create_project(tmp_path / "p", POLICY_TEXT, name="test policy", address=address)
    with srv(served(project)) as client:
        sent = signed_by(project, attestation(project))
        assert [client.post(sent).status for _ in range(2)] == [201, 200]
        entry = client.get("/entries/1").json
        assert (entry["envelope"].encode(), client.get("/health").json["size"]) == (sent, 2)
        assert client.get("/tile/entries/000.p/2").status == 200
    assert postgres.address("x").partition("?")[0] not in json.dumps(entry)


def test_many_at_once_make_an_entry_each_and_no_gap(project: Project, client: Client) -> None:
    before, now = size(project), folded(project, lambda journal: journal.now())
    # All of one second: whoever is dated before what came meanwhile would have to sign again.
    *entries, mine = (attestation(project, time=now, statement=f"number {number}") for number in range(5))
    sent = [signed_by(project, it) for it in entries]
    start, answers = threading.Barrier(9), list[Answer]()

    def send(envelope: bytes) -> None:
        start.wait()
        answers.append(client.post(envelope))

    def write() -> None:
        start.wait()
        with project.journal() as journal:
            journal.grant(mine, project.key("security"))

    # Each twice, and somebody who writes here meanwhile.
    threads = [threading.Thread(target=send, args=(it,)) for it in sent * 2] + [threading.Thread(target=write)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(it.status for it in answers) == [200] * 4 + [201] * 4
    new = {it.json["entry"] for it in answers if it.status == 201}
    assert (len(new), {it.json["entry"] for it in answers}) == (4, new)
    assert size(project) == before + 5
    assert new < set(range(before, before + 5))
    assert folded(project, lambda journal: journal.fold.ignored) == []


def test_two_servers_of_one_ledger_write_a_statement_once(project: Project, client: Client) -> None:
    before, answers = size(project), list[Answer]()

    def send(to: Client, envelope: bytes) -> None:
        answers.append(to.post(envelope))

    with srv(served(project)) as other:
        for number in range(3):
            sent = signed_by(project, attestation(project, statement=f"number {number}"))
            threads = [threading.Thread(target=send, args=(it, sent)) for it in (client, other)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
    assert sorted(it.status for it in answers) == [200, 200, 200, 201, 201, 201]
    assert size(project) == before + 3


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


def test_what_was_signed_for_one_ledger_is_nothing_in_another(project: Project, client: Client, tmp_path: Path) -> None:
    """All of a log is public, and both stand under one policy with the same keys."""
    shutil.copytree(project.keys, tmp_path / "q" / "keys")
    (tmp_path / "q" / "keys" / "log.key").unlink()
    other = create_project(tmp_path / "q", project.policy.read_text(encoding="utf-8"), name="the same policy")
    assert folded(other, lambda it: it.policy.digest()) == folded(project, lambda it: it.policy.digest())
    entry = attestation(project)
    sent = signed_by(project, entry)
    assert client.post(sent).status == 201
    with srv(served(other)) as there:
        answer = there.post(sent)
        assert (answer.why, "it is for another ledger" in answer.said) == ((409, "counts for nothing"), True)
        unnamed = there.post(signed_by(project, entry.model_copy(update={"ledger": None})))
        assert (unnamed.why, "which ledger it is for" in unnamed.said) == ((409, "counts for nothing"), True)
    # As little in one that begins with all the same entries under another log's key.
    twin = Project(tmp_path / "twin")
    shutil.copytree(project.keys, twin.keys)
    (twin.keys / "log.key").unlink()
    key = SigningKey.generate("twin.example/log")
    key.save(twin.keys / "log.key")
    with Ledger.open(project.ledger) as ledger, Ledger.create(twin.ledger, origin=key.name, log_key=key) as begun:
        begun.append([it for _, it in ledger.entries(0, size(project) - 1)])
    assert folded(twin, lambda it: it.fold.genesis) == folded(project, lambda it: it.fold.genesis)
    with srv(served(twin)) as there:
        answer = there.post(sent)
        assert (answer.why, "it is for another ledger" in answer.said) == ((409, "counts for nothing"), True)
    # Whoever has the other log's key may write it there: it counts for nothing, and makes nothing unsound.
    with Ledger.open(other.ledger, log_key=other.key("log")) as ledger:
        ledger.append([sent])
    refused = folded(other, lambda it: (it.fold.records[-1].refused, it.fold.unsound))
    assert refused == ("it is for another ledger", ())
