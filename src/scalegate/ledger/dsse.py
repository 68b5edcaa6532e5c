"""DSSE 1.0.2 envelopes around in-toto statements: what a ledger entry is.

What is signed is PAE(type, payload) = `DSSEv1 len(type) type len(payload) payload`, lengths in bytes, so
the payload is verified as the bytes it is and is not parsed first. An envelope is at most 65,535 bytes (C2SP
tlog-tiles gives an entry a 16-bit length): bulk evidence stays outside and is bound by its digest.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from scalegate.errors import InputError
from scalegate.ledger import _base64, strict_json
from scalegate.ledger.keys import ED25519, SigningKey, VerifyKey
from scalegate.ledger.strict_json import JsonValue

__all__ = [
    "IN_TOTO",
    "MAX_ENVELOPE_BYTES",
    "Envelope",
    "Signature",
    "pae",
    "parse",
    "sign",
    "signed_only",
    "verified_by",
]

IN_TOTO = "application/vnd.in-toto+json"
MAX_ENVELOPE_BYTES = 65_535
_SIGNATURE_BYTES = 64


@dataclass(frozen=True)
class Signature:
    """One signature. `keyid` is a hint that nobody signed: it decides nothing."""

    keyid: str | None
    sig: bytes


@dataclass(frozen=True)
class Envelope:
    """A parsed envelope; its signatures are not verified yet (see `verified_by`)."""

    payload: bytes
    payload_type: str
    signatures: tuple[Signature, ...]


def pae(payload_type: str, payload: bytes) -> bytes:
    """Pre-authentication encoding: the bytes that are signed."""
    kind = payload_type.encode()
    return b"DSSEv1 %d %s %d %s" % (len(kind), kind, len(payload), payload)


def sign(payload: bytes, payload_type: str, keys: Sequence[SigningKey]) -> bytes:
    """An envelope as canonical JSON, signed by each of `keys`.

    Raises InputError without keys, with one key twice, for another payload type, or above 65,535 bytes.
    """
    _require_type(payload_type)
    if not keys:
        raise InputError("an envelope needs at least one key to sign with")
    if any(key.verify_key.algorithm != ED25519 for key in keys):
        raise InputError("a witness's key cosigns checkpoints, and signs no entry")
    if len({key.verify_key.public for key in keys}) != len(keys):
        raise InputError("one key is given twice", fix="name each signer once")
    message = pae(payload_type, payload)
    return _written(payload, payload_type, [(key.verify_key, key.sign(message)) for key in keys])


def signed_only(envelope: Envelope, keys: Sequence[VerifyKey]) -> bytes:
    """The envelope as `sign` writes it, with the signatures of `keys` and nothing that nobody signed: other signatures,
    hints and white space. Raises InputError unless each of them signed it."""
    message = pae(envelope.payload_type, envelope.payload)
    sigs = [item.sig for item in envelope.signatures if len(item.sig) == _SIGNATURE_BYTES]
    made = [(key, next((sig for sig in sigs if key.verifies(sig, message)), None)) for key in keys]
    if not all(sig for _, sig in made):
        raise InputError("the envelope is not signed by all of these keys")
    return _written(envelope.payload, envelope.payload_type, [(key, sig) for key, sig in made if sig])


def _written(payload: bytes, payload_type: str, signatures: Sequence[tuple[VerifyKey, bytes]]) -> bytes:
    data = strict_json.dumps(
        {
            "payload": _base64.encode(payload),
            "payloadType": payload_type,
            "signatures": [{"keyid": _hint(key), "sig": _base64.encode(sig)} for key, sig in signatures],
        }
    )
    _require_fit(data)
    return data


def parse(data: bytes) -> Envelope:
    """Read an envelope, strictly: unknown fields, odd base64 and other payload types are refused.

    Standard and URL-safe base64 are both taken. Raises InputError.
    """
    _require_fit(data)
    fields = _object(strict_json.loads(data), required={"payload", "payloadType", "signatures"})
    payload_type = _text(fields, "payloadType")
    _require_type(payload_type)
    items = fields["signatures"]
    if not isinstance(items, list) or not items:
        raise InputError("envelope field signatures must be a list of at least one signature")
    payload = _bytes(fields, "payload")
    return Envelope(payload, payload_type, tuple(_signature(item) for item in items))


def verified_by(envelope: Envelope, keys: Iterable[VerifyKey]) -> tuple[VerifyKey, ...]:
    """The keys that made a valid signature, each public key once however many names or ids it goes by."""
    message = pae(envelope.payload_type, envelope.payload)
    distinct: dict[bytes, VerifyKey] = {}
    for key in keys:
        if key.algorithm == ED25519:
            distinct.setdefault(key.public, key)
    sigs = {item.sig for item in envelope.signatures if len(item.sig) == _SIGNATURE_BYTES}
    return tuple(key for key in distinct.values() if any(key.verifies(sig, message) for sig in sigs))


def _hint(key: VerifyKey) -> str:
    return f"{key.name}+{key.key_id.hex()}"


def _require_type(payload_type: str) -> None:
    if payload_type != IN_TOTO:
        raise InputError(f"envelope payload type {payload_type[:60]!r} is not taken", fix=f"use {IN_TOTO}")


def _require_fit(data: bytes) -> None:
    if len(data) > MAX_ENVELOPE_BYTES:
        raise InputError(
            f"an envelope of {len(data)} bytes is above the limit of {MAX_ENVELOPE_BYTES}",
            fix="keep bulk evidence in a file and name its digest",
        )


def _signature(item: JsonValue) -> Signature:
    fields = _object(item, required={"sig"}, optional={"keyid"})
    keyid = _text(fields, "keyid") if "keyid" in fields else None
    sig = _bytes(fields, "sig")
    if not sig:
        raise InputError("envelope has an empty signature")
    return Signature(keyid, sig)


def _object(
    value: JsonValue, *, required: set[str], optional: frozenset[str] | set[str] = frozenset()
) -> dict[str, JsonValue]:
    if not isinstance(value, dict):
        raise InputError(f"envelope: expected an object with {', '.join(sorted(required))}")
    missing, unknown = required - value.keys(), value.keys() - required - optional
    if missing or unknown:
        found = [f"lacks {name}" for name in sorted(missing)]
        found += [f"has the unknown field {name[:40]!r}" for name in sorted(unknown)]
        raise InputError(f"envelope {', '.join(found)}")
    return value


def _text(fields: dict[str, JsonValue], name: str) -> str:
    value = fields[name]
    if not isinstance(value, str):
        raise InputError(f"envelope field {name} must be a string")
    return value


def _bytes(fields: dict[str, JsonValue], name: str) -> bytes:
    try:
        return _base64.decode_either(_text(fields, name))
    except InputError as error:
        raise InputError(f"envelope field {name}: {error.message}") from error
