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

from scalegate.errors import ScalegateError
from scalegate.ledger import strict_json

__all__ = ["KEPT", "fault_of", "faults", "store", "stored"]

KEPT = "it is kept in the folder `evidence` beside the ledger, and is taken from there when a run is opened again"


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
    """The digest and the document of each whole file that names something."""
    for path in sorted(folder.glob("*.json")):
        with contextlib.suppress(OSError, ScalegateError):
            data = path.read_bytes()
            if about.encode() in data and hashlib.sha256(data).hexdigest() == path.stem:
                document = strict_json.loads(data)
                if isinstance(document, dict):
                    yield path.stem, document


def fault_of(session: str, reason: str) -> bytes:
    """A fault of the meter that a session found."""
    return strict_json.dumps({"meter_fault": reason, "session": session})


def faults(folder: Path) -> Iterator[tuple[str, str]]:
    """Each session that found something wrong with its meter, and what."""
    for _, document in stored(folder, "meter_fault"):
        session, reason = document.get("session"), document.get("meter_fault")
        if isinstance(session, str) and isinstance(reason, str):
            yield session, reason
