"""A disk that fails, under the real SQLite and the real ledger: torn, lost and reordered writes, EIO, ENOSPC, deaths.

What is written is first in the file as processes see it, and on the disk only after a sync. When the power goes, of
all that was not synced any part may be there, in any order, each sector old, new or garbage. A process that dies
takes its locks along and leaves what it wrote. The model is the one that SQLite is written against
(https://sqlite.org/atomiccommit.html), without the promise that a write damages nothing beside it in its sector.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import apsw

__all__ = ["SECTOR", "Disk", "Rates"]

SECTOR = 512
_UNLOCKED, _SHARED, _RESERVED, _PENDING, _EXCLUSIVE = 0, 1, 2, 3, 4
_FULL, _READ, _WRITE, _SYNC = (
    apsw.SQLITE_FULL,
    apsw.SQLITE_IOERR_READ,
    apsw.SQLITE_IOERR_WRITE,
    apsw.SQLITE_IOERR_FSYNC,
)


@dataclass(frozen=True)
class Rates:
    """How often a call fails: one in so many; 0 is never."""

    read: int = 0
    write: int = 0
    sync: int = 0
    full: int = 0


@dataclass(eq=False)
class Inode:
    """A file: as processes see it, as the disk has it, and what was written since it was synced."""

    seen: bytearray = field(default_factory=bytearray)
    disk: bytes = b""
    pending: list[tuple[int, bytes | None]] = field(default_factory=list)
    """(offset, bytes), or (size, None) where it was cut."""
    locks: dict[int, int] = field(default_factory=dict)
    """Of each open handle its lock."""

    def sync(self) -> None:
        self.disk, self.pending = bytes(self.seen), []


@dataclass(eq=False)
class Disk:
    """One folder of files. `chance` decides everything, so that a seed gives the same run again."""

    chance: random.Random
    rates: Rates = Rates()
    seen: dict[str, Inode] = field(default_factory=dict)
    disk: dict[str, Inode] = field(default_factory=dict)
    """The names as the disk has them: a file that was made or deleted is so there after the folder was synced."""
    calls: int = 0
    dies_at: int | None = None
    """The call at which a process dies, or the power goes."""
    dead: set[int] = field(default_factory=set)
    """Processes that died: nothing that they still try does anything."""
    running: int = 0
    """The process whose turn it is."""
    counts: dict[str, int] = field(default_factory=dict)
    """How often what was done to whoever used it."""

    def load(self, name: str, data: bytes) -> None:
        """A file that is there and synced."""
        self.seen[name] = self.disk[name] = Inode(bytearray(data), data)

    def note(self, what: str) -> None:
        self.counts[what] = self.counts.get(what, 0) + 1

    def call(self, process: int, rate: int, error: int, what: str) -> bool:
        """Count a call. Raises the error that it meets. True: the process dies when the call is done."""
        if process in self.dead:
            raise _failed(apsw.IOError, apsw.SQLITE_IOERR)
        self.calls += 1
        if self.dies_at is not None and self.calls >= self.dies_at:
            self.dies_at = None
            self.dead.add(process)
            if self.chance.random() < 0.5:
                raise _failed(apsw.IOError, apsw.SQLITE_IOERR)
            return True
        if rate and self.chance.randrange(rate) == 0:
            self.note(what)
            raise _failed(apsw.FullError if error == _FULL else apsw.IOError, error)
        return False

    def sync_names(self) -> None:
        self.disk = dict(self.seen)

    def release(self, process: int) -> None:
        """A process is gone: its locks go with it, what it wrote stays."""
        for inode in {*self.seen.values(), *self.disk.values()}:
            inode.locks = {handle: lock for handle, lock in inode.locks.items() if handle // 1_000_000 != process}

    def lose_power(self) -> None:
        """Everything stops; of what was not synced any part is there."""
        made = [name for name in self.seen if self.seen[name] is not self.disk.get(name)]
        gone = [name for name in self.disk if name not in self.seen]
        kept = dict(self.disk)
        for name in made + gone:
            if self.chance.random() < 0.5:
                kept.pop(name, None)
                if name in self.seen:
                    kept[name] = self.seen[name]
        self.disk = kept
        for inode in self.disk.values():
            inode.locks = {}
            inode.seen = self._survivors(inode)
            inode.sync()
        self.seen = dict(self.disk)

    def _survivors(self, inode: Inode) -> bytearray:
        data = bytearray(inode.disk)
        pending = [it for it in inode.pending if self.chance.random() < 0.7]
        if self.chance.random() < 0.5:
            self.chance.shuffle(pending)
        for offset, written in pending:
            if written is None:
                del data[offset:]
                continue
            for at in range(0, len(written), SECTOR):
                piece = written[at : at + SECTOR]
                fate = self.chance.random()
                if fate < 0.15:
                    continue
                if fate < 0.2:
                    piece = self.chance.randbytes(len(piece))
                _put(data, offset + at, piece)
        return data


def _put(data: bytearray, offset: int, written: bytes) -> None:
    if len(data) < offset:
        data.extend(bytes(offset - len(data)))
    data[offset : offset + len(written)] = written


def _failed(kind: type[apsw.Error], code: int) -> apsw.Error:
    error = kind("simulated")
    error.extendedresult = code
    error.result = code & 0xFF
    return error


class Files(apsw.VFS):
    """The disk as SQLite sees it. Beside each of its files an empty real one stands: the ledger looks at names."""

    def __init__(self, name: str, disk: Disk) -> None:
        super().__init__(name, "", makedefault=False)
        self.there = disk

    def xOpen(self, name: str | apsw.URIFilename | None, flags: list[int]) -> apsw.VFSFile:  # noqa: N802
        path = name.filename() if isinstance(name, apsw.URIFilename) else name
        assert path is not None, "no temporary file is asked for"
        disk = self.there
        dies = disk.call(disk.running, 0, 0, "")
        if path not in disk.seen:
            if not flags[0] & apsw.SQLITE_OPEN_CREATE:
                raise _failed(apsw.CantOpenError, apsw.SQLITE_CANTOPEN)
            disk.seen[path] = Inode()
            Path(path).touch()
        flags[1] = flags[0]
        made = File(disk, disk.seen[path], disk.running, writable=bool(flags[0] & apsw.SQLITE_OPEN_READWRITE))
        if dies:
            raise _failed(apsw.IOError, apsw.SQLITE_IOERR)
        return made

    def xDelete(self, filename: str, syncdir: bool) -> None:  # noqa: N802
        disk = self.there
        dies = disk.call(disk.running, disk.rates.write, apsw.SQLITE_IOERR_DELETE, "EIO")
        if filename not in disk.seen:
            raise _failed(apsw.IOError, apsw.SQLITE_IOERR_DELETE_NOENT)
        del disk.seen[filename]
        Path(filename).unlink(missing_ok=True)
        if syncdir and not dies:
            disk.sync_names()
        if dies:
            raise _failed(apsw.IOError, apsw.SQLITE_IOERR)

    def xAccess(self, pathname: str, flags: int) -> bool:  # noqa: N802
        self.there.call(self.there.running, 0, 0, "")
        return pathname in self.there.seen

    def xFullPathname(self, name: str) -> str:  # noqa: N802
        return name

    def xSleep(self, microseconds: int) -> int:  # noqa: N802
        # Whoever waits for a lock waits in no time: nobody else runs meanwhile.
        return microseconds


class File:
    """An open file of the simulated disk. It is no subclass: nothing of it may reach a real file."""

    opened = 0

    def __init__(self, disk: Disk, inode: Inode, process: int, *, writable: bool) -> None:
        File.opened += 1
        self.disk, self.inode, self.process, self.writable = disk, inode, process, writable
        self.handle = process * 1_000_000 + File.opened % 1_000_000
        self.fresh = inode not in disk.disk.values()

    def xRead(self, amount: int, offset: int) -> bytes:  # noqa: N802
        self._called(self.disk.rates.read, _READ, "EIO")
        return bytes(self.inode.seen[offset : offset + amount])

    def xWrite(self, data: bytes, offset: int) -> None:  # noqa: N802
        if not self.writable:
            raise _failed(apsw.ReadOnlyError, apsw.SQLITE_READONLY)
        grows = offset + len(data) > len(self.inode.seen)
        if grows:
            self._called(self.disk.rates.full, _FULL, "ENOSPC")
        with self._called_last(self.disk.rates.write, _WRITE, "EIO"):
            written = bytes(data)
            _put(self.inode.seen, offset, written)
            self.inode.pending.append((offset, written))

    def xTruncate(self, newsize: int) -> None:  # noqa: N802
        with self._called_last(self.disk.rates.write, _WRITE, "EIO"):
            del self.inode.seen[newsize:]
            self.inode.pending.append((newsize, None))

    def xSync(self, flags: int) -> None:  # noqa: N802
        try:
            with self._called_last(self.disk.rates.sync, _SYNC, "EIO"):
                self.inode.sync()
                if self.fresh:
                    # A new file's name is synced with it, as SQLite's own files on POSIX do.
                    self.disk.sync_names()
                    self.fresh = False
        except apsw.IOError:
            # After a sync that failed nobody knows: part of it is there, and the rest may never be written.
            self.inode.pending = [it for it in self.inode.pending if self.disk.chance.random() < 0.5]
            raise

    def xFileSize(self) -> int:  # noqa: N802
        self._called(0, 0, "")
        return len(self.inode.seen)

    def xLock(self, level: int) -> None:  # noqa: N802
        self._called(0, 0, "")
        mine, others = self._locks()
        if mine >= level:
            return
        highest = max(others, default=_UNLOCKED)
        if level == _SHARED:
            if highest >= _PENDING:
                raise _failed(apsw.BusyError, apsw.SQLITE_BUSY)
        elif highest >= _RESERVED:
            raise _failed(apsw.BusyError, apsw.SQLITE_BUSY)
        elif level == _EXCLUSIVE and highest >= _SHARED:
            self.inode.locks[self.handle] = _PENDING
            raise _failed(apsw.BusyError, apsw.SQLITE_BUSY)
        self.inode.locks[self.handle] = level

    def xUnlock(self, level: int) -> None:  # noqa: N802
        if self.process not in self.disk.dead:
            self.inode.locks[self.handle] = level

    def xCheckReservedLock(self) -> bool:  # noqa: N802
        self._called(0, 0, "")
        return max(self.inode.locks.values(), default=_UNLOCKED) >= _RESERVED

    def xClose(self) -> None:  # noqa: N802
        self.inode.locks.pop(self.handle, None)

    def xSectorSize(self) -> int:  # noqa: N802
        return SECTOR

    def xDeviceCharacteristics(self) -> int:  # noqa: N802
        return 0

    def xFileControl(self, op: int, ptr: int) -> bool:  # noqa: N802
        return False

    def _locks(self) -> tuple[int, list[int]]:
        others = [lock for handle, lock in self.inode.locks.items() if handle != self.handle]
        return self.inode.locks.get(self.handle, _UNLOCKED), others

    def _called(self, rate: int, error: int, what: str) -> None:
        if self.disk.call(self.process, rate, error, what):
            raise _failed(apsw.IOError, apsw.SQLITE_IOERR)

    @contextmanager
    def _called_last(self, rate: int, error: int, what: str) -> Iterator[None]:
        """A call during which its process may die, before or after it was done."""
        dies = self.disk.call(self.process, rate, error, what)
        yield
        if dies:
            raise _failed(apsw.IOError, apsw.SQLITE_IOERR)
