"""The ledger under kill -9, a full disk, damaged bytes and rival writers: real processes, a real disk."""

from __future__ import annotations

import os
import random
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path

import pytest

from effort import stride
from scalegate.errors import LedgerError, NotVerified
from scalegate.ledger import Checkpoint, Ledger, SigningKey, check, open_note
from scalegate.ledger.merkle import leaf_hash

Make = Callable[[int], bytes]
APPENDER = Path(__file__).with_name("_appender.py")
ENVIRONMENT = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
STRIDE = stride(7)
KILLS = int(os.environ.get("SCALEGATE_KILLS", "20"))


def start(*arguments: object) -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, *map(str, arguments)], env=ENVIRONMENT, stderr=subprocess.PIPE)


def acknowledged(ack: Path) -> list[tuple[int, int, str]]:
    # A kill can cut the last line: what was not fully written was not acknowledged.
    lines = ack.read_text().split("\n")[:-1] if ack.exists() else []
    return [(int(first), int(size), root) for first, size, root in map(str.split, lines)]


def test_no_acknowledged_entry_is_lost_to_kill_9(
    ledger: Ledger, path: Path, tmp_path: Path, log_key: SigningKey
) -> None:
    ledger.close()
    log_key.save(tmp_path / "log.key")
    ack = tmp_path / "ack"
    chance = random.Random(20)
    for kill in range(KILLS):
        known = len(acknowledged(ack))
        process = start(APPENDER, path, tmp_path / "log.key", ack, 10_000)
        deadline = time.monotonic() + 30
        while len(acknowledged(ack)) == known and process.poll() is None and time.monotonic() < deadline:
            time.sleep(0.005)
        time.sleep(chance.random() * 0.15)
        process.send_signal(signal.SIGKILL)
        _, error = process.communicate()
        assert process.returncode == -signal.SIGKILL, error.decode()

        done = acknowledged(ack)
        assert len(done) > known
        with Ledger.open(path, log_key=log_key if kill % 2 else None) as reopened:
            assert reopened.size >= done[-1][1]
            assert [index for index, _ in reopened.entries()] == list(range(reopened.size))
            notes = dict(reopened.checkpoints())
        for _, size, root in done:
            assert notes[size].splitlines()[2] == root
        assert check(path).size >= done[-1][1]
    firsts = [first for first, _, _ in acknowledged(ack)]
    assert firsts == sorted(set(firsts))


def test_two_writers_leave_no_gap_and_no_duplicate(
    ledger: Ledger, path: Path, tmp_path: Path, log_key: SigningKey
) -> None:
    ledger.close()
    log_key.save(tmp_path / "log.key")
    writers = [start(APPENDER, path, tmp_path / "log.key", tmp_path / f"ack{n}", 50) for n in range(2)]
    for writer in writers:
        _, error = writer.communicate(timeout=60)
        assert writer.returncode == 0, error.decode()
    done = sorted(acknowledged(tmp_path / "ack0") + acknowledged(tmp_path / "ack1"))
    assert len(done) == 100
    end = 0
    for first, size, _ in done:
        assert first == end
        end = size
    assert check(path).size == end
    assert (tmp_path / "run.ledger.head").read_text().startswith(f"{end} ")


FULL_DISK = """
import os, resource, signal, sys
from scalegate.errors import LedgerError
from scalegate.ledger import Ledger, SigningKey, dsse
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
path, key = sys.argv[1], SigningKey.load(sys.argv[2])
big = dsse.sign(b"x" * 30_000, dsse.IN_TOTO, [key])
small = dsse.sign(b"{}", dsse.IN_TOTO, [key])
with Ledger.open(path, log_key=key) as ledger:
    size, before = ledger.size, open(path, "rb").read()
    none, all = resource.getrlimit(resource.RLIMIT_FSIZE)
    for limit in (0, 100, 5_000, len(before) - 4_096, len(before), len(before) + 4_096, len(before) + 50_000):
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, all))
        try:
            ledger.append([big, big, big])
        except LedgerError as error:
            print(limit, error)
        else:
            sys.exit(f"appended under a limit of {limit}")
        resource.setrlimit(resource.RLIMIT_FSIZE, (none, all))
        if ledger.size != size or list(ledger.entries())[-1][0] != size - 1:
            sys.exit("half-written")
    done = ledger.append([small])
    if done.first != size:
        sys.exit("not usable afterwards")
"""


def test_a_full_disk_gives_one_clear_error_and_an_intact_ledger(
    ledger: Ledger, path: Path, tmp_path: Path, log_key: SigningKey, envelope: Make
) -> None:
    ledger.append([envelope(number) for number in range(40)])
    ledger.close()
    log_key.save(tmp_path / "log.key")
    done = subprocess.run(
        [sys.executable, "-c", FULL_DISK, str(path), str(tmp_path / "log.key")],
        env=ENVIRONMENT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    lines = done.stdout.splitlines()
    assert len(lines) == 7
    assert all("disk" in line and str(path) in line for line in lines), lines
    checked = check(path)
    assert (checked.size, checked.checkpoints) == (41, 2)


def test_a_ledger_held_by_another_process_is_refused_in_a_sentence(ledger: Ledger, path: Path, envelope: Make) -> None:
    ledger._run("PRAGMA busy_timeout = 50")
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        with pytest.raises(LedgerError, match="another process"):
            ledger.append([envelope(0)])
    assert ledger.append([envelope(0)]).size == 1


def test_a_side_file_that_cannot_be_written_does_not_undo_a_commit(
    ledger: Ledger, path: Path, envelope: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("scalegate.ledger._memory.remember", full)
        assert ledger.append([envelope(0)]).size == 1
    assert ledger.append([envelope(1)]).size == 2
    assert path.with_name("run.ledger.head").read_text().startswith("2 ")


def contents(path: Path, log_key: SigningKey) -> tuple[object, ...]:
    with Ledger.open(path) as ledger:
        for _, note in ledger.checkpoints():
            Checkpoint.from_text(open_note(note, [log_key.verify_key]).text)
        return list(ledger.entries()), list(ledger.checkpoints()), ledger.origin, ledger.root()


def flip_all(path: Path, log_key: SigningKey, positions: Sequence[int]) -> int:
    """Flip one bit of each byte in turn; how many were found. What was not must read back the same."""
    before = path.read_bytes()
    expected = contents(path, log_key)
    chance = random.Random(6)
    found = 0
    with path.open("r+b", buffering=0) as file:
        for position in positions:
            os.pwrite(file.fileno(), bytes([before[position] ^ 1 << chance.randrange(8)]), position)
            try:
                check(path)
            except NotVerified:
                found += 1
            else:
                assert contents(path, log_key) == expected, f"byte {position} changed what is read, unnoticed"
            assert path.stat().st_size == len(before)
            os.pwrite(file.fileno(), before[position : position + 1], position)
    assert path.read_bytes() == before
    check(path)
    return found


def spans(path: Path, *values: bytes) -> list[int]:
    data = path.read_bytes()
    starts = [(data.index(value), len(value)) for value in values]
    return [position for start, length in starts for position in range(start, start + length)]


def test_no_flipped_byte_changes_what_is_read_unnoticed(
    ledger: Ledger, path: Path, log_key: SigningKey, envelope: Make
) -> None:
    made = [envelope(number) for number in range(6)]
    ledger.append(made[:1])
    ledger.append(made[1:5])
    ledger.append(made[5:])
    notes = [note.encode() for _, note in ledger.checkpoints()]
    ledger.close()
    path.with_name("run.ledger.head").unlink()

    # Every byte that carries meaning is noticed: here each seventh, in a soak all of them.
    stored = spans(path, *made, *map(leaf_hash, made), *notes)[::STRIDE]
    assert flip_all(path, log_key, stored) == len(stored)
    # Most of the rest is unused page space: a sample of the file as written ...
    sample = range(0, path.stat().st_size, 37 * STRIDE)
    found = flip_all(path, log_key, sample)
    # ... and the bytes of the same rows packed into small pages.
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        db.execute("PRAGMA page_size = 512")
        db.execute("VACUUM")
    every = range(0, path.stat().st_size, STRIDE)
    print(  # noqa: T201
        f"flips found: {len(stored)} of {len(stored)} stored bytes, {found} of {len(sample)} sampled,"
        f" {flip_all(path, log_key, every)} of {len(every)} in small pages"
    )
