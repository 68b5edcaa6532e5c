"""The ledger: an append-only file of signed entries with a signed checkpoint after every append.

All that decides a checkpoint happens in one write transaction, and a checkpoint leaves `append` only after
the commit: no tree head is ever published that is not on disk, and no size ever gets two roots.
"""

from __future__ import annotations

import contextlib
import logging
import secrets
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from scalegate.errors import InputError, LedgerError, NotVerified, Place
from scalegate.ledger import _database, _files, _memory, _rows, dsse
from scalegate.ledger.keys import SigningKey, VerifyKey
from scalegate.ledger.merkle import Frontier, leaf_hash
from scalegate.ledger.merkle import root as root_over
from scalegate.ledger.note import Checkpoint, sign_note
from scalegate.ledger.tiles import WIDTH, Tile, Tiles, hashes_in

__all__ = ["Appended", "Ledger"]

LOG = logging.getLogger(__name__)
_CHUNK = 128
_LEFT: list[sqlite3.Connection | None] = []
"""Connections of a parent process, which a child may neither use nor close."""
FORGOTTEN = "%s: no `%s` is beside it, so it cannot be told whether this is an older copy"


@dataclass(frozen=True)
class Appended:
    """What is now on disk: the first new position, the new size, and the signed checkpoint for it."""

    first: int
    size: int
    checkpoint: str


class Ledger:
    """One ledger file. Use it as a context manager, from one thread, and not across a fork.

    Any number of processes may have the file open; writers take turns. Each read sees the last commit. Every
    method may raise LedgerError if the file cannot be used and NotVerified if what it holds does not check
    out; after either the object stays usable.
    """

    def __init__(self, path: Path, log_key: SigningKey | None) -> None:
        """Use `create` or `open`."""
        self.path = path
        self._log_key = log_key
        self._closed = False
        self._db: sqlite3.Connection | None = None
        try:
            with _database.explained(path):
                self._meta = _database.read_meta(self._connection(), path)
        except BaseException:
            self._drop()
            raise

    @classmethod
    def create(cls, path: str | Path, *, origin: str, log_key: SigningKey) -> Ledger:
        """Make an empty ledger in a new file and open it for appending.

        The file appears whole or, if the process is killed, not at all. Raises InputError for a malformed
        origin, LedgerError if there is a file, or the remains of one, in that place.
        """
        file = Path(path).resolve()
        meta = _database.Meta(Checkpoint(origin, 0, bytes(32)).origin, log_key.verify_key)
        # A leftover journal would be played back into the new file; a leftover memory means a lost ledger.
        for taken in (file, file.with_name(file.name + "-journal"), _memory.file_for(file)):
            if taken.exists():
                raise _exists(taken)
        aside = file.with_name(f".{file.name}.{secrets.token_hex(6)}")
        try:
            with _database.explained(file):
                _database.build(aside, meta)
            _files.publish(aside, file)
        except FileExistsError as error:
            raise _exists(file) from error
        except OSError as error:
            raise LedgerError(f"cannot be created: {error.strerror}", place=Place(file=str(file))) from error
        finally:
            aside.unlink(missing_ok=True)
            aside.with_name(aside.name + "-journal").unlink(missing_ok=True)
        ledger = cls.open(file, log_key=log_key)
        ledger._remember()
        return ledger

    @classmethod
    def open(cls, path: str | Path, *, log_key: SigningKey | None = None) -> Ledger:
        """Open an existing ledger; read-only unless the log's signing key is given.

        Raises:
            LedgerError: if there is no ledger or it cannot be read.
            InputError: if `log_key` is not the key of this log.
            NotVerified: if its parts disagree, or it is older than, or not a growth of, what `<path>.head`
                remembers.
        """
        file = Path(path).resolve()
        if not file.is_file():
            raise LedgerError("there is no ledger here", place=Place(file=str(file)), fix="create it first")
        # Before the ledger: read after it, a memory could be ahead only because somebody just appended.
        memory = _memory.recall(file)
        ledger = cls(file, log_key)
        try:
            with ledger._transaction("BEGIN"):
                frontier = ledger._agreed_head()
            if memory is None and frontier.size > 0:
                LOG.warning(FORGOTTEN, file, _memory.file_for(file).name)
            behind = ledger._is_behind(memory, frontier)
            if log_key is not None and log_key.verify_key != ledger.log_verify_key:
                raise InputError(
                    f"{log_key.verify_key.to_text()} is not the key of this log",
                    place=ledger._place(),
                    fix=f"give the private key of {ledger.log_verify_key.to_text()}",
                )
            if log_key is not None:
                ledger._check_count(frontier.size)
                if behind or memory is None:
                    ledger._remember()
        except BaseException:
            ledger.close()
            raise
        return ledger

    def close(self) -> None:
        """Let go of the file. Any other method raises LedgerError from then on."""
        self._closed = True
        self._drop()

    def leave(self) -> None:
        """In a forked child: the file is its parent's, and so is a transaction that is under way. Not even closed."""
        self._closed = True
        _LEFT.append(self._db)
        self._db = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def origin(self) -> str:
        """The log's name, first line of each checkpoint."""
        return self._meta.origin

    @property
    def log_verify_key(self) -> VerifyKey:
        """The key that the file says signs its checkpoints: compare it with one that you got elsewhere."""
        return self._meta.log_key

    @property
    def size(self) -> int:
        """Number of entries."""
        return self._head().size

    def root(self) -> bytes:
        """Root of the tree over all entries, 32 bytes."""
        return self._head().root()

    def append(
        self,
        envelopes: Sequence[bytes] | Callable[[], Sequence[bytes]],
    ) -> Appended:
        """Append `envelopes`, all or none, and return once they are on the disk.

        A function in their place makes them under the write lock, before anything is written: what it reads
        from this ledger stays true until the entries are in. If it raises, nothing is written and its error is
        passed on.

        Raises:
            InputError: if there is nothing to append or an envelope is malformed or too long.
            LedgerError: if the ledger is read-only, busy, or the disk fails; all or nothing is there then.
            NotVerified: if head, last checkpoint, last entry and side file do not agree.
        """
        key = self._log_key
        if key is None:
            raise LedgerError("opened read-only", place=self._place(), fix="open it with the log's signing key")
        with self._transaction():
            frontier = self._agreed_head()
            self._is_behind(_memory.recall(self.path), frontier)
            made = envelopes() if callable(envelopes) else envelopes
            # SQLite ends a transaction by itself on some failed reads, which that function may have swallowed.
            if self._db is None or not self._db.in_transaction:
                raise LedgerError("the write lock was lost", place=self._place())
            if not made:
                raise InputError("there is nothing to append", place=self._place())
            first = frontier.size
            for position, envelope in enumerate(made, first):
                dsse.parse(envelope)
                leaf = leaf_hash(envelope)
                self._run("INSERT INTO entry VALUES (?, ?, ?)", position, leaf, envelope)
                frontier = frontier.append(leaf)
            self._fill(first, frontier.size)
            self._run("UPDATE head SET size = ?, frontier = ?", frontier.size, frontier.to_bytes())
            text = Checkpoint(self.origin, frontier.size, frontier.root()).to_text()
            note = sign_note(text, [key])
            self._run("INSERT INTO checkpoint VALUES (?, ?)", frontier.size, note)
        self._remember()
        return Appended(first, frontier.size, note)

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

    def _fill(self, had: int, there: int) -> None:
        """Write the tiles that are full now."""
        level = 0
        while (first := had // WIDTH) < (end := there // WIDTH):
            for number in range(first, end):
                hashes = self._row_hashes(level, number * WIDTH, (number + 1) * WIDTH)
                self._run("INSERT INTO tile VALUES (?, ?, ?, ?)", level, number, root_over(hashes), b"".join(hashes))
            level, had, there = level + 1, first, end

    def _notes(self, last: int) -> Iterator[tuple[int, str, bytes]]:
        while rows := self._run("SELECT size, note FROM checkpoint WHERE size > ? ORDER BY size LIMIT ?", last, _CHUNK):
            for size, note in rows:
                yield size, note, self._opened(size, note).root
            last = rows[-1][0]

    def _place(self, entry: int | None = None) -> Place:
        return Place(file=str(self.path), entry=entry)

    def _connection(self) -> sqlite3.Connection:
        if self._closed:
            raise LedgerError("the ledger is closed", place=self._place())
        if self._db is None:
            self._db = _database.connect(self.path, writable=self._log_key is not None)
        return self._db

    def _drop(self) -> None:
        db, self._db = self._db, None
        if db is not None:
            with _database.explained(self.path):
                db.close()

    def _run(self, statement: str, *values: object) -> list[Any]:
        with _database.explained(self.path):
            try:
                return self._connection().execute(statement, values).fetchall()
            except sqlite3.OperationalError as error:
                if self._log_key is not None or not _database.needs_rollback(error, self.path):
                    raise
            # A reader may outlive a writer that was killed: connecting anew undoes what that one left.
            self._drop()
            return self._connection().execute(statement, values).fetchall()

    def _head(self) -> Frontier:
        return _rows.head_of(self._run("SELECT size, frontier FROM head"), self._place())

    def _agreed_head(self) -> Frontier:
        """The head, if the last entry and the last checkpoint say the same."""
        frontier = self._head()
        entries = self._run("SELECT coalesce(max(position) + 1, 0) FROM entry")[0][0]
        last = self._run("SELECT size, note FROM checkpoint ORDER BY size DESC LIMIT 1")
        signed = last[0][0] if last else 0
        if not frontier.size == entries == signed:
            raise NotVerified(
                f"head says {frontier.size} entries, the last entry {entries}, the last checkpoint {signed}",
                place=self._place(),
                fix="restore the ledger from a copy",
            )
        if last and self._opened(*last[0]).root != frontier.root():
            raise NotVerified("the last checkpoint has another root than the head", place=self._place())
        return frontier

    def _check_count(self, size: int) -> None:
        count = self._run("SELECT count(*) FROM entry WHERE position < ?", size)[0][0]
        if count != size:
            raise NotVerified(f"{size - count} of {size} entries are missing", place=self._place())

    def _opened(self, size: object, note: object) -> Checkpoint:
        return _rows.checkpoint_of(self._meta, size, note, self._place())

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

    @contextlib.contextmanager
    def _transaction(self, begin: str = "BEGIN IMMEDIATE") -> Iterator[None]:
        """One view of the file, by default with the write lock; after an error, no trace."""
        if self._db is not None and self._db.in_transaction:
            raise LedgerError("an append within an append", place=self._place())
        try:
            self._run(begin)
            yield
            self._run("COMMIT")
        except BaseException:
            # After a failed write or flush a handle may believe what the disk does not hold: never retry on
            # it. Closing rolls back; the next call opens a new one.
            self._drop()
            raise

    def _is_behind(self, memory: _memory.Memory | None, frontier: Frontier) -> bool:
        """Check `frontier` against the side file; True if that must move forward."""
        if memory is None:
            return False
        if memory.size > frontier.size:
            raise NotVerified(
                f"the ledger has {frontier.size} entries, but had {memory.size}: it was rolled back",
                place=self._place(),
                fix="restore the newest copy; nothing may be appended to an older one",
            )
        known = frontier.root() if memory.size == frontier.size else self._root_at(memory.size)
        if known != memory.root:
            raise NotVerified(
                f"the ledger of {frontier.size} entries is not a growth of the one of {memory.size} entries"
                " seen here before",
                place=self._place(),
                fix="restore the ledger that the side file remembers",
            )
        return memory.size < frontier.size

    def _root_at(self, size: int) -> bytes:
        frontier = Frontier()
        for _, envelope in self._walk(0, size):
            frontier = frontier.append(leaf_hash(envelope))
        return frontier.root()

    def _remember(self) -> None:
        """Write the side file under the write lock, so that two writers cannot set it back."""
        # The entries are committed: raising now would invite the caller to append them again. A side file
        # that stays behind is moved forward by the next open or append.
        with contextlib.suppress(OSError, LedgerError, NotVerified), self._transaction():
            frontier = self._head()
            _memory.remember(self.path, _memory.Memory(frontier.size, frontier.root()))


def _exists(file: Path) -> LedgerError:
    fix = "open it, or choose another path; a -journal or .head file belongs to the ledger that was here"
    return LedgerError("a file is there already", place=Place(file=str(file)), fix=fix)
