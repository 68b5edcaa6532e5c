"""What must outlive the process and is not in the ledger yet: whole files beside it, each named by its SHA-256.

A log of an evaluation stands here before its result is in the ledger, and a fault of the meter until it is. Whoever
opens the run again takes from here what the ledger lacks: it can count against the run, and never for it.
"""

from __future__ import annotations

import hashlib
import os
import re
import threading
from collections.abc import Iterator, Mapping
from functools import lru_cache
from pathlib import Path

from scalegate.errors import InputError, Place, ScalegateError
from scalegate.gate.fold import Fold
from scalegate.ledger import strict_json
from scalegate.ledger.entries import MeterFault

__all__ = ["KEPT", "fault_of", "kept_beside", "left_faults", "store", "stored", "unknown_faults"]

FIELDS = frozenset({"evaluation", "meter_fault"})
"""What a file that is stored here has one of."""
_NAME = re.compile("[0-9a-f]{64}(?![0-9a-f])")
_OURS = re.compile(rb'"ledger":\s*"[0-9a-f]{64}"')
"""What only files that are stored here have in them."""
PUT_BACK = "put it back from a copy; if it is none of the gate's, move it to another folder"
KEPT = "it is kept in the folder {}: whoever opens a run of the ledger beside that takes it from there"


def kept_beside(ledger: Path) -> Path:
    """The folder of these files."""
    return ledger.parent / "evidence"


def store(folder: Path, data: bytes) -> str:
    """Write a file, whole or not at all and to the disk, and return its digest. Raises OSError."""
    digest = hashlib.sha256(data).hexdigest()
    folder.mkdir(parents=True, exist_ok=True)
    aside = folder / f".{digest}.{os.getpid()}.{threading.get_ident()}"
    with aside.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    aside.replace(folder / f"{digest}.json")
    return digest


def stored(folder: Path, about: str) -> Iterator[tuple[str, Mapping[str, object]]]:
    """The digest and the document of each file with a field `about`: any `*.json`, and whatever begins with a digest.

    Raises InputError for what cannot be read, and for what is not what was stored: it may count against a run, and is
    not as if it were not there.
    """
    there = folder.exists() or folder.is_symlink()
    if there and not (folder.is_dir() and os.access(folder, os.R_OK | os.X_OK)):
        # A folder that may not be looked into, or that leads to one that is not there, looks empty.
        raise InputError(
            "it cannot be looked into", place=Place(file=str(folder)), fix="it is to be a folder that can be read"
        )
    for path in sorted(path for path in folder.glob("*") if _may_be_ours(path)):
        try:
            of = path.stat()
            digest, document = _read(path, of.st_ino, of.st_size, of.st_mtime_ns, of.st_ctime_ns)
        except OSError as error:
            reason = (error.strerror or str(error)).lower()
            raise InputError(
                f"it cannot be read: {reason}", place=Place(file=str(path)), fix="make it readable, and try again"
            ) from error
        if _NAME.match(path.name) and path.name[:64] != digest:
            raise InputError(
                "it is not what was stored under this name, and may have counted against a run",
                place=Place(file=str(path)),
                fix=PUT_BACK,
            )
        if about in document:
            yield digest, document


def _may_be_ours(path: Path) -> bool:
    return (path.suffix.lower() == ".json" or _NAME.match(path.name) is not None) and not path.is_dir()


@lru_cache(maxsize=65_536)
def _read(path: Path, *_unchanged: int) -> tuple[str, Mapping[str, object]]:
    """The digest of a file, and its document if it is one that is stored here. Raises OSError."""
    data = path.read_bytes()
    digest = hashlib.sha256(data).hexdigest()
    # A lab's own logs may lie here too, and be large.
    if not any(f'"{field}"'.encode() in data for field in FIELDS):
        return digest, {}
    try:
        document = strict_json.loads(data)
    except ScalegateError as error:
        if _OURS.search(data):
            raise InputError(
                f"it was stored here, may have counted against a run, and was changed: {error.message}",
                place=Place(file=str(path)),
                fix=PUT_BACK,
            ) from error
        return digest, {}
    return digest, document if isinstance(document, dict) and not FIELDS.isdisjoint(document) else {}


def fault_of(genesis: str, session: str, reason: str) -> bytes:
    """A fault of the meter that a session found. `genesis`: of the ledger that the session is in."""
    return strict_json.dumps({"ledger": genesis, "meter_fault": reason, "session": session})


def left_faults(fold: Fold, folder: Path) -> list[tuple[str, str]]:
    """Each run whose sessions found something wrong with their meters that is not in the ledger, and what."""
    runs = {session: run.name for run in fold.runs.values() for session in run.sessions}
    left: dict[tuple[str, str], None] = {}
    for _, document in stored(folder, "meter_fault"):
        session, reason = document.get("session"), document.get("meter_fault")
        if isinstance(session, str) and isinstance(reason, str) and session in runs:
            left[runs[session], reason] = None
    entries = [record.entry for record in fold.records] if left else []
    known = {(it.run, it.reason) for it in entries if isinstance(it, MeterFault)}
    return [it for it in left if it not in known]


def unknown_faults(fold: Fold, folder: Path) -> list[str]:
    """The sessions of this ledger with a fault that is stored, and of which it knows nothing any more."""
    documents = (document for _, document in stored(folder, "meter_fault"))
    sessions = {str(it.get("session")) for it in documents if it.get("ledger") == fold.genesis}
    return sorted(sessions - {session for run in fold.runs.values() for session in run.sessions})
