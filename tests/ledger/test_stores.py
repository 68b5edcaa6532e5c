"""What a ledger promises, whatever it is kept in: each test runs on an SQLite file and on PostgreSQL."""

from __future__ import annotations

import os
import random
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from kept import ORIGIN, Kept, finish, forget, kept_in, start

from scalegate.errors import InputError, LedgerError, NotVerified
from scalegate.ledger import Checkpoint, Ledger, SigningKey, check, merkle, open_note
from scalegate.ledger.export import export
from scalegate.ledger.receipt import receipt_for

Make = Callable[[int], bytes]


@pytest.fixture(params=["file", "postgres"])
def kept(request: pytest.FixtureRequest, path: Path) -> Kept:
    server = request.getfixturevalue("postgres") if request.param == "postgres" else None
    return kept_in(request.param, path, server)


@pytest.fixture
def ledger(kept: Kept, log_key: SigningKey) -> Iterator[Ledger]:
    with kept.create(log_key) as made:
        yield made


def acknowledged(ack: Path) -> list[tuple[int, int]]:
    lines = ack.read_text().split("\n")[:-1] if ack.exists() else []
    return [(int(first), int(size)) for first, size, _ in map(str.split, lines)]


# --- keeping ----------------------------------------------------------------------------------------------------------


def test_what_is_appended_is_read_back(ledger: Ledger, path: Path, log_key: SigningKey, envelope: Make) -> None:
    assert (ledger.size, ledger.checkpoint(), list(ledger.checkpoints())) == (0, None, [])
    assert ledger.root() == merkle.EMPTY_ROOT
    made = [envelope(number) for number in range(7)]
    one, rest = ledger.append(made[:1]), ledger.append(made[1:])
    assert (one.first, one.size, rest.first, rest.size) == (0, 1, 1, 7)
    with Ledger.open(path) as reader:
        assert list(reader.entries()) == list(enumerate(made))
        assert list(reader.entries(2, 4)) == [(2, made[2]), (3, made[3])]
        assert (reader.entry(6), reader.name, reader.path) == (made[6], str(path), path)
        assert reader.root() == merkle.root(map(merkle.leaf_hash, made))
        assert list(reader.checkpoints()) == [(1, one.checkpoint), (7, rest.checkpoint)]
        assert set(reader.signed(1)) == {7}
        assert (reader.origin, reader.log_verify_key) == (ORIGIN, log_key.verify_key)
        note = open_note(rest.checkpoint, [log_key.verify_key])
        assert reader.checkpoint() == rest.checkpoint
        assert Checkpoint.from_text(note.text) == Checkpoint(ORIGIN, 7, reader.root())
        for index in (-1, 7, 10**30):
            with pytest.raises(InputError):
                reader.entry(index)
        for start, stop in ((-1, 1), (0, 8), (1, 0)):
            with pytest.raises(InputError):
                reader.entries(start, stop)
    checked = check(path)
    assert (checked.size, checked.checkpoints, checked.root) == (7, 2, ledger.root())
    assert path.with_name("run.ledger.head").read_text() == f"7 {ledger.root().hex()}\n"


def test_all_is_appended_or_nothing(ledger: Ledger, path: Path, envelope: Make) -> None:
    class NotToday(Exception):
        pass

    def make() -> list[bytes]:
        raise NotToday

    for batch in ([], [envelope(0), b"{}"], [envelope(0), b"x" * 70_000]):
        with pytest.raises(InputError):
            ledger.append(batch)
    with pytest.raises(NotToday):
        ledger.append(make)
    assert ledger.size == 0
    assert ledger.append([envelope(0)]).first == 0
    assert check(path).size == 1


def test_a_reader_sees_the_last_commit_while_another_writes(ledger: Ledger, path: Path, envelope: Make) -> None:
    made = [envelope(number) for number in range(300)]
    ledger.append(made)
    with Ledger.open(path) as reader:
        walk = reader.entries()
        first = next(walk)

        def make() -> list[bytes]:
            assert (ledger.size, reader.size) == (300, 300)
            return [envelope(300)]

        assert ledger.append(make).size == 301
        assert [first, *walk] == list(enumerate(made))
        assert reader.size == 301


def test_both_stores_hold_the_same_log(
    kept: Kept, ledger: Ledger, tmp_path: Path, log_key: SigningKey, envelope: Make
) -> None:
    other = kept_in("file", tmp_path / "other.ledger", None).create(log_key)
    for count in (1, 254, 2, 300):
        made = [envelope(number) for number in range(count)]
        assert ledger.append(made) == other.append(made)
    export(ledger, tmp_path / "a")
    export(other, tmp_path / "b")
    for file in sorted(it.relative_to(tmp_path / "a") for it in (tmp_path / "a").rglob("*") if it.is_file()):
        assert (tmp_path / "a" / file).read_bytes() == (tmp_path / "b" / file).read_bytes()
    for index in (0, 255, 256, 556):
        assert receipt_for(ledger, index).to_text() == receipt_for(other, index).to_text()
    assert ledger.tree(300).root() == other.tree(300).root()
    other.close()


# --- refusing ---------------------------------------------------------------------------------------------------------


def test_what_is_there_already_is_not_made_into_a_ledger(kept: Kept, ledger: Ledger, log_key: SigningKey) -> None:
    with pytest.raises(LedgerError, match="already"):
        kept.create(log_key)
    ledger.close()
    kept.path.unlink()
    with pytest.raises(LedgerError, match="already") as caught:
        kept.create(log_key)
    assert caught.value.place is not None
    assert caught.value.place.file == str(kept.path) + ".head"


def test_who_may_not_append_cannot(ledger: Ledger, path: Path, envelope: Make) -> None:
    with pytest.raises(InputError, match="not the key"):
        Ledger.open(path, log_key=SigningKey.generate("example.com/safety-log"))
    with Ledger.open(path) as reader, pytest.raises(LedgerError, match="read-only"):
        reader.append([envelope(0)])
    with pytest.raises(LedgerError, match="within"):
        ledger.append(lambda: ledger.append([envelope(1)]) and [envelope(0)])
    with pytest.raises(LedgerError, match="lock"):
        ledger.append(lambda: ledger._connection().execute("ROLLBACK") and [envelope(0)])
    assert ledger.size == 0
    ledger.close()
    for action in (lambda: ledger.size, lambda: ledger.append([envelope(0)]), ledger.checkpoint):
        with pytest.raises(LedgerError, match="closed"):
            action()


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE entry SET envelope = {} WHERE position = 0",
        "UPDATE entry SET position = 9 WHERE position = 1",
        "DELETE FROM entry WHERE position = 1",
        "DELETE FROM entry",
        "INSERT INTO entry SELECT 3, leaf, envelope FROM entry WHERE position = 1",
        "INSERT INTO entry SELECT -1, leaf, envelope FROM entry WHERE position = 1",
        "INSERT INTO entry SELECT 1, leaf, envelope FROM entry WHERE position = 1 ON CONFLICT DO NOTHING",
        "UPDATE checkpoint SET note = ''",
        "DELETE FROM checkpoint",
        "INSERT INTO checkpoint VALUES (1, '')",
        "UPDATE sent SET id = 'b'",
        "DELETE FROM sent",
        "INSERT INTO sent SELECT size + 1, first, id, digest FROM sent",
        "UPDATE head SET size = 1",
        "UPDATE head SET frontier = {}",
        "DELETE FROM head",
        "INSERT INTO head VALUES (1, 0, {})",
        "UPDATE meta SET origin = ''",
        "DELETE FROM meta",
        "INSERT INTO meta VALUES (1, 1, '', '')",
    ],
)
def test_rows_cannot_be_changed_by_accident(
    kept: Kept, ledger: Ledger, path: Path, envelope: Make, statement: str
) -> None:
    ledger.append([envelope(0), envelope(1)], once="a")
    with pytest.raises(Exception, match=r"append-only|only grows|never changes|one row|UNIQUE|unique"):
        kept.run(statement.format(kept.blob(b"")))
    assert check(path).size == 2


@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM meta",
        "DELETE FROM head",
        "DROP TABLE checkpoint",
        "DROP TABLE head",
        "CREATE TABLE more (x integer)",
    ],
)
def test_an_incomplete_ledger_is_not_opened(
    kept: Kept, ledger: Ledger, path: Path, log_key: SigningKey, statement: str
) -> None:
    ledger.close()
    act = kept.run if "TABLE" in statement else kept.tamper
    act(statement)
    for action in (lambda: Ledger.open(path, log_key=log_key), lambda: check(path)):
        with pytest.raises(NotVerified):
            action()


@pytest.mark.parametrize("also", ["UPDATE meta SET format = 2", "DROP TABLE sent"])
def test_another_format_is_told_to_be_one(kept: Kept, ledger: Ledger, path: Path, also: str) -> None:
    ledger.close()
    kept.tamper("UPDATE meta SET format = 2")
    if also.startswith("DROP"):
        kept.run(also)
    with pytest.raises(NotVerified, match="format 2 is not known here, only 3"):
        Ledger.open(path)


# --- noticing ---------------------------------------------------------------------------------------------------------


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
        ("UPDATE meta SET origin = 'example.com/other'", 1),
        ("UPDATE checkpoint SET note = replace(note, 'example', 'exemple') WHERE size = 2", 1),
        ("INSERT INTO checkpoint SELECT 7, note FROM checkpoint WHERE size = 6", None),
        ("UPDATE meta SET format = 2", None),
        ("UPDATE meta SET log_key = 'x'", None),
        ("UPDATE head SET size = 5", None),
        ("UPDATE head SET frontier = {}", None),
        ("UPDATE sent SET id = 'c' WHERE id = 'b'", 5),
        ("UPDATE sent SET first = 3 WHERE id = 'b'", 5),
        ("UPDATE sent SET size = 5 WHERE id = 'b'", None),
    ],
)
def test_an_audit_finds_what_an_owner_changed(
    kept: Kept, ledger: Ledger, path: Path, envelope: Make, statement: str, entry: int | None
) -> None:
    ledger.append([envelope(0), envelope(1)])
    ledger.append([envelope(number) for number in range(2, 6)], once="b")
    ledger.close()
    kept.tamper(statement.format(kept.blob(bytes(72))))
    with pytest.raises(NotVerified) as caught:
        check(path)
    assert caught.value.place is not None
    assert (caught.value.place.file, caught.value.place.entry) == (str(path), entry)


def test_a_damaged_entry_is_named_when_it_is_read(kept: Kept, ledger: Ledger, envelope: Make) -> None:
    ledger.append([envelope(number) for number in range(4)])
    kept.tamper(f"UPDATE entry SET envelope = {kept.blob(b'x')} WHERE position = 2")
    walk = ledger.entries()
    assert [next(walk)[0], next(walk)[0]] == [0, 1]
    with pytest.raises(NotVerified) as caught:
        next(walk)
    assert caught.value.place is not None
    assert caught.value.place.entry == 2
    assert ledger.entry(3) == envelope(3)


def test_a_ledger_put_back_from_an_older_copy_is_refused(
    kept: Kept, ledger: Ledger, path: Path, tmp_path: Path, log_key: SigningKey, envelope: Make
) -> None:
    """A failover to a server that had not heard of the last entries is such a copy."""
    ledger.append([envelope(0), envelope(1)])
    old = kept.copy()
    ledger.append([envelope(2)])
    ledger.close()
    kept.put_back(old)
    for key in (None, log_key):
        with pytest.raises(NotVerified, match=r"2 entries, but had 3: it was rolled back"):
            Ledger.open(path, log_key=key)
    # An open ledger notices as well, and nothing is signed.
    side = path.with_name("run.ledger.head")
    side.rename(tmp_path / "aside")
    with Ledger.open(path, log_key=log_key) as writer:
        (tmp_path / "aside").rename(side)
        with pytest.raises(NotVerified, match=r"2 entries, but had 3"):
            writer.append([envelope(3)])
        assert writer.size == 2


@pytest.mark.parametrize("more", [1, 2, 300])
def test_a_fork_of_the_same_or_a_larger_size_is_refused(
    kept: Kept, ledger: Ledger, path: Path, log_key: SigningKey, envelope: Make, more: int
) -> None:
    ledger.append([envelope(0)])
    old = kept.copy()
    ledger.append([envelope(1)])
    ledger.close()
    known = path.with_name("run.ledger.head").read_bytes()
    kept.put_back(old)
    forget(path)
    with Ledger.open(path, log_key=log_key) as other:
        other.append([envelope(7 + number) for number in range(more)])
    path.with_name("run.ledger.head").write_bytes(known)
    with pytest.raises(NotVerified, match="not a growth"):
        Ledger.open(path)


def test_what_others_appended_is_a_growth(
    kept: Kept, ledger: Ledger, path: Path, log_key: SigningKey, envelope: Make
) -> None:
    """Of several machines each remembers its own: what is behind is moved forward, by a writer."""
    side = path.with_name("run.ledger.head")
    for count in (1, 300, 2, 511):
        before = side.read_bytes()
        ledger.append([envelope(number) for number in range(count)])
        side.write_bytes(before)
        with Ledger.open(path) as reader:
            assert side.read_bytes() == before
        Ledger.open(path, log_key=log_key).close()
        assert side.read_text() == f"{ledger.size} {ledger.root().hex()}\n"
        assert reader.name == str(path)


# --- many writers -----------------------------------------------------------------------------------------------------


def test_many_writers_leave_no_gap_and_no_duplicate(
    ledger: Ledger, path: Path, tmp_path: Path, log_key: SigningKey
) -> None:
    ledger.close()
    log_key.save(tmp_path / "log.key")
    acks = [tmp_path / f"ack{number}" for number in range(4)]
    finish(*[start("_appender.py", path, tmp_path / "log.key", ack, 12) for ack in acks])
    done = sorted(pair for ack in acks for pair in acknowledged(ack))
    assert len(done) == 48
    assert [first for first, _ in done] == [0, *(size for _, size in done[:-1])]
    assert check(path).size == done[-1][1]
    assert path.with_name("run.ledger.head").read_text().startswith(f"{done[-1][1]} ")


def test_no_acknowledged_entry_is_lost_to_kill_9(
    ledger: Ledger, path: Path, tmp_path: Path, log_key: SigningKey
) -> None:
    ledger.close()
    log_key.save(tmp_path / "log.key")
    ack, chance = tmp_path / "ack", random.Random(20)
    for _ in range(3):
        known = len(acknowledged(ack))
        process = start("_appender.py", path, tmp_path / "log.key", ack, 10_000)
        deadline = time.monotonic() + 60
        while len(acknowledged(ack)) == known and process.poll() is None and time.monotonic() < deadline:
            time.sleep(0.01)
        time.sleep(chance.random() * 0.15)
        process.kill()
        _, error = process.communicate()
        assert process.returncode == -signal.SIGKILL, error.decode()
        assert len(acknowledged(ack)) > known
        with Ledger.open(path, log_key=log_key) as reopened:
            notes = dict(reopened.checkpoints())
            assert all(size in notes for _, size in acknowledged(ack))
        assert check(path).size >= acknowledged(ack)[-1][1]
    firsts = [first for first, _ in acknowledged(ack)]
    assert firsts == sorted(set(firsts))


def test_who_waits_too_long_is_told_so(kept: Kept, ledger: Ledger, envelope: Make) -> None:
    kept.impatient(ledger)
    with kept.held(), pytest.raises(LedgerError, match="another process has held"):
        ledger.append([envelope(0)])
    assert ledger.append([envelope(0)]).size == 1


def test_a_forked_child_may_not_use_it_and_does_not_disturb_it(ledger: Ledger, path: Path, envelope: Make) -> None:
    ledger.append([envelope(0)])

    def make() -> list[bytes]:
        child = os.fork()
        if child == 0:
            told = 0
            for action in (lambda: ledger.size, lambda: ledger.append([envelope(9)])):
                try:
                    action()
                except LedgerError as error:
                    told += "fork" in error.message
            ledger.close()
            os._exit(told)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 2
        return [envelope(1)]

    assert ledger.append(make).size == 2
    assert check(path).size == 2


def test_an_interrupt_as_the_write_lock_is_taken_lets_go_of_it(
    ledger: Ledger, path: Path, log_key: SigningKey, envelope: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It may come between the statement and whatever comes next: neither this process nor another is locked out."""
    run = ledger._run

    def interrupted(statement: str, *values: object) -> object:
        found = run(statement, *values)
        if statement.startswith("BEGIN"):
            raise KeyboardInterrupt
        return found

    monkeypatch.setattr(ledger, "_run", interrupted)
    with pytest.raises(KeyboardInterrupt):
        ledger.append([envelope(0)])
    monkeypatch.setattr(ledger, "_run", run)
    with Ledger.open(path, log_key=log_key) as other:
        other.append([envelope(1)])
    ledger.append([envelope(2)])
    assert ledger.size == 2
