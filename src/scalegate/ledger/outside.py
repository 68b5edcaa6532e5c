"""A checkpoint from outside, held by somebody who is not the log's owner, against the log as it now is.

It is what a log's owner cannot rewrite: a log that is smaller was rolled back, and one with another tree at that size
signed two histories. Either way both checkpoints together are the proof of it, to be shown to anybody.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from scalegate.errors import NotVerified, Place
from scalegate.ledger.keys import VerifyKey
from scalegate.ledger.merkle import EMPTY_ROOT
from scalegate.ledger.note import Checkpoint, open_note
from scalegate.ledger.tiles import Tiles
from scalegate.ledger.trust_file import Trust

__all__ = ["Log", "Outside", "grown_from", "trusted"]


class Log(Protocol):
    """What can be checked: a ledger, or one that was exported."""

    @property
    def origin(self) -> str: ...
    @property
    def log_verify_key(self) -> VerifyKey: ...
    @property
    def size(self) -> int: ...
    def tree(self) -> Tiles: ...


@dataclass(frozen=True)
class Outside:
    """A checkpoint from outside that the log is a growth of."""

    checkpoint: Checkpoint
    cosigned: tuple[tuple[VerifyKey, int], ...]
    """Trusted witnesses, each with the time that it gave, in seconds since 1970 UTC."""
    entry: int | None = None
    """The entry of the log itself that has it; None: it came from outside."""


def trusted(log: Log, trust: Trust, place: Place) -> None:
    """Raise NotVerified unless the log's key is one of those that the trust file lists for it."""
    if log.log_verify_key not in trust.logs or log.log_verify_key.name != log.origin:
        listed = ", ".join(key.to_text() for key in trust.logs) or "none"
        what = f"the log {log.origin} has the key {log.log_verify_key.to_text()}, and those that are trusted: {listed}"
        raise NotVerified(what, place=place)


def grown_from(log: Log, note: str, trust: Trust | None, place: Place) -> Outside:
    """Check that the log is the one of this checkpoint, grown or as it was, under the cosignatures that are asked for.

    `place`: of the log, for errors. Raises InputError for what is no checkpoint, NotVerified for all that is not shown.
    """
    keys = trust.keys if trust is not None else (log.log_verify_key,)
    opened = open_note(note, keys)
    known = Checkpoint.from_text(opened.text)
    if known.origin != log.origin:
        raise NotVerified(f"the checkpoint is of the log {known.origin}, and this is {log.origin}", place=place)
    if log.log_verify_key not in opened.signers:
        raise NotVerified("the checkpoint is not signed by the key of this log", place=place)
    if trust is not None and not trust.enough([key for key, _ in opened.cosigned]):
        raise NotVerified(f"the checkpoint has not the {trust.asks()} that the trust file asks for", place=place)
    if known.size > log.size:
        what = f"the checkpoint is for {known.size} entries, and the log has {log.size}: it was rolled back"
        raise NotVerified(what, place=place, fix="keep the checkpoint: with the log's key on it, it proves that")
    if (log.tree().root(known.size) if known.size else EMPTY_ROOT) != known.root:
        what = f"the log of {log.size} entries is no growth of the {known.size} entries under the checkpoint"
        fix = "its owner signed two histories: keep the checkpoint and a copy of the log, which prove that"
        raise NotVerified(what, place=place, fix=fix)
    if known.size == 0 < log.size:
        what = f"the checkpoint is of no entries, and shows nothing of the {log.size} that the log has"
        raise NotVerified(what, place=place, fix="give a later one")
    return Outside(known, opened.cosigned)
