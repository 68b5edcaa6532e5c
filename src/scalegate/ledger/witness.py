"""A witness (C2SP tlog-witness): it remembers the largest tree of each log that it saw, and cosigns what grew from it.

Whoever reads a log under its cosignature knows that the log's owner shows everybody the same one. It looks at no entry,
and says nothing about what they hold.

What it remembers is on the disk before a cosignature leaves it: one SQLite file, one row for each log, compared and
replaced in one transaction. A witness that is put back from an older copy would cosign a second history: keep the file
where nobody restores it, and one key for one file.
"""

from __future__ import annotations

import re
import sqlite3
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from scalegate.errors import InputError, LedgerError, NotVerified, Place
from scalegate.ledger import _base64
from scalegate.ledger.keys import COSIGNATURE, SigningKey, VerifyKey
from scalegate.ledger.merkle import EMPTY_ROOT, HASH_BYTES, verify_consistency
from scalegate.ledger.note import Checkpoint, cosign, joined, open_note

__all__ = ["MAX_REQUEST", "SIZE_TYPE", "Answer", "Witness", "request_for"]

MAX_REQUEST = 1_000_000
"""Most bytes of a request."""
SIZE_TYPE = "text/x.tlog.size"
"""Media type of the answer to a client that does not know what was cosigned last."""
_MAX_PROOF = 63
_OLD = re.compile(r"old (0|[1-9][0-9]{0,18})")
_SCHEMA = (
    "CREATE TABLE IF NOT EXISTS key (one INTEGER PRIMARY KEY CHECK (one = 1), vkey TEXT NOT NULL) STRICT",
    "CREATE TABLE IF NOT EXISTS seen (origin TEXT PRIMARY KEY, size INTEGER NOT NULL CHECK (size >= 0),"
    " root BLOB NOT NULL CHECK (length(root) = 32), time INTEGER NOT NULL CHECK (time > 0), note TEXT NOT NULL) STRICT",
)
_BUSY_S = 10


@dataclass(frozen=True)
class Answer:
    """What a client is answered: an HTTP status, a body, and its media type."""

    status: int
    body: str
    media_type: str = "text/plain; charset=utf-8"


class Witness:
    """One witness, with the logs that it knows. Each call may come from another thread or process."""

    def __init__(
        self, path: str | Path, key: SigningKey, logs: Sequence[VerifyKey], clock: Callable[[], float] = time.time
    ) -> None:
        """Open what it remembers, or begin to.

        Raises InputError for a key that is for something else, or not the one that this file was begun with;
        LedgerError if the file cannot be used.
        """
        if key.verify_key.algorithm != COSIGNATURE:
            raise InputError(f"{key.name} is no witness's key", fix="make one: `scalegate key new NAME --witness`")
        self.path = Path(path).resolve()
        self._key, self._clock = key, clock
        self._logs: dict[str, tuple[VerifyKey, ...]] = {}
        for log in logs:
            self._logs[log.name] = (*self._logs.get(log.name, ()), log)
        with self._transaction() as db:
            for statement in _SCHEMA:
                db.execute(statement)
            db.execute("INSERT OR IGNORE INTO key VALUES (1, ?)", (key.verify_key.to_text(),))
            (known,) = db.execute("SELECT vkey FROM key").fetchone()
        if known != key.verify_key.to_text():
            what = f"this file was begun with the key {known}"
            raise InputError(what, place=Place(file=str(self.path)), fix="give that one, or a new file")

    @property
    def verify_key(self) -> VerifyKey:
        return self._key.verify_key

    def add_checkpoint(self, body: bytes) -> Answer:
        """Answer `add-checkpoint`: a cosignature, or why there is none. Raises LedgerError if the disk fails."""
        try:
            old, proof, note = _request(body)
            origin = note.partition("\n")[0]
            logs = self._logs.get(origin)
            if logs is None:
                return Answer(404, f"the log {origin[:200]} is not known here\n")
            opened = open_note(note, logs)
            checkpoint = Checkpoint.from_text(opened.text)
        except NotVerified as error:
            return Answer(403, f"{error.message}\n")
        except InputError as error:
            return Answer(400, f"{error.message}\n")
        if old > checkpoint.size:
            return Answer(400, f"the old size {old} is over the size {checkpoint.size}\n")
        return self._cosigned(old, proof, note, checkpoint)

    def _cosigned(self, old: int, proof: tuple[bytes, ...], note: str, checkpoint: Checkpoint) -> Answer:
        with self._transaction() as db:
            row = db.execute("SELECT size, root, time FROM seen WHERE origin = ?", (checkpoint.origin,)).fetchone()
            size, root, last = row or (0, EMPTY_ROOT, 1)
            if old != size:
                return Answer(409, f"{size}\n", SIZE_TYPE)
            why = _inconsistent(size, root, checkpoint, proof)
            if why is not None:
                return Answer(422, f"{why}\n")
            # Never a time before one that it gave: a clock that was put back makes no older tree look newer.
            at = max(int(self._clock()), last)
            line = cosign(note, self._key, at)
            kept = joined(_signed_by(note, self._logs), [line])
            known = (checkpoint.origin, checkpoint.size, checkpoint.root, at, kept)
            db.execute("INSERT OR REPLACE INTO seen VALUES (?, ?, ?, ?, ?)", known)
        return Answer(200, line)

    def checkpoint(self, origin_hash: str) -> Answer:
        """Answer a monitor: the last checkpoint that was cosigned of a log, by the SHA-256 of its origin in hex."""
        with self._transaction() as db:
            rows = db.execute("SELECT origin, note FROM seen").fetchall()
        for origin, note in rows:
            if sha256(origin.encode()).hexdigest() == origin_hash:
                return Answer(200, note)
        return Answer(404, "nothing was cosigned of such a log\n")

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        try:
            with closing(sqlite3.connect(self.path, isolation_level=None, timeout=_BUSY_S)) as db:
                # EXTRA: what it cosigned is on the disk, and so is its place in the folder.
                for setting, value in (("synchronous", 3), ("trusted_schema", 0)):
                    db.execute(f"PRAGMA {setting} = {value}")
                    if db.execute(f"PRAGMA {setting}").fetchone() != (value,):
                        raise LedgerError(f"SQLite does not take {setting}", place=Place(file=str(self.path)))
                db.execute("BEGIN IMMEDIATE")
                try:
                    yield db
                except BaseException:
                    db.execute("ROLLBACK")
                    raise
                db.execute("COMMIT")
        except sqlite3.Error as error:
            what = f"what the witness remembers cannot be used: {error}"
            raise LedgerError(what, place=Place(file=str(self.path))) from error


def request_for(old: int, proof: Sequence[bytes], note: str) -> bytes:
    """The body of `add-checkpoint`: what was cosigned last, the consistency proof from there, and the checkpoint."""
    lines = [f"old {old}", *map(_base64.encode, proof), "", ""]
    return ("\n".join(lines) + note).encode()


def _request(body: bytes) -> tuple[int, tuple[bytes, ...], str]:
    if len(body) > MAX_REQUEST:
        raise InputError(f"the request is over {MAX_REQUEST:,} bytes")
    try:
        head, blank, note = body.decode("utf-8").partition("\n\n")
    except UnicodeDecodeError as error:
        raise InputError("the request is not UTF-8") from error
    first, *lines = head.split("\n")
    old = _OLD.fullmatch(first)
    if old is None or not blank:
        raise InputError("the request does not begin with a line `old SIZE`, or has no empty line")
    if len(lines) > _MAX_PROOF:
        raise InputError(f"the proof has more than {_MAX_PROOF} hashes")
    proof = tuple(_base64.decode(line) for line in lines)
    if any(len(it) != HASH_BYTES for it in proof):
        raise InputError("a hash of the proof is not 32 bytes")
    return int(old[1]), proof, note


def _inconsistent(size: int, root: bytes, new: Checkpoint, proof: tuple[bytes, ...]) -> str | None:
    """Why a tree is no growth of what was seen; None: it is."""
    if new.size == 0 and new.root != EMPTY_ROOT:
        return "a tree of no entries has another root"
    if size == 0 or new.size == size:
        if proof:
            return "there is a proof where none is due"
        return "the log signed another tree of this size before" if size and new.root != root else None
    try:
        verify_consistency(size, new.size, root, new.root, proof)
    except NotVerified as error:
        return error.message
    return None


def _signed_by(note: str, logs: dict[str, tuple[VerifyKey, ...]]) -> str:
    """The note with the signatures of its log alone: whatever else somebody put under it is not passed on."""
    text, lines = note[: note.rfind("\n\n") + 1], note[note.rfind("\n\n") + 2 :].split("\n")[:-1]
    known = {key.name for key in logs.get(text.partition("\n")[0], ())}
    kept = [line for line in lines if line.split(" ")[1:2] and line.split(" ")[1] in known]
    return text + "\n" + "".join(f"{line}\n" for line in kept)
