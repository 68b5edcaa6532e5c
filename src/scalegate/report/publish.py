"""A file written whole or not at all, which takes the place of its like and of nothing else."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

from scalegate.errors import InputError, Place

__all__ = ["HTML", "publish"]

HTML = b"<!doctype html>"
"""What a page begins with."""


def publish(out: Path, data: bytes, head: bytes) -> Path:
    """Write the file. Raises InputError where it cannot, or where a file stands that does not begin with `head`."""
    if out.exists() and not (out.is_file() and out.read_bytes()[: len(head)].lower() == head.lower()):
        raise InputError(
            "something other than a report is there, and is not overwritten",
            place=Place(file=str(out)),
            fix="give another file name",
        )
    aside = out.with_name(f".{out.name}.{secrets.token_hex(6)}")
    try:
        try:
            with aside.open("xb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            os.replace(aside, out)
        finally:
            aside.unlink(missing_ok=True)
    except OSError as error:
        raise InputError(
            f"this cannot be written: {error.strerror}",
            place=Place(file=str(out)),
            fix="give a file name in a folder that exists and may be written to",
        ) from error
    return out
