"""What a ledger in a file notices: damaged side files, and rows that its owner changed; more is in `test_stores.py`."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from scalegate.errors import NotVerified
from scalegate.ledger import Ledger, SigningKey, check, merkle

Make = Callable[[int], bytes]
ORIGIN = "example.com/safety-log"


def tamper(path: Path, *statements: str) -> None:
    """What an owner can do: take the triggers away, change rows, and put the triggers back."""
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        triggers = db.execute("SELECT name, sql FROM sqlite_schema WHERE type = 'trigger'").fetchall()
        db.execute("BEGIN")
        for name, _ in triggers:
            db.execute(f"DROP TRIGGER {name}")
        for statement in statements:
            db.execute(statement)
        for _, sql in triggers:
            db.execute(sql)
        db.execute("COMMIT")


def test_a_side_file_that_is_behind_is_moved_forward(
    ledger: Ledger, path: Path, tmp_path: Path, log_key: SigningKey, envelope: Make
) -> None:
    side = tmp_path / "run.ledger.head"
    empty = side.read_bytes()
    ledger.append([envelope(0)])
    old = side.read_bytes()
    ledger.append([envelope(1)])
    new = side.read_bytes()
    assert new == f"2 {ledger.root().hex()}\n".encode()
    for stale in (empty, old):
        side.write_bytes(stale)
        with Ledger.open(path) as reader:
            assert reader.size == 2
        assert side.read_bytes() == stale
        Ledger.open(path, log_key=log_key).close()
        assert side.read_bytes() == new


def test_a_missing_side_file_is_made_again_and_a_damaged_one_refused(
    ledger: Ledger, path: Path, tmp_path: Path, log_key: SigningKey, envelope: Make
) -> None:
    side = tmp_path / "run.ledger.head"
    ledger.append([envelope(0)])
    ledger.close()
    side.unlink()
    with Ledger.open(path, log_key=log_key) as writer:
        writer.append([envelope(1)])
        assert side.read_text().startswith("2 ")
        for damaged in ("", "2", "02 " + "0" * 64 + "\n", "2 " + "0" * 63 + "\n"):
            side.write_text(damaged)
            with pytest.raises(NotVerified, match="side file"):
                writer.append([envelope(2)])
            with pytest.raises(NotVerified, match="side file"):
                Ledger.open(path)


def test_an_edit_with_its_leaf_hash_is_found_at_the_next_signed_size(
    ledger: Ledger, path: Path, envelope: Make
) -> None:
    ledger.append([envelope(0), envelope(1)])
    ledger.append([envelope(2)])
    ledger.close()
    forged = envelope(99)
    tamper(
        path,
        f"UPDATE entry SET envelope = x'{forged.hex()}', leaf = x'{merkle.leaf_hash(forged).hex()}' WHERE position = 0",
    )
    with pytest.raises(NotVerified, match="signed at size 2"):
        check(path)


@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM entry WHERE position = 1",
        "DELETE FROM entry WHERE position = 2",
        "DELETE FROM checkpoint WHERE size = 3",
        "UPDATE head SET size = 2",
        "UPDATE head SET frontier = x'0000000000000003" + "00" * 64 + "'",
    ],
)
def test_nothing_is_signed_on_top_of_parts_that_disagree(
    ledger: Ledger, path: Path, log_key: SigningKey, envelope: Make, statement: str
) -> None:
    ledger.append([envelope(number) for number in range(3)])
    tamper(path, statement)
    if "position = 1" not in statement:
        with pytest.raises(NotVerified):
            ledger.append([envelope(3)])
    with pytest.raises(NotVerified):
        Ledger.open(path, log_key=log_key)


def test_an_audit_tells_how_far_it_is(ledger: Ledger, path: Path, envelope: Make) -> None:
    ledger.append([envelope(number) for number in range(600)])
    seen: list[tuple[int, int]] = []
    check(path, progress=lambda done, total: seen.append((done, total)))
    assert seen == [(256, 600), (512, 600), (600, 600)]
