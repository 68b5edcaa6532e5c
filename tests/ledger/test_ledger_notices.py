"""What a ledger notices: older copies, forks, damaged side files, and rows that its owner changed."""

from __future__ import annotations

import shutil
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


def test_a_ledger_put_back_from_an_older_copy_is_refused(
    ledger: Ledger, path: Path, tmp_path: Path, log_key: SigningKey, envelope: Make
) -> None:
    ledger.append([envelope(0), envelope(1)])
    shutil.copy(path, tmp_path / "backup")
    ledger.append([envelope(2)])
    ledger.close()
    shutil.copy(tmp_path / "backup", path)
    for key in (None, log_key):
        with pytest.raises(NotVerified, match=r"2 entries, but had 3"):
            Ledger.open(path, log_key=key)
    # An open handle notices as well, and nothing is signed.
    (tmp_path / "run.ledger.head").rename(tmp_path / "aside")
    with Ledger.open(path, log_key=log_key) as writer:
        (tmp_path / "aside").rename(tmp_path / "run.ledger.head")
        with pytest.raises(NotVerified, match=r"2 entries, but had 3"):
            writer.append([envelope(3)])
        assert writer.size == 2


def test_a_fork_of_the_same_or_a_larger_size_is_refused(
    ledger: Ledger, path: Path, tmp_path: Path, log_key: SigningKey, envelope: Make
) -> None:
    fork = tmp_path / "fork"
    ledger.append([envelope(0)])
    shutil.copy(path, fork)
    ledger.append([envelope(1), envelope(2)])
    with Ledger.open(fork, log_key=log_key) as other:
        for number in (7, 8):
            other.append([envelope(number)])
            shutil.copy(fork, tmp_path / f"fork-{other.size}")
        other.append([envelope(9)])
    for forged in (tmp_path / "fork-3", fork):
        shutil.copy(forged, path)
        with pytest.raises(NotVerified, match="not a growth"):
            Ledger.open(path)


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


@pytest.mark.parametrize(
    ("statement", "entry"),
    [
        ("UPDATE entry SET envelope = (SELECT envelope FROM entry WHERE position = 3) WHERE position = 2", 2),
        ("UPDATE entry SET leaf = (SELECT leaf FROM entry WHERE position = 3) WHERE position = 2", 2),
        ("DELETE FROM entry WHERE position = 2", 2),
        ("DELETE FROM entry WHERE position = 5", 5),
        ("UPDATE entry SET position = position + 10 WHERE position = 5", 5),
        ("INSERT INTO entry SELECT 6, leaf, envelope FROM entry WHERE position = 0", 6),
        ("DELETE FROM checkpoint WHERE size = 6", None),
        ("UPDATE checkpoint SET size = 3 WHERE size = 2", 2),
        ("UPDATE checkpoint SET note = (SELECT note FROM checkpoint WHERE size = 6) WHERE size = 2", 1),
        ("UPDATE checkpoint SET note = replace(note, 'example', 'exemple') WHERE size = 2", 1),
        ("UPDATE meta SET origin = 'example.com/other'", 1),
        ("UPDATE meta SET format = 2", None),
        ("UPDATE meta SET log_key = 'x'", None),
        ("UPDATE head SET size = 5", None),
        ("UPDATE head SET frontier = zeroblob(72)", None),
        ("INSERT INTO checkpoint SELECT 7, note FROM checkpoint WHERE size = 6", None),
    ],
)
def test_an_audit_finds_what_an_owner_changed(
    ledger: Ledger, path: Path, log_key: SigningKey, envelope: Make, statement: str, entry: int | None
) -> None:
    ledger.append([envelope(0), envelope(1)])
    ledger.append([envelope(number) for number in range(2, 6)])
    ledger.close()
    tamper(path, statement)
    with pytest.raises(NotVerified) as caught:
        check(path)
    assert caught.value.place is not None
    assert caught.value.place.file == str(path)
    assert caught.value.place.entry == entry


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


def test_a_damaged_entry_is_named_when_it_is_read(ledger: Ledger, path: Path, envelope: Make) -> None:
    ledger.append([envelope(number) for number in range(4)])
    tamper(path, "UPDATE entry SET envelope = x'00' WHERE position = 2")
    walk = ledger.entries()
    assert [next(walk)[0], next(walk)[0]] == [0, 1]
    with pytest.raises(NotVerified) as caught:
        next(walk)
    assert caught.value.place is not None
    assert caught.value.place.entry == 2
    assert ledger.entry(3) == envelope(3)


def test_an_audit_tells_how_far_it_is(ledger: Ledger, path: Path, envelope: Make) -> None:
    ledger.append([envelope(number) for number in range(600)])
    seen: list[tuple[int, int]] = []
    check(path, progress=lambda done, total: seen.append((done, total)))
    assert seen == [(256, 600), (512, 600), (600, 600)]
