"""What a ledger is kept in: the interface that an SQLite file and a schema of PostgreSQL both have.

The tables are the same in both, and so is the SQL, with `?` for values: what a ledger does is written once, above.
A store adds only what differs: how it is opened and locked, what its errors mean, and how its schema is checked.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, Protocol

from scalegate.errors import InputError, NotVerified, Place
from scalegate.ledger.keys import VerifyKey

__all__ = ["BUSY_MS", "FORMAT", "HELD", "LEFT", "ORDER", "OTHER", "Meta", "Row", "Store", "meta_of"]

FORMAT = 3
BUSY_MS = 10_000
HELD = (f"another process has held the ledger for over {BUSY_MS // 1000} s", "try again")
ORDER = ("a ledger only grows, in order", "append through Ledger.append")
OTHER = f"ledger format {{}} is not known here, only {FORMAT}"
LEFT: list[object] = []
"""Connections of a parent process, which a child may neither use nor close."""
Row = tuple[Any, ...]


@dataclass(frozen=True)
class Meta:
    """What a ledger says about itself, fixed when it is created."""

    origin: str
    log_key: VerifyKey


class Store(Protocol):
    """The tables of one ledger. It connects when first used, and again after `drop`. Not across a fork."""

    name: str
    """How messages call it."""
    begin_read: str
    """The statement that begins one view of all tables."""
    begin_write: str
    """The statement that begins a transaction, and returns when nobody else writes."""

    def connection(self) -> Any:
        """The connection to the database."""

    @property
    def in_transaction(self) -> bool:
        """Whether a transaction is under way, in which nothing has failed."""

    def run(self, statement: str, *values: object) -> list[Row]:
        """Run one statement, and return its rows. What fails raises errors of the database."""

    def many(self, statement: str, rows: Sequence[Row]) -> None:
        """Run one statement for each of `rows`."""

    def entry_rows(self, start: int, stop: int) -> Iterator[Row]:
        """Position, leaf hash and envelope of each entry there is: what cannot be read fails when its turn comes."""

    def meta(self) -> Meta:
        """What the ledger says about itself. Raises NotVerified unless its schema is ours to the letter."""

    def problems(self) -> list[str]:
        """What is wrong with the database below its tables, as far as the database can tell."""

    def explained(self) -> AbstractContextManager[None]:
        """Turn an error of the database into one that says what is wrong, and what to do."""

    def audited(self, entry: int | None) -> AbstractContextManager[None]:
        """The same in an audit, where what cannot be read is damage: to `entry`, if one was being read."""

    def drop(self) -> None:
        """Let the connection go, and with it what it has not committed."""

    def leave(self) -> None:
        """In a forked child: the connection is its parent's, and is not even closed."""


def meta_of(rows: Sequence[Row], place: Place) -> Meta:
    """What stands in the table meta. Raises NotVerified unless it is one row of this format."""
    if len(rows) != 1:
        raise NotVerified("not a complete scalegate ledger: meta is not one row", place=place)
    form, origin, log_key = rows[0]
    if form != FORMAT:
        raise NotVerified(OTHER.format(form), place=place)
    try:
        return Meta(str(origin), VerifyKey.from_text(str(log_key)))
    except InputError as error:
        raise NotVerified(f"the log key in meta is damaged: {error.message}", place=place) from error
