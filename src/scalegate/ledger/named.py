"""How a ledger is named: by its SQLite file, by a file that holds the address of one in PostgreSQL, or by that address.

A file that names a ledger lies where the ledger itself would, so that all that is kept beside a ledger, the remembered
head above all, is kept beside it. An address by itself has no such place: a ledger so named can be read only. No
message shows a password that an address holds.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import unquote

from scalegate.errors import InputError, LedgerError, Place

__all__ = ["Where", "check_address", "is_address", "shown", "where"]

_SCHEMES = ("postgresql://", "postgres://")
_SECRET = ("password", "sslpassword")
_MOST = 2_000
"""Bytes of a file that names a ledger: fewer than any ledger file has."""


@dataclass(frozen=True)
class Where:
    """Where a ledger is."""

    name: str
    """How messages call it."""
    file: Path | None
    """The file that it is, or that names it."""
    address: str | None = field(default=None, repr=False)
    """The address of its database, if that is in PostgreSQL; it may hold a password."""

    @property
    def place(self) -> Place:
        return Place(file=self.name)


def is_address(given: str | Path) -> bool:
    """Whether this is the address of a database, and no path."""
    return isinstance(given, str) and given.startswith(_SCHEMES)


def shown(given: str | Path) -> str:
    """What names a ledger, as a message may show it: an address without its password."""
    if not isinstance(given, str) or not is_address(given):
        return str(given)
    scheme, _, rest = given.partition("://")
    # Up to the last @: whoever wrote a password into it may have escaped nothing.
    said, at, rest = rest.rpartition("@")
    rest, mark, query = rest.partition("?")
    kept = [part for part in query.split("&") if unquote(part.partition("=")[0]) not in _SECRET]
    return f"{scheme}://{said.partition(':')[0]}{at}{rest}{mark if query else ''}{'&'.join(kept)}"


def check_address(address: str, place: Place) -> None:
    """Raises InputError for what is no address, or one with a password: files are copied and shown to others."""
    if not is_address(address) or len(address.encode()) > _MOST // 2 or not address.isprintable():
        raise InputError(
            "this is no address of a ledger in PostgreSQL", place=place, fix="postgresql://HOST/DATABASE?schema=NAME"
        )
    if shown(address) != address:
        raise InputError(
            "the address holds a password, or reads as if it did, and a file with it is copied and shown to others",
            place=place,
            fix="leave it out of the address: libpq takes it from `PGPASSWORD` or ~/.pgpass",
        )


def where(given: str | Path, *, fix: str = "create it first") -> Where:
    """Where the ledger is that this names.

    Raises LedgerError, with `fix`, if there is no such file, and InputError for one that names no ledger as it should.
    """
    if isinstance(given, str) and is_address(given):
        return Where(shown(given), None, given)
    file = Path(given).resolve()
    place = Place(file=str(file))
    if not file.is_file():
        raise LedgerError("there is no ledger here", place=place, fix=fix)
    try:
        # A larger file is not opened: closing such a handle would drop the locks that SQLite holds in this process.
        data = file.read_bytes() if file.stat().st_size <= _MOST else b""
    except OSError as error:
        raise LedgerError(f"the file cannot be read: {error.strerror}", place=place) from error
    if not data.startswith(tuple(it.encode() for it in _SCHEMES)):
        return Where(str(file), file)
    try:
        address = data.decode().removesuffix("\n")
    except UnicodeDecodeError:
        raise InputError("the address in this file is not UTF-8", place=place) from None
    check_address(address, place)
    return Where(str(file), file, address)
