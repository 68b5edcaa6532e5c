"""Every byte of a small ledger file, every field of every row of a larger one: a change is found, or changes nothing.

SCALEGATE_FLIPS=1 takes every byte and entry; without, each 29th, and the entries at
the ends of tiles. Both counts are printed (`pytest -s`).
"""

from __future__ import annotations

import sqlite3
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from effort import stride
from scalegate.errors import LedgerError, NotVerified
from scalegate.ledger import Ledger, check

Make = Callable[[int], bytes]
STEP = stride(29)
FIELDS = {
    "entry": ("position", "leaf", "envelope"),
    "checkpoint": ("size", "note"),
    "tile": ("level", "number", "root", "hashes"),
    "sent": ("size", "first", "id", "digest"),
    "head": ("size", "frontier"),
    "meta": ("format", "origin", "log_key"),
}


def read_back(path: Path) -> tuple[Any, ...]:
    """Everything that anybody reads of a ledger."""
    with Ledger.open(path) as ledger:
        found = (ledger.origin, ledger.log_verify_key, ledger.size, ledger.root())
        return (*found, list(ledger.entries()), list(ledger.checkpoints()), ledger.tree().root())


def test_every_flipped_byte_of_a_file_is_found_or_changes_nothing(
    ledger: Ledger, path: Path, tmp_path: Path, envelope: Make
) -> None:
    ledger.append([envelope(0), envelope(1)])
    ledger.append([envelope(2)])
    ledger.close()
    known, data = read_back(path), path.read_bytes()
    copy = tmp_path / "copy" / path.name
    copy.parent.mkdir()
    refused = same = 0
    for at in range(0, len(data), STEP):
        copy.write_bytes(data[:at] + bytes([data[at] ^ (1 << at % 8)]) + data[at + 1 :])
        try:
            check(copy)
            found = read_back(copy)
        except (NotVerified, LedgerError):
            refused += 1
            continue
        assert found == known, at
        same += 1
    sys.stdout.write(f"{refused + same} of {len(data)} bytes flipped: {refused} refused, {same} read back the same\n")
    assert refused > same / 20


def fields_of(path: Path) -> Iterator[tuple[str, str, int]]:
    with closing(sqlite3.connect(path)) as db:
        for table, columns in FIELDS.items():
            rows = [row for (row,) in db.execute(f"SELECT rowid FROM {table}").fetchall()]
            # An entry is much as the next: the first and last of all and of a tile, and others between.
            ends = {0, 1, 254, 255, 256, 257, len(rows) - 1} if table == "entry" else {*rows}
            for row in (it for it in rows if it % STEP == 0 or it in ends):
                yield from ((table, column, row) for column in columns)


def changed(value: object) -> object:
    if isinstance(value, int):
        return value + 1_000
    if isinstance(value, str):
        return value[:-3] + ("A" if value[-3] != "A" else "B") + value[-2:]
    assert isinstance(value, bytes)
    middle = len(value) // 2
    return value[:middle] + bytes([value[middle] ^ 0x10]) + value[middle + 1 :]


@pytest.mark.parametrize("size", [270])
def test_every_field_of_every_row_that_was_changed_is_found(
    ledger: Ledger, path: Path, envelope: Make, size: int
) -> None:
    for start in range(0, size, 30):
        ledger.append([envelope(number) for number in range(start, start + 30)], once=f"stretch {start}")
    ledger.close()
    with closing(sqlite3.connect(path)) as db, db:
        # A writer that nothing stops: the schema is what an audit looks at first, so it is put back each time.
        triggers = db.execute("SELECT name, sql FROM sqlite_schema WHERE type = 'trigger'").fetchall()
    found, fields = 0, list(fields_of(path))
    entries = len({row for table, _, row in fields if table == "entry"})
    assert entries >= size // STEP
    for table, column, row in fields:
        with closing(sqlite3.connect(path)) as db, db:
            for name, _ in triggers:
                db.execute(f"DROP TRIGGER {name}")
            db.execute("PRAGMA synchronous = 0")
            (before,) = db.execute(f"SELECT {column} FROM {table} WHERE rowid = ?", (row,)).fetchone()
            db.execute("PRAGMA ignore_check_constraints = 1")
            db.execute(f"UPDATE {table} SET {column} = ? WHERE rowid = ?", (changed(before), row))
            (there,) = db.execute(f"SELECT rowid FROM {table} WHERE {column} = ?", (changed(before),)).fetchone()
            for _, sql in triggers:
                db.execute(sql)
        with pytest.raises(NotVerified):
            check(path)
        found += 1
        with closing(sqlite3.connect(path)) as db, db:
            for name, _ in triggers:
                db.execute(f"DROP TRIGGER {name}")
            db.execute("PRAGMA synchronous = 0")
            db.execute("PRAGMA ignore_check_constraints = 1")
            db.execute(f"UPDATE {table} SET {column} = ? WHERE rowid = ?", (before, there))
            for _, sql in triggers:
                db.execute(sql)
    assert check(path).size == size
    sys.stdout.write(f"{found} fields changed, {found} found\n")
    assert found == 3 * entries + 2 * (size // 30) + 4 * (size // 30) + 4 + 2 + 3
