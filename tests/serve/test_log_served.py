"""A served ledger is read whole, newest first of all, and never in parts that do not lead to what was signed."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

pytest.importorskip("uvicorn")
pytest.importorskip("fastapi")

from served_support import Client, srv

from scalegate.gate.project import Project
from scalegate.ledger import Ledger, SigningKey, dsse, merkle
from scalegate.ledger.export import export
from scalegate.ledger.note import Checkpoint, open_note
from scalegate.ledger.receipt import Receipt, verify_receipt
from scalegate.ledger.trust_file import NO_QUORUM, Trust
from scalegate.serve.log_app import Served
from support import Model, attest, new_project, open_gate, train

LOG = SigningKey("example.com/served", bytes(range(32)))
ADA = SigningKey("ada", bytes(32))


def plain(folder: Path, entries: int) -> Path:
    """A ledger of entries that mean nothing."""
    path = folder / "ledger.db"
    with Ledger.create(path, origin=LOG.name, log_key=LOG) as ledger:
        ledger.append([dsse.sign(b'{"number":%d}' % number, dsse.IN_TOTO, [ADA]) for number in range(entries)])
    return path


@pytest.fixture
def client(tmp_path: Path) -> Iterator[Client]:
    """Of a log of 600 entries: two full tiles, and one that is not."""
    with srv(Served(plain(tmp_path, 600))) as made:
        yield made


def test_what_is_served_is_what_is_exported(client: Client, tmp_path: Path) -> None:
    with Ledger.open(tmp_path / "ledger.db") as ledger:
        export(ledger, tmp_path / "out")
    files = [it for it in (tmp_path / "out").rglob("*") if it.is_file()]
    assert len(files) == 8
    for file in files:
        name = file.relative_to(tmp_path / "out").as_posix()
        answer = client.get(f"/{name}")
        assert (answer.status, answer.body) == (200, file.read_bytes()), name
        full = name.endswith(("000", "001")) and name != "tile/1/000"
        assert ("immutable" in answer.headers["cache-control"]) is full, name
    shorter = client.get("/tile/0/002.p/7")
    assert shorter.body == client.get("/tile/0/002.p/88").body[: 7 * 32]
    for none in ("tile/0/003", "tile/0/002.p/89", "tile/0/002", "tile/0/2", "tile/9/000", "tile/entries/x001/000", ""):
        assert client.get(f"/{none}").why[0] == 404, none


def test_entries_come_one_by_one_and_in_pages(client: Client) -> None:
    found, start, pages = [], 0, 0
    while start is not None:
        page = client.get(f"/entries?start={start}&limit=97").json
        found += page["entries"]
        start, pages = page["next"], pages + 1
    assert ([it["index"] for it in found], pages) == (list(range(600)), 7)
    one = client.get("/entries/258").json
    assert one == found[258]
    assert merkle.leaf_hash(one["envelope"].encode()).hex() == one["leaf"]
    assert client.get("/entries?start=600").json == {"size": 600, "entries": [], "next": None}
    assert client.get("/entries/600").why == (404, "not there")
    for wrong in ("limit=0", "limit=101", "start=-1", "start=x", "from=3", "limit=1.5"):
        assert client.get(f"/entries?{wrong}").why == (422, "malformed"), wrong


def test_receipts_and_proofs_are_verified_by_whoever_knows_the_key(client: Client) -> None:
    trust = Trust((LOG.verify_key,), {}, {}, NO_QUORUM, {})
    entry = client.get("/entries/300").json
    receipt = Receipt.from_text(client.get("/entries/300/receipt").body.decode())
    assert verify_receipt(receipt, entry["envelope"].encode(), trust).index == 300
    given = client.get("/entries/300/inclusion?size=301").json
    hashes = [bytes.fromhex(it) for it in given["hashes"]]
    merkle.verify_inclusion(300, 301, bytes.fromhex(entry["leaf"]), hashes, bytes.fromhex(given["root"]))
    head = Checkpoint.from_text(open_note(client.get("/checkpoint").body.decode(), [LOG.verify_key]).text)
    grown = client.get("/consistency?old=301&new=600").json
    assert (grown["old_root"], grown["new_root"]) == (given["root"], head.root.hex())
    proof = [bytes.fromhex(it) for it in grown["hashes"]]
    merkle.verify_consistency(301, 600, bytes.fromhex(grown["old_root"]), head.root, proof)
    assert client.get("/consistency?old=600&new=600").json["hashes"] == []
    for none in ("consistency?old=601&new=602", "consistency?old=5&new=4", "entries/300/inclusion?size=300"):
        assert client.get(f"/{none}").why == (404, "not there"), none


def test_what_another_process_appends_is_served_at_once(tmp_path: Path) -> None:
    project = new_project(tmp_path / "p")
    with srv(Served(project.ledger, project.key("log"))) as client:
        before = client.get("/health").json["size"]
        assert client.get("/decisions").json["decisions"] == []
        model = Model()
        with open_gate(project, model) as gate:
            train(gate, model, steps=3)
            during = client.get("/health").json["size"]
            assert during > before
            (made,) = client.get("/decisions?run=r").json["decisions"]
            assert (made["verdict"], made["action"]) == ("PROCEED", "train")
            assert made["decision"]["limits"]
        assert client.get("/health").json["size"] > during
        assert client.get("/decisions?run=other").json["decisions"] == []
        assert client.get("/health").json["takes"] is True


@pytest.mark.parametrize("path", ["/health", "/checkpoint", "/entries", "/entries/0", "/tile/0/000.p/1", "/decisions"])
def test_a_ledger_that_is_damaged_put_back_or_gone_is_not_served_in_part(tmp_path: Path, path: str) -> None:
    project = new_project(tmp_path / "p")
    shutil.copy(project.ledger, tmp_path / "older.db")
    attest(project)
    with srv(Served(project.ledger, project.key("log"))) as client:
        assert client.get(path).status == 200
        whole = project.ledger.read_bytes()
        for name, made in (
            ("cut", whole[: len(whole) // 2]),
            ("empty", b""),
            ("put back", (tmp_path / "older.db").read_bytes()),
        ):
            project.ledger.write_bytes(made)
            answer = client.get(path)
            assert answer.why == (503, "ledger"), name
            assert str(tmp_path) not in answer.body.decode(), name
        project.ledger.unlink()
        assert client.get(path).why == (503, "ledger")
        project.ledger.write_bytes(whole)
        assert client.get(path).status == 200


def test_a_log_that_is_rolled_back_with_its_memory_is_refused_by_the_server_that_saw_more(tmp_path: Path) -> None:
    project = new_project(tmp_path / "p")
    shutil.copytree(project.folder, tmp_path / "older")
    attest(project)
    with srv(Served(project.ledger)) as client:
        assert client.get("/health").status == 200
        for it in ("ledger.db", "ledger.db.head"):
            shutil.copy(tmp_path / "older" / it, project.folder / it)
        answer = client.get("/checkpoint")
        assert answer.why == (503, "ledger")
        assert "were served before" in answer.said
        # The other history, grown as long: two roots of one size.
        attest(Project(project.folder), days=91)
        assert "no growth" in client.get("/checkpoint").said


@pytest.mark.parametrize(
    ("change", "path"),
    [
        (
            "UPDATE entry SET envelope = CAST(replace(CAST(envelope AS TEXT), 'a', 'b') AS BLOB) WHERE position = 1",
            "/entries/1",
        ),
        (
            "UPDATE entry SET envelope = CAST(replace(CAST(envelope AS TEXT), 'a', 'b') AS BLOB) WHERE position = 1",
            "/entries",
        ),
        ("UPDATE entry SET leaf = zeroblob(32) WHERE position = 257", "/tile/0/001.p/44"),
        ("UPDATE entry SET leaf = zeroblob(32) WHERE position = 257", "/entries?start=200"),
        ("UPDATE tile SET hashes = zeroblob(8192) WHERE level = 0", "/tile/0/000"),
        ("UPDATE tile SET hashes = zeroblob(8192) WHERE level = 0", "/tile/entries/000"),
        ("UPDATE tile SET root = zeroblob(32) WHERE level = 0", "/tile/1/000.p/1"),
        ("UPDATE tile SET root = zeroblob(32) WHERE level = 0", "/entries/299/receipt"),
        ("UPDATE tile SET root = zeroblob(32) WHERE level = 0", "/consistency?old=200&new=290"),
    ],
)
def test_a_row_that_was_changed_is_given_to_nobody(tmp_path: Path, change: str, path: str) -> None:
    file = plain(tmp_path, 300)
    with srv(Served(file)) as client:
        assert client.get(path).status == 200
        with closing(sqlite3.connect(file)) as db:
            guards = db.execute("SELECT sql FROM sqlite_schema WHERE name LIKE '%update'").fetchall()
            for name in ("entry_update", "tile_update"):
                db.execute(f"DROP TRIGGER {name}")
            db.execute(change)
            for (guard,) in guards:
                db.execute(guard) if "entry_update" in guard or "tile_update" in guard else None
            db.commit()
        assert client.get(path).why == (503, "ledger")


def test_a_server_without_the_log_key_takes_nothing(client: Client) -> None:
    assert client.get("/health").json["takes"] is False
    assert client.post(b"{}").why == (403, "takes nothing")


def test_what_is_served_is_described(client: Client) -> None:
    told = client.get("/openapi.json").json
    assert told["openapi"].startswith("3.1")
    assert set(told["paths"]["/entries"]) == {"get", "post"}
    (name,) = {it for it in client.get("/schemas").json["schemas"] if it.startswith("approval.")}
    schema = client.get(f"/schemas/{name}")
    assert schema.json["$id"] == "https://scalegate.dev/attestation/approval/v0.1"
    assert schema.headers["content-type"] == "application/schema+json"
    for none in ("approval", "..%2Fentries.py", "%2e%2e/predicate.py"):
        assert client.get(f"/schemas/{none}").status == 404
    assert client.get("/docs").status == 404
