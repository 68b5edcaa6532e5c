"""Whether what lies in a folder is what was recorded, worked out from its bytes and from nothing that it claims.

Whatever cannot be hashed is not what was recorded: a link, a file that cannot be read, names that collide.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from scalegate.errors import InputError, NotVerified, Place
from scalegate.weights.files import Progress, Seen, look, settle, taken
from scalegate.weights.manifest import Manifest, names_nothing

__all__ = ["check", "loading"]

_SHOWN = 5


def check(
    path: str | Path, recorded: Manifest | str, *, threads: int | None = None, progress: Progress | None = None
) -> Manifest:
    """The manifest of what lies there, if it is what was recorded: a manifest, or the digest of one.

    Raises NotVerified, naming what is otherwise; InputError for a digest that is none, and where nothing lies.
    """
    return _checked(path, recorded, threads, progress)[0]


@contextmanager
def loading(
    path: str | Path, recorded: Manifest | str, *, threads: int | None = None, progress: Progress | None = None
) -> Iterator[Manifest]:
    """Check what lies there, and after what is done in it whether the same files lie there still.

    Load inside it and use nothing of that outside before it ends. Raises as `check` does.

    What is changed and put back meanwhile is seen by the times of the files, on a disk: in memory (tmpfs) a program
    that has a file mapped changes none, and neither does whoever writes below the file system. Load what nobody else
    can write.
    """
    manifest, seen = _checked(path, recorded, threads, progress, settled=True)
    yield manifest
    if _looked(path) != seen:
        raise NotVerified("the files changed while they were loaded", place=Place(file=str(path)), fix="load again")


def _checked(
    path: str | Path,
    recorded: Manifest | str,
    threads: int | None,
    progress: Progress | None,
    *,
    settled: bool = False,
) -> tuple[Manifest, tuple[Seen, ...]]:
    if isinstance(recorded, str):
        _check_digest(recorded)
    if not Path(path).exists() and not Path(path).is_symlink():
        raise InputError("there is nothing here", place=Place(file=str(path)), fix="name the files that are loaded")
    place, seen = Place(file=str(path)), _looked(path)
    if settled:
        try:
            settle(seen)
        except InputError as error:
            raise NotVerified(error.message, place=error.place, fix=error.fix) from error
        if _looked(path) != seen:
            raise NotVerified("the files changed before they were hashed", place=place, fix="let nobody write there")
    if isinstance(recorded, Manifest):
        # Of another size it is another file: that is told before it is hashed.
        _compare({it.name: it.size for it in seen}, {it.name: it.size for it in recorded.files}, place, "size")
    try:
        found = taken(seen, path, threads=threads, progress=progress)
    except InputError as error:
        raise NotVerified(error.message, place=error.place, fix=error.fix) from error
    if isinstance(recorded, Manifest):
        now, then = ({it.name: it.sha256 for it in files} for files in (found.files, recorded.files))
        _compare(now, then, place, "content")
    elif found.digest != recorded:
        what = f"these files have the digest {found.digest}, and what was recorded is {recorded}"
        raise NotVerified(what, place=place, fix="with `--manifest` it is told which file is another")
    return found, seen


def _looked(path: str | Path) -> tuple[Seen, ...]:
    try:
        return look(path)
    except InputError as error:
        raise NotVerified(error.message, place=error.place, fix=error.fix) from error


def _check_digest(digest: str) -> None:
    if not re.fullmatch("[0-9a-f]{64}", digest):
        raise InputError(f"`{digest[:80]}` is not a digest", fix="64 digits of hex: what `weights digest` printed")
    if nothing := names_nothing(digest):
        raise InputError(f"{nothing} names no weights", fix="give what `scalegate weights digest` printed")


def _compare(
    now: dict[str, int] | dict[str, str], then: dict[str, int] | dict[str, str], place: Place, of: str
) -> None:
    wrong = [f"`{name}` is not here" for name in then if name not in now]
    wrong += [f"`{name}` was not recorded" for name in now if name not in then]
    wrong += [f"`{name}` has another {of}" for name in then if name in now and now[name] != then[name]]
    if wrong:
        more = f", and {len(wrong) - _SHOWN} more" if len(wrong) > _SHOWN else ""
        raise NotVerified(f"this is not what was recorded: {'; '.join(wrong[:_SHOWN])}{more}", place=place)
