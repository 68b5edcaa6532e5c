"""Signed notes (C2SP signed-note) and checkpoints (C2SP tlog-checkpoint).

A note is text that ends in a newline, an empty line, and signature lines `— name base64(key id || sig)`.
A checkpoint is a note whose text is three lines: origin, size, base64 of the root. No timestamp and no
policy id go into it: those who cosign a checkpoint would give them no meaning.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from scalegate.errors import InputError, NotVerified
from scalegate.ledger import _base64
from scalegate.ledger.keys import SigningKey, VerifyKey

__all__ = ["Checkpoint", "Note", "open_note", "sign_note"]

_MAX_BYTES = 1_000_000
_MAX_SIGNATURES = 100
_MAX_SIZE = 2**63 - 1
_SIGNATURE = re.compile("\u2014 ([^\\s+]+) ([A-Za-z0-9+/]+=*)")
_CONTROL = re.compile("[\x00-\x09\x0b-\x1f\ud800-\udfff]")
_CHECKPOINT = re.compile(r"([^\n]+)\n(0|[1-9][0-9]{0,18})\n([A-Za-z0-9+/]{43}=)\n")


@dataclass(frozen=True)
class Note:
    """A text, and the known keys whose signatures on it were verified (never none)."""

    text: str
    signers: tuple[VerifyKey, ...]


def sign_note(text: str, keys: Sequence[SigningKey]) -> str:
    """`text` with one signature line for each key. Raises InputError for a text that cannot be a note."""
    if not text.endswith("\n") or _CONTROL.search(text):
        raise InputError("note text must end in a newline and hold no other control character")
    if not 0 < len(keys) <= _MAX_SIGNATURES:
        raise InputError(f"a note takes 1 to {_MAX_SIGNATURES} keys, not {len(keys)}")
    message = text.encode()
    lines = [f"\u2014 {key.name} {_base64.encode(key.verify_key.key_id + key.sign(message))}\n" for key in keys]
    return text + "\n" + "".join(lines)


def open_note(note: str, known: Iterable[VerifyKey]) -> Note:
    """Verify `note` under the `known` keys.

    A signature by an unknown key is ignored; one by a known key that fails condemns the whole note.

    Raises:
        InputError: if this is not a note.
        NotVerified: if a known key's signature fails, or no known key signed.
    """
    text, lines = _split(note)
    keys = {(key.name, key.key_id): key for key in known}
    message = text.encode()
    signers: dict[bytes, VerifyKey] = {}
    for line in lines:
        match = _SIGNATURE.fullmatch(line)
        if match is None:
            raise InputError("note has a malformed signature line")
        data = _base64.decode(match[2])
        if len(data) < 5:
            raise InputError(f"note has a signature by {match[1]} that is too short")
        key = keys.get((match[1], data[:4]))
        if key is None:
            continue
        if not key.verifies(data[4:], message):
            raise NotVerified(f"the signature by {key.name} on the note is wrong")
        signers[key.public] = key
    if not signers:
        raise NotVerified("no known key signed the note")
    return Note(text, tuple(signers.values()))


def _split(note: str) -> tuple[str, list[str]]:
    if _CONTROL.search(note):
        raise InputError("note holds a control character or a lone surrogate")
    if len(note.encode()) > _MAX_BYTES:
        raise InputError(f"note is longer than {_MAX_BYTES} bytes")
    at = note.rfind("\n\n")
    if at < 0 or not note.endswith("\n"):
        raise InputError("note has no signatures after an empty line")
    # The last newline closes the last line, so the text after it is no line. splitlines() would also cut
    # at U+2028 and the like.
    lines = note[at + 2 :].split("\n")[:-1]
    if not 0 < len(lines) <= _MAX_SIGNATURES:
        raise InputError(f"note has {len(lines)} signature lines, not 1 to {_MAX_SIGNATURES}")
    return note[: at + 1], lines


@dataclass(frozen=True)
class Checkpoint:
    """A tree head: `origin` names the log, `size` is in entries, `root` is 32 bytes.

    Raises InputError if a part is malformed.
    """

    origin: str
    size: int
    root: bytes

    def __post_init__(self) -> None:
        if not self.origin or "\n" in self.origin or _CONTROL.search(self.origin):
            raise InputError("checkpoint origin is empty or holds a control character")
        if not 0 <= self.size <= _MAX_SIZE:
            raise InputError(f"checkpoint size {self.size} is out of range")
        if len(self.root) != 32:
            raise InputError("checkpoint root is not 32 bytes")

    def to_text(self) -> str:
        """The three lines that are signed."""
        return f"{self.origin}\n{self.size}\n{_base64.encode(self.root)}\n"

    @staticmethod
    def from_text(text: str) -> Checkpoint:
        """Inverse of `to_text`. Raises InputError for any other spelling; extension lines are refused."""
        match = _CHECKPOINT.fullmatch(text)
        if match is None:
            raise InputError("checkpoint is not three lines: origin, decimal size, base64 of 32 bytes")
        return Checkpoint(match[1], int(match[2]), _base64.decode(match[3]))
