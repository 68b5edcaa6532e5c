"""A manifest: which files weights are loaded from, in bytes of which there is one form only.

    manifest = header 1*line
    header   = "scalegate.dev/weights-manifest/v1" LF
    line     = sha256 SP size SP name LF
    sha256   = 64 of "0" to "9" and "a" to "f", of the file's bytes
    size     = decimal, without leading zeros, of the file in bytes
    name     = path in the folder, its parts joined by "/", in UTF-8

Lines are sorted by the bytes of the name. No part of a name is empty, "." or "..", or holds a backslash or a character
that no line shows. No two names, nor two folders, differ only in case or in their Unicode normal form: where they are
loaded they may be one. No name is a folder of another. A single file is listed by its own name.

The digest of a manifest is the SHA-256 of these bytes, header and all: what `sha256sum` says of the file. So it is that
of no tensors: what `weights_digest` hashes begins with a length in eight bytes, and this with a word. Nor is it that of
the lines of `sha256sum`, which begin with hex digits, where the header has none.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from pathlib import Path, PurePosixPath

from scalegate.errors import InputError, Place
from scalegate.text import unshowable

__all__ = ["HEADER", "Listed", "Manifest", "names_nothing", "read_manifest"]

HEADER = b"scalegate.dev/weights-manifest/v1\n"
MOST_BYTES = 64 * 2**20
"""Of a manifest."""
_LINE = re.compile(rb"([0-9a-f]{64}) (0|[1-9][0-9]{0,18}) ([^\n]+)\n")
_NOTHING = {
    "0" * 64: "a digest of zeros",
    hashlib.sha256().hexdigest(): "the digest of no bytes",
    hashlib.sha256(HEADER).hexdigest(): "the digest of a manifest without files",
}


def names_nothing(digest: str) -> str | None:
    """What a digest is, in words, if it is what a tool says that hashed nothing; None: it is none of these."""
    return _NOTHING.get(digest)


@dataclass(frozen=True)
class Listed:
    """A file of a manifest."""

    name: str
    size: int
    sha256: str


@dataclass(frozen=True)
class Manifest:
    """Files by name. Raises InputError for what no manifest may hold."""

    files: tuple[Listed, ...]

    def __post_init__(self) -> None:
        if not self.files:
            raise InputError("a manifest lists no files", fix="name what the model is loaded from")
        if not any(it.size for it in self.files):
            raise InputError("the files that a manifest lists are all empty", fix="name what the model is loaded from")
        for one in self.files:
            _check_name(one.name)
        names = [it.name for it in self.files]
        after = next((b for a, b in pairwise(names) if a.encode() >= b.encode()), None)
        if after is not None:
            raise InputError(f"`{after}` is not in its place: names are sorted by their bytes, and each is there once")
        _check_apart(names)

    @staticmethod
    def of(files: Iterable[Listed]) -> Manifest:
        """The manifest of these files, in whatever order they come. Raises InputError."""
        return Manifest(tuple(sorted(files, key=lambda it: it.name.encode("utf-8", "surrogateescape"))))

    @cached_property
    def digest(self) -> str:
        """Hex SHA-256 of its bytes."""
        return hashlib.sha256(self.to_bytes()).hexdigest()

    @property
    def size(self) -> int:
        """Bytes of all files."""
        return sum(it.size for it in self.files)

    def to_bytes(self) -> bytes:
        """The one form that it has."""
        return HEADER + b"".join(f"{it.sha256} {it.size} {it.name}\n".encode() for it in self.files)

    @staticmethod
    def from_bytes(data: bytes) -> Manifest:
        """Inverse of `to_bytes`. Raises InputError for anything else."""
        if not data.startswith(HEADER):
            raise InputError(
                "it is no manifest of weights", fix="give what `scalegate weights digest --manifest` wrote"
            )
        files: list[Listed] = []
        at = len(HEADER)
        while at < len(data):
            line = _LINE.match(data, at)
            if line is None:
                raise InputError(f"line {len(files) + 2} of the manifest is not `sha256 size name`")
            try:
                files.append(Listed(line[3].decode(), int(line[2]), line[1].decode()))
            except UnicodeDecodeError as error:
                raise InputError(f"line {len(files) + 2} of the manifest is not UTF-8") from error
            at = line.end()
        return Manifest(tuple(files))

    @property
    def sums_digest(self) -> str:
        """As `evidence.files.files_digest` of the same folder has it: what `sha256sum` prints of these files."""
        return hashlib.sha256(b"".join(f"{it.sha256}  {it.name}\n".encode() for it in self.files)).hexdigest()

    @property
    def openssf_root(self) -> str:
        """The digest by which an OpenSSF model signature names a model, where nothing in the folder is ignored.

        It is the SHA-256 of the digests of all files, by the parts of their names (OpenSSF Model Signing v1.0, the
        subject of its statement, serialised by files).
        """
        ordered = sorted(self.files, key=lambda it: PurePosixPath(it.name))
        return hashlib.sha256(b"".join(bytes.fromhex(it.sha256) for it in ordered)).hexdigest()


def read_manifest(path: str | Path) -> Manifest:
    """Read a manifest's file. Raises InputError naming it."""
    place = Place(file=str(path))
    try:
        with Path(path).open("rb") as file:
            data = file.read(MOST_BYTES + 1)
    except OSError as error:
        raise InputError(f"the manifest cannot be read: {error.strerror}", place=place) from error
    if len(data) > MOST_BYTES:
        raise InputError(f"the manifest is over {MOST_BYTES:,} bytes", place=place)
    try:
        return Manifest.from_bytes(data)
    except InputError as error:
        raise InputError(error.message, place=place, fix=error.fix) from error


def _check_name(name: str) -> None:
    try:
        name.encode()
    except UnicodeEncodeError:
        raise InputError(f"the name {name!r} is not UTF-8", fix="give it another name") from None
    if hidden := unshowable(name, lines=False):
        what = f"the name {name!r} has the character U+{ord(hidden):04X}, which cannot be shown in a line"
        raise InputError(what, fix="give it another name")
    if "\\" in name or any(part in ("", ".", "..") for part in name.split("/")):
        raise InputError(f"`{name}` is no name in a folder", fix="give it another name")


def _check_apart(names: list[str]) -> None:
    """Raises InputError where two could be one on another file system, or a name is the folder of another."""
    files, paths = set(names), dict[str, str]()
    for name in names:
        parts = name.split("/")
        for count in range(1, len(parts) + 1):
            path = "/".join(parts[:count])
            other = paths.setdefault(_folded(path), path)
            if other != path:
                what = f"`{other}` and `{path}` differ only in case or in their Unicode form"
                raise InputError(what, fix="where they are loaded they may be one: rename either")
            if path in files and path != name:
                raise InputError(f"`{path}` is a file, and the folder of `{name}`")


def _folded(path: str) -> str:
    # Unicode Standard 3.13, D146: compatibility caseless matching, the widest of them.
    text = unicodedata.normalize("NFD", path).casefold()
    text = unicodedata.normalize("NFKD", text).casefold()
    return unicodedata.normalize("NFKD", text)
