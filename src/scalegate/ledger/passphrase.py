"""Where the passphrase of a key comes from when nobody is there to be asked: a file that the environment names.

It is never an argument, which other users of the machine can read, and never a variable's value, which goes to every
process that is started. `SCALEGATE_PASSPHRASE_FILE` names the file; `/dev/fd/3` is one too.
"""

from __future__ import annotations

import os
import stat
from pathlib import Path

from scalegate.errors import InputError, Place

__all__ = ["VARIABLE", "check_private", "read_passphrases", "stated"]

VARIABLE = "SCALEGATE_PASSPHRASE_FILE"
_MOST = 4_096


def stated() -> tuple[str, ...]:
    """The passphrases in the file that the environment names, one a line; none where it names no file. Raises
    InputError if that cannot be read, or others can read it."""
    named = os.environ.get(VARIABLE)
    return read_passphrases(Path(named)) if named else ()


def read_passphrases(path: Path) -> tuple[str, ...]:
    """The lines of a file that are not empty. Raises InputError if it has none, cannot be read, or others can read
    it."""
    place = Place(file=str(path))
    try:
        with path.open("rb") as file:
            check_private(file.fileno(), place)
            lines = file.read(_MOST).decode().splitlines()
    except OSError as error:
        raise InputError(f"the passphrase cannot be read: {error.strerror}", place=place) from None
    except UnicodeDecodeError:
        raise InputError("the passphrase is no text", place=place) from None
    found = tuple(line for line in lines if line)
    if not found:
        raise InputError("there is no passphrase in it", place=place, fix="one line is one passphrase")
    return found


def check_private(handle: int, place: Place) -> None:
    """Raise InputError if others than its owner can read or write a file."""
    known = os.fstat(handle)
    if stat.S_ISREG(known.st_mode) and known.st_mode & 0o077:
        raise InputError(
            f"others than its owner may read or write it (mode {known.st_mode & 0o777:04o})",
            place=place,
            fix=f"`chmod 600 {place.file}`, and if somebody may have read it, make another",
        )
