"""A bundle verified: its ledger replayed, its evidence compared with what entries name, and all else made again.

Every byte of it is bound by something: evidence by the digest that an entry names, entries and hashes by the checkpoint
of the log, and each other file is what would be packed of these, or it is refused by its name. So a bundle has no place
for a word that nobody signed, but in the names of witnesses and groups of its trust file.

Evidence is hashed as it is read and never put on the disk. Of the rest only names that a bundle can have are written,
into a folder of its own, each no larger than such a file is. What no entry names, or an entry says is withheld, has no
place in a bundle and is refused.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TypeVar

from scalegate.errors import InputError, LedgerError, NotVerified, Place, ScalegateError
from scalegate.gate.bundle import FORM, FORM_NAME, LOG, POLICY_NAME, TRUST_NAME
from scalegate.gate.named_evidence import Found, look_at
from scalegate.gate.replay import Replayed, replay
from scalegate.ledger.export import CHECKPOINT
from scalegate.ledger.note import known_only
from scalegate.ledger.plain_tar import Member, is_tar, read_tar
from scalegate.ledger.tiles import WIDTH, tiles_of
from scalegate.ledger.trust_file import Trust, read_trust, written
from scalegate.policy.faults import FileFaults

__all__ = ["Unbundled", "is_bundle", "verify_bundle"]

T = TypeVar("T")
_EVIDENCE = re.compile("evidence/sha256/([0-9a-f]{64})")
_LOG = re.compile(r"log/(checkpoint|tile/(entries|[0-9]{1,2})(/x[0-9]{3})*/[0-9]{3}(\.p/[1-9][0-9]{0,2})?)")
_SIZES = {FORM_NAME: len(FORM), POLICY_NAME: 1_000_000, TRUST_NAME: 1_000_000}
_MOST_LOG = WIDTH * (2 + 65_535)
MOST_UNPACKED = 64 * 2**30
"""Bytes on the disk, of all files together."""


@dataclass(frozen=True)
class Unbundled:
    """What was verified."""

    replayed: Replayed
    evidence: Found


def is_bundle(path: Path) -> bool:
    """Whether a file is a bundle by its first bytes."""
    try:
        with path.open("rb") as file:
            return path.is_file() and is_tar(file.read(512))
    except OSError:
        return False


def verify_bundle(path: Path, *, trust: Trust | None = None, held: str | None = None, whole: bool = False) -> Unbundled:
    """Verify a bundle.

    trust: whose key its log must have, and whose cosignatures; None: by its own word, which proves nothing of who
    wrote it. held: a checkpoint from outside. whole: no evidence may be missing.

    Raises NotVerified for whatever is not as it would have been packed, or does not check out; as `replay` does else.
    """
    place = Place(file=str(path))
    with _unpacked(path) as (folder, evidence):
        own = _within(path, folder, lambda: read_trust(folder / TRUST_NAME))
        replayed = _within(path, folder, lambda: replay(folder / LOG, trust=trust or own, held=held))
        _within(path, folder, lambda: _as_packed(folder, replayed, own))
        found = look_at(replayed.fold, None, ledger=path, whole=whole, is_right=evidence.get)
    stray = set(evidence) - {it.digest for it in found.right if not it.hidden}
    if stray:
        what = f"it has evidence {min(stray)} that no entry names, or that one says is withheld"
        raise NotVerified(what, place=place)
    # What it says of itself is from nobody outside.
    outside = replayed.outside if trust is not None or held is not None else None
    return Unbundled(replace(replayed, trusted=trust is not None, outside=outside), found)


@contextmanager
def _unpacked(path: Path) -> Iterator[tuple[Path, dict[str, bool]]]:
    """A folder with its files, and of each evidence in it whether it is right."""
    place, evidence, unpacked = Place(file=str(path)), dict[str, bool](), 0
    with TemporaryDirectory(prefix="scalegate-bundle-") as made:
        folder = Path(made)
        try:
            with path.open("rb") as file:
                for number, member in enumerate(read_tar(file, place)):
                    if (number == 0) != (member.name == FORM_NAME):
                        raise NotVerified(f"it is no bundle: `{FORM_NAME}` does not come first", place=place)
                    if named := _EVIDENCE.fullmatch(member.name):
                        evidence[named[1]] = _digest(member) == named[1]
                        continue
                    unpacked += member.size
                    if member.size > _most(member, place) or unpacked > MOST_UNPACKED:
                        raise NotVerified(f"`{member.name}` in it is too large", place=place)
                    _put(folder / member.name, member)
        except OSError as error:
            raise LedgerError(f"the bundle cannot be read: {error.strerror}", place=place) from error
        if not (folder / FORM_NAME).is_file() or (folder / FORM_NAME).read_bytes() != FORM:
            raise NotVerified("it is no bundle of a form that is known here", place=place)
        yield folder, evidence


def _as_packed(folder: Path, replayed: Replayed, own: Trust) -> None:
    """Raise NotVerified, naming the file, unless those beside evidence are the ones that packing would make."""
    checkpoint, policy = f"{LOG}/{CHECKPOINT}", replayed.fold.policy
    wanted = {FORM_NAME: FORM, TRUST_NAME: written(own)}
    note = (folder / checkpoint).read_text(encoding="utf-8", errors="replace")
    try:
        wanted[checkpoint] = known_only(note, own.keys).encode()
    except (InputError, NotVerified) as error:
        raise NotVerified(error.message, place=Place(file=str(folder / checkpoint))) from error
    if policy is not None:
        wanted[POLICY_NAME] = policy.canonical()
    for name, data in wanted.items():
        if not (folder / name).is_file():
            raise NotVerified("the file is missing", place=Place(file=str(folder / name)))
        if (folder / name).read_bytes() != data:
            what = "it is not the policy in force" if name == POLICY_NAME else "it is not as it would have been packed"
            raise NotVerified(what, place=Place(file=str(folder / name)))
    # What is in these was compared with the checkpoint, to the last byte.
    tiles = {f"{LOG}/{it.path}" for it in tiles_of(replayed.entries)}
    for path in sorted(it for it in folder.rglob("*") if it.is_file()):
        if (name := path.relative_to(folder).as_posix()) not in wanted and name not in tiles:
            raise NotVerified("it has no place in this bundle", place=Place(file=str(path)))


def _most(member: Member, place: Place) -> int:
    if member.name in _SIZES:
        return _SIZES[member.name]
    if _LOG.fullmatch(member.name):
        return _MOST_LOG
    raise NotVerified(f"`{member.name[:100]}` has no place in a bundle", place=place)


def _put(path: Path, member: Member) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("xb") as out:
        for chunk in member.chunks:
            out.write(chunk)


def _digest(member: Member) -> str:
    found = hashlib.sha256()
    for chunk in member.chunks:
        found.update(chunk)
    return found.hexdigest()


def _within(path: Path, folder: Path, read: Callable[[], T]) -> T:
    """What is read from the folder. An error in there is one of the bundle: what it lacks makes it none."""
    try:
        return read()
    except ScalegateError as error:
        at = error.place or Place()
        inside = at.file is not None and at.file.startswith(str(folder))
        name = f"{path}: {Path(at.file or '').relative_to(folder)}" if inside else at.file or str(path)
        ours = isinstance(error, FileFaults) or (inside and isinstance(error, InputError | LedgerError))
        kind = NotVerified if ours else type(error)
        raise kind(error.message, place=replace(at, file=name), fix=error.fix) from error
