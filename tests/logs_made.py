"""Logs that Inspect wrote, with something done to them: members changed, and times moved to the present."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from backports.zstd import zipfile

Members = dict[str, bytes]
Change = Callable[[Members], object]


def members_of(path: Path) -> Members:
    with zipfile.ZipFile(path) as archive:
        return {it: archive.read(it) for it in archive.namelist()}


def packed(path: Path, members: Members) -> Path:
    with zipfile.ZipFile(path, "w", compression=93) as archive:
        for member, data in members.items():
            archive.writestr(member, data)
    return path


def changed(path: Path, to: Path, *changes: Change) -> Path:
    """A copy, with its members changed."""
    members = members_of(path)
    for change in changes:
        change(members)
    return packed(to, members)


def begun_at(seconds: int) -> Change:
    """As if the run had been begun then."""
    at = datetime.fromtimestamp(seconds, UTC).isoformat()

    def change(members: Members) -> None:
        header = json.loads(members["header.json"])
        header["eval"]["created"] = header["stats"]["started_at"] = at
        members["header.json"] = json.dumps(header).encode()
        for name in members:
            if name.startswith("samples/"):
                members[name] = json.dumps(json.loads(members[name]) | {"started_at": at}).encode()

    return change


def begun_now(path: Path, to: Path, *changes: Change) -> Path:
    """A copy of a log as if it had been begun just now."""
    return changed(path, to, begun_at(int(time.time())), *changes)


def named(**metadata: str) -> Change:
    """As if the run had been begun with this metadata."""

    def change(members: Members) -> None:
        header = json.loads(members["header.json"])
        header["eval"]["metadata"] = metadata
        members["header.json"] = json.dumps(header).encode()

    return change
