"""The side file `<ledger>.head`: the largest tree head that this machine has seen, one line `size root`.

It is what notices that a ledger was put back from an older copy. It is written after each commit, so a crash
can leave it behind the ledger, never ahead. Who only reads compares with it and does not move it. Whoever may
delete it can make it forget: the memory that counts against the ledger's owner is a checkpoint held by somebody else.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from scalegate.errors import LedgerError, NotVerified, Place
from scalegate.ledger import _files

__all__ = ["Memory", "file_for", "recall", "remember"]

_LINE = re.compile(rb"(0|[1-9][0-9]{0,18}) ([0-9a-f]{64})\n")


@dataclass(frozen=True)
class Memory:
    """A tree head: size in entries, root of 32 bytes."""

    size: int
    root: bytes


def file_for(ledger: Path) -> Path:
    """Where the memory of `ledger` is kept."""
    return ledger.with_name(ledger.name + ".head")


def recall(ledger: Path) -> Memory | None:
    """The remembered head; None if there is no side file.

    Raises NotVerified if the file is malformed, LedgerError if it cannot be read.
    """
    path = file_for(ledger)
    place = Place(file=str(path))
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise LedgerError(f"the side file cannot be read: {error.strerror}", place=place) from error
    match = _LINE.fullmatch(data)
    if match is None:
        raise NotVerified(
            "the side file is damaged",
            place=place,
            fix="compare the ledger with a checkpoint held elsewhere, then delete the side file",
        )
    return Memory(int(match[1]), bytes.fromhex(match[2].decode()))


def remember(ledger: Path, memory: Memory) -> None:
    """Write the side file, whole and flushed. Raises OSError."""
    _files.replace(file_for(ledger), f"{memory.size} {memory.root.hex()}\n".encode(), mode=0o644)
