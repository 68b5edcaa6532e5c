"""Merkle trees of RFC 6962 section 2.1 (the same tree as RFC 9162 section 2.1): pure functions, no I/O.

The empty root is SHA-256 of nothing; a leaf is SHA-256(0x00 || entry); a node is SHA-256(0x01 || left ||
right); a tree of n leaves splits at the largest power of two below n. Every hash is 32 bytes, checked.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from scalegate.errors import InputError, NotVerified, Place

__all__ = [
    "EMPTY_ROOT",
    "HASH_BYTES",
    "Frontier",
    "Roots",
    "consistency_proof",
    "inclusion_proof",
    "leaf_hash",
    "node_hash",
    "root",
    "roots_of",
    "split",
    "verify_consistency",
    "verify_inclusion",
]

HASH_BYTES = 32
EMPTY_ROOT = hashlib.sha256(b"").digest()
_MAX_SIZE = 2**63 - 1
Roots: TypeAlias = Callable[[int, int], bytes]
"""The root over the leaves from one position up to another."""


def leaf_hash(entry: bytes) -> bytes:
    """SHA-256(0x00 || entry): the prefix keeps an entry from passing for an inner node."""
    return hashlib.sha256(b"\x00" + entry).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """SHA-256(0x01 || left || right). Raises InputError unless both are 32 bytes."""
    _require_hashes((left, right))
    return _joined(left, right)


@dataclass(frozen=True)
class Frontier:
    """What a growing tree must remember: the roots of its perfect subtrees, largest (leftmost) first.

    `size` is in leaves. There is one hash for each one-bit of `size`, so adding a leaf and finding the root
    take O(log n). Raises InputError if `size` and `hashes` do not fit each other.
    """

    size: int = 0
    hashes: tuple[bytes, ...] = ()

    def __post_init__(self) -> None:
        if not 0 <= self.size <= _MAX_SIZE or len(self.hashes) != self.size.bit_count():
            raise InputError(f"a frontier of size {self.size} cannot have {len(self.hashes)} hashes")
        _require_hashes(self.hashes)

    def append(self, leaf: bytes) -> Frontier:
        """The frontier after one more leaf hash."""
        _require_hashes((leaf,))
        hashes, carry, node = list(self.hashes), self.size, leaf
        while carry & 1:
            node = _joined(hashes.pop(), node)
            carry >>= 1
        if self.size >= _MAX_SIZE:
            raise InputError(f"a frontier of size {self.size} takes no more leaves")
        # What it is made from was checked: a verifier comes past here for every entry.
        after = object.__new__(Frontier)
        object.__setattr__(after, "size", self.size + 1)
        object.__setattr__(after, "hashes", (*hashes, node))
        return after

    def root(self) -> bytes:
        """The root of the tree over all leaves so far."""
        if not self.hashes:
            return EMPTY_ROOT
        node = self.hashes[-1]
        for left in reversed(self.hashes[:-1]):
            node = _joined(left, node)
        return node

    def to_bytes(self) -> bytes:
        """`size` as 8 bytes, big-endian, then the hashes."""
        return self.size.to_bytes(8, "big") + b"".join(self.hashes)

    @staticmethod
    def from_bytes(data: bytes) -> Frontier:
        """Inverse of `to_bytes`. Raises InputError for any other bytes."""
        if len(data) < 8 or (len(data) - 8) % HASH_BYTES:
            raise InputError(f"a frontier cannot be {len(data)} bytes long")
        hashes = tuple(data[at : at + HASH_BYTES] for at in range(8, len(data), HASH_BYTES))
        return Frontier(int.from_bytes(data[:8], "big"), hashes)


def root(leaf_hashes: Iterable[bytes]) -> bytes:
    """The root of the tree over `leaf_hashes`. Raises InputError if one of them is not 32 bytes."""
    frontier = Frontier()
    for leaf in leaf_hashes:
        frontier = frontier.append(leaf)
    return frontier.root()


def roots_of(leaf_hashes: Sequence[bytes]) -> Roots:
    """From all leaf hashes, each time anew: `tiles.Tiles` is for trees that are not small."""
    return lambda low, high: root(leaf_hashes[low:high])


def inclusion_proof(index: int, size: int, roots: Roots) -> tuple[bytes, ...]:
    """Sibling hashes from leaf `index` up to the root of the first `size` leaves (RFC 9162 section 2.1.3.1).

    Raises InputError if the tree has no such leaf.
    """
    if not 0 <= index < size:
        raise InputError(f"no leaf {index} in a tree of {size}")
    path: list[bytes] = []
    low, high = 0, size
    while high - low > 1:
        middle = low + split(high - low)
        if index < middle:
            path.append(roots(middle, high))
            high = middle
        else:
            path.append(roots(low, middle))
            low = middle
    return tuple(reversed(path))


def consistency_proof(old_size: int, size: int, roots: Roots) -> tuple[bytes, ...]:
    """Hashes that show the tree over the first `old_size` leaves to be a prefix (RFC 9162 section 2.1.4.1).

    Raises InputError unless 1 <= old_size <= size: an empty tree needs no proof.
    """
    if not 1 <= old_size <= size:
        raise InputError(f"no consistency proof from size {old_size} to {size}")
    path: list[bytes] = []
    low, high, whole = 0, size, True
    while old_size != high:
        middle = low + split(high - low)
        if old_size <= middle:
            path.append(roots(middle, high))
            high = middle
        else:
            path.append(roots(low, middle))
            low, whole = middle, False
    if not whole:
        path.append(roots(low, high))
    return tuple(reversed(path))


def verify_inclusion(index: int, size: int, leaf: bytes, proof: Sequence[bytes], root_hash: bytes) -> None:
    """Check that `leaf` (a leaf hash) is number `index` of the `size` leaves under `root_hash`.

    Source: RFC 9162 section 2.1.3.2. Raises NotVerified, naming the entry, if it is not shown to be.
    """
    place = Place(entry=index)
    if not 0 <= index < size:
        raise NotVerified(f"a tree of size {size} has no such leaf", place=place)
    if not _all_hashes((leaf, root_hash, *proof)):
        raise NotVerified("inclusion proof holds a hash that is not 32 bytes", place=place)
    at, last, node = index, size - 1, leaf
    for sibling in proof:
        if last == 0:
            raise NotVerified("inclusion proof is too long", place=place)
        if at & 1 or at == last:
            node = node_hash(sibling, node)
            while not at & 1 and at:
                at, last = at >> 1, last >> 1
        else:
            node = node_hash(node, sibling)
        at, last = at >> 1, last >> 1
    if last != 0 or node != root_hash:
        raise NotVerified("inclusion proof does not lead to the root", place=place)


def verify_consistency(old_size: int, new_size: int, old_root: bytes, new_root: bytes, proof: Sequence[bytes]) -> None:
    """Check that the tree of `old_size` leaves is a prefix of the tree of `new_size` leaves.

    Source: RFC 9162 section 2.1.4.2. Size 0 is refused: it is a prefix of everything and proves nothing.
    Raises NotVerified if the prefix is not shown.
    """
    what = f"from size {old_size} to {new_size}"
    if not 1 <= old_size <= new_size:
        raise NotVerified(f"no consistency proof can lead {what}")
    if not _all_hashes((old_root, new_root, *proof)):
        raise NotVerified(f"consistency proof {what} holds a hash that is not 32 bytes")
    if old_size == new_size:
        if proof or old_root != new_root:
            raise NotVerified(f"two different trees of size {new_size}, or a proof where none is due")
        return
    # A perfect old tree is itself the first node of the proof, and is left out of it.
    path = [old_root, *proof] if old_size & (old_size - 1) == 0 else list(proof)
    if not path:
        raise NotVerified(f"consistency proof {what} is empty")
    at, last = old_size - 1, new_size - 1
    while at & 1:
        at, last = at >> 1, last >> 1
    old = new = path[0]
    for sibling in path[1:]:
        if last == 0:
            raise NotVerified(f"consistency proof {what} is too long")
        if at & 1 or at == last:
            old, new = node_hash(sibling, old), node_hash(sibling, new)
            while not at & 1 and at:
                at, last = at >> 1, last >> 1
        else:
            new = node_hash(new, sibling)
        at, last = at >> 1, last >> 1
    if last != 0 or old != old_root or new != new_root:
        raise NotVerified(f"consistency proof {what} does not lead to the two roots")


def split(count: int) -> int:
    """The largest power of two below `count` (at least 2)."""
    return 1 << ((count - 1).bit_length() - 1)


def _joined(left: bytes, right: bytes) -> bytes:
    return hashlib.sha256(b"\x01" + left + right).digest()


def _all_hashes(hashes: Iterable[bytes]) -> bool:
    return all(isinstance(value, bytes) and len(value) == HASH_BYTES for value in hashes)


def _require_hashes(hashes: Iterable[bytes]) -> None:
    if not _all_hashes(hashes):
        raise InputError("a hash is not 32 bytes")
