"""A tar file (POSIX ustar) that has one form: files in order of their names, without times, owners, links or folders.

The same files give the same bytes. A reader takes only what the writer makes: each header is made again from the name
and the size, and has to be the one that is there. So nothing else can be said in it, no name twice, no link, and
nothing is after the end.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import BinaryIO

from scalegate.errors import InputError, NotVerified, Place

__all__ = ["MAGIC_AT", "MOST_SIZE", "Member", "is_tar", "read_tar", "write_member", "write_tail"]

BLOCK = 512
CHUNK = 2**20
MAGIC_AT = 257
MOST_SIZE = 8**11 - 1
"""Bytes of a file: what eleven octal digits hold."""
_TAIL = bytes(2 * BLOCK)


@dataclass(frozen=True)
class Member:
    """A file in it. `chunks` is to be read to its end before the next member is asked for."""

    name: str
    size: int
    chunks: Iterator[bytes]


def is_tar(head: bytes) -> bool:
    """Whether the first bytes of a file are those of such a file."""
    return head[MAGIC_AT : MAGIC_AT + 8] == b"ustar\x0000"


def write_member(out: BinaryIO, name: str, size: int, chunks: Iterable[bytes]) -> None:
    """Write a file. Raises InputError for a name or a size that has no form here, or chunks of another size."""
    out.write(_header(name, size))
    done = 0
    for chunk in chunks:
        out.write(chunk)
        done += len(chunk)
    if done != size:
        raise InputError(f"`{name}` changed while it was packed", fix="pack again")
    out.write(bytes(-size % BLOCK))


def write_tail(out: BinaryIO) -> None:
    """End the file."""
    out.write(_TAIL)


def read_tar(file: BinaryIO, place: Place) -> Iterator[Member]:
    """Each file in it. Raises NotVerified wherever it is not as it would have been written."""
    before = ""
    while (head := file.read(BLOCK)) != _TAIL[:BLOCK]:
        name, size = _read_header(head, place)
        if name.encode() <= before.encode():
            raise NotVerified(f"`{name}` is not in its place: names are sorted, and each is there once", place=place)
        chunks = _chunks(file, name, size, place)
        yield Member(name, size, chunks)
        for _ in chunks:
            continue
        if any(pad := file.read(-size % BLOCK)) or len(pad) != -size % BLOCK:
            raise NotVerified(f"`{name}` is not filled up as it would have been written", place=place)
        before = name
    if file.read(BLOCK + 1) != _TAIL[BLOCK:]:
        raise NotVerified("it does not end where its files do", place=place)


def _header(name: str, size: int) -> bytes:
    if not name.isascii() or not 0 < len(name) <= 100 or not 0 <= size <= MOST_SIZE:
        raise InputError(f"`{name[:120]}`, of {size:,} bytes, cannot be packed")
    # POSIX.1-1988, 10.1.1: mode, owner, group, size, time; the sum; a file; no link; the rest.
    before = name.encode().ljust(100, b"\x00") + b"0000644\x00" + b"0000000\x00" * 2 + b"%011o\x00" % size
    before += b"0" * 11 + b"\x00"
    after = b"0" + bytes(100) + b"ustar\x0000" + bytes(64) + b"0000000\x00" * 2 + bytes(167)
    return before + b"%06o\x00 " % (sum(before) + 8 * 32 + sum(after)) + after


def _read_header(head: bytes, place: Place) -> tuple[str, int]:
    name, size = head[:100].rstrip(b"\x00"), head[124:135]
    try:
        if len(head) == BLOCK and size.isdigit():
            found = name.decode("ascii"), int(size, 8)
            if _header(*found) == head:
                return found
    except (InputError, ValueError):
        pass
    raise NotVerified("it has a header that is not as it would have been written", place=place)


def _chunks(file: BinaryIO, name: str, size: int, place: Place) -> Iterator[bytes]:
    while size:
        chunk = file.read(min(CHUNK, size))
        if not chunk:
            raise NotVerified(f"it ends in the middle of `{name}`", place=place)
        size -= len(chunk)
        yield chunk
