"""Digest of the files that a model is loaded from: what binds an evaluation to weights without loading them.

It is the SHA-256 of what `sha256sum` prints of them, so that anybody can work it out without this package:
`find . -type f | sed 's|^[.]/||' | LC_ALL=C sort | tr '\\n' '\\0' | xargs -0 sha256sum | sha256sum` in the folder.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from pathlib import Path

from scalegate.errors import InputError, Place

__all__ = ["files_digest"]


def files_digest(path: Path) -> str:
    """Hex SHA-256 of a file; of a folder, of the lines `SHA256  name` of all files in it, sorted by the name.

    Everything in the folder counts, so that a change of the tokenizer or of the configuration is one too. Links to
    files are followed. Raises InputError for what is not there or cannot be read, for an empty folder, for links to
    folders, and for names that no line can hold.
    """
    if not path.is_dir():
        return _digest(path)
    lines = sorted((os.fsencode(name), _digest(file)) for name, file in _files(path, path))
    if not lines:
        raise InputError("there are no files in it", place=Place(file=str(path)), fix="give what the model loads from")
    return hashlib.sha256(b"".join(b"%s  %s\n" % (digest.encode(), name) for name, digest in lines)).hexdigest()


def _files(folder: Path, root: Path) -> Iterator[tuple[str, Path]]:
    try:
        found = sorted(folder.iterdir())
    except OSError as error:
        raise InputError(f"cannot be read: {error.strerror}", place=Place(file=str(folder))) from error
    for it in found:
        name = it.relative_to(root).as_posix()
        if "\n" in name or "\\" in name:
            raise InputError("a name in it has a line break or a backslash", place=Place(file=str(folder)))
        if it.is_dir() and it.is_symlink():
            fix = "put the files there themselves"
            raise InputError("it is a link to a folder: what is behind it may change", place=Place(str(it)), fix=fix)
        if it.is_dir():
            yield from _files(it, root)
        else:
            yield name, it


def _digest(file: Path) -> str:
    place = Place(file=str(file))
    if file.exists() and not file.is_file():
        raise InputError("it is no file", place=place)
    try:
        with file.open("rb") as opened:
            return hashlib.file_digest(opened, "sha256").hexdigest()
    except OSError as error:
        raise InputError(f"cannot be read: {error.strerror}", place=place) from error
