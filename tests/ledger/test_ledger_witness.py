"""A witness: what it cosigns, the answers that C2SP tlog-witness asks for, and that it never cosigns two histories."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256
from pathlib import Path

import pytest

from scalegate.errors import InputError, LedgerError
from scalegate.ledger import Checkpoint, Ledger, SigningKey, merkle, open_note, sign_note
from scalegate.ledger.cosigners import ask_witnesses
from scalegate.ledger.keys import COSIGNATURE
from scalegate.ledger.note import cosign
from scalegate.ledger.trust_file import Trust, parse_trust
from scalegate.ledger.witness import MAX_REQUEST, SIZE_TYPE, Witness, request_for

Make = Callable[[int], bytes]
KEY = SigningKey("witness.example/w", bytes(31) + b"w", COSIGNATURE)
NOW = 1_800_000_000


@pytest.fixture
def witness(tmp_path: Path, log_key: SigningKey) -> Witness:
    return Witness(tmp_path / "witness.db", KEY, [log_key.verify_key], clock=lambda: NOW)


def grown(old: int, ledger: Ledger, note: str | None = None) -> bytes:
    size = ledger.size
    proof = merkle.consistency_proof(old, size, ledger.tree().subtree) if 0 < old < size else ()
    return request_for(old, proof, note or ledger.checkpoint() or "")


def test_it_cosigns_what_grew_from_what_it_cosigned(witness: Witness, ledger: Ledger, envelope: Make) -> None:
    before = 0
    for many in (1, 3, 252, 1, 300):
        ledger.append([envelope(number) for number in range(before, before + many)])
        answer = witness.add_checkpoint(grown(before, ledger))
        assert answer.status == 200, answer.body
        note = (ledger.checkpoint() or "") + answer.body
        assert open_note(note, [KEY.verify_key]).cosigned == ((KEY.verify_key, NOW),)
        before += many
    again = witness.add_checkpoint(grown(before, ledger))
    assert again.status == 200, "the same tree may be cosigned again, at a later time"
    shown = witness.checkpoint(sha256(ledger.origin.encode()).hexdigest())
    assert shown.body == (ledger.checkpoint() or "") + again.body
    assert witness.checkpoint("0" * 64).status == 404


def test_who_does_not_know_what_was_cosigned_is_told(witness: Witness, ledger: Ledger, envelope: Make) -> None:
    ledger.append([envelope(0), envelope(1)])
    assert witness.add_checkpoint(grown(0, ledger)).status == 200
    ledger.append([envelope(2)])
    for old in (0, 1, 3):
        answer = witness.add_checkpoint(grown(old, ledger))
        assert (answer.status, answer.body, answer.media_type) == (409, "2\n", SIZE_TYPE)


def test_another_history_is_never_cosigned(
    witness: Witness, ledger: Ledger, tmp_path: Path, path: Path, log_key: SigningKey, envelope: Make
) -> None:
    ledger.append([envelope(0), envelope(1)])
    fork = tmp_path / "fork" / "run.ledger"
    fork.parent.mkdir()
    shutil.copy(path, fork)
    ledger.append([envelope(2)])
    assert witness.add_checkpoint(grown(0, ledger)).status == 200
    with Ledger.open(fork, log_key=log_key) as other:
        assert other.size == 2
        stale = witness.add_checkpoint(grown(0, other))
        assert (stale.status, stale.body) == (409, "3\n")
        assert witness.add_checkpoint(request_for(3, (), other.checkpoint() or "")).status == 400, "it went back"
        other.append([envelope(7)])
        twice = witness.add_checkpoint(grown(3, other))
        assert (twice.status, "another tree of this size" in twice.body) == (422, True)
        other.append([envelope(8)])
        assert witness.add_checkpoint(grown(3, other)).status == 422
        assert witness.add_checkpoint(request_for(3, (), other.checkpoint() or "")).status == 422
    assert witness.add_checkpoint(grown(3, ledger)).status == 200, "and the one that it knows goes on"


def test_answers_are_those_of_the_specification(
    witness: Witness, ledger: Ledger, log_key: SigningKey, signer: SigningKey, envelope: Make
) -> None:
    ledger.append([envelope(0)])
    note = ledger.checkpoint() or ""
    text = note[: note.index("\n\n") + 1]
    empty = Checkpoint(ledger.origin, 0, merkle.EMPTY_ROOT)
    stranger = Checkpoint("example.com/other", 1, bytes(32))
    wrong = note[:-12] + ("A" if note[-12] != "A" else "B") + note[-11:]
    cases = {
        "an unknown log": (404, request_for(0, (), sign_note(stranger.to_text(), [signer]))),
        "no signature of it": (403, request_for(0, (), sign_note(text, [signer]))),
        "a wrong signature": (403, request_for(0, (), wrong)),
        "an old size over the new": (400, request_for(2, (), note)),
        "a proof where none is due": (422, request_for(0, (bytes(32),), note)),
        "an empty tree with a root": (
            422,
            request_for(0, (), sign_note(Checkpoint(ledger.origin, 0, bytes(32)).to_text(), [log_key])),
        ),
        "no old size": (400, b"new 0\n\n" + note.encode()),
        "an old size with a zero before it": (400, b"old 00\n\n" + note.encode()),
        "no empty line": (400, b"old 0\n" + text.encode()),
        "a hash that is none": (400, b"old 0\nAAAA\n\n" + note.encode()),
        "too long a proof": (400, request_for(0, (bytes(32),) * 64, note)),
        "bytes that are no text": (400, b"\xff"),
        "too much": (400, b"x" * (MAX_REQUEST + 1)),
        "no checkpoint": (403, request_for(0, (), sign_note(f"{ledger.origin}\n", [signer]))),
        "an extension line": (400, request_for(0, (), sign_note(text + "more\n", [log_key]))),
    }
    for name, (status, body) in cases.items():
        assert witness.add_checkpoint(body).status == status, name
    assert witness.add_checkpoint(request_for(0, (), sign_note(empty.to_text(), [log_key]))).status == 200
    assert witness.add_checkpoint(request_for(0, (), note)).status == 200


def test_what_it_cosigned_outlives_it(tmp_path: Path, ledger: Ledger, log_key: SigningKey, envelope: Make) -> None:
    file, logs = tmp_path / "witness.db", [log_key.verify_key]
    ledger.append([envelope(0)])
    assert Witness(file, KEY, logs).add_checkpoint(grown(0, ledger)).status == 200
    ledger.append([envelope(1)])
    assert Witness(file, KEY, logs).add_checkpoint(grown(0, ledger)).body == "1\n"
    other = SigningKey("witness.example/w", bytes(31) + b"o", COSIGNATURE)
    with pytest.raises(InputError, match="was begun with the key"):
        Witness(file, other, logs)
    with pytest.raises(InputError, match="no witness's key"):
        Witness(tmp_path / "x", log_key, logs)
    (tmp_path / "y").write_text("no database" * 100)
    with pytest.raises(LedgerError, match="cannot be used"):
        Witness(tmp_path / "y", KEY, logs)


def test_a_clock_that_goes_back_gives_no_earlier_time(
    tmp_path: Path, ledger: Ledger, log_key: SigningKey, envelope: Make
) -> None:
    times = iter([NOW, NOW - 10**6])
    witness = Witness(tmp_path / "witness.db", KEY, [log_key.verify_key], clock=lambda: next(times))
    ledger.append([envelope(0)])
    for old in (0, 1):
        note = (ledger.checkpoint() or "") + witness.add_checkpoint(grown(old, ledger)).body
        assert open_note(note, [KEY.verify_key]).cosigned == ((KEY.verify_key, NOW),)


def test_of_many_that_ask_at_once_one_history_is_cosigned(
    tmp_path: Path, path: Path, log_key: SigningKey, envelope: Make
) -> None:
    witness = Witness(tmp_path / "witness.db", KEY, [log_key.verify_key])
    bodies = []
    for number in range(8):
        file = tmp_path / f"{number}.ledger"
        with Ledger.create(file, origin="example.com/safety-log", log_key=log_key) as one:
            one.append([envelope(number), envelope(100 + number)])
            bodies.append(grown(0, one))
    barrier = threading.Barrier(8)

    def ask(body: bytes) -> int:
        barrier.wait()
        return witness.add_checkpoint(body).status

    with ThreadPoolExecutor(8) as pool:
        found = sorted(pool.map(ask, bodies))
    assert found == [200, *[409] * 7]


def trusting(ledger: Ledger, *keys: SigningKey, quorum: str) -> Trust:
    lines = [f"witness w{at} {key.verify_key.to_text()} http://w{at}.example" for at, key in enumerate(keys)]
    return parse_trust("\n".join([f"log {ledger.log_verify_key.to_text()}", *lines, quorum]).encode())


def test_a_ledger_has_its_checkpoint_cosigned_by_whoever_it_can_reach(
    tmp_path: Path, ledger: Ledger, log_key: SigningKey, envelope: Make
) -> None:
    other = SigningKey("witness.example/o", bytes(31) + b"o", COSIGNATURE)
    made = {"w0": Witness(tmp_path / "a.db", KEY, [log_key.verify_key], clock=lambda: NOW)}
    made["w1"] = Witness(tmp_path / "b.db", other, [log_key.verify_key], clock=lambda: NOW)
    down: set[str] = set()

    def send(url: str, body: bytes) -> tuple[int, str]:
        name = url.removeprefix("http://").partition(".")[0]
        if name in down:
            raise OSError("it is not there")
        answer = made[name].add_checkpoint(body)
        return answer.status, answer.body

    trust = trusting(ledger, KEY, other, quorum="group g 2 w0 w1\nquorum g\n")
    with pytest.raises(InputError, match="no entries yet"):
        ask_witnesses(ledger, trust, send)
    for many in (1, 2, 300):
        ledger.append([envelope(number) for number in range(many)])
        asked = ask_witnesses(ledger, trust, send)
        assert {key for key, _ in asked.cosigned} == {KEY.verify_key, other.verify_key}
        assert trust.enough([key for key, _ in asked.cosigned])
    ledger.append([envelope(5)])
    down.add("w1")
    asked = ask_witnesses(ledger, trust, send)
    assert asked.refused == (("w1", "it is not there"),)
    assert not trust.enough([key for key, _ in asked.cosigned])
    made["w1"] = made["w0"]
    down.clear()
    asked = ask_witnesses(ledger, trust, send)
    assert asked.refused == (("w1", "it answers with no cosignature by the key that the trust file has of it"),)
    with pytest.raises(InputError, match="does not list this log"):
        ask_witnesses(ledger, parse_trust(b"quorum none"), send)


def test_a_ledger_that_went_back_is_told_so_by_its_witness(
    witness: Witness, ledger: Ledger, tmp_path: Path, path: Path, log_key: SigningKey, envelope: Make
) -> None:
    ledger.append([envelope(0)])
    shutil.copy(path, tmp_path / "old.ledger")
    ledger.append([envelope(1)])
    trust = trusting(ledger, KEY, quorum="quorum w0\n")

    def send(_: str, body: bytes) -> tuple[int, str]:
        answer = witness.add_checkpoint(body)
        return answer.status, answer.body

    assert ask_witnesses(ledger, trust, send).refused == ()
    with Ledger.open(tmp_path / "old.ledger") as old:
        ((_, why),) = ask_witnesses(old, trust, send).refused
    assert why == "it has seen 2 entries of this log, and the ledger has 1: it was rolled back"


def test_a_cosignature_is_of_a_checkpoint_alone(log_key: SigningKey) -> None:
    with pytest.raises(InputError, match="three lines"):
        cosign(sign_note("some text\n", [log_key]), KEY, NOW)
