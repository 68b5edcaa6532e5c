"""Exported logs: what is in the files, that they are read back, and that no byte of them can be changed unseen."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from scalegate.errors import InputError, LedgerError, NotVerified
from scalegate.ledger import Checkpoint, Ledger, SigningKey, merkle, open_note
from scalegate.ledger.export import CHECKPOINT, export
from scalegate.ledger.exported import ExportedLog
from scalegate.ledger.keys import COSIGNATURE
from scalegate.ledger.note import cosign
from scalegate.ledger.tiles import tiles_of

Make = Callable[[int], bytes]
SMALL = 5


def files_of(folder: Path) -> dict[str, bytes]:
    return {str(it.relative_to(folder)): it.read_bytes() for it in sorted(folder.rglob("*")) if it.is_file()}


@pytest.fixture
def small(ledger: Ledger, tmp_path: Path, envelope: Make) -> Path:
    ledger.append([envelope(number) for number in range(SMALL)])
    folder = tmp_path / "log"
    export(ledger, folder)
    return folder


def test_the_files_are_those_of_the_format(ledger: Ledger, small: Path, log_key: SigningKey, envelope: Make) -> None:
    files = files_of(small)
    assert sorted(files) == ["checkpoint", "tile/0/000.p/5", "tile/entries/000.p/5"]
    entries = [envelope(number) for number in range(SMALL)]
    assert files["tile/0/000.p/5"] == b"".join(map(merkle.leaf_hash, entries))
    assert files["tile/entries/000.p/5"] == b"".join(len(it).to_bytes(2, "big") + it for it in entries)
    note = open_note(files["checkpoint"].decode(), [log_key.verify_key])
    assert Checkpoint.from_text(note.text) == Checkpoint(ledger.origin, SMALL, ledger.root())


def test_what_is_exported_is_read_back_and_checked(
    ledger: Ledger, tmp_path: Path, log_key: SigningKey, envelope: Make
) -> None:
    made = [envelope(number) for number in range(600)]
    folder, seen = tmp_path / "log", []
    for start, stop in ((0, 3), (3, 256), (256, 300), (300, 600)):
        ledger.append(made[start:stop])
        done = export(ledger, folder, progress=lambda *done: seen.append(done))
        assert (done.size, done.root) == (stop, ledger.root())
        log = ExportedLog(folder, (log_key.verify_key,))
        checked = log.check()
        assert (checked.size, checked.root, checked.origin) == (stop, ledger.root(), ledger.origin)
        assert list(log.entries()) == list(enumerate(made[:stop]))
        assert list(log.entries(2, 3)) == [(2, made[2])]
        assert log.tree().root() == ledger.root()
    assert seen[-1] == (600, 600)
    assert {it.path for it in tiles_of(600)} < set(files_of(folder)), "with the partial ones of before"
    assert export(ledger, folder).written <= 6, "no full tile is written again"
    with pytest.raises(InputError):
        log.entries(2, 601)


def test_every_flipped_byte_is_found(small: Path, tmp_path: Path, log_key: SigningKey) -> None:
    flips = 0
    for name, data in files_of(small).items():
        for at in range(len(data)):
            bad = bytearray(data)
            bad[at] ^= 0x01 if at % 2 else 0x80
            (small / name).write_bytes(bad)
            with pytest.raises((NotVerified, InputError)):
                ExportedLog(small, (log_key.verify_key,)).check()
            flips += 1
        (small / name).write_bytes(data)
    assert ExportedLog(small, (log_key.verify_key,)).check().size == SMALL
    assert flips == sum(map(len, files_of(small).values()))


@pytest.mark.parametrize("change", [lambda it: it[:-1], lambda it: it + b"x", lambda it: b"", lambda it: it * 2])
def test_every_cut_or_grown_file_is_found(small: Path, log_key: SigningKey, change: Callable[[bytes], bytes]) -> None:
    for name, data in files_of(small).items():
        (small / name).write_bytes(change(data))
        with pytest.raises(NotVerified):
            ExportedLog(small, (log_key.verify_key,)).check()
        (small / name).unlink()
        with pytest.raises(NotVerified, match="is missing"):
            ExportedLog(small, (log_key.verify_key,)).check()
        (small / name).write_bytes(data)


def test_the_first_entry_that_was_changed_is_named(
    ledger: Ledger, tmp_path: Path, log_key: SigningKey, envelope: Make
) -> None:
    ledger.append([envelope(number) for number in range(600)])
    folder = tmp_path / "log"
    export(ledger, folder)
    bundle = folder / "tile/entries/001"
    data = bundle.read_bytes()
    length = len(envelope(256))
    assert data.count(envelope(300)) == 1
    bundle.write_bytes(data.replace(envelope(300), envelope(999)))
    with pytest.raises(NotVerified, match=r"`tile/0/001` is not of the entries") as caught:
        ExportedLog(folder, (log_key.verify_key,)).check()
    assert caught.value.place is not None
    assert caught.value.place.entry == 300
    assert length > 0


def test_only_the_key_of_the_log_makes_it_one(small: Path, signer: SigningKey, log_key: SigningKey) -> None:
    other = SigningKey("example.com/other", bytes(range(32)))
    for keys in ((), (signer.verify_key,), (other.verify_key,)):
        with pytest.raises(NotVerified):
            ExportedLog(small, keys)
    assert ExportedLog(small, (signer.verify_key, log_key.verify_key)).log_verify_key == log_key.verify_key


def test_cosignatures_go_with_the_checkpoint(ledger: Ledger, tmp_path: Path, envelope: Make) -> None:
    ledger.append([envelope(0)])
    witness = SigningKey("witness.example/w", bytes(31) + b"w", COSIGNATURE)
    note = ledger.checkpoint()
    assert note is not None
    line = cosign(note, witness, 1_700_000_000)
    folder = tmp_path / "log"
    export(ledger, folder, [line, line])
    written = (folder / CHECKPOINT).read_text(encoding="utf-8")
    assert written == note + line
    assert open_note(written, [witness.verify_key]).cosigned == ((witness.verify_key, 1_700_000_000),)
    assert ExportedLog(folder, (ledger.log_verify_key,)).check().size == 1


def test_a_folder_takes_no_other_log_and_none_that_went_back(
    ledger: Ledger, tmp_path: Path, path: Path, log_key: SigningKey, envelope: Make
) -> None:
    with pytest.raises(InputError, match="no entries yet"):
        export(ledger, tmp_path / "log")
    ledger.append([envelope(0), envelope(1)])
    old = tmp_path / "old" / path.name
    old.parent.mkdir()
    shutil.copy(path, old)
    ledger.append([envelope(2)])
    folder = tmp_path / "log"
    export(ledger, folder)
    kept = files_of(folder)
    with Ledger.open(old, log_key=log_key) as before:
        with pytest.raises(NotVerified, match="has 3 entries of this log, and the ledger 2: it was rolled back"):
            export(before, folder)
        before.append([envelope(7), envelope(8)])
        with pytest.raises(NotVerified, match="no growth of the 3 entries"):
            export(before, folder)
    with Ledger.create(tmp_path / "other.db", origin="example.com/other", log_key=SigningKey("o", bytes(32))) as other:
        other.append([envelope(0)])
        with pytest.raises(NotVerified):
            export(other, folder)
    assert files_of(folder) == kept
    strange = tmp_path / "strange"
    strange.mkdir()
    (strange / "mine.txt").write_text("precious")
    with pytest.raises(InputError, match="other files"):
        export(ledger, strange)
    (tmp_path / "a file").write_text("")
    with pytest.raises(LedgerError, match="cannot be written"):
        export(ledger, tmp_path / "a file")


def test_an_export_that_was_cut_short_goes_on(
    ledger: Ledger, tmp_path: Path, log_key: SigningKey, envelope: Make
) -> None:
    ledger.append([envelope(number) for number in range(300)])
    folder = tmp_path / "log"
    export(ledger, folder)
    whole = files_of(folder)
    (folder / CHECKPOINT).unlink()
    (folder / "tile/0/001.p/44").unlink()
    export(ledger, folder)
    assert files_of(folder) == whole
