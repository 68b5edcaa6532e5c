"""What must outlive the process and is not in the ledger yet: whole files beside it, each named by its SHA-256.

A log of an evaluation stands here before its result is in the ledger, and a fault of the meter until it is. Whoever
opens the run again takes from here what the ledger lacks: it can count against the run, and never for it.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
from collections.abc import Iterator, Mapping
from pathlib import Path

from scalegate.errors import InputError, Place, ScalegateError
from scalegate.gate.fold import Fold
from scalegate.ledger import strict_json
from scalegate.ledger.entries import MeterFault

__all__ = ["KEPT", "fault_of", "kept_beside", "left_faults", "store", "stored"]

KEPT = "it is kept in the folder {}: whoever opens a run of the ledger beside that takes it from there"


def kept_beside(ledger: Path) -> Path:
    """The folder of these files."""
    return ledger.parent / "evidence"


def store(folder: Path, data: bytes) -> str:
    """Write a file, whole or not at all and to the disk, and return its digest. Raises OSError."""
    digest = hashlib.sha256(data).hexdigest()
    folder.mkdir(parents=True, exist_ok=True)
    aside = folder / f".{digest}.{os.getpid()}"
    with aside.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    aside.replace(folder / f"{digest}.json")
    return digest


def stored(folder: Path, about: str) -> Iterator[tuple[str, Mapping[str, object]]]:
    """The digest and the document of each whole file that names something.

    Raises InputError for what cannot be read: it may count against a run, and is not as if it were not there.
    """
    if folder.is_dir() and not os.access(folder, os.R_OK | os.X_OK):
        # A folder that may not be looked into looks empty.
        raise InputError("it cannot be looked into", place=Place(file=str(folder)), fix="make it readable")
    for path in sorted(path for path in folder.glob("*.json") if path.is_file()):
        try:
            data = path.read_bytes()
        except OSError as error:
            reason = (error.strerror or str(error)).lower()
            raise InputError(
                f"it cannot be read: {reason}", place=Place(file=str(path)), fix="make it readable, and try again"
            ) from error
        if about.encode() in data and hashlib.sha256(data).hexdigest() == path.stem:
            with contextlib.suppress(ScalegateError):
                document = strict_json.loads(data)
                if isinstance(document, dict):
                    yield path.stem, document


def fault_of(session: str, reason: str) -> bytes:
    """A fault of the meter that a session found."""
    return strict_json.dumps({"meter_fault": reason, "session": session})


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
