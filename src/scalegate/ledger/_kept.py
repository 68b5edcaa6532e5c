"""Where a ledger is kept is decided here, and nowhere above: in an SQLite file, or in PostgreSQL."""

from __future__ import annotations

import secrets
from pathlib import Path
from types import ModuleType

from scalegate.errors import LedgerError, Place, lacking
from scalegate.ledger import _database, _files, _memory
from scalegate.ledger._stores import Meta, Store
from scalegate.ledger.named import Where, check_address

__all__ = ["build", "discard", "store_of"]


def store_of(at: Where, *, writable: bool) -> Store:
    """The store of the ledger there. It is not connected to yet. Raises InputError where a package is missing."""
    if at.address is not None:
        made: Store = _driver().SchemaStore(at, writable=writable)
        return made
    assert at.file is not None
    return _database.FileStore(at.file, writable=writable)


def build(file: Path, meta: Meta, address: str | None) -> None:
    """Make an empty ledger in the new file `file`, or one in PostgreSQL that this file names.

    The file appears whole or, if the process is killed, not at all. Raises LedgerError if there is a file, or the
    remains of one, in that place, or something in the schema of the address.
    """
    # A leftover journal would be played back into the new file; a leftover memory means a lost ledger.
    for taken in (file, file.with_name(file.name + "-journal"), _memory.file_for(file)):
        if taken.exists():
            raise _exists(taken)
    try:
        if address is None:
            _build_file(file, meta)
        else:
            _build_schema(file, meta, address)
    except FileExistsError as error:
        raise _exists(file) from error
    except OSError as error:
        raise LedgerError(f"cannot be created: {error.strerror}", place=Place(file=str(file))) from error


def discard(at: Where, origin: str) -> None:
    """Remove a ledger in PostgreSQL that was just made, and that nobody uses. Raises LedgerError if it cannot be.

    It is not removed if it is of another origin: then it is not the one that is meant.
    """
    if at.address is not None:
        _driver().discard(at, origin)


def _build_file(file: Path, meta: Meta) -> None:
    aside = file.with_name(f".{file.name}.{secrets.token_hex(6)}")
    try:
        with _database.explained(file):
            _database.build(aside, meta)
        _files.publish(aside, file)
    finally:
        aside.unlink(missing_ok=True)
        aside.with_name(aside.name + "-journal").unlink(missing_ok=True)


def _build_schema(file: Path, meta: Meta, address: str) -> None:
    at = Where(str(file), file, address)
    check_address(address, at.place)
    # The tables first: a file that names what is not there yet could be taken for a lost ledger.
    _driver().build(at, meta)
    try:
        _files.create(file, f"{address}\n".encode(), mode=0o644)
    except BaseException:
        discard(at, meta.origin)
        raise


def _driver() -> ModuleType:
    try:
        from scalegate.ledger import _postgres
    except ImportError as error:
        # Also where psycopg is installed, and the library of PostgreSQL that it needs is not.
        raise lacking("a ledger in PostgreSQL", "psycopg", "postgres") from error
    return _postgres


def _exists(file: Path) -> LedgerError:
    fix = "open it, or choose another path; a -journal or .head file belongs to the ledger that was here"
    return LedgerError("a file is there already", place=Place(file=str(file)), fix=fix)
