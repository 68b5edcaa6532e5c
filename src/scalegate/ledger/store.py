"""The ledger: an append-only sequence of signed entries with a signed checkpoint after every append.

All that decides a checkpoint happens in one write transaction, and a checkpoint leaves `append` only after
the commit: no tree head is ever published that is not on disk, and no size ever gets two roots.
"""

from __future__ import annotations

import contextlib
import logging
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from scalegate.errors import InputError, LedgerError, NotVerified
from scalegate.ledger import _kept, _memory, _rows, dsse
from scalegate.ledger._reading import Reading
from scalegate.ledger._stores import Meta
from scalegate.ledger.keys import SigningKey
from scalegate.ledger.merkle import EMPTY_ROOT, Frontier, consistency_proof, leaf_hash, verify_consistency
from scalegate.ledger.merkle import root as root_over
from scalegate.ledger.named import Where, where
from scalegate.ledger.note import Checkpoint, sign_note
from scalegate.ledger.tiles import WIDTH

__all__ = ["Appended", "Ledger", "discard"]

LOG = logging.getLogger(__name__)
FORGOTTEN = "%s: no `%s` is beside it, so it cannot be told whether this is an older copy"
UNREMEMBERED = "%s: no head is remembered beside an address, so it cannot be told whether this is an older copy"
LONGEST_ID = 200


@dataclass(frozen=True)
class Appended:
    """What is now on disk: the first new position, the new size, and the signed checkpoint for it."""

    first: int
    size: int
    checkpoint: str


class Ledger(Reading):
    """One ledger. Use it as a context manager, from one thread, and not across a fork.

    Any number of processes may have it open; writers take turns. Each read sees the last commit. Every
    method may raise LedgerError if it cannot be used and NotVerified if what it holds does not check
    out; after either the object stays usable.
    """

    def __init__(self, at: Where, log_key: SigningKey | None) -> None:
        """Use `create` or `open`."""
        super().__init__(at, _kept.store_of(at, writable=log_key is not None))
        self._log_key = log_key
        try:
            with self._store.explained():
                self._meta = self._store.meta()
        except BaseException:
            self._drop()
            raise

    @classmethod
    def create(cls, path: str | Path, *, origin: str, log_key: SigningKey, address: str | None = None) -> Ledger:
        """Make an empty ledger in a new file and open it for appending.

        address: of a database of PostgreSQL, as `postgresql://HOST/DATABASE?schema=NAME`: then the ledger is made in
            that schema, `scalegate` if none is named, and the file only names it. It holds no password.

        The file appears whole or, if the process is killed, not at all. Raises InputError for a malformed
        origin or address, LedgerError if there is a file, or the remains of one, in that place, or anything in
        that schema.
        """
        file = Path(path).resolve()
        _kept.build(file, Meta(Checkpoint(origin, 0, bytes(32)).origin, log_key.verify_key), address)
        ledger = cls.open(file, log_key=log_key)
        ledger._remember()
        return ledger

    @classmethod
    def open(cls, path: str | Path, *, log_key: SigningKey | None = None) -> Ledger:
        """Open an existing ledger; read-only unless the log's signing key is given.

        Only whoever may append moves the remembered head forward: without the write lock it could be set back.

        path: the ledger's file, the file that names one in PostgreSQL, or the address of that, to read it only: beside
            an address no head is remembered.

        Raises:
            LedgerError: if there is no ledger or it cannot be read.
            InputError: if `log_key` is not the key of this log, or the file or address names no ledger as it should.
            NotVerified: if its parts disagree, or it is older than, or not a growth of, what `<path>.head`
                remembers.
        """
        at = where(path)
        if at.file is None and log_key is not None:
            raise InputError(
                "an address by itself has no place beside it to remember the ledger's head in",
                place=at.place,
                fix="write it into a file, `ledger.db` of a project, and name that",
            )
        # Before the ledger: read after it, a memory could be ahead only because somebody just appended.
        memory = None if at.file is None else _memory.recall(at.file)
        ledger = cls(at, log_key)
        try:
            with ledger._transaction(ledger._store.begin_read):
                frontier = ledger._agreed_head()
                behind = ledger._is_behind(memory, frontier)
            if at.file is None:
                LOG.warning(UNREMEMBERED, at.name)
            elif memory is None and frontier.size > 0:
                LOG.warning(FORGOTTEN, at.name, _memory.file_for(at.file).name)
            if log_key is not None and log_key.verify_key != ledger.log_verify_key:
                raise InputError(
                    f"{log_key.verify_key.to_text()} is not the key of this log",
                    place=ledger._place(),
                    fix=f"give the private key of {ledger.log_verify_key.to_text()}",
                )
            if log_key is not None:
                ledger._check_count(frontier.size)
                if behind or memory is None:
                    ledger._remember()
        except BaseException:
            ledger.close()
            raise
        return ledger

    def close(self) -> None:
        """Let go of the ledger. Any other method raises LedgerError from then on."""
        self._closed = True
        self._drop()

    def leave(self) -> None:
        """In a forked child: the ledger is its parent's, and so is a transaction under way. It is not even closed."""
        self._closed = True
        self._store.leave()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def append(
        self, envelopes: Sequence[bytes] | Callable[[], Sequence[bytes]], *, once: str | None = None
    ) -> Appended:
        """Append `envelopes`, all or none, and return once they are on the disk.

        A function in their place makes them under the write lock, before anything is written: what it reads
        from this ledger stays true until the entries are in. If it raises, nothing is written and its error is
        passed on.

        once: an id of the caller's for these very entries. If they were appended under it before, nothing is, and
            what is returned is what was returned then: after a broken connection, append again. Without an id, and
            under another, equal entries are appended as often as they are given.

        Raises:
            InputError: if there is nothing to append, an envelope is malformed or too long, or other entries were
                appended under the id.
            LedgerError: if the ledger is read-only, busy, or the disk fails; all or nothing is there then.
            NotVerified: if head, last checkpoint, last entry and side file do not agree.
        """
        key = self._log_key
        if key is None:
            raise LedgerError("opened read-only", place=self._place(), fix="open it with the log's signing key")
        if once is not None and not (isinstance(once, str) and 0 < len(once) <= LONGEST_ID and once.isprintable()):
            raise InputError(
                "the id of what is appended is none", place=self._place(), fix=f"1 to {LONGEST_ID} printable characters"
            )
        with self._transaction():
            frontier = self._agreed_head()
            self._is_behind(_memory.recall(self.path), frontier)
            made = list(envelopes() if callable(envelopes) else envelopes)
            # A failed statement, which that function may have swallowed, can have ended the transaction.
            if not self._store.in_transaction:
                raise LedgerError("the write lock was lost", place=self._place())
            if not made:
                raise InputError("there is nothing to append", place=self._place())
            done = None if once is None else self._sent(once, made)
            if done is None:
                done = self._write(frontier, made, key, once)
        self._remember()
        return done

    def _write(self, frontier: Frontier, made: Sequence[bytes], key: SigningKey, once: str | None) -> Appended:
        first = frontier.size
        rows = []
        for position, envelope in enumerate(made, first):
            dsse.parse(envelope)
            leaf = leaf_hash(envelope)
            rows.append((position, leaf, envelope))
            frontier = frontier.append(leaf)
        self._put("INSERT INTO entry VALUES (?, ?, ?)", rows)
        self._fill(first, frontier.size)
        self._run("UPDATE head SET size = ?, frontier = ?", frontier.size, frontier.to_bytes())
        text = Checkpoint(self.origin, frontier.size, frontier.root()).to_text()
        note = sign_note(text, [key])
        self._run("INSERT INTO checkpoint VALUES (?, ?)", frontier.size, note)
        if once is not None:
            digest = _rows.digest_of(once, first, frontier.size, frontier.root())
            self._run("INSERT INTO sent VALUES (?, ?, ?, ?)", frontier.size, first, once, digest)
        return Appended(first, frontier.size, note)

    def _sent(self, once: str, made: Sequence[bytes]) -> Appended | None:
        """Where these entries were appended under that id. Raises InputError if others were."""
        rows = self._run("SELECT size, first, id, digest FROM sent WHERE id = ?", once)
        if not rows:
            return None
        notes = self._run("SELECT size, note FROM checkpoint WHERE size = ?", rows[0][0])
        if not notes:
            raise NotVerified(f"the id `{once}` is of no append", place=self._place())
        first, size = _rows.sent_of(rows[0], self._opened(*notes[0]), self._place())
        # The entries themselves: a row that only claims that they are there would swallow them.
        if [envelope for _, envelope in self._walk(first, size)] != list(made):
            raise InputError(
                f"the id `{once}` is of other entries, {first} to {size - 1}",
                place=self._place(),
                fix="give what is new an id of its own",
            )
        return Appended(first, size, str(notes[0][1]))

    def _fill(self, had: int, there: int) -> None:
        """Write the tiles that are full now."""
        level = 0
        while (first := had // WIDTH) < (end := there // WIDTH):
            for number in range(first, end):
                hashes = self._row_hashes(level, number * WIDTH, (number + 1) * WIDTH)
                self._run("INSERT INTO tile VALUES (?, ?, ?, ?)", level, number, root_over(hashes), b"".join(hashes))
            level, had, there = level + 1, first, end

    def _put(self, statement: str, rows: Sequence[tuple[object, ...]]) -> None:
        with self._store.explained():
            self._store.many(statement, rows)

    def _drop(self) -> None:
        if self._process != os.getpid():
            self._store.leave()
            return
        with self._store.explained():
            self._store.drop()

    def _agreed_head(self) -> Frontier:
        """The head, if the last entry and the last checkpoint say the same."""
        frontier = self._head()
        entries = self._run("SELECT coalesce(max(position) + 1, 0) FROM entry")[0][0]
        last = self._run("SELECT size, note FROM checkpoint ORDER BY size DESC LIMIT 1")
        signed = last[0][0] if last else 0
        if not frontier.size == entries == signed:
            raise NotVerified(
                f"head says {frontier.size} entries, the last entry {entries}, the last checkpoint {signed}",
                place=self._place(),
                fix="restore the ledger from a copy",
            )
        if last and self._opened(*last[0]).root != frontier.root():
            raise NotVerified("the last checkpoint has another root than the head", place=self._place())
        return frontier

    def _check_count(self, size: int) -> None:
        count = self._run("SELECT count(*) FROM entry WHERE position < ?", size)[0][0]
        if count != size:
            raise NotVerified(f"{size - count} of {size} entries are missing", place=self._place())

    @contextlib.contextmanager
    def _transaction(self, begin: str | None = None, end: str = "COMMIT") -> Iterator[None]:
        """One view of the ledger, by default with the write lock; after an error, no trace."""
        self._check_usable()
        if self._store.in_transaction:
            raise LedgerError("an append within an append", place=self._place())
        try:
            self._run(begin or self._store.begin_write)
            yield
            self._run(end)
        except BaseException:
            # After a failed write or flush a handle may believe what the disk does not hold: never retry on
            # it. Closing rolls back; the next call opens a new one.
            self._drop()
            raise

    def _is_behind(self, memory: _memory.Memory | None, frontier: Frontier) -> bool:
        """Check `frontier` against the side file; True if that must move forward."""
        if memory is None:
            return False
        if memory.size > frontier.size:
            raise NotVerified(
                f"the ledger has {frontier.size} entries, but had {memory.size}: it was rolled back",
                place=self._place(),
                fix="restore the newest copy; nothing may be appended to an older one",
            )
        if not self._is_growth(memory, frontier):
            raise NotVerified(
                f"the ledger of {frontier.size} entries is not a growth of the one of {memory.size} entries"
                " seen here before",
                place=self._place(),
                fix="restore the ledger that the side file remembers",
            )
        return memory.size < frontier.size

    def _is_growth(self, memory: _memory.Memory, frontier: Frontier) -> bool:
        if memory.size in (0, frontier.size):
            return memory.root == (frontier.root() if memory.size else EMPTY_ROOT)
        # By a proof, of a few rows: where writers on other machines append too, each append comes past here.
        try:
            proof = consistency_proof(memory.size, frontier.size, self.tree(frontier.size).subtree)
            verify_consistency(memory.size, frontier.size, memory.root, frontier.root(), proof)
        except (InputError, NotVerified):
            return False
        return True

    def _remember(self) -> None:
        """Write the side file under the write lock, so that two writers cannot set it back."""
        # The entries are committed: raising now would invite the caller to append them again. A side file
        # that stays behind is moved forward by the next open or append.
        with contextlib.suppress(OSError, LedgerError, NotVerified), self._transaction(end="ROLLBACK"):
            frontier = self._head()
            _memory.remember(self.path, _memory.Memory(frontier.size, frontier.root()))


def discard(path: str | Path, origin: str) -> None:
    """Remove what `Ledger.create` just made in PostgreSQL, where its file could not be put to use.

    A ledger that is a file is left to whoever removes that. Raises LedgerError if it cannot be removed; one of another
    origin is not the one that is meant, and stays.
    """
    _kept.discard(where(path), origin)
