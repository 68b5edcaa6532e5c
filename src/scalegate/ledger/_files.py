"""Whole files or no file: written aside, flushed to the disk, then put in place in one step (POSIX)."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

__all__ = ["create", "publish", "replace", "sync_directory"]


def create(path: Path, data: bytes, *, mode: int) -> None:
    """Write a new file. Raises FileExistsError if there is one, OSError if it cannot be written."""
    aside = _write_aside(path, data, mode)
    try:
        publish(aside, path)
    finally:
        aside.unlink(missing_ok=True)


def replace(path: Path, data: bytes, *, mode: int) -> None:
    """Write a file over what may be there: after a power loss, the old one or the new one. Raises OSError."""
    aside = _write_aside(path, data, mode)
    try:
        os.replace(aside, path)
    finally:
        aside.unlink(missing_ok=True)


def publish(aside: Path, path: Path) -> None:
    """Give the finished file `aside` its name. Raises FileExistsError rather than overwrite."""
    # rename() would overwrite; link() is the atomic step that refuses to.
    os.link(aside, path)
    aside.unlink()
    sync_directory(path.parent)


def sync_directory(directory: Path) -> None:
    """Make names created in or removed from `directory` survive a power loss."""
    handle = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _write_aside(path: Path, data: bytes, mode: int) -> Path:
    aside = path.with_name(f".{path.name}.{secrets.token_hex(6)}")
    handle = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
    except OSError:
        aside.unlink(missing_ok=True)
        raise
    return aside
