"""The ledger in a file: what it keeps and refuses, and what a killed writer leaves; more is in `test_stores.py`."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from scalegate.errors import InputError, LedgerError, NotVerified
from scalegate.ledger import Ledger, SigningKey, check
from scalegate.ledger import _database as database

Make = Callable[[int], bytes]
ORIGIN = "example.com/safety-log"


def run_python(code: str, *arguments: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", code, *map(str, arguments)],
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


# --- keeping ------------------------------------------------------------------------------------------


def test_long_ranges_are_read_whole_while_the_ledger_grows(ledger: Ledger, envelope: Make) -> None:
    made = [envelope(number) for number in range(300)]
    ledger.append(made)
    walk = ledger.entries()
    first = next(walk)
    ledger.append([envelope(300)])
    assert [first, *walk] == list(enumerate(made))


def test_the_path_may_hold_any_character(tmp_path: Path, log_key: SigningKey, envelope: Make) -> None:
    path = tmp_path / "a b?mode=ro#%41é.ledger"
    with Ledger.create(path, origin=ORIGIN, log_key=log_key) as made:
        made.append([envelope(1)])
    assert sorted(item.name for item in tmp_path.iterdir()) == [path.name, path.name + ".head"]
    assert check(path).size == 1


def test_settings_are_those_that_were_promised(ledger: Ledger, path: Path) -> None:
    with closing(database.connect(path, writable=True)) as db:
        found = {
            name: db.execute(f"PRAGMA {name}").fetchone()[0]
            for name in ("journal_mode", "synchronous", "trusted_schema", "busy_timeout")
        }
    assert found == {"journal_mode": "delete", "synchronous": 3, "trusted_schema": 0, "busy_timeout": 10_000}


# --- refusing -----------------------------------------------------------------------------------------


def test_an_existing_file_is_not_made_into_a_ledger(tmp_path: Path, log_key: SigningKey) -> None:
    for name in ("x", "x-journal", "x.head"):
        (tmp_path / name).write_text("precious")
        with pytest.raises(LedgerError, match="already"):
            Ledger.create(tmp_path / "x", origin=ORIGIN, log_key=log_key)
        assert [item.name for item in tmp_path.iterdir()] == [name]
        assert (tmp_path / name).read_text() == "precious"
        (tmp_path / name).unlink()
    with pytest.raises(InputError):
        Ledger.create(tmp_path / "x", origin="two\nlines", log_key=log_key)
    with pytest.raises(LedgerError):
        Ledger.create(tmp_path / "none" / "x", origin=ORIGIN, log_key=log_key)


@pytest.mark.parametrize("content", [b"", b"SQLite format 3\x00", b"text\n" * 2_000])
def test_a_file_that_is_no_ledger_is_not_opened(path: Path, log_key: SigningKey, content: bytes) -> None:
    path.write_bytes(content)
    for key in (None, log_key):
        with pytest.raises((LedgerError, NotVerified)):
            Ledger.open(path, log_key=key)
    with pytest.raises(NotVerified):
        check(path)
    assert path.read_bytes() == content


def test_there_must_be_a_file(path: Path) -> None:
    for action in (Ledger.open, check):
        with pytest.raises(LedgerError, match="no ledger"):
            action(path)
    assert not path.exists()


@pytest.mark.parametrize(
    "statement",
    [
        "INSERT OR REPLACE INTO entry SELECT 0, leaf, envelope FROM entry WHERE position = 1",
        "REPLACE INTO entry SELECT * FROM entry WHERE position = 1",
        "UPDATE OR REPLACE entry SET position = 0 WHERE position = 1",
        "INSERT OR REPLACE INTO checkpoint VALUES (2, '')",
        "INSERT OR REPLACE INTO head VALUES (1, 0, x'')",
        "INSERT OR REPLACE INTO meta VALUES (1, 1, '', '')",
    ],
)
def test_rows_cannot_be_replaced_by_accident(ledger: Ledger, path: Path, envelope: Make, statement: str) -> None:
    ledger.append([envelope(0), envelope(1)])
    with closing(sqlite3.connect(path, isolation_level=None)) as db, pytest.raises(sqlite3.IntegrityError):
        db.execute(statement)
    assert check(path).size == 2


# --- made under the lock --------------------------------------------------------------------------------------------


def test_what_makes_the_entries_sees_the_ledger_and_can_stop_the_append(
    ledger: Ledger, path: Path, envelope: Make
) -> None:
    ledger.append([envelope(0)])
    before = path.read_bytes()
    seen: list[object] = []

    class NotToday(Exception):
        pass

    def make() -> list[bytes]:
        seen.append((ledger.size, list(ledger.entries())))
        raise NotToday

    with pytest.raises(NotToday):
        ledger.append(make)
    assert seen == [(1, [(0, envelope(0))])]
    assert path.read_bytes() == before
    assert ledger.append(lambda: [envelope(1)]).size == 2
    assert check(path).size == 2


def test_entries_are_made_under_the_write_lock(ledger: Ledger, path: Path, envelope: Make) -> None:
    def make() -> list[bytes]:
        with (
            closing(sqlite3.connect(path, timeout=0, isolation_level=None)) as other,
            pytest.raises(sqlite3.OperationalError, match="locked"),
        ):
            other.execute("BEGIN IMMEDIATE")
        return [envelope(0)]

    assert ledger.append(make).size == 1


def test_errors_of_somebody_elses_database_are_passed_on(ledger: Ledger, envelope: Make) -> None:
    def make() -> list[bytes]:
        raise sqlite3.OperationalError("mine")

    with pytest.raises(sqlite3.OperationalError, match="mine"):
        ledger.append(make)
    assert ledger.size == 0


# --- killed writers -----------------------------------------------------------------------------------

HALF_DONE = """
import os, signal, sqlite3, sys
db = sqlite3.connect(sys.argv[1], isolation_level=None)
db.execute("PRAGMA cache_size = 2")
db.execute("BEGIN IMMEDIATE")
for position in range(1, 60):
    db.execute("INSERT INTO entry VALUES (?, zeroblob(32), zeroblob(9000))", (position,))
os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.parametrize("first", ["open", "check", "append", "old reader"])
def test_a_half_written_transaction_is_undone_by_whoever_comes_next(
    ledger: Ledger, path: Path, log_key: SigningKey, envelope: Make, first: str
) -> None:
    ledger.append([envelope(0)])
    reader = Ledger.open(path)
    ledger.close()
    assert run_python(HALF_DONE, path).returncode == -signal.SIGKILL
    assert path.with_name("run.ledger-journal").stat().st_size > 0
    assert path.stat().st_size > 300_000
    if first == "open":
        with Ledger.open(path) as other:
            assert list(other.entries()) == [(0, envelope(0))]
    elif first == "append":
        with Ledger.open(path, log_key=log_key) as writer:
            assert writer.append([envelope(1)]).first == 1
    elif first == "old reader":
        assert reader.size == 1
    assert check(path).size == (2 if first == "append" else 1)
    assert not path.with_name("run.ledger-journal").exists()
    reader.close()


KILLED_CREATE = """
import os, signal, sys
from scalegate.ledger import Ledger, SigningKey, _database, _files
kill = lambda *_: os.kill(os.getpid(), signal.SIGKILL)
if sys.argv[2] == "before build":
    _database.build = kill
elif sys.argv[2] == "before publish":
    os.link = kill
else:
    _files.sync_directory = kill
Ledger.create(sys.argv[1], origin="o", log_key=SigningKey("o", bytes(32)))
"""


@pytest.mark.parametrize("moment", ["before build", "before publish", "after publish"])
def test_a_kill_while_creating_leaves_a_whole_ledger_or_none(path: Path, moment: str) -> None:
    assert run_python(KILLED_CREATE, path, moment).returncode == -signal.SIGKILL
    key = SigningKey("o", bytes(32))
    if moment == "after publish":
        with Ledger.open(path, log_key=key) as made:
            assert made.size == 0
    else:
        assert not path.exists()
        with Ledger.create(path, origin="o", log_key=key) as made:
            assert made.size == 0
    assert check(path).size == 0
