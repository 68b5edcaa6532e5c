"""What lies in a folder, looked at twice and hashed in between: the manifest of what is there, or an error.

Every file counts, hidden ones too. What a manifest cannot tell is refused and not left out: links, whose other end may
be changed; pipes, sockets and devices, which hold no weights; folders without files. A file that is another one after
it was hashed, or was changed meanwhile, is refused too: by its number on the disk, its size and its times, of which the
system sets the last by itself.
"""

from __future__ import annotations

import errno
import hashlib
import os
import stat
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from scalegate.errors import InputError, Place
from scalegate.weights.manifest import Listed, Manifest

__all__ = ["Progress", "Seen", "look", "manifest_of", "settle", "taken"]

Progress = Callable[[int, int], None]
"""Called with bytes hashed, and bytes in all."""
CHUNK = 2**20
MOST_THREADS = 16
_TICK = 0.02
"""Seconds in which two changes of a file may be given one time: the clock of the kernel that is slowest, twice."""
_NO_DISK = (errno.EINVAL, errno.EROFS, errno.ENOTSUP, errno.ENOSYS)
_OPEN = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0)


@dataclass(frozen=True)
class Seen:
    """A file as it lay there."""

    name: str
    path: Path
    mark: tuple[int, ...]
    """Device and number, size, and when its content and its entry were changed last."""

    @property
    def size(self) -> int:
        return self.mark[2]


def manifest_of(path: str | Path, *, threads: int | None = None, progress: Progress | None = None) -> Manifest:
    """The manifest of the files in a folder, or of one file, from their bytes.

    threads: how many files are hashed at once; None: as many as there are processors.
    Raises InputError for what cannot be read, is refused as above, or changed while it was hashed.
    """
    return taken(look(path), path, threads=threads, progress=progress)


def look(path: str | Path) -> tuple[Seen, ...]:
    """The files that lie there, by name. Raises InputError."""
    root = Path(path)
    try:
        found = os.lstat(root)
        if not stat.S_ISDIR(found.st_mode):
            return (_seen(root.name, root, found),)
        seen = tuple(sorted(_walk(root), key=lambda it: it.name))
    except OSError as error:
        raise _unread(error, root) from error
    if not seen:
        raise InputError("there are no files in it", place=Place(file=str(root)), fix="name what the model loads from")
    return seen


def settle(seen: tuple[Seen, ...]) -> None:
    """See to it that whatever is stored in these files from now on changes their times, where the file system can.

    A store into memory that a file is mapped to changes them only if that page is not waiting to be written: so all are
    written. Whoever calls it looks before and after it. Raises InputError for what cannot be read or written.
    """
    time.sleep(_TICK)
    for it in seen:
        try:
            handle = os.open(it.path, _OPEN)
            try:
                os.fsync(handle)
            finally:
                os.close(handle)
        except OSError as error:
            # Such as a file system that is read-only: nothing waits to be written there.
            if error.errno not in _NO_DISK:
                raise _unread(error, it.path) from error


def taken(
    seen: tuple[Seen, ...], path: str | Path, *, threads: int | None = None, progress: Progress | None = None
) -> Manifest:
    """The manifest of files that were looked at. Raises InputError as `manifest_of` does."""
    place = Place(file=str(path))
    try:
        # Names that no manifest holds are told before hours of hashing.
        Manifest.of(Listed(it.name, it.size, "0" * 64) for it in seen)
    except InputError as error:
        raise InputError(error.message, place=place, fix=error.fix) from error
    work = _Work(sum(it.size for it in seen), progress)
    count = min(threads or os.cpu_count() or 1, MOST_THREADS, len(seen))
    # The largest first: a thread that begins with it last would work alone.
    order = sorted(range(len(seen)), key=lambda at: -seen[at].size)
    with ThreadPoolExecutor(max(count, 1)) as pool:
        futures = {at: pool.submit(work.digest, seen[at]) for at in order}
        try:
            digests = [futures[at].result() for at in range(len(seen))]
        except BaseException:
            work.stop.set()
            pool.shutdown(cancel_futures=True)
            raise
    again = look(path)
    if again != seen:
        what = _changed(seen, again)
        raise InputError(f"`{what}` changed while the files were hashed", place=place, fix="let nobody write there")
    return Manifest.of(Listed(it.name, it.size, digest) for it, digest in zip(seen, digests, strict=True))


def _walk(root: Path) -> Iterator[Seen]:
    folders = [(root, "")]
    while folders:
        folder, before = folders.pop()
        with os.scandir(folder) as found:
            entries = list(found)
        if not entries and before:
            what = "the folder has no files, and no manifest tells that it is there"
            raise InputError(what, place=Place(file=str(folder)), fix="remove it")
        for it in entries:
            name, path = f"{before}{it.name}", Path(it.path)
            of = it.stat(follow_symlinks=False)
            if stat.S_ISDIR(of.st_mode):
                folders.append((path, f"{name}/"))
            else:
                yield _seen(name, path, of)


def _seen(name: str, path: Path, of: os.stat_result) -> Seen:
    place = Place(file=str(path))
    if stat.S_ISLNK(of.st_mode):
        fix = "put the file itself there: `cp -RL` copies what links lead to"
        raise InputError("it is a link, and what it leads to may change", place=place, fix=fix)
    if not stat.S_ISREG(of.st_mode):
        raise InputError("it is no file: a pipe, a socket or a device", place=place, fix="remove it")
    return Seen(name, path, _mark(of))


def _mark(of: os.stat_result) -> tuple[int, ...]:
    return (of.st_dev, of.st_ino, of.st_size, of.st_mtime_ns, of.st_ctime_ns)


def _changed(before: tuple[Seen, ...], after: tuple[Seen, ...]) -> str:
    marks = {it.name: it.mark for it in after}
    gone = next((it.name for it in before if marks.pop(it.name, None) != it.mark), None)
    return gone if gone is not None else next(iter(marks))


def _unread(error: OSError, path: Path) -> InputError:
    where = os.fsdecode(error.filename) if isinstance(error.filename, str | bytes | os.PathLike) else str(path)
    return InputError(f"cannot be read: {error.strerror or error}", place=Place(file=where), fix="check the path")


class _Work:
    """What threads that hash share."""

    def __init__(self, whole: int, progress: Progress | None) -> None:
        self.stop = threading.Event()
        self._whole, self._progress = whole, progress
        self._done = 0
        self._lock = threading.Lock()

    def digest(self, seen: Seen) -> str:
        """The SHA-256 of a file. Raises InputError unless it is the file that was looked at, to the last byte."""
        try:
            handle = os.open(seen.path, _OPEN)
            with os.fdopen(handle, "rb", buffering=0) as file:
                sound = _mark(os.fstat(handle)) == seen.mark
                digest, size = self._hash(file.readinto) if sound else ("", 0)
                if not sound or size != seen.size or _mark(os.fstat(handle)) != seen.mark:
                    what = "the file changed while it was hashed"
                    raise InputError(what, place=Place(file=str(seen.path)), fix="let nobody write there")
        except OSError as error:
            raise _unread(error, seen.path) from error
        return digest

    def _hash(self, read: Callable[[memoryview], int | None]) -> tuple[str, int]:
        # Hashing a chunk of this size lets other threads run (hashlib: "above 2047 bytes").
        digest, size, buffer = hashlib.sha256(), 0, memoryview(bytearray(CHUNK))
        while not self.stop.is_set() and (count := read(buffer)):
            digest.update(buffer[:count])
            size += count
            self._tell(count)
        return digest.hexdigest(), size

    def _tell(self, count: int) -> None:
        if self._progress is not None:
            with self._lock:
                self._done += count
                self._progress(self._done, self._whole)
