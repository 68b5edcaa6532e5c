"""Files of weights: every one counts, what cannot be told is refused, and what is swapped is found out."""

from __future__ import annotations

import hashlib
import mmap
import os
import socket
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from scalegate.errors import InputError, NotVerified, ScalegateError
from scalegate.evidence.files import files_digest
from scalegate.weights import Manifest, check, loading, manifest_of
from scalegate.weights import files as files_module

ROOT = os.geteuid() == 0


@pytest.fixture
def model(tmp_path: Path) -> Path:
    folder = tmp_path / "model"
    (folder / "more").mkdir(parents=True)
    for name, text in (("config.json", "{}"), (".hidden", "h"), ("model.bin", "weights"), ("more/x", "")):
        (folder / name).write_text(text)
    return folder


def test_every_file_is_in_it_by_its_bytes(model: Path) -> None:
    made = manifest_of(model)
    assert [it.name for it in made.files] == [".hidden", "config.json", "model.bin", "more/x"]
    assert made.files[2].sha256 == hashlib.sha256(b"weights").hexdigest()
    assert made.sums_digest == files_digest(model)
    assert [it.name for it in manifest_of(model / "model.bin").files] == ["model.bin"]


def test_it_is_the_same_on_one_thread_and_on_many_and_wherever_it_lies(model: Path) -> None:
    for number in range(40):
        (model / f"part-{number}").write_bytes(os.urandom(100_000 + number))
    told: list[tuple[int, int]] = []
    made = manifest_of(model, threads=1)
    assert manifest_of(model, threads=8, progress=lambda *done: told.append(done)) == made
    assert told[-1] == (made.size, made.size)
    assert [done for done, _ in told] == sorted(done for done, _ in told)
    moved = model.rename(model.with_name("elsewhere"))
    assert manifest_of(moved).digest == made.digest


def swap(model: Path) -> None:
    (model / "model.bin").write_text("Weights")


def longer(model: Path) -> None:
    (model / "model.bin").write_text("weights and more")


def rename(model: Path) -> None:
    (model / "model.bin").rename(model / "model2.bin")


def add(model: Path) -> None:
    (model / "adapter.bin").write_text("")


def remove(model: Path) -> None:
    (model / ".hidden").unlink()


def link(model: Path) -> None:
    (model / "model.bin").rename(model.parent / "model.bin")
    (model / "model.bin").symlink_to(model.parent / "model.bin")


def link_folder(model: Path) -> None:
    (model / "more").rename(model.parent / "more")
    (model / "more").symlink_to(model.parent / "more")


def link_all(model: Path) -> None:
    model.rename(model.parent / "moved")
    model.symlink_to(model.parent / "moved")


def pipe(model: Path) -> None:
    os.mkfifo(model / "pipe")


def listening(model: Path) -> None:
    here = Path.cwd()
    os.chdir(model)
    try:
        with socket.socket(socket.AF_UNIX) as it:
            it.bind("s")
    finally:
        os.chdir(here)


def collide(model: Path) -> None:
    (model / "MODEL.bin").write_text("")


def normal_form(model: Path) -> None:
    (model / "é").write_text("")
    (model / "e\u0301").write_text("")


def no_text(model: Path) -> None:
    Path(os.fsdecode(os.fsencode(model) + b"/\xff")).write_text("")


def hollow(model: Path) -> None:
    (model / "nothing").mkdir()


def unreadable(model: Path) -> None:
    (model / "model.bin").chmod(0)


CHANGES = [swap, longer, rename, add, remove, link, link_folder, link_all, pipe, listening, collide, normal_form]
CHANGES += [no_text, hollow, *([] if ROOT else [unreadable])]
REFUSED = [link, link_folder, link_all, pipe, listening, collide, normal_form, no_text, hollow]


@pytest.mark.parametrize("change", CHANGES, ids=lambda it: str(it.__name__))
def test_what_is_not_what_was_recorded_is_not_loaded(model: Path, change: Callable[[Path], None]) -> None:
    recorded = manifest_of(model)
    with loading(model, recorded) as loaded:
        assert loaded == recorded
    assert check(model, recorded.digest) == recorded
    change(model)
    for it in (recorded, recorded.digest):
        with pytest.raises(NotVerified) as refused:
            check(model, it)
        assert refused.value.exit_code == 4
        with pytest.raises(NotVerified), loading(model, it):
            pytest.fail("it is loaded")


@pytest.mark.parametrize("change", REFUSED, ids=lambda it: str(it.__name__))
def test_what_no_manifest_tells_is_refused_and_not_left_out(model: Path, change: Callable[[Path], None]) -> None:
    change(model)
    with pytest.raises(InputError):
        manifest_of(model)


def test_what_is_another_is_named(model: Path) -> None:
    recorded = manifest_of(model)
    for change in (swap, add, remove):
        change(model)
    with pytest.raises(NotVerified, match=r"`\.hidden` is not here; `adapter\.bin` was not recorded"):
        check(model, recorded)
    (model / "adapter.bin").unlink()
    (model / ".hidden").write_text("h")
    with pytest.raises(NotVerified, match=r"`model\.bin` has another content"):
        check(model, recorded)


def test_one_that_cannot_be_read_is_named(model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(path: object, *_: object, **__: object) -> int:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(files_module.os, "open", refuse)
    with pytest.raises(InputError, match=r"model/.*cannot be read: Permission denied"):
        manifest_of(model, threads=1)


@pytest.mark.parametrize("empty", [True, False])
def test_where_nothing_lies_there_is_no_digest(tmp_path: Path, empty: bool) -> None:
    if empty:
        (tmp_path / "model").mkdir()
    with pytest.raises(InputError):
        manifest_of(tmp_path / "model")
    with pytest.raises(ScalegateError):
        check(tmp_path / "model", "a" * 64)


@pytest.mark.parametrize("nothing", ["", "a", "A" * 64, "0" * 64, hashlib.sha256().hexdigest()])
def test_what_names_no_weights_is_not_checked_against(model: Path, nothing: str) -> None:
    with pytest.raises(InputError):
        check(model, nothing)


def replaced(model: Path) -> None:
    # Of the same size and time: only that it is another file tells.
    other, old = model.parent / "other", (model / "model.bin").stat()
    other.write_text("Weights")
    os.utime(other, ns=(old.st_atime_ns, old.st_mtime_ns))
    other.replace(model / "model.bin")


def hidden(model: Path) -> None:
    # Written over and its time set back: the system sets the other one.
    old = (model / "model.bin").stat()
    clock = model.parent / "clock"
    clock.touch()
    while clock.stat().st_ctime_ns == old.st_ctime_ns:
        # The system's clock of files goes by ticks: what is done within one is not told apart.
        clock.write_text("")
    with (model / "model.bin").open("r+") as file:
        file.write("W")
    os.utime(model / "model.bin", ns=(old.st_atime_ns, old.st_mtime_ns))


@pytest.mark.parametrize("change", [replaced, hidden, longer, add, remove, link], ids=lambda it: str(it.__name__))
@pytest.mark.parametrize("name", [".hidden", "more/x"])
def test_what_is_swapped_while_it_is_hashed_is_found_out(
    model: Path, change: Callable[[Path], None], name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whether the first file is being hashed or the last one is."""
    real, done = files_module._Work.digest, threading.Event()

    def digest(self: files_module._Work, seen: files_module.Seen) -> str:
        found = real(self, seen)
        if seen.name == name and not done.is_set():
            done.set()
            change(model)
        return found

    recorded = manifest_of(model)
    monkeypatch.setattr(files_module._Work, "digest", digest)
    with pytest.raises(InputError):
        manifest_of(model, threads=1)
    assert done.is_set()
    with pytest.raises(NotVerified):
        check(model, recorded.digest)


def test_what_is_swapped_while_it_is_loaded_is_found_out(model: Path) -> None:
    recorded = manifest_of(model)
    for change in (replaced, hidden):
        with pytest.raises(NotVerified, match="while they were loaded"), loading(model, recorded.digest):
            change(model)
        swap(model)
        recorded = manifest_of(model)


def test_what_a_program_has_mapped_and_stores_into_while_it_is_loaded_is_found_out(model: Path) -> None:
    """Changed and put back: into a page that waits to be written such a store changes no time."""
    file, recorded = model / "model.bin", manifest_of(model)
    with file.open("r+b") as opened, mmap.mmap(opened.fileno(), 0) as mapped:
        mapped[0:1] = b"w"
        os.fsync(opened.fileno())
        before = file.stat().st_mtime_ns
        time.sleep(0.05)
        mapped[0:1] = b"w"
        if file.stat().st_mtime_ns == before:
            pytest.skip("takes a file system that gives a time to such stores")

        def change() -> None:
            mapped[0:1] = b"W"
            assert file.read_bytes() == b"Weights"
            mapped[0:1] = b"w"

        with pytest.raises(NotVerified, match="while they were loaded"), loading(model, recorded.digest):
            change()


def test_a_change_within_a_tick_of_the_clock_is_found_out(model: Path) -> None:
    file, recorded = model / "model.bin", manifest_of(model)

    def change() -> None:
        for text in ("Weights", "weights"):
            file.write_text(text)

    for _ in range(20):
        change()
        with pytest.raises(NotVerified, match="while they were loaded"), loading(model, recorded.digest, threads=1):
            change()


def test_files_without_a_byte_name_no_weights(tmp_path: Path) -> None:
    (tmp_path / "model.safetensors").touch()
    (tmp_path / "config.json").touch()
    for action in (manifest_of, lambda path: check(path, "a" * 64)):
        with pytest.raises(ScalegateError, match="all empty"):
            action(tmp_path)


def test_a_file_that_grows_under_the_reader_is_found_out(model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = files_module._Work._hash

    def hashed(self: files_module._Work, read: Callable[[memoryview], int | None]) -> tuple[str, int]:
        with (model / "model.bin").open("a") as file:
            file.write("!")
        return real(self, read)

    monkeypatch.setattr(files_module._Work, "_hash", hashed)
    with pytest.raises(InputError, match="changed while"):
        manifest_of(model / "model.bin")


def test_the_root_is_that_of_the_package_for_model_signing(model: Path) -> None:
    hashing = pytest.importorskip("model_signing.hashing")
    signing = pytest.importorskip("model_signing._signing.signing")
    (model / "more-x").write_text("sorts before `more/x` by its bytes, and after it by its parts")
    for path in (model, model / "model.bin"):
        theirs = signing.Payload(hashing.Config().set_ignored_paths(paths=[], ignore_git_paths=False).hash(path))
        assert manifest_of(path).openssf_root == theirs.statement.pb.subject[0].digest["sha256"]


def test_the_manifest_reads_back_from_a_file(model: Path, tmp_path: Path) -> None:
    made = manifest_of(model)
    assert Manifest.from_bytes(made.to_bytes()).digest == made.digest
