"""A bundle verified: its ledger replayed, its evidence compared with what entries name, its policy with that in force.

Evidence is hashed as it is read and never put on the disk. Of the rest only names that a bundle can have are written,
into a folder of its own, each no larger than such a file is. What no entry names, or an entry withholds, has no place
in a bundle and is refused.
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
from scalegate.gate.bundle import FORM, FORM_NAME, POLICY_JSON, POLICY_NAME, TRUST_NAME
from scalegate.gate.named_evidence import Found, look_at
from scalegate.gate.replay import Replayed, replay
from scalegate.ledger import strict_json
from scalegate.ledger.plain_tar import Member, is_tar, read_tar
from scalegate.ledger.tiles import WIDTH
from scalegate.ledger.trust_file import Trust, read_trust
from scalegate.policy import Policy, load_policy
from scalegate.policy.reader import policy_from_json

__all__ = ["Unbundled", "is_bundle", "verify_bundle"]

T = TypeVar("T")
_EVIDENCE = re.compile("evidence/sha256/([0-9a-f]{64})")
_LOG = re.compile(r"log/(checkpoint|tile/(entries|[0-9]{1,2})(/x[0-9]{3})*/[0-9]{3}(\.p/[1-9][0-9]{0,2})?)")
_SIZES = {FORM_NAME: len(FORM), POLICY_NAME: 1_000_000, POLICY_JSON: 1_000_000, TRUST_NAME: 1_000_000}
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
    with _unpacked(path) as (folder, evidence):
        own = _within(path, folder, lambda: read_trust(folder / TRUST_NAME))
        replayed = _within(path, folder, lambda: replay(folder / "log", trust=trust or own, held=held))
        policy, place = replayed.fold.policy, Place(file=str(path))
        if policy is not None:
            told = _within(path, folder, lambda: _policy(folder))
            if told.digest() != policy.digest():
                raise NotVerified("the policy in it is not the one in force", place=place)
        found = look_at(replayed.fold, None, ledger=path, whole=whole, is_right=evidence.get)
    stray = set(evidence) - {it.digest for it in found.right}
    if stray:
        what = f"it has evidence {min(stray)} that no entry names, or that one withholds"
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


def _policy(folder: Path) -> Policy:
    """The one that is there. Raises NotVerified for two."""
    plain, exact = folder / POLICY_NAME, folder / POLICY_JSON
    if plain.is_file() and exact.is_file():
        raise NotVerified("it has two policies", place=Place(file=str(exact)))
    return policy_from_json(strict_json.loads(exact.read_bytes())) if exact.is_file() else load_policy(plain)


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
        kind = NotVerified if inside and isinstance(error, InputError | LedgerError) else type(error)
        raise kind(error.message, place=replace(at, file=name), fix=error.fix) from error
