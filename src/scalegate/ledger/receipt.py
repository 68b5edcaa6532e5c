"""Receipts (C2SP tlog-proof): that an entry is in a log, to be verified offline with the keys that one trusts.

    c2sp.org/tlog-proof@v1
    index 17
    <hashes from the leaf to the root, base64, one a line>

    <checkpoint, with what cosignatures it has>

What a receipt proves: that the log's key signed a tree with this entry at this place, and that those who cosigned saw
that tree grow out of every one before it. What it does not: that the entry is true, that it counts, that nothing later
contradicts it, or that the same was not said of another model elsewhere.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from scalegate.errors import InputError, NotVerified
from scalegate.ledger import _base64, merkle
from scalegate.ledger.keys import VerifyKey
from scalegate.ledger.note import Checkpoint, open_note
from scalegate.ledger.store import Ledger
from scalegate.ledger.trust_file import Trust

__all__ = ["PROVES", "Receipt", "Shown", "receipt_for", "verify_receipt"]

PROVES = (
    "Proved: the log signed a tree in which this entry stands at this place, and whoever cosigned it saw no other tree"
    " of this log before. Not proved: that the entry is true, that it counts, that no later entry contradicts it, or"
    " that nothing was left out of the log."
)
_FIRST = "c2sp.org/tlog-proof@v1"
_INDEX = re.compile("index (0|[1-9][0-9]{0,18})")
_MAX_BYTES = 1_000_000
_MAX_HASHES = 63


@dataclass(frozen=True)
class Receipt:
    """A receipt as it is written; nothing in it is verified yet."""

    index: int
    proof: tuple[bytes, ...]
    """Hashes of 32 bytes, from the leaf's sibling to the root's child."""
    checkpoint: str
    extra: bytes = b""
    """What somebody added: nobody signed it."""

    def to_text(self) -> str:
        """The file, as it is kept with the ending `.tlog-proof`."""
        extra = [f"extra {_base64.encode(self.extra)}"] if self.extra else []
        lines = [_FIRST, *extra, f"index {self.index}", *map(_base64.encode, self.proof)]
        return "".join(f"{line}\n" for line in (*lines, "")) + self.checkpoint

    @staticmethod
    def from_text(text: str) -> Receipt:
        """Inverse of `to_text`. Raises InputError for every other text."""
        head, blank, checkpoint = text.partition("\n\n")
        first, *lines = head.split("\n")
        if first != _FIRST or not blank or len(text) > _MAX_BYTES:
            raise InputError(f"this is no receipt: its first line is not `{_FIRST}`, or it has no checkpoint")
        extra = b""
        if lines and lines[0].startswith("extra "):
            extra = _base64.decode(lines.pop(0).removeprefix("extra "))
        index = _INDEX.fullmatch(lines[0]) if lines else None
        if index is None:
            raise InputError("the receipt has no line `index N`")
        proof = tuple(_base64.decode(line) for line in lines[1:])
        if len(proof) > _MAX_HASHES or any(len(it) != merkle.HASH_BYTES for it in proof):
            raise InputError("the receipt has a hash that is not 32 bytes, or too many of them")
        return Receipt(int(index[1]), proof, checkpoint, extra)


@dataclass(frozen=True)
class Shown:
    """What a receipt was found to prove."""

    index: int
    checkpoint: Checkpoint
    log: VerifyKey
    cosigned: tuple[tuple[VerifyKey, int], ...]
    """Witnesses, each with the time that it gave, in seconds since 1970 UTC."""


def receipt_for(ledger: Ledger, index: int, checkpoint: str | None = None) -> Receipt:
    """The receipt of an entry, under a signed checkpoint of this ledger or its latest.

    Raises InputError for an entry or checkpoint that is not there, NotVerified if the ledger's own parts disagree.
    """
    note = checkpoint if checkpoint is not None else ledger.checkpoint()
    if note is None:
        raise InputError("the ledger has no entries yet, and so no receipt")
    known = Checkpoint.from_text(open_note(note, [ledger.log_verify_key]).text)
    if known.origin != ledger.origin or not 0 <= index < known.size <= ledger.size:
        raise InputError(f"entry {index} is not under a checkpoint of {known.origin} for {known.size} entries")
    tree = ledger.tree(known.size)
    proof = merkle.inclusion_proof(index, known.size, tree.subtree)
    merkle.verify_inclusion(index, known.size, merkle.leaf_hash(ledger.entry(index)), proof, known.root)
    return Receipt(index, proof, note)


def verify_receipt(receipt: Receipt, entry: bytes, trust: Trust) -> Shown:
    """Check that an entry is in a trusted log, under as many cosignatures as the trust asks for.

    Raises InputError for what is no checkpoint, NotVerified for whatever is not shown.
    """
    note = open_note(receipt.checkpoint, trust.keys)
    checkpoint = Checkpoint.from_text(note.text)
    signers = [key for key in note.signers if key in trust.logs and key.name == checkpoint.origin]
    if not signers:
        raise NotVerified(f"no log that is trusted signed this checkpoint of {checkpoint.origin}")
    if not trust.enough([key for key, _ in note.cosigned]):
        raise NotVerified(f"the checkpoint has not the {trust.asks()} that the trust file asks for")
    merkle.verify_inclusion(receipt.index, checkpoint.size, merkle.leaf_hash(entry), receipt.proof, checkpoint.root)
    return Shown(receipt.index, checkpoint, signers[0], note.cosigned)
