"""DSSE envelopes."""

from __future__ import annotations

import base64
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scalegate.errors import InputError
from scalegate.ledger import SigningKey, VerifyKey, dsse

ADA = SigningKey("example.com/ada", b"a" * 32)
BOB = SigningKey("example.com/bob", b"b" * 32)


def changed(data: bytes, **fields: object) -> bytes:
    value = json.loads(data) | fields
    return json.dumps({name: field for name, field in value.items() if field is not None}).encode()


def test_pae_counts_bytes_not_characters() -> None:
    assert dsse.pae("http://example.com/HelloWorld", b"hello world") == (
        b"DSSEv1 29 http://example.com/HelloWorld 11 hello world"
    )
    assert dsse.pae("é", "é".encode()) == "DSSEv1 2 é 2 é".encode()


@given(st.binary(max_size=200))
def test_what_is_signed_parses_and_verifies(payload: bytes) -> None:
    data = dsse.sign(payload, dsse.IN_TOTO, [ADA, BOB])
    envelope = dsse.parse(data)
    assert envelope.payload == payload
    assert dsse.verified_by(envelope, [BOB.verify_key, ADA.verify_key]) == (BOB.verify_key, ADA.verify_key)
    assert dsse.sign(payload, dsse.IN_TOTO, [ADA, BOB]) == data


def test_one_public_key_counts_once_whatever_it_is_called() -> None:
    envelope = dsse.parse(dsse.sign(b"{}", dsse.IN_TOTO, [ADA]))
    alias = VerifyKey("example.com/somebody-else", ADA.verify_key.public)
    assert dsse.verified_by(envelope, [ADA.verify_key, alias, ADA.verify_key]) == (ADA.verify_key,)
    doubled = dsse.Envelope(envelope.payload, envelope.payload_type, envelope.signatures * 2)
    assert dsse.verified_by(doubled, [ADA.verify_key]) == (ADA.verify_key,)


@pytest.mark.parametrize("keyid", ["", "example.com/bob", "nonsense", None])
def test_keyid_decides_nothing(keyid: str | None) -> None:
    data = json.loads(dsse.sign(b"{}", dsse.IN_TOTO, [ADA]))
    item = {"sig": data["signatures"][0]["sig"]} | ({} if keyid is None else {"keyid": keyid})
    envelope = dsse.parse(json.dumps(data | {"signatures": [item]}).encode())
    assert dsse.verified_by(envelope, [BOB.verify_key, ADA.verify_key]) == (ADA.verify_key,)


def test_a_changed_payload_is_verified_by_nobody() -> None:
    data = dsse.sign(b"{}", dsse.IN_TOTO, [ADA])
    envelope = dsse.parse(changed(data, payload=base64.b64encode(b"[]").decode()))
    assert dsse.verified_by(envelope, [ADA.verify_key]) == ()


def test_url_safe_base64_is_taken_too() -> None:
    payload = bytes(range(256))
    data = json.loads(dsse.sign(payload, dsse.IN_TOTO, [ADA]))
    text = json.dumps(data)
    assert "+" in data["payload"]
    safe = {
        "payload": data["payload"].translate(str.maketrans("+/", "-_")),
        "payloadType": data["payloadType"],
        "signatures": [{"sig": data["signatures"][0]["sig"].translate(str.maketrans("+/", "-_"))}],
    }
    envelope = dsse.parse(json.dumps(safe).encode())
    assert envelope.payload == dsse.parse(text.encode()).payload == payload
    assert dsse.verified_by(envelope, [ADA.verify_key]) == (ADA.verify_key,)


GOOD = dsse.sign(b'{"a":1}', dsse.IN_TOTO, [ADA])
SIG = json.loads(GOOD)["signatures"][0]["sig"]


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"[]",
        b"null",
        GOOD[:-1],
        GOOD + b" x",
        GOOD.replace(b'{"payload"', b'{"payload":"e30=","payload"'),
        changed(GOOD, payload=None),
        changed(GOOD, payloadType=None),
        changed(GOOD, signatures=None),
        changed(GOOD, extra=1),
        changed(GOOD, payload=1),
        changed(GOOD, payload="e30"),
        changed(GOOD, payload="e31="),
        changed(GOOD, payload="e30=\n"),
        changed(GOOD, payload=" e30="),
        changed(GOOD, payload="e30=e30="),
        changed(GOOD, payload="+_=="),
        changed(GOOD, payload="-/=="),
        changed(GOOD, payload="é"),
        changed(GOOD, payloadType="application/json"),
        changed(GOOD, payloadType="application/vnd.in-toto+json "),
        changed(GOOD, payloadType=["application/vnd.in-toto+json"]),
        changed(GOOD, signatures=[]),
        changed(GOOD, signatures={}),
        changed(GOOD, signatures=[SIG]),
        changed(GOOD, signatures=[{}]),
        changed(GOOD, signatures=[{"sig": ""}]),
        changed(GOOD, signatures=[{"sig": 1}]),
        changed(GOOD, signatures=[{"sig": SIG, "keyid": 1}]),
        changed(GOOD, signatures=[{"sig": SIG, "cert": ""}]),
        changed(GOOD, signatures=[{"sig": SIG[:-2]}]),
        b'{"payload":"' + b"A" * 65_535 + b'"}',
    ],
)
def test_malformed_envelopes_are_refused(data: bytes) -> None:
    with pytest.raises(InputError):
        dsse.parse(data)


def test_an_envelope_fits_in_sixteen_bits() -> None:
    overhead = len(dsse.sign(b"", dsse.IN_TOTO, [ADA]))
    room = (dsse.MAX_ENVELOPE_BYTES - overhead) // 4 * 3
    data = dsse.sign(b"x" * room, dsse.IN_TOTO, [ADA])
    assert len(dsse.parse(data).payload) == room
    with pytest.raises(InputError, match="limit"):
        dsse.sign(b"x" * (room + 3), dsse.IN_TOTO, [ADA])
    with pytest.raises(InputError, match="limit"):
        dsse.parse(data + b" " * (dsse.MAX_ENVELOPE_BYTES + 1 - len(data)))


def test_signing_needs_distinct_keys_and_the_one_payload_type() -> None:
    for keys, kind in (([], dsse.IN_TOTO), ([ADA, ADA], dsse.IN_TOTO), ([ADA], "text/plain")):
        with pytest.raises(InputError):
            dsse.sign(b"{}", kind, keys)


def test_another_library_reads_ours_and_we_read_its() -> None:
    theirs = pytest.importorskip("securesystemslib.dsse")
    signers = pytest.importorskip("securesystemslib.signer")
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    private = Ed25519PrivateKey.from_private_bytes(b"a" * 32)
    public = signers.SSlibKey.from_crypto(private.public_key(), keyid=json.loads(GOOD)["signatures"][0]["keyid"])
    envelope = theirs.Envelope.from_dict(json.loads(GOOD))
    assert envelope.payload == b'{"a":1}'
    assert envelope.pae() == dsse.pae(dsse.IN_TOTO, b'{"a":1}')
    assert list(envelope.verify([public], 1).values()) == [public]

    made = theirs.Envelope(b'{"b":2}', dsse.IN_TOTO, {})
    made.sign(signers.CryptoSigner(private, public))
    ours = dsse.parse(json.dumps(made.to_dict()).encode())
    assert dsse.verified_by(ours, [BOB.verify_key, ADA.verify_key]) == (ADA.verify_key,)
