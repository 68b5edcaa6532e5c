"""A log that was exported (C2SP tlog-tiles), read and checked from its files alone.

The files do not say whose they are: the log's key comes from whoever reads them. Everything is computed again from the
entries: leaf hashes, each tile, the root that was signed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

from scalegate.errors import InputError, LedgerError, NotVerified, Place
from scalegate.ledger import dsse
from scalegate.ledger.export import CHECKPOINT
from scalegate.ledger.fsck import Checked
from scalegate.ledger.keys import VerifyKey
from scalegate.ledger.merkle import EMPTY_ROOT, leaf_hash
from scalegate.ledger.merkle import root as merkle_root
from scalegate.ledger.note import Checkpoint, open_note
from scalegate.ledger.tiles import WIDTH, Tile, Tiles, hashes_in, tiles_of, unbundled

__all__ = ["ExportedLog"]

_MOST_BYTES = WIDTH * (2 + 65_535)


class ExportedLog:
    """An exported log at its checkpoint, under the keys of logs that are trusted.

    Every method may raise LedgerError for a file that is not there or cannot be read, NotVerified for one that is not
    what the checkpoint is about.
    """

    def __init__(self, folder: str | Path, logs: tuple[VerifyKey, ...]) -> None:
        """Raises NotVerified unless one of these keys signed the checkpoint of the log that it is named after."""
        self.path = Path(folder)
        self.note = self._read(CHECKPOINT, 1_000_000).decode("utf-8", "replace")
        place = Place(file=str(self.path / CHECKPOINT))
        try:
            opened = open_note(self.note, logs)
            self.checkpoint = Checkpoint.from_text(opened.text)
        except (InputError, NotVerified) as error:
            raise NotVerified(error.message, place=place) from error
        signers = [key for key in opened.signers if key.name == self.checkpoint.origin]
        if not signers:
            raise NotVerified(f"no key of the log {self.checkpoint.origin} signed its checkpoint", place=place)
        self.log_verify_key = signers[0]

    @property
    def origin(self) -> str:
        return self.checkpoint.origin

    @property
    def size(self) -> int:
        return self.checkpoint.size

    def tree(self) -> Tiles:
        """The tree of the tiles, which are not checked by this."""
        return Tiles(self.hashes, self.size)

    def hashes(self, tile: Tile) -> tuple[bytes, ...]:
        """The hashes of a tile, as its file has them."""
        try:
            return hashes_in(tile, self._read(tile.path, _MOST_BYTES))
        except InputError as error:
            raise NotVerified(error.message, place=Place(file=str(self.path))) from error

    def entries(self, start: int = 0, stop: int | None = None) -> Iterator[tuple[int, bytes]]:
        """Positions and envelopes from `start` up to `stop`, as the bundles have them."""
        end = self.size if stop is None else stop
        if not 0 <= start <= end <= self.size:
            raise InputError(f"a log of {self.size} entries has no range {start} to {end}")
        return self._walk(start, end)

    def _walk(self, start: int, end: int) -> Iterator[tuple[int, bytes]]:
        while start < end:
            number = start // WIDTH
            first = number * WIDTH
            bundle = self._bundle(Tile(-1, number, min(WIDTH, self.size - first)))
            for position in range(start, min(first + WIDTH, end)):
                yield position, bundle[position - first]
            start = first + WIDTH

    def _bundle(self, tile: Tile) -> tuple[bytes, ...]:
        try:
            return unbundled(tile, self._read(tile.path, _MOST_BYTES))
        except InputError as error:
            place = Place(file=str(self.path), entry=tile.number * WIDTH)
            raise NotVerified(error.message, place=place) from error

    def check(self, progress: Callable[[int, int], None] | None = None) -> Checked:
        """Audit all files that the checkpoint is about. Raises NotVerified naming the first entry that fails."""
        made = _Made(self)
        for tile in tiles_of(self.size):
            if tile.level < 0:
                made.take(self._bundle(tile), tile)
                (progress or (lambda _done, _all: None))(made.size, self.size)
            elif made.hashes(tile) != self.hashes(tile):
                entry = made.first_wrong(tile, self.hashes(tile))
                raise NotVerified(f"`{tile.path}` is not of the entries", place=Place(str(self.path), entry=entry))
        root = Tiles(made.hashes, self.size).root() if self.size else EMPTY_ROOT
        if root != self.checkpoint.root:
            raise NotVerified(
                f"the entries do not make the tree that was signed at size {self.size}", place=Place(str(self.path))
            )
        return Checked(self.origin, self.log_verify_key, self.size, root, 1)

    def _read(self, name: str, most: int) -> bytes:
        place = Place(file=str(self.path / name))
        try:
            with (self.path / name).open("rb") as file:
                data = file.read(most + 1)
        except FileNotFoundError as error:
            raise NotVerified("the file is missing", place=place) from error
        except OSError as error:
            raise LedgerError(f"cannot be read: {error.strerror}", place=place) from error
        if len(data) > most:
            raise NotVerified(f"the file is over {most:,} bytes", place=place)
        return data


class _Made:
    """The tree of the entries that were read, worked out from them: 32 bytes of each."""

    def __init__(self, log: ExportedLog) -> None:
        self._log = log
        self._levels: list[bytearray] = [bytearray()]

    @property
    def size(self) -> int:
        return len(self._levels[0]) // 32

    def take(self, entries: tuple[bytes, ...], tile: Tile) -> None:
        for at, envelope in enumerate(entries):
            try:
                dsse.parse(envelope)
            except InputError as error:
                place = Place(file=str(self._log.path), entry=tile.number * WIDTH + at)
                raise NotVerified(f"the entry is no envelope: {error.message}", place=place) from error
            self._levels[0] += leaf_hash(envelope)
        level = 0
        while len(self._levels[level]) % (WIDTH * 32) == 0:
            part = bytes(self._levels[level][-WIDTH * 32 :])
            if len(self._levels) == level + 1:
                self._levels.append(bytearray())
            hashes = hashes_in(Tile(level, 0), part)
            self._levels[level + 1] += merkle_root(hashes)
            level += 1

    def hashes(self, tile: Tile) -> tuple[bytes, ...]:
        start = tile.number * WIDTH * 32
        return hashes_in(tile, bytes(self._levels[tile.level][start : start + tile.width * 32]))

    def first_wrong(self, tile: Tile, found: tuple[bytes, ...]) -> int:
        at = next(at for at, pair in enumerate(zip(self.hashes(tile), found, strict=True)) if pair[0] != pair[1])
        return int((tile.number * WIDTH + at) * WIDTH**tile.level)
