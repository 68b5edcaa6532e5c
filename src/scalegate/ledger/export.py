"""A ledger as a folder of static files (C2SP tlog-tiles), to be put on any web server and read by any such reader.

    checkpoint                the latest signed checkpoint, with what cosignatures it has
    tile/<L>/<N>[.p/<W>]      hashes; `.p/<W>`: a tile of W of them, where it is not full yet
    tile/entries/<N>[.p/<W>]  the entries themselves

The checkpoint is written last, when all that it is about is there. Exporting into the same folder again adds what is
new; a folder with another log, or with a larger one, is refused.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from scalegate.errors import InputError, LedgerError, NotVerified, Place
from scalegate.ledger import _files
from scalegate.ledger.note import Checkpoint, joined, open_note
from scalegate.ledger.store import Ledger
from scalegate.ledger.tiles import WIDTH, Tile, bundled, tiles_of

__all__ = ["CHECKPOINT", "Exported", "export"]

CHECKPOINT = "checkpoint"
"""Name of the file with it."""


@dataclass(frozen=True)
class Exported:
    """What is in the folder now."""

    size: int
    root: bytes
    written: int
    """Files that were not there before."""


def export(
    ledger: Ledger,
    folder: str | Path,
    cosignatures: Iterable[str] = (),
    progress: Callable[[int, int], None] | None = None,
) -> Exported:
    """Write the ledger into a folder, up to its latest checkpoint.

    cosignatures: signature lines of witnesses on that checkpoint, put after the log's; they are not verified here.
    progress: called with (entries written, entries in all).

    Raises:
        InputError: if the ledger is empty, or the folder holds other files.
        LedgerError: if the folder cannot be written.
        NotVerified: if the folder has what this ledger is no growth of, or the ledger's parts disagree.
    """
    note = ledger.checkpoint()
    if note is None:
        raise InputError("the ledger has no entries yet", place=Place(file=ledger.name))
    known = Checkpoint.from_text(open_note(note, [ledger.log_verify_key]).text)
    place = Place(file=str(folder))
    try:
        return _write(ledger, Path(folder), known, joined(note, cosignatures), progress or (lambda _done, _all: None))
    except OSError as error:
        raise LedgerError(f"the export cannot be written: {error.strerror}", place=place) from error


def _write(
    ledger: Ledger, folder: Path, known: Checkpoint, note: str, progress: Callable[[int, int], None]
) -> Exported:
    folder.mkdir(parents=True, exist_ok=True)
    start, written = _there(ledger, folder, known), 0
    for tile in tiles_of(known.size, start):
        path = folder / tile.path
        path.parent.mkdir(parents=True, exist_ok=True)
        _files.replace(path, _bytes(ledger, tile), mode=0o644)
        written += 1
        if tile.level < 0:
            progress(tile.number * WIDTH + tile.width, known.size)
    _files.replace(folder / CHECKPOINT, note.encode(), mode=0o644)
    return Exported(known.size, known.root, written + 1)


def _there(ledger: Ledger, folder: Path, known: Checkpoint) -> int:
    """The size of what the folder has already."""
    place = Place(file=str(folder))
    file = folder / CHECKPOINT
    if not file.exists():
        # An export that was cut short left tiles and no checkpoint.
        if any(it.name != "tile" for it in folder.iterdir()):
            raise InputError("the folder holds other files", place=place, fix="name a folder that is new")
        return 0
    text = file.read_bytes().decode("utf-8", "replace")
    old = Checkpoint.from_text(open_note(text, [ledger.log_verify_key]).text)
    if old.origin != known.origin:
        raise NotVerified(f"the folder has the log {old.origin}", place=place)
    if old.size > known.size:
        what = f"the folder has {old.size} entries of this log, and the ledger {known.size}: it was rolled back"
        raise NotVerified(what, place=place, fix="restore the newest copy of the ledger")
    if old.size and ledger.tree(known.size).root(old.size) != old.root:
        what = f"the ledger is no growth of the {old.size} entries that the folder has"
        raise NotVerified(what, place=place, fix="both are signed by the log's key: keep them, they prove it")
    return old.size


def _bytes(ledger: Ledger, tile: Tile) -> bytes:
    if tile.level >= 0:
        return b"".join(ledger.hashes(tile))
    start = tile.number * WIDTH
    return bundled([it for _, it in ledger.entries(start, start + tile.width)])
