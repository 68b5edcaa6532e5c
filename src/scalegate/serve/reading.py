"""What is read of a served ledger: each answer is checked against the checkpoint that it is given under.

A reader takes what it is served for the whole. So a tile, an entry or a proof that does not lead to the signed root is
not given at all, and neither is anything of a ledger that is no growth of what was served before.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Lock

from scalegate.errors import InputError, LedgerError, NotVerified, Place
from scalegate.ledger import Ledger, merkle
from scalegate.ledger.note import Checkpoint, open_note
from scalegate.ledger.receipt import Receipt, receipt_for
from scalegate.ledger.tiles import WIDTH, Tile, bundled, tile_at

__all__ = ["Missing", "Once", "Shelf", "View"]


class Missing(InputError):
    """The ledger has nothing of what was asked for."""


class Once(logging.Filter):
    """Lets each message through once: a ledger is opened for each request, and is warned of each time."""

    def __init__(self) -> None:
        super().__init__()
        self._said: set[str] = set()

    def filter(self, record: logging.LogRecord) -> bool:
        said = record.getMessage()
        new = said not in self._said
        self._said.add(said)
        return new


@dataclass(frozen=True)
class View:
    """A ledger as one request sees it: under its latest checkpoint."""

    ledger: Ledger
    note: str
    checkpoint: Checkpoint

    @property
    def size(self) -> int:
        return self.checkpoint.size

    def tile(self, path: str) -> tuple[Tile, bytes]:
        """A tile, or a bundle of entries, with its bytes. Raises Missing if there is none of that name."""
        try:
            tile = tile_at(path)
        except InputError as error:
            raise Missing(error.message) from error
        level = max(tile.level, 0)
        # A level over the root's has no tile; a number without bound is not shifted.
        there = self.size >> (8 * level) if level < 8 else 0
        if tile.number * WIDTH + tile.width > there:
            raise Missing(f"`{path}` is not there: the log has {self.size} entries")
        if tile.level >= 0:
            return tile, b"".join(self._checked(level, tile.number)[: tile.width])
        start = tile.number * WIDTH
        return tile, bundled(self.entries(start, start + tile.width))

    def entries(self, start: int, stop: int) -> list[bytes]:
        """Envelopes. Raises InputError for a range that is not there."""
        found = [it for _, it in self.ledger.entries(start, stop)]
        for number in range(start // WIDTH, -(-stop // WIDTH)) if found else ():
            leaves = self._checked(0, number)
            for position in range(max(start, number * WIDTH), min(stop, (number + 1) * WIDTH)):
                if merkle.leaf_hash(found[position - start]) != leaves[position % WIDTH]:
                    raise self._wrong("the entry is not the one that was signed", position)
        return found

    def receipt(self, index: int) -> Receipt:
        """The receipt of an entry. Raises Missing if there is none."""
        self._within(index, self.size)
        return receipt_for(self.ledger, index, self.note)

    def inclusion(self, index: int, size: int) -> tuple[bytes, bytes, tuple[bytes, ...]]:
        """Leaf hash, root of the tree of `size` entries, and the proof. Raises Missing if there is no such tree."""
        self._within(size - 1, self.size)
        self._within(index, size)
        tree = self.ledger.tree(self.size)
        root = self.consistency(size, self.size)[0]
        leaf, proof = merkle.leaf_hash(self.ledger.entry(index)), merkle.inclusion_proof(index, size, tree.subtree)
        merkle.verify_inclusion(index, size, leaf, proof, root)
        return leaf, root, proof

    def consistency(self, old: int, new: int) -> tuple[bytes, bytes, tuple[bytes, ...]]:
        """Roots of two trees, and the proof that the second grew from the first. Raises Missing for other sizes."""
        self._within(old - 1, new)
        self._within(new - 1, self.size)
        tree = self.ledger.tree(self.size)
        roots = tree.root(old), tree.root(new)
        for size, root in ((old, roots[0]), (new, roots[1])):
            proof = merkle.consistency_proof(size, self.size, tree.subtree)
            merkle.verify_consistency(size, self.size, root, self.checkpoint.root, proof)
        return *roots, merkle.consistency_proof(old, new, tree.subtree)

    def _within(self, index: int, size: int) -> None:
        if not 0 <= index < size:
            raise Missing(f"there is none: the log has {self.size} entries")

    def _checked(self, level: int, number: int) -> tuple[bytes, ...]:
        """The hashes of a tile as far as it goes, up to the root that was signed."""
        found = whole = self._whole(level, number)
        while len(found) == WIDTH:
            above = self._whole(level + 1, number // WIDTH)
            if above[number % WIDTH] != merkle.root(found):
                raise self._wrong("a tile is not of the tree that was signed")
            level, number, found = level + 1, number // WIDTH, above
        # What is not full lies at the right edge, and the root is made of all that does.
        if self.ledger.tree(self.size).root() != self.checkpoint.root:
            raise self._wrong("the entries do not make the tree that was signed")
        return whole

    def _whole(self, level: int, number: int) -> tuple[bytes, ...]:
        width = min(WIDTH, (self.size >> (8 * level)) - number * WIDTH)
        return self.ledger.hashes(Tile(level, number, width))

    def _wrong(self, what: str, entry: int | None = None) -> NotVerified:
        return NotVerified(what, place=Place(file=self.ledger.name, entry=entry), fix="restore the ledger from a copy")


class Shelf:
    """One ledger, opened anew for each request: whatever another process appended is there, and what was put in the
    place of its file is met. Each call may come from another thread."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = Lock()
        self._served: Checkpoint | None = None

    @contextmanager
    def view(self) -> Iterator[View]:
        """The ledger as it is now.

        Raises LedgerError if it cannot be read, NotVerified if its parts disagree, or it is no growth of what was
        served before; Missing while it is empty.
        """
        with Ledger.open(self.path) as ledger:
            note = ledger.checkpoint()
            if note is None:
                raise Missing("the ledger has no entries yet")
            checkpoint = Checkpoint.from_text(open_note(note, [ledger.log_verify_key]).text)
            view = View(ledger, note, checkpoint)
            self._remember(view)
            try:
                yield view
            except InputError as error:
                if isinstance(error, Missing):
                    raise
                # What is asked for is looked at before: then it is the ledger that lacks it.
                raise LedgerError(error.message, place=error.place, fix=error.fix) from error

    def _remember(self, view: View) -> None:
        with self._lock:
            last = self._served
        now = view.checkpoint
        if last is not None and last != now:
            if last.origin != now.origin:
                raise view._wrong(f"this is the log {now.origin}, and {last.origin} was served before")
            if view.ledger.size < last.size:
                raise view._wrong(f"it was rolled back: {last.size} entries were served before")
            # Another request may have seen it larger by now: then this one is older, and a part of it.
            small, large = sorted((last, now), key=lambda it: it.size)
            tree = view.ledger.tree(large.size)
            if tree.root(small.size) != small.root or tree.root() != large.root:
                raise view._wrong(f"it is no growth of the {small.size} entries that were served before")
        with self._lock:
            if self._served is None or self._served.size < now.size:
                self._served = now
