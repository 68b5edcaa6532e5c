"""What a served ledger answers and is sent, as the OpenAPI description has it."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

__all__ = [
    "ENVELOPE",
    "Consistency",
    "DecisionPage",
    "DecisionShown",
    "EntryPage",
    "EntryShown",
    "Fault",
    "Health",
    "Inclusion",
    "Problem",
    "Reason",
    "SchemaList",
    "Submitted",
]

Hash = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
Number = Annotated[int, Field(ge=0, le=2**53)]
Reason = Literal[
    "not there",
    "no such request",
    "malformed",
    "kind",
    "signer",
    "counts for nothing",
    "too large",
    "too slow",
    "too many",
    "takes nothing",
    "ledger",
]


class _Answer(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Fault(_Answer):
    """What is wrong."""

    reason: Reason
    """One word for programs."""
    message: str
    fix: str | None
    """What to do instead."""
    entry: Number | None
    """The entry of the ledger that it is about."""


class Problem(_Answer):
    """Why there is no other answer."""

    error: Fault


class Health(_Answer):
    """The ledger can be read, and its parts agree."""

    ok: Literal[True]
    log: str
    """The log's name, as its checkpoints have it."""
    key: str
    """The key that it says it is signed by: compare it with one that you got elsewhere."""
    size: Number
    root: Hash
    takes: bool
    """Whether signed statements are taken."""
    now: Number
    """Seconds since 1970 UTC by this machine's clock."""


class EntryShown(_Answer):
    """An entry as it is in the log. That it is there says nothing of whether it counts, or is true."""

    index: Number
    leaf: Hash
    """What the tree has of it: SHA-256 of a zero byte and the envelope."""
    kind: str | None
    """Type of its predicate; null: it cannot be read."""
    actor: str | None
    """Who it says it is by."""
    time: Number | None
    """When it says it was signed, in seconds since 1970 UTC."""
    envelope: str
    """The DSSE envelope, byte for byte."""
    statement: dict[str, Any] | None
    """The in-toto statement in it."""


class EntryPage(_Answer):
    """Entries from `start` on."""

    size: Number
    """Entries in all, by the checkpoint under which this was read."""
    entries: list[EntryShown]
    next: Number | None
    """Where to go on; null: these were the last."""


class Inclusion(_Answer):
    """That an entry is in the tree of so many entries (RFC 6962)."""

    index: Number
    size: Number
    leaf: Hash
    root: Hash
    hashes: list[Hash]
    """From the leaf's sibling to the root's child."""


class Consistency(_Answer):
    """That a tree grew from another one (RFC 6962)."""

    old: Number
    new: Number
    old_root: Hash
    new_root: Hash
    hashes: list[Hash]


class DecisionShown(_Answer):
    """A decision on record."""

    entry: Number
    run: str
    action: str
    verdict: str
    time: Number
    digest: Hash
    decision: dict[str, Any]
    """All of it, with what the policy lacks under `limits`."""


class DecisionPage(_Answer):
    """Decisions, by the entries that they are, oldest first."""

    size: Number
    decisions: list[DecisionShown]
    next: Number | None
    """The entry to go on from; null: these were the last."""


class SchemaList(_Answer):
    """The JSON Schemas that there are."""

    schemas: list[str]


class Submitted(_Answer):
    """Where a statement stands in the ledger. It is on the disk."""

    entry: Number
    statement: Hash
    """SHA-256 of the statement: sent again, it is the same entry."""
    kind: str
    actor: str
    again: bool
    """Whether it was there before it was sent this time."""
    refused: str | None
    """Why it counts for nothing, of one that was there before."""
    receipt: str
    """That it is in the log, as C2SP tlog-proof."""


_BASE64 = {"type": "string", "pattern": "^[A-Za-z0-9+/_-]+={0,2}$"}
ENVELOPE: dict[str, Any] = {
    "type": "object",
    "title": "Envelope",
    "description": "A DSSE envelope around an in-toto statement, signed by whoever it names: at most 65,535 bytes.",
    "properties": {
        "payload": {**_BASE64, "description": "The statement, in base64. Its predicate is one of those of /schemas."},
        "payloadType": {"const": "application/vnd.in-toto+json"},
        "signatures": {
            "type": "array",
            "minItems": 1,
            "items": {
                "type": "object",
                "properties": {"keyid": {"type": "string"}, "sig": _BASE64},
                "required": ["sig"],
                "additionalProperties": False,
            },
        },
    },
    "required": ["payload", "payloadType", "signatures"],
    "additionalProperties": False,
}
