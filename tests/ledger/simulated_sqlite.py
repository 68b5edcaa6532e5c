"""Connections to the simulated disk that look like those of `sqlite3`, so that the ledger is run as it is."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, TypeVar

import apsw

__all__ = ["Sqlite"]

T = TypeVar("T")
_KINDS: tuple[tuple[type[apsw.Error], type[sqlite3.Error]], ...] = (
    (apsw.ConstraintError, sqlite3.IntegrityError),
    (apsw.CorruptError, sqlite3.DatabaseError),
    (apsw.NotADBError, sqlite3.DatabaseError),
    (apsw.Error, sqlite3.OperationalError),
)


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except apsw.Error as error:
        kind = next(theirs for ours, theirs in _KINDS if isinstance(error, ours))
        raised = kind(str(error))
        raised.sqlite_errorcode = getattr(error, "extendedresult", apsw.SQLITE_ERROR)
        raise raised from error


class Rows:
    """What a statement gives, read as it is asked for."""

    def __init__(self, rows: apsw.Cursor) -> None:
        self._rows = rows

    def fetchall(self) -> list[Any]:
        with _translated():
            return list(self._rows)

    def fetchone(self) -> Any:
        with _translated():
            return next(self._rows, None)

    def __iter__(self) -> Iterator[Any]:
        while (row := self.fetchone()) is not None:
            yield row


class Connection:
    """A connection, made by a process of the simulation: when it is used, it is that one's turn."""

    def __init__(self, file: str, vfs: str, turn: Callable[[], None]) -> None:
        self._turn = turn
        flags = apsw.SQLITE_OPEN_READWRITE | apsw.SQLITE_OPEN_CREATE | apsw.SQLITE_OPEN_URI
        turn()
        with _translated():
            self._db = apsw.Connection(file, flags=flags, vfs=vfs)

    @property
    def in_transaction(self) -> bool:
        return bool(self._db.in_transaction)

    def execute(self, statement: str, values: Sequence[Any] = ()) -> Rows:
        self._turn()
        with _translated():
            return Rows(self._db.execute(statement, values))

    def executemany(self, statement: str, rows: Sequence[Sequence[Any]]) -> None:
        self._turn()
        with _translated():
            self._db.executemany(statement, rows)

    def close(self) -> None:
        self._turn()
        with _translated():
            self._db.close(True)


class Sqlite:
    """Stands in for the module `sqlite3` where the ledger opens its file; all else is that module's."""

    def __init__(self, vfs: str, process: Callable[[], int], turn: Callable[[int], None]) -> None:
        self._vfs, self._process, self._turn = vfs, process, turn

    def __getattr__(self, name: str) -> Any:
        return getattr(sqlite3, name)

    def connect(self, file: str, *, uri: bool, isolation_level: None, timeout: float) -> Connection:
        assert uri
        process = self._process()
        return Connection(file, self._vfs, lambda: self._turn(process))
