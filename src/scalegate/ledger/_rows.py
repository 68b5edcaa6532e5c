"""What a stored row must be: the checks that every reader of a ledger file applies."""

from __future__ import annotations

from collections.abc import Sequence

from scalegate.errors import InputError, NotVerified, Place
from scalegate.ledger._database import Meta
from scalegate.ledger.merkle import Frontier, leaf_hash
from scalegate.ledger.note import Checkpoint, open_note

__all__ = ["checkpoint_of", "entry_of", "head_of"]


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
