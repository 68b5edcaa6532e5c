"""The SQLite file under a ledger: its schema, how it is opened, and what its errors mean.

One file, rollback journal, synchronous=EXTRA, every setting read back. Triggers stop accidents (an UPDATE, a
DELETE, an INSERT out of turn), not an owner: what an owner changes is found by `fsck`.
"""

from __future__ import annotations

import functools
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from pathlib import Path

from scalegate.errors import LedgerError, NotVerified, Place
from scalegate.ledger._stores import BUSY_MS, FORMAT, HELD, LEFT, ORDER, OTHER, Meta, Row, meta_of
from scalegate.ledger.merkle import Frontier

__all__ = ["FAULTS", "FileStore", "build", "connect", "explained", "is_busy", "needs_rollback", "read_meta"]

# sqlite3 quotes damaged text in its messages and fails to decode them, which is no sqlite3.Error.
FAULTS = (sqlite3.Error, UnicodeDecodeError)
_OLDEST_SQLITE = (3, 37, 0)

_TABLES = (
    "CREATE TABLE meta (one INTEGER PRIMARY KEY CHECK (one = 1), format INTEGER NOT NULL,"
    " origin TEXT NOT NULL, log_key TEXT NOT NULL) STRICT",
    "CREATE TABLE entry (position INTEGER PRIMARY KEY CHECK (position >= 0),"
    " leaf BLOB NOT NULL CHECK (length(leaf) = 32), envelope BLOB NOT NULL) STRICT",
    "CREATE TABLE head (one INTEGER PRIMARY KEY CHECK (one = 1), size INTEGER NOT NULL CHECK (size >= 0),"
    " frontier BLOB NOT NULL) STRICT",
    "CREATE TABLE checkpoint (size INTEGER PRIMARY KEY CHECK (size > 0), note TEXT NOT NULL) STRICT",
    # The root first: it is read by itself, and the hashes after it are of two pages.
    "CREATE TABLE tile (level INTEGER NOT NULL CHECK (level >= 0), number INTEGER NOT NULL CHECK (number >= 0),"
    " root BLOB NOT NULL CHECK (length(root) = 32), hashes BLOB NOT NULL CHECK (length(hashes) = 8192),"
    " PRIMARY KEY (level, number)) STRICT",
    "CREATE TABLE sent (size INTEGER PRIMARY KEY, first INTEGER NOT NULL CHECK (first >= 0 AND first < size),"
    " id TEXT NOT NULL UNIQUE, digest BLOB NOT NULL CHECK (length(digest) = 32)) STRICT",
)


def _abort(name: str, event: str, why: str, when: str = "") -> str:
    return f"CREATE TRIGGER {name} BEFORE {event} {when} BEGIN SELECT RAISE(ABORT, '{why}'); END"


# INSERT OR REPLACE fires no DELETE trigger: the INSERT triggers are what stops it.
_TRIGGERS = (
    _abort("entry_update", "UPDATE ON entry", "entries are append-only"),
    _abort("entry_delete", "DELETE ON entry", "entries are append-only"),
    _abort(
        "entry_insert",
        "INSERT ON entry",
        "entries are append-only",
        "WHEN NEW.position IS NOT (SELECT coalesce(max(position) + 1, 0) FROM entry)",
    ),
    _abort("checkpoint_update", "UPDATE ON checkpoint", "checkpoints are append-only"),
    _abort("checkpoint_delete", "DELETE ON checkpoint", "checkpoints are append-only"),
    _abort(
        "checkpoint_insert",
        "INSERT ON checkpoint",
        "checkpoints are append-only",
        "WHEN NEW.size <= (SELECT coalesce(max(size), 0) FROM checkpoint)",
    ),
    _abort("tile_update", "UPDATE ON tile", "tiles are append-only"),
    _abort("tile_delete", "DELETE ON tile", "tiles are append-only"),
    _abort(
        "tile_insert",
        "INSERT ON tile",
        "tiles are append-only",
        "WHEN NEW.number IS NOT (SELECT coalesce(max(number) + 1, 0) FROM tile WHERE level = NEW.level)",
    ),
    _abort("sent_update", "UPDATE ON sent", "ids are append-only"),
    _abort("sent_delete", "DELETE ON sent", "ids are append-only"),
    _abort(
        "sent_insert",
        "INSERT ON sent",
        "ids are append-only",
        "WHEN NEW.size <= (SELECT coalesce(max(size), 0) FROM sent) OR NEW.id IN (SELECT id FROM sent)",
    ),
    _abort("head_update", "UPDATE ON head", "the head only grows", "WHEN NEW.size <= OLD.size"),
    _abort("head_delete", "DELETE ON head", "the head only grows"),
    _abort("meta_update", "UPDATE ON meta", "meta never changes"),
    _abort("meta_delete", "DELETE ON meta", "meta never changes"),
)
# Only once there is a row to protect.
_SINGLE_ROWS = (
    _abort("head_insert", "INSERT ON head", "the head is one row"),
    _abort("meta_insert", "INSERT ON meta", "meta is one row"),
)


def build(path: Path, meta: Meta) -> None:
    """Write an empty ledger into the new file `path`. Raises sqlite3.Error."""
    with closing(_open(path, "rwc")) as db:
        db.execute("BEGIN EXCLUSIVE")
        for statement in (*_TABLES, *_TRIGGERS):
            db.execute(statement)
        db.execute("INSERT INTO meta VALUES (1, ?, ?, ?)", (FORMAT, meta.origin, meta.log_key.to_text()))
        db.execute("INSERT INTO head VALUES (1, 0, ?)", (Frontier().to_bytes(),))
        for statement in _SINGLE_ROWS:
            db.execute(statement)
        db.execute("COMMIT")


def connect(path: Path, *, writable: bool) -> sqlite3.Connection:
    """Open an existing ledger file.

    A writer that was killed leaves a hot journal: a transaction to undo before anyone may read. SQLite
    cannot undo through a read-only handle, so the file is then opened for writing once, which rolls back
    what was never committed, and closed again.

    Raises:
        sqlite3.Error: if the file cannot be opened.
        LedgerError: if it cannot be rolled back, or SQLite does not take a setting.
        NotVerified: if the file was switched to another journal mode.
    """
    if writable:
        return _open(path, "rw")
    try:
        return _open(path, "ro")
    except sqlite3.OperationalError as error:
        if not needs_rollback(error, path):
            raise
    try:
        _open(path, "rw").close()
    except sqlite3.OperationalError as error:
        raise LedgerError(
            "a writer was killed here and left a transaction to undo, which needs write permission",
            place=Place(file=str(path)),
            fix="open it once as a user who may write, or copy the file and its -journal elsewhere",
        ) from error
    return _open(path, "ro")


def needs_rollback(error: sqlite3.Error, path: Path) -> bool:
    """True if a read-only handle met the journal of a killed writer."""
    journal = path.with_name(path.name + "-journal")
    return _code(error) in (sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN) and journal.exists()


def _open(path: Path, mode: str) -> sqlite3.Connection:
    if sqlite3.sqlite_version_info < _OLDEST_SQLITE:
        raise LedgerError(f"SQLite {sqlite3.sqlite_version} is too old", fix="use 3.37 or newer")
    # as_uri() escapes what would be a query or a fragment. Transactions are explicit: isolation_level None.
    db = sqlite3.connect(f"{path.as_uri()}?mode={mode}", uri=True, isolation_level=None, timeout=BUSY_MS / 1000)
    try:
        _set(db, path, "busy_timeout", BUSY_MS)
        _set(db, path, "trusted_schema", 0)
        _set(db, path, "cell_size_check", 1)
        # 3 is EXTRA: FULL, and the removal of the journal, which is the commit, is flushed too.
        _set(db, path, "synchronous", 3)
        _set(db, path, "journal_mode", "delete")
        # The first read is what meets a hot journal or a file that is no database.
        db.execute("SELECT count(*) FROM sqlite_schema").fetchone()
    except BaseException:
        db.close()
        raise
    return db


def _set(db: sqlite3.Connection, path: Path, name: str, value: int | str) -> None:
    db.execute(f"PRAGMA {name} = {value}")
    found = db.execute(f"PRAGMA {name}").fetchone()[0]
    if found != value:
        place = Place(file=str(path))
        if name == "journal_mode":
            raise NotVerified(f"the file is in journal mode {found}, which a ledger never is", place=place)
        raise LedgerError(f"SQLite setting {name} is {found}, not {value}", place=place)


@functools.cache
def _schema() -> frozenset[tuple[object, ...]]:
    with closing(sqlite3.connect(":memory:")) as db:
        for statement in (*_TABLES, *_TRIGGERS, *_SINGLE_ROWS):
            db.execute(statement)
        return _schema_of(db)


def _schema_of(db: sqlite3.Connection) -> frozenset[tuple[object, ...]]:
    return frozenset(db.execute("SELECT type, name, tbl_name, sql FROM sqlite_schema"))


def _refuse_other_format(db: sqlite3.Connection, place: Place) -> None:
    with suppress(sqlite3.Error):
        for (form,) in db.execute("SELECT format FROM meta"):
            if isinstance(form, int) and form != FORMAT:
                raise NotVerified(OTHER.format(form), place=place, fix="read it with the release that wrote it")


def read_meta(db: sqlite3.Connection, path: Path) -> Meta:
    """Read meta, after checking that the schema is ours to the letter, triggers included.

    Raises:
        sqlite3.Error: if the file cannot be read.
        NotVerified: if it is no ledger, not a complete one, or of another format.
    """
    place = Place(file=str(path))
    if _schema_of(db) != _schema():
        _refuse_other_format(db, place)
        raise NotVerified("not a complete scalegate ledger: it is empty, or its tables or triggers differ", place=place)
    rows = db.execute("SELECT format, origin, log_key FROM meta").fetchall()
    return meta_of(rows, place)


def _code(error: Exception) -> int | None:
    # Errors of the Python module itself (a closed connection, text that is not UTF-8) carry no code. The low
    # byte is the primary result code.
    code = getattr(error, "sqlite_errorcode", None)
    return None if code is None else int(code) & 0xFF


def is_busy(error: Exception) -> bool:
    """True if another process holds the file: a matter of waiting, not of damage."""
    return _code(error) in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)


_DAMAGED = ("the file is damaged or is no ledger", "run `scalegate verify` on it, then restore from a copy")
_DENIED = ("the file cannot be opened, or not for writing", "check the path and its permissions")
_SENTENCES = {
    sqlite3.SQLITE_FULL: ("the disk is full", "free some space and append again"),
    sqlite3.SQLITE_IOERR: (
        "the disk refused to read or write",
        "check its space, limits and health, then retry",
    ),
    sqlite3.SQLITE_BUSY: HELD,
    sqlite3.SQLITE_LOCKED: HELD,
    sqlite3.SQLITE_CORRUPT: _DAMAGED,
    sqlite3.SQLITE_NOTADB: _DAMAGED,
    sqlite3.SQLITE_READONLY: _DENIED,
    sqlite3.SQLITE_CANTOPEN: _DENIED,
    sqlite3.SQLITE_PERM: _DENIED,
    sqlite3.SQLITE_CONSTRAINT: ORDER,
}


@contextmanager
def explained(path: Path) -> Iterator[None]:
    """Turn an sqlite3 error into a LedgerError that says what is wrong and what to do, damage into NotVerified."""
    try:
        yield
    except FAULTS as error:
        code = _code(error)
        unnamed = _DAMAGED if isinstance(error, UnicodeDecodeError) else ("SQLite failed", None)
        sentence, fix = unnamed if code is None else _SENTENCES.get(code, unnamed)
        kind = NotVerified if sentence == _DAMAGED[0] else LedgerError
        raise kind(f"{sentence} [{error}]", place=Place(file=str(path)), fix=fix) from error


class FileStore:
    """A ledger that is one SQLite file."""

    begin_read = "BEGIN"
    begin_write = "BEGIN IMMEDIATE"

    def __init__(self, path: Path, *, writable: bool) -> None:
        self.name = str(path)
        self._path = path
        self._writable = writable
        self._db: sqlite3.Connection | None = None

    def connection(self) -> sqlite3.Connection:
        if self._db is None:
            self._db = connect(self._path, writable=self._writable)
        return self._db

    @property
    def in_transaction(self) -> bool:
        # SQLite ends a transaction by itself on some failed reads.
        return self._db is not None and self._db.in_transaction

    def run(self, statement: str, *values: object) -> list[Row]:
        try:
            return self.connection().execute(statement, values).fetchall()
        except sqlite3.OperationalError as error:
            if self._writable or not needs_rollback(error, self._path):
                raise
        # A reader may outlive a writer that was killed: connecting anew undoes what that one left.
        self.drop()
        return self.connection().execute(statement, values).fetchall()

    def many(self, statement: str, rows: Sequence[Row]) -> None:
        self.connection().executemany(statement, rows)

    def entry_rows(self, start: int, stop: int) -> Iterator[Row]:
        return self.connection().execute(
            "SELECT position, leaf, envelope FROM entry WHERE position >= ? AND position < ? ORDER BY position",
            (start, stop),
        )

    def meta(self) -> Meta:
        return read_meta(self.connection(), self._path)

    def problems(self) -> list[str]:
        found = [str(row[0]) for row in self.run("PRAGMA integrity_check(3)")]
        return [] if found == ["ok"] else found

    @contextmanager
    def explained(self) -> Iterator[None]:
        with explained(self._path):
            yield

    @contextmanager
    def audited(self, entry: int | None) -> Iterator[None]:
        try:
            yield
        except FAULTS as error:
            place = Place(file=self.name, entry=entry)
            if is_busy(error):
                raise LedgerError("another process holds the ledger", place=place, fix="try again") from error
            if "not a database" in str(error):
                raise NotVerified(
                    "this is no ledger, or its beginning is damaged", place=place, fix="name the ledger's file"
                ) from error
            raise NotVerified(f"the database file is damaged: {error}", place=place) from error

    def drop(self) -> None:
        db, self._db = self._db, None
        if db is not None:
            with explained(self._path):
                db.close()

    def leave(self) -> None:
        LEFT.append(self._db)
        self._db = None
