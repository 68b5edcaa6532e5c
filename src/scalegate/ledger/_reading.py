"""What is read of a ledger, whatever it is kept in: each row is checked as it is read."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from scalegate.errors import InputError, LedgerError, NotVerified, Place
from scalegate.ledger import _rows
from scalegate.ledger._stores import Meta, Row, Store
from scalegate.ledger.keys import VerifyKey
from scalegate.ledger.merkle import Frontier
from scalegate.ledger.named import Where
from scalegate.ledger.note import Checkpoint
from scalegate.ledger.tiles import WIDTH, Tile, Tiles, hashes_in

__all__ = ["Reading"]

_CHUNK = 128


class Reading:
    """The reading half of a ledger. Every method may raise LedgerError and NotVerified."""

    _meta: Meta

    def __init__(self, at: Where, store: Store) -> None:
        self._at = at
        self._store = store
        self._closed = False
        self._process = os.getpid()

    @property
    def name(self) -> str:
        """How messages call the ledger: its file, or its address without a password."""
        return self._at.name

    @property
    def path(self) -> Path:
        """The file that the ledger is, or that names it: what is kept beside a ledger lies beside this."""
        return self._at.file or Path(self._at.name)

    @property
    def origin(self) -> str:
        """The log's name, first line of each checkpoint."""
        return self._meta.origin

    @property
    def log_verify_key(self) -> VerifyKey:
        """The key that the ledger says signs its checkpoints: compare it with one that you got elsewhere."""
        return self._meta.log_key

    @property
    def size(self) -> int:
        """Number of entries."""
        return self._head().size

    def root(self) -> bytes:
        """Root of the tree over all entries, 32 bytes."""
        return self._head().root()

    def entry(self, index: int) -> bytes:
        """The envelope at `index`. Raises InputError if there is none, NotVerified if it is damaged."""
        if not 0 <= index < self.size:
            raise InputError(f"a ledger of {self.size} entries has no entry {index}", place=self._place())
        return next(self.entries(index, index + 1))[1]

    def entries(self, start: int = 0, stop: int | None = None) -> Iterator[tuple[int, bytes]]:
        """Positions and envelopes from `start` up to `stop` (the size at the time of the call).

        Holds no lock between entries. Raises InputError for a range that is not there, NotVerified naming the
        first entry that is missing or is not what its leaf hash says.
        """
        size = self.size
        end = size if stop is None else stop
        if not 0 <= start <= end <= size:
            raise InputError(f"a ledger of {size} entries has no range {start} to {end}", place=self._place())
        return self._walk(start, end)

    def checkpoint(self) -> str | None:
        """The latest signed checkpoint, verified; None while the ledger is empty."""
        rows = self._run("SELECT size, note FROM checkpoint ORDER BY size DESC LIMIT 1")
        for size, note in rows:
            self._opened(size, note)
        return str(rows[0][1]) if rows else None

    def checkpoints(self) -> Iterator[tuple[int, str]]:
        """All sizes and signed checkpoints, oldest first, each verified under the log's key."""
        for size, note, _ in self._notes(0):
            yield size, note

    def signed(self, after: int) -> dict[int, bytes]:
        """Size and root, 32 bytes, of every checkpoint for more than `after` entries, each under the log's key."""
        return {size: root for size, _, root in self._notes(after)}

    def tree(self, size: int | None = None) -> Tiles:
        """The tree over the first `size` entries, by default all: proofs are made from it, and it grows no further."""
        there = self.size
        if size is not None and not 0 <= size <= there:
            raise InputError(f"a ledger of {there} entries has no tree of {size}", place=self._place())
        return Tiles(self.hashes, there if size is None else size)

    def hashes(self, tile: Tile) -> tuple[bytes, ...]:
        """The hashes of a tile. Raises InputError for one that is not there."""
        start = tile.number * WIDTH
        if tile.width == WIDTH:
            rows = self._run("SELECT hashes FROM tile WHERE level = ? AND number = ?", tile.level, tile.number)
            found = hashes_in(tile, rows[0][0]) if rows else ()
        else:
            found = self._row_hashes(tile.level, start, start + tile.width)
        if len(found) != tile.width:
            raise InputError(f"`{tile.path}` is not there", place=self._place())
        return found

    def _row_hashes(self, level: int, start: int, stop: int) -> tuple[bytes, ...]:
        where = "SELECT leaf FROM entry WHERE position >= ? AND position < ? ORDER BY position"
        if level:
            where = f"SELECT root FROM tile WHERE level = {level - 1} AND number >= ? AND number < ? ORDER BY number"
        return tuple(row[0] for row in self._run(where, start, stop))

    def _notes(self, last: int) -> Iterator[tuple[int, str, bytes]]:
        while rows := self._run("SELECT size, note FROM checkpoint WHERE size > ? ORDER BY size LIMIT ?", last, _CHUNK):
            for size, note in rows:
                yield size, note, self._opened(size, note).root
            last = rows[-1][0]

    def _walk(self, start: int, end: int) -> Iterator[tuple[int, bytes]]:
        while start < end:
            rows = self._run(
                "SELECT position, leaf, envelope FROM entry WHERE position >= ? AND position < ?"
                " ORDER BY position LIMIT ?",
                *(start, end, _CHUNK),
            )
            for row in rows:
                yield start, _rows.entry_of(row, self._place(start))[1]
                start += 1
            if not rows:
                raise NotVerified("the entry is missing", place=self._place(start))

    def _head(self) -> Frontier:
        return _rows.head_of(self._run("SELECT size, frontier FROM head"), self._place())

    def _opened(self, size: object, note: object) -> Checkpoint:
        return _rows.checkpoint_of(self._meta, size, note, self._place())

    def _place(self, entry: int | None = None) -> Place:
        return Place(file=self.name, entry=entry)

    def _connection(self) -> Any:
        self._check_usable()
        return self._store.connection()

    def _check_usable(self) -> None:
        if self._closed:
            raise LedgerError("the ledger is closed", place=self._place())
        if self._process != os.getpid():
            raise LedgerError(
                "the ledger was opened by another process, of which this is a fork",
                place=self._place(),
                fix="open it again in this process",
            )

    def _run(self, statement: str, *values: object) -> list[Row]:
        with self._store.explained():
            self._check_usable()
            return self._store.run(statement, *values)
