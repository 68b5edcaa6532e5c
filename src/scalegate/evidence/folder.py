"""Evidence beside a ledger, kept by what it is: `evidence/sha256/<hex>` has the bytes of that SHA-256, or is not there.

What an entry names by a digest lies here unless it is withheld. A file is copied while it is hashed, aside and to the
disk, and gets its name only if it is what was read before. Logs may be large: nothing is held in memory at once. What
the gate stores itself lies beside it, as `evidence/<hex>.json` or `.csv`.
"""

from __future__ import annotations

import hashlib
import os
import secrets
import stat
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

from scalegate.errors import InputError, NotVerified, Place
from scalegate.ledger import _files

__all__ = ["BY_DIGEST", "chunks", "evidence_beside", "find", "keep", "named_file", "right"]

CHUNK = 2**20
BY_DIGEST = "sha256"
"""Of `evidence`, the folder in which files are named by their digest and nothing else."""


def evidence_beside(ledger: Path) -> Path:
    """The folder of evidence of a ledger."""
    return ledger.parent / "evidence"


def named_file(folder: Path, digest: str) -> Path:
    """Where evidence of that digest is kept."""
    return folder / BY_DIGEST / digest


def keep(folder: Path, parts: Iterable[Path], digest: str) -> Path:
    """Copy evidence into the folder: files, one after another, that have this digest together.

    Raises InputError where they are no longer what was read, or cannot be copied; then nothing is there.
    """
    target = named_file(folder, digest)
    place = Place(file=str(target))
    aside = target.with_name(f".{digest}.{secrets.token_hex(6)}")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        if target.is_file() and right(target, digest):
            return target
        found = hashlib.sha256()
        with aside.open("xb") as out:
            for part in parts:
                with part.open("rb") as file:
                    for chunk in chunks(file):
                        found.update(chunk)
                        out.write(chunk)
            out.flush()
            os.fsync(out.fileno())
        if found.hexdigest() != digest:
            what = "the log changed while it was read"
            raise InputError(what, place=place, fix="add it again; nothing was written")
        os.replace(aside, target)
        _files.sync_directory(target.parent)
    except OSError as error:
        what = f"the log cannot be kept beside the ledger: {error.strerror}"
        raise InputError(what, place=place, fix="let it be written there, and add it again") from error
    finally:
        with suppress(OSError):
            aside.unlink()
    return target


def find(folder: Path, digest: str) -> Path | None:
    """Where evidence of that digest lies, by its name; None: it is not here. Its bytes are not looked at."""
    for path in (named_file(folder, digest), folder / f"{digest}.json", folder / f"{digest}.csv"):
        if path.is_symlink() or path.exists():
            return path
    return None


def right(path: Path, digest: str) -> bool:
    """Whether a file is what its name says. Raises NotVerified for what is no file or cannot be read."""
    place = Place(file=str(path))
    try:
        handle = os.open(path, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0))
        with os.fdopen(handle, "rb") as file:
            if not stat.S_ISREG(os.fstat(handle).st_mode):
                raise NotVerified("it is no file", place=place)
            found = hashlib.sha256()
            for chunk in chunks(file):
                found.update(chunk)
    except OSError as error:
        raise NotVerified(f"the evidence cannot be read: {error.strerror}", place=place) from error
    return found.hexdigest() == digest


def chunks(file: BinaryIO) -> Iterator[bytes]:
    """The bytes of a file, some at a time."""
    while chunk := file.read(CHUNK):
        yield chunk
