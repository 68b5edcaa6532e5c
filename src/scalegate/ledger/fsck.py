"""An audit of a ledger file from its rows alone: nothing that the file says about itself is believed.

Every tree head is computed again from the envelopes and compared with what was signed. Who signed an entry
and what it means is not looked at here. The file names its own log key: an auditor compares `Checked.log_key`
and a checkpoint held elsewhere with the result.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from scalegate.errors import InputError, LedgerError, NotVerified, Place
from scalegate.ledger import _database, _rows, dsse
from scalegate.ledger._database import Meta
from scalegate.ledger.keys import VerifyKey
from scalegate.ledger.merkle import Frontier, root
from scalegate.ledger.tiles import WIDTH, Tile

__all__ = ["Checked", "check"]


@dataclass(frozen=True)
class Checked:
    """What was found sound: `size` entries under `root` (32 bytes), and every one of `checkpoints` notes."""

    origin: str
    log_key: VerifyKey
    size: int
    root: bytes
    checkpoints: int


def check(path: str | Path, *, progress: Callable[[int, int], None] | None = None) -> Checked:
    """Audit the ledger at `path`, without writing to it and without blocking its writers for long.

    Positions have no gap, envelopes parse, leaf hashes fit, each stored checkpoint is signed by the log's key
    for this origin with the root of the tree at its size, one is for the whole, the head is equal to it, and
    SQLite finds its pages in order. `progress` is called with (entries done, entries in all).

    Raises:
        LedgerError: if there is no such file, or another process holds it.
        NotVerified: for anything else, with the first bad entry in `place` if one can be named.
    """
    file = Path(path).resolve()
    # Not by opening it: closing such a handle would drop the locks that SQLite holds in this process.
    if not file.is_file():
        raise LedgerError(
            "there is no ledger here", place=Place(file=str(file)), fix="name a project's `ledger.db`, or a copy"
        )
    audit = _Audit(file, progress or (lambda _done, _all: None))
    with audit.damage(None), closing(_database.connect(file, writable=False)) as db:
        return audit.run(db)


class _Audit:
    def __init__(self, file: Path, progress: Callable[[int, int], None]) -> None:
        self.file = file
        self.progress = progress
        self.filling: list[list[bytes]] = []
        """Of each level, the hashes of the tile that is not full yet."""

    @contextmanager
    def damage(self, entry: int | None) -> Iterator[None]:
        """Read an sqlite3 error as damage to the file, at `entry` if one was being read."""
        try:
            yield
        except _database.FAULTS as error:
            place = Place(file=str(self.file), entry=entry)
            if _database.is_busy(error):
                raise LedgerError("another process holds the ledger", place=place, fix="try again") from error
            if "not a database" in str(error):
                raise NotVerified(
                    "this is no ledger, or its beginning is damaged", place=place, fix="name the ledger's file"
                ) from error
            raise NotVerified(f"the database file is damaged: {error}", place=place) from error

    def run(self, db: sqlite3.Connection) -> Checked:
        meta = _database.read_meta(db, self.file)
        head, surplus = self._head(db)
        frontier, notes = Frontier(), 0
        while frontier.size < head.size:
            frontier, found = self._stretch(db, meta, frontier, head.size)
            notes += found
            self.progress(frontier.size, head.size)
        if surplus is not None:
            raise surplus
        if frontier != head:
            raise NotVerified("the head is not the tree of the entries", place=self._place())
        self._no_other_tiles(db, head.size)
        problems = [str(row[0]) for row in db.execute("PRAGMA integrity_check(3)")]
        if problems != ["ok"]:
            raise NotVerified(f"the database file is damaged: {'; '.join(problems)}", place=self._place())
        return Checked(meta.origin, meta.log_key, head.size, head.root(), notes)

    def _place(self, entry: int | None = None) -> Place:
        return Place(file=str(self.file), entry=entry)

    def _head(self, db: sqlite3.Connection) -> tuple[Frontier, NotVerified | None]:
        """The head, and what there is beyond it: to be raised last, since an earlier entry may be bad too."""
        # One view for what must agree. The rows below it never change, so they are read without a lock.
        db.execute("BEGIN")
        head = _rows.head_of(db.execute("SELECT size, frontier FROM head").fetchall(), self._place())
        first, last = db.execute("SELECT coalesce(min(position), 0), coalesce(max(position), -1) FROM entry").fetchone()
        signed = db.execute("SELECT coalesce(max(size), 0) FROM checkpoint").fetchone()[0]
        db.execute("ROLLBACK")
        if first < 0 or last >= head.size:
            message = f"the head says {head.size} entries, but positions run from {first} to {last}"
            return head, NotVerified(message, place=self._place(head.size))
        if signed != head.size:
            message = f"the head says {head.size} entries, but the last checkpoint is for {signed}"
            return head, NotVerified(message, place=self._place())
        return head, None

    def _stretch(self, db: sqlite3.Connection, meta: Meta, frontier: Frontier, end: int) -> tuple[Frontier, int]:
        """Check the next entries, and the checkpoints at the sizes that they lead to."""
        start = frontier.size
        stop = min(start + WIDTH, end)
        with self.damage(None):
            notes = dict(db.execute("SELECT size, note FROM checkpoint WHERE size > ? AND size <= ?", (start, stop)))
            rows = db.execute(
                "SELECT position, leaf, envelope FROM entry WHERE position >= ? AND position < ? ORDER BY position",
                (start, stop),
            )
        for position in range(start, stop):
            place = self._place(position)
            # One row at a time: only so is it known which entry cannot be read.
            with self.damage(position):
                row = rows.fetchone() or (None, None, None)
            leaf, envelope = _rows.entry_of(row, place)
            try:
                dsse.parse(envelope)
            except InputError as error:
                raise NotVerified(f"the entry is no envelope: {error.message}", place=place) from error
            frontier = frontier.append(leaf)
            self._tile(db, leaf, position)
            if frontier.size in notes:
                signed = _rows.checkpoint_of(meta, frontier.size, notes[frontier.size], place)
                if signed.root != frontier.root():
                    reason = f"the entries up to here do not make the tree signed at size {frontier.size}"
                    raise NotVerified(reason, place=place)
        return frontier, len(notes)

    def _tile(self, db: sqlite3.Connection, leaf: bytes, position: int) -> None:
        """Check the tiles that this leaf fills."""
        level, node = 0, leaf
        while True:
            if len(self.filling) == level:
                self.filling.append([])
            hashes = self.filling[level]
            hashes.append(node)
            if len(hashes) < WIDTH:
                return
            # What is full is in the tree up to here, so that its number follows from the position.
            number, node = (position + 1) // WIDTH ** (level + 1) - 1, root(hashes)
            with self.damage(position):
                rows = db.execute("SELECT root, hashes FROM tile WHERE level = ? AND number = ?", (level, number))
                if rows.fetchall() != [(node, b"".join(hashes))]:
                    tile = Tile(level, number)
                    raise NotVerified(f"`{tile.path}` is not of the entries up to here", place=self._place(position))
            hashes.clear()
            level += 1

    def _no_other_tiles(self, db: sqlite3.Connection, size: int) -> None:
        due = 0
        while size := size // WIDTH:
            due += size
        with self.damage(None):
            found = db.execute("SELECT count(*) FROM tile").fetchone()[0]
        if found != due:
            raise NotVerified(f"there are {found} tiles, and {due} are of the entries", place=self._place())
