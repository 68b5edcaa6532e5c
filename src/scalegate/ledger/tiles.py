"""Tiles of a tree (C2SP tlog-tiles): their names, their bytes, and proofs made from them.

A tile of level L holds up to 256 hashes of 32 bytes: each the root of the perfect tree over 256**L leaves. A full one
never changes; there is one partial tile a level at the most, at the right edge. Entries come in bundles of as many,
each with its length in 2 bytes before it. Tiles of no hashes do not exist.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

from scalegate.errors import InputError
from scalegate.ledger.merkle import HASH_BYTES, node_hash, split

__all__ = ["WIDTH", "Tile", "Tiles", "bundled", "hashes_in", "tile_at", "tiles_of", "unbundled"]

WIDTH = 256
_BITS = 8
_ENTRIES = "entries"
_KEPT = 4096
"""Tiles of which the inner nodes are kept: of 16 KiB each."""
_PATH = re.compile(r"tile/(0|[1-9][0-9]?|entries)/((?:x[0-9]{3}/)*[0-9]{3})(?:\.p/([1-9][0-9]{0,2}))?")
_MOST = 2**63


@dataclass(frozen=True)
class Tile:
    """Which tile it is: `level` -1 is a bundle of entries; `width` hashes or entries are in it, 256 in a full one."""

    level: int
    number: int
    width: int = WIDTH

    @property
    def path(self) -> str:
        """Its name under the root of the log's tree of files."""
        groups = [f"{self.number % 1000:03d}"]
        rest = self.number // 1000
        while rest:
            groups.insert(0, f"x{rest % 1000:03d}")
            rest //= 1000
        partial = f".p/{self.width}" if self.width < WIDTH else ""
        return f"tile/{_ENTRIES if self.level < 0 else self.level}/{'/'.join(groups)}{partial}"


def tile_at(path: str) -> Tile:
    """The tile that a path names. Raises InputError for every other spelling."""
    match = _PATH.fullmatch(path)
    found = None
    if match is not None:
        level, groups, width = match.groups()
        number = int(groups.replace("x", "").replace("/", ""))
        found = Tile(-1 if level == _ENTRIES else int(level), number, int(width or WIDTH))
    if found is None or found.path != path or found.number >= _MOST:
        raise InputError(f"`{path[:80]}` names no tile")
    return found


def tiles_of(size: int, start: int = 0) -> Iterator[Tile]:
    """All tiles and bundles of a tree of `size` leaves that a tree of `start` leaves does not have in full."""
    level, there, before = 0, size, start
    while there:
        for number in range(before // WIDTH, -(-there // WIDTH)):
            width = min(WIDTH, there - number * WIDTH)
            if level == 0:
                yield Tile(-1, number, width)
            yield Tile(level, number, width)
        level, there, before = level + 1, there // WIDTH, before // WIDTH


def hashes_in(tile: Tile, data: bytes) -> tuple[bytes, ...]:
    """The hashes of a tile. Raises InputError if these are not as many bytes as it has."""
    if len(data) != tile.width * HASH_BYTES:
        raise InputError(f"`{tile.path}` is {len(data)} bytes long, not {tile.width * HASH_BYTES}")
    return tuple(data[at : at + HASH_BYTES] for at in range(0, len(data), HASH_BYTES))


def bundled(entries: Sequence[bytes]) -> bytes:
    """Entries, each with its length before it in 2 bytes, big-endian. Raises InputError for one over 65,535 bytes."""
    for it in entries:
        if len(it) > 0xFFFF:
            raise InputError(f"an entry of {len(it)} bytes is over the 65,535 that a bundle takes")
    return b"".join(len(it).to_bytes(2, "big") + it for it in entries)


def unbundled(tile: Tile, data: bytes) -> tuple[bytes, ...]:
    """The entries of a bundle. Raises InputError unless there are as many as it has, and nothing after them."""
    found, at = [], 0
    while at < len(data):
        size = int.from_bytes(data[at : at + 2], "big")
        at += 2 + size
        found.append(data[at - size : at])
    if at != len(data) or len(found) != tile.width:
        raise InputError(f"`{tile.path}` is no bundle of {tile.width} entries")
    return tuple(found)


class Tiles:
    """The tree of `size` leaves, of which `read` gives the hashes of any tile. Proofs take a few tiles each.

    What `read` raises is passed on. It keeps the inner nodes of full tiles.
    """

    def __init__(self, read: Callable[[Tile], Sequence[bytes]], size: int) -> None:
        self.size = size
        self._read = read
        self._full = lru_cache(maxsize=_KEPT)(self._layers)

    def grown(self, size: int) -> None:
        """More leaves are there to be read."""
        self.size = size

    def root(self, size: int | None = None) -> bytes:
        """Of the first `size` leaves, at least one."""
        return self.subtree(0, self.size if size is None else size)

    def subtree(self, low: int, high: int) -> bytes:
        """The root over the leaves from `low` to `high`, as RFC 6962 splits a tree: `low` is a multiple of the largest
        power of two in what is between them. Raises InputError where there are none."""
        count = high - low
        if not 0 <= low < high <= self.size:
            raise InputError(f"no leaves from {low} to {high} in a tree of {self.size}")
        if count & (count - 1):
            middle = low + split(count)
            return node_hash(self.subtree(low, middle), self.subtree(middle, high))
        height = count.bit_length() - 1
        level, within = divmod(height, _BITS)
        number, at = divmod(low >> (_BITS * level), WIDTH)
        return self._layers_of(level, number)[within][at >> within]

    def _layers_of(self, level: int, number: int) -> list[tuple[bytes, ...]]:
        width = min(WIDTH, (self.size >> (_BITS * level)) - number * WIDTH)
        return self._full(level, number) if width == WIDTH else self._layers(level, number, width)

    def _layers(self, level: int, number: int, width: int = WIDTH) -> list[tuple[bytes, ...]]:
        """The hashes of a tile, and the perfect trees over 2, 4, ... of them."""
        layers = [tuple(self._read(Tile(level, number, width)))]
        while len(layers[-1]) > 1:
            under = layers[-1]
            layers.append(tuple(node_hash(under[at], under[at + 1]) for at in range(0, len(under) - 1, 2)))
        return layers
