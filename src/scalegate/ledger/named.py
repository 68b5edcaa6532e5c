"""How a ledger is named: by its SQLite file, by a file that holds the address of one in PostgreSQL, or by that address.

A file that names a ledger lies where the ledger itself would, so that all that is kept beside a ledger, the remembered
head above all, is kept beside it. An address by itself has no such place: a ledger so named can be read only.

No message shows a password that an address holds. What is shown is what is known to be none: parts of the form that an
address has, and parameters by name. An address of another form is shown as nothing but that, and connects nowhere.

A file may come from somebody else, and decides where whoever reads it connects. So what it may hold is only this too:
nothing that names a password, a file with some, or another machine than its host.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path

from scalegate.errors import InputError, LedgerError, Place

__all__ = ["Where", "check_address", "check_form", "is_address", "shown", "where"]

_SCHEMES = ("postgresql://", "postgres://")
_PLAIN = "postgresql://HOST/DATABASE?schema=NAME"
_HOST = r"(?:\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._~%-]*)(?::[0-9]{0,5})?"
_FORM = re.compile(
    rf"(postgres(?:ql)?://(?:[A-Za-z0-9._~%+-]*(?=[:@]))?)(:[^@/?#]*(?=@))?(@?{_HOST}(?:,{_HOST})*(?:/[A-Za-z0-9._~%+-]*)?)"
    r"(?:\?([^?#]*))?"
)
"""What comes before a password, the password, what comes after it, and the parameters."""
_VALUE = re.compile("[A-Za-z0-9._~/:%,+-]*")
# An escaped sign of an address may be one of a password that was escaped as a whole.
_ESCAPED = re.compile("%(?:23|26|3a|3d|3f|40)", re.IGNORECASE)
_LIKE = re.compile(r"\s*[a-z][a-z0-9+.-]+:/|.*passw(?:or)?d\s*=", re.IGNORECASE | re.DOTALL)
_PARAMETERS = (
    *("schema", "host", "port", "user", "sslmode", "sslrootcert", "sslcert", "sslkey", "channel_binding", "gssencmode"),
    *("application_name", "connect_timeout", "target_session_attrs", "tcp_user_timeout"),
    *("keepalives", "keepalives_idle", "keepalives_interval", "keepalives_count"),
)
"""Of libpq, and `schema`: those that are shown, and that a file may have."""
_NOT_SHOWN = "postgresql://***"
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
    """What names a ledger, as a message may show it: an address without its password, and nothing that may be one."""
    if not isinstance(given, str) or not is_address(given):
        return _NOT_SHOWN if _LIKE.match(str(given)) else str(given)
    form = _FORM.fullmatch(given)
    if form is None or _ESCAPED.search(before := form[1] + form[3]):
        return _NOT_SHOWN
    kept = [part for part in (form[4] or "").split("&") if _is_plain(part)]
    return before + ("?" if kept else "") + "&".join(kept)


def _is_plain(parameter: str) -> bool:
    name, is_said, value = parameter.partition("=")
    return bool(is_said and name in _PARAMETERS and _VALUE.fullmatch(value) and not _ESCAPED.search(value))


def check_form(address: str, place: Place) -> None:
    """Raises InputError for an address of which it cannot be told what in it is a password."""
    if not is_address(address) or shown(address) == _NOT_SHOWN or not address.isprintable():
        fix = f"{_PLAIN}; a password in it is written with each sign but letters and digits as %XX"
        raise InputError("this is no address of a ledger in PostgreSQL", place=place, fix=fix)


def check_address(address: str, place: Place) -> None:
    """Raises InputError for what no file may name a ledger by: what is no address, or one that holds more than where
    the ledger is. Files are copied and shown to others, and come from others."""
    check_form(address, place)
    if len(address.encode()) > _MOST // 2:
        raise InputError("this is no address of a ledger in PostgreSQL", place=place, fix=_PLAIN)
    if shown(address) != address:
        raise InputError(
            "the address holds a password, or what a file that names a ledger may not have",
            place=place,
            fix="a password is taken from `PGPASSWORD` or ~/.pgpass; after `?` come " + ", ".join(_PARAMETERS),
        )


def where(given: str | Path, *, fix: str = "create it first") -> Where:
    """Where the ledger is that this names.

    Raises LedgerError, with `fix`, if there is no such file, and InputError for one that names no ledger as it should.
    """
    if isinstance(given, str) and is_address(given):
        return Where(shown(given), None, given)
    file = Path(given).resolve()
    if _LIKE.match(str(given)) and not file.is_file():
        what = "this reads like the address of a database, and is none of a ledger in PostgreSQL"
        raise InputError(what, fix=_PLAIN)
    place = Place(file=str(file))
    if not file.is_file():
        raise LedgerError("there is no ledger here", place=place, fix=fix)
    try:
        # A larger file is not opened: closing such a handle would drop the locks that SQLite holds in this process.
        data = file.read_bytes() if file.stat().st_size <= _MOST else b""
    except OSError as error:
        raise LedgerError(f"the file cannot be read: {error.strerror}", place=place) from error
    if data.startswith(b"log "):
        raise InputError(
            "this names a ledger that is served elsewhere",
            place=place,
            fix="`status` and the commands with which people sign take it; do anything else where the ledger is",
        )
    if not data.startswith(tuple(it.encode() for it in _SCHEMES)):
        return Where(str(file), file)
    try:
        address = data.decode().removesuffix("\n")
    except UnicodeDecodeError:
        raise InputError("the address in this file is not UTF-8", place=place) from None
    check_address(address, place)
    return Where(str(file), file, address)
