"""Policies that developers have published, as they come with this package: files in the folder `policies`.

One is named by the fields `policy` and `version` inside its file, `NAME@VERSION`, and never by the name of the file.
"""

from __future__ import annotations

import difflib
import re
from functools import cache
from importlib.resources import files
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

from scalegate.errors import InputError, Place

__all__ = ["BESIDE", "FOLDER", "Published", "find", "published"]

FOLDER = Path(str(files("scalegate"))) / "policies"
BESIDE = (".tests.yaml", "shared.yaml")
"""How the names of files end that stand beside policies and are none."""


class Published(NamedTuple):
    """A published policy: what it calls itself, and its file."""

    name: str
    version: str
    path: Path

    def __str__(self) -> str:
        return f"{self.name}@{self.version}"


def published() -> tuple[Published, ...]:
    """All of them, by name, and of one name the latest last. Raises InputError for a file that is no policy, or two
    of one name and version."""
    return _in(FOLDER)


def find(name: str) -> Path:
    """The file of `NAME@VERSION`, or of the latest version of `NAME`. Raises InputError if there is none."""
    known = published()
    wanted, sign, version = name.partition("@")
    found = [it for it in known if it.name == wanted and (not sign or it.version == version)]
    if found:
        return found[-1].path
    versions = [str(it) for it in known if it.name == wanted]
    close = versions or difflib.get_close_matches(name[:200], [*map(str, known), *(it.name for it in known)], 3)
    fix = f"one of {', '.join(f'`{it}`' for it in close)}" if close else "`scalegate policy list` shows them"
    raise InputError(f"there is no file and no published policy called `{name}`", fix=fix)


@cache
def _in(folder: Path) -> tuple[Published, ...]:
    found = sorted(
        map(_named, sorted(it for it in folder.glob("*.yaml") if not it.name.endswith(BESIDE))),
        key=lambda it: (it.name, _order(it.version)),
    )
    for one, other in pairwise(found):
        if (one.name, one.version) == (other.name, other.version):
            place = Place(file=str(other.path))
            raise InputError(f"`{other}` stands in {one.path.name} too", place=place, fix="give each its own version")
    return tuple(found)


def _named(path: Path) -> Published:
    import yaml

    try:
        document = yaml.load(path.read_text(encoding="utf-8"), Loader=getattr(yaml, "CBaseLoader", yaml.BaseLoader))
        return Published(str(document["policy"]), str(document["version"]), path)
    except (OSError, ValueError, KeyError, TypeError, yaml.YAMLError) as error:
        place = Place(file=str(path))
        raise InputError(
            "it has no name and version that can be read", place=place, fix="see `policy check`"
        ) from error


def _order(version: str) -> tuple[tuple[bool, int, str], ...]:
    """Numbers by size, so that 2.10 comes after 2.9."""
    parts = re.findall(r"[0-9]+|[^0-9.]+", version)
    return tuple((part.isdecimal(), int(part) if part.isdecimal() else 0, part) for part in parts)
