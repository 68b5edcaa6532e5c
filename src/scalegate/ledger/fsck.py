"""An audit of a ledger from its rows alone: nothing that it says about itself is believed.

Every tree head is computed again from the envelopes and compared with what was signed. Who signed an entry
and what it means is not looked at here. It names its own log key: an auditor compares `Checked.log_key`
and a checkpoint held elsewhere with the result.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from scalegate.errors import InputError, NotVerified, Place
from scalegate.ledger import _rows, dsse
from scalegate.ledger._kept import store_of
from scalegate.ledger._stores import Meta, Row, Store
from scalegate.ledger.keys import VerifyKey
from scalegate.ledger.merkle import Frontier, root
from scalegate.ledger.named import where
from scalegate.ledger.note import Checkpoint
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
    for this origin with the root of the tree at its size, one is for the whole, the head is equal to it, an id of a
    caller's is of one append, and the database finds nothing wrong below. `progress` is called with (entries done,
    entries in all). `path`: as for `Ledger.open`.

    Raises:
        LedgerError: if there is no such ledger, another process holds it, or its server does not answer.
        NotVerified: for anything else, with the first bad entry in `place` if one can be named.
    """
    at = where(path, fix="name a project's `ledger.db`, or a copy")
    store = store_of(at, writable=False)
    audit = _Audit(store, progress or (lambda _done, _all: None))
    with store.audited(None):
        try:
            return audit.run()
        finally:
            store.drop()


class _Audit:
    def __init__(self, store: Store, progress: Callable[[int, int], None]) -> None:
        self.store = store
        self.progress = progress
        self.filling: list[list[bytes]] = []
        """Of each level, the hashes of the tile that is not full yet."""
        self.signed = 0
        """Size of the last checkpoint so far."""
        self.ids = 0
        """Ids of callers so far."""

    def run(self) -> Checked:
        meta = self.store.meta()
        head, surplus = self._head()
        frontier, notes = Frontier(), 0
        while frontier.size < head.size:
            frontier, found = self._stretch(meta, frontier, head.size)
            notes += found
            self.progress(frontier.size, head.size)
        if surplus is not None:
            raise surplus
        if frontier != head:
            raise NotVerified("the head is not the tree of the entries", place=self._place())
        self._no_others(head.size)
        problems = self.store.problems()
        if problems:
            raise NotVerified(f"the database is damaged: {'; '.join(problems)}", place=self._place())
        return Checked(meta.origin, meta.log_key, head.size, head.root(), notes)

    def _place(self, entry: int | None = None) -> Place:
        return Place(file=self.store.name, entry=entry)

    def _head(self) -> tuple[Frontier, NotVerified | None]:
        """The head, and what there is beyond it: to be raised last, since an earlier entry may be bad too."""
        # One view for what must agree. The rows below it never change, so they are read without a lock.
        self.store.run(self.store.begin_read)
        head = _rows.head_of(self.store.run("SELECT size, frontier FROM head"), self._place())
        ends = "SELECT coalesce(min(position), 0), coalesce(max(position), -1) FROM entry"
        first, last = self.store.run(ends)[0]
        signed = self.store.run("SELECT coalesce(max(size), 0) FROM checkpoint")[0][0]
        self.store.run("ROLLBACK")
        if first < 0 or last >= head.size:
            message = f"the head says {head.size} entries, but positions run from {first} to {last}"
            return head, NotVerified(message, place=self._place(head.size))
        if signed != head.size:
            message = f"the head says {head.size} entries, but the last checkpoint is for {signed}"
            return head, NotVerified(message, place=self._place())
        return head, None

    def _stretch(self, meta: Meta, frontier: Frontier, end: int) -> tuple[Frontier, int]:
        """Check the next entries, and the checkpoints and ids at the sizes that they lead to."""
        start = frontier.size
        stop = min(start + WIDTH, end)
        with self.store.audited(None):
            run, within = self.store.run, "WHERE size > ? AND size <= ?"
            notes = {row[0]: row[1] for row in run(f"SELECT size, note FROM checkpoint {within}", start, stop)}
            ids = {row[0]: row for row in run(f"SELECT size, first, id, digest FROM sent {within}", start, stop)}
            rows = self.store.entry_rows(start, stop)
        for position in range(start, stop):
            place = self._place(position)
            # One row at a time: only so is it known which entry cannot be read.
            with self.store.audited(position):
                row = next(rows, (None, None, None))
            leaf, envelope = _rows.entry_of(row, place)
            try:
                dsse.parse(envelope)
            except InputError as error:
                raise NotVerified(f"the entry is no envelope: {error.message}", place=place) from error
            frontier = frontier.append(leaf)
            self._tile(leaf, position)
            if frontier.size in notes:
                signed = _rows.checkpoint_of(meta, frontier.size, notes[frontier.size], place)
                if signed.root != frontier.root():
                    reason = f"the entries up to here do not make the tree signed at size {frontier.size}"
                    raise NotVerified(reason, place=place)
                self._id(ids.get(frontier.size), signed, place)
                self.signed = frontier.size
        return frontier, len(notes)

    def _id(self, row: Row | None, signed: Checkpoint, place: Place) -> None:
        """Check the id that an append was made under, if it was under one."""
        if row is None:
            return
        first, size = _rows.sent_of(row, signed, place)
        if first != self.signed:
            what = f"an id is said to be of entries {first} to {size - 1}, which are no single append"
            raise NotVerified(what, place=place)
        self.ids += 1

    def _tile(self, leaf: bytes, position: int) -> None:
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
            with self.store.audited(position):
                rows = self.store.run("SELECT root, hashes FROM tile WHERE level = ? AND number = ?", level, number)
                if rows != [(node, b"".join(hashes))]:
                    tile = Tile(level, number)
                    raise NotVerified(f"`{tile.path}` is not of the entries up to here", place=self._place(position))
            hashes.clear()
            level += 1

    def _no_others(self, size: int) -> None:
        """Check that there are no tiles and no ids but those that were met."""
        due = 0
        while size := size // WIDTH:
            due += size
        with self.store.audited(None):
            found = self.store.run("SELECT count(*) FROM tile")[0][0]
            ids = self.store.run("SELECT count(*) FROM sent")[0][0]
        if found != due:
            raise NotVerified(f"there are {found} tiles, and {due} are of the entries", place=self._place())
        if ids != self.ids:
            raise NotVerified(f"there are {ids} ids, and {self.ids} are of what was signed", place=self._place())
