"""What a stored row must be: the checks that every reader of a ledger applies."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from scalegate.errors import InputError, NotVerified, Place
from scalegate.ledger._stores import Meta, Row
from scalegate.ledger.merkle import Frontier, leaf_hash
from scalegate.ledger.note import Checkpoint, open_note

__all__ = ["checkpoint_of", "digest_of", "entry_of", "head_of", "sent_of"]


def head_of(rows: Sequence[tuple[object, object]], place: Place) -> Frontier:
    """The frontier in the head table. Raises NotVerified unless it is one row whose parts agree."""
    if len(rows) != 1:
        raise NotVerified(f"the head is {len(rows)} rows, not one", place=place)
    size, data = rows[0]
    try:
        frontier = Frontier.from_bytes(data if isinstance(data, bytes) else b"")
    except InputError as error:
        raise NotVerified(f"the head is damaged: {error.message}", place=place) from error
    if frontier.size != size:
        raise NotVerified("the head is damaged: its size is not that of its tree", place=place)
    return frontier


def checkpoint_of(meta: Meta, size: object, note: object, place: Place) -> Checkpoint:
    """The checkpoint stored for `size`. Raises NotVerified unless the log's key signed it for this log."""
    try:
        checkpoint = Checkpoint.from_text(open_note(str(note), [meta.log_key]).text)
    except (InputError, NotVerified) as error:
        reason = f"the checkpoint at size {size} is wrong: {error.message}"
        raise NotVerified(reason, place=place) from error
    if (checkpoint.origin, checkpoint.size) != (meta.origin, size):
        raise NotVerified(f"the checkpoint at size {size} is for another tree", place=place)
    return checkpoint


def entry_of(row: tuple[object, object, object], place: Place) -> tuple[bytes, bytes]:
    """Leaf hash and envelope of a row (position, leaf, envelope) that should be entry `place.entry`.

    Raises NotVerified if it is another entry, or its envelope is not what was hashed.
    """
    position, leaf, envelope = row
    if position != place.entry:
        raise NotVerified("the entry is missing", place=place)
    if not isinstance(envelope, bytes) or not isinstance(leaf, bytes) or leaf_hash(envelope) != leaf:
        raise NotVerified("the entry is damaged: its bytes are not those that were hashed", place=place)
    return leaf, envelope


def digest_of(name: str, first: int, size: int, root: bytes) -> bytes:
    """SHA-256 over what a row of the table sent says, and the root (32 bytes) of the tree that was signed with it."""
    return hashlib.sha256(f"{first}\n{size}\n{name}\n".encode() + root).digest()


def sent_of(row: Row, signed: Checkpoint, place: Place) -> tuple[int, int]:
    """First position and size of the append that a row (size, first, id, digest) is of.

    `signed`: the checkpoint for that size. Raises NotVerified if the row is not what was written.
    """
    size, first, name, digest = row
    if size != signed.size or digest != digest_of(str(name), first, size, signed.root):
        raise NotVerified(f"the id of the entries up to size {signed.size} is damaged", place=place)
    return first, size
