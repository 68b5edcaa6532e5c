"""Signed notes (C2SP signed-note) and checkpoints (C2SP tlog-checkpoint).

A note is text that ends in a newline, an empty line, and signature lines `— name base64(key id || sig)`.
A checkpoint is a note whose text is three lines: origin, size, base64 of the root. No timestamp and no
policy id go into it: those who cosign a checkpoint would give them no meaning.

A cosignature (C2SP tlog-cosignature, v1) is the line of a witness: that at a time this was the largest tree of this log
that it had seen, each a growth of the one before. Its 8 bytes of time stand before the signature, which is on them too.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from scalegate.errors import InputError, NotVerified, Place
from scalegate.ledger import _base64
from scalegate.ledger.keys import COSIGNATURE, ED25519, SigningKey, VerifyKey

__all__ = [
    "MAX_TIME",
    "Checkpoint",
    "Note",
    "cosign",
    "joined",
    "known_only",
    "lines_of",
    "open_note",
    "read_note",
    "sign_note",
    "text_and_names",
]

_MAX_BYTES = 1_000_000
_MAX_SIGNATURES = 100
_MAX_SIZE = 2**63 - 1
MAX_TIME = 2**63 - 1
"""Seconds since 1970 UTC: the latest that a cosignature may give."""
_TIME_BYTES = 8
_SIGNATURE = re.compile("\u2014 ([^\\s+]+) ([A-Za-z0-9+/]+=*)")
_CONTROL = re.compile("[\x00-\x09\x0b-\x1f\ud800-\udfff]")
_CHECKPOINT = re.compile(r"([^\n]+)\n(0|[1-9][0-9]{0,18})\n([A-Za-z0-9+/]{43}=)\n")


@dataclass(frozen=True)
class Note:
    """A text, and the known keys whose signatures on it were verified (never none)."""

    text: str
    signers: tuple[VerifyKey, ...]
    """Of the keys that sign notes."""
    cosigned: tuple[tuple[VerifyKey, int], ...] = ()
    """Of the keys that cosign, each with the latest time that it gave, in seconds since 1970 UTC."""


def sign_note(text: str, keys: Sequence[SigningKey]) -> str:
    """`text` with one signature line for each key. Raises InputError for a text that cannot be a note."""
    if not text.endswith("\n") or _CONTROL.search(text):
        raise InputError("note text must end in a newline and hold no other control character")
    if not 0 < len(keys) <= _MAX_SIGNATURES:
        raise InputError(f"a note takes 1 to {_MAX_SIGNATURES} keys, not {len(keys)}")
    if any(key.verify_key.algorithm != ED25519 for key in keys):
        raise InputError("a witness's key cosigns checkpoints, and signs no note")
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
    signers: dict[bytes, VerifyKey] = {}
    cosigned: dict[bytes, tuple[VerifyKey, int]] = {}
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
        at = _verified(key, data[4:], text)
        if at is None:
            signers[key.public] = key
        else:
            _, before = cosigned.get(key.public, (key, 0))
            cosigned[key.public] = (key, max(at, before))
    if not signers and not cosigned:
        raise NotVerified("no known key signed the note")
    return Note(text, tuple(signers.values()), tuple(cosigned.values()))


def _verified(key: VerifyKey, signature: bytes, text: str) -> int | None:
    """The time that a cosignature gives; None for another signature. Raises NotVerified for one that is wrong."""
    at, message = None, text.encode()
    if key.algorithm == COSIGNATURE:
        at, signature = int.from_bytes(signature[:_TIME_BYTES], "big"), signature[_TIME_BYTES:]
        message = _cosigned(text, at)
    if not key.verifies(signature, message) or (at is not None and at > MAX_TIME):
        raise NotVerified(f"the signature by {key.name} on the note is wrong")
    return at


def cosign(note: str, key: SigningKey, at: int) -> str:
    """The signature line by which a witness says that it saw this checkpoint. It looks at nothing: `witness` does.

    Raises InputError for what is no note with a checkpoint, or a time before 1970 or past the year 292 billion.
    """
    text, _ = _split(note)
    Checkpoint.from_text(text)
    if key.verify_key.algorithm != COSIGNATURE or not 0 < at <= MAX_TIME:
        raise InputError(f"{key.name} cosigns nothing at {at}: it takes a witness's key, and a time")
    data = key.verify_key.key_id + at.to_bytes(_TIME_BYTES, "big") + key.sign(_cosigned(text, at))
    return f"\u2014 {key.name} {_base64.encode(data)}\n"


def _cosigned(text: str, at: int) -> bytes:
    return f"cosignature/v1\ntime {at}\n{text}".encode()


def lines_of(note: str) -> tuple[str, ...]:
    """The signature lines of a note, each with its newline, none verified. Raises InputError if it is none."""
    return tuple(f"{line}\n" for line in _split(note)[1])


def text_and_names(note: str) -> tuple[str, tuple[str, ...]]:
    """The text of a note, and whose signature each line says that it is; none is verified. Raises InputError if it is
    no note."""
    text, lines = _split(note)
    found = [_SIGNATURE.fullmatch(line) for line in lines]
    if not all(found):
        raise InputError("note has a malformed signature line")
    return text, tuple(dict.fromkeys(it[1] for it in found if it))


def joined(note: str, more: Iterable[str]) -> str:
    """The note with further signature lines, each once. Raises InputError if that is no note."""
    wanted = note + "".join(line for line in dict.fromkeys(more) if line not in lines_of(note))
    _split(wanted)
    return wanted


def known_only(note: str, known: Iterable[VerifyKey]) -> str:
    """The note with one signature line of each of these keys that signed it, in one order: nothing else stands in it.

    Of a witness's several it is the latest. Raises InputError, naming whose line it is, where one is of none of these
    keys, and as `open_note` does.
    """
    keys = {(key.name, key.key_id): key for key in known}
    text, lines = _split(note)
    open_note(note, keys.values())
    best: dict[VerifyKey, tuple[bytes, str]] = {}
    for line in lines:
        match = _SIGNATURE.fullmatch(line)
        data = _base64.decode(match[2]) if match else b""
        key = keys.get((match[1], data[:4])) if match else None
        if key is None:
            raise InputError(f"a signature by {match[1] if match else 'nobody'} is of no key that is named")
        # The bytes after the key's id begin with the time, big-endian.
        best[key] = max(best.get(key, (b"", "")), (data[4:], line))
    # The log's before those of witnesses.
    ordered = sorted(best, key=lambda key: (key.algorithm, best[key][1]))
    return f"{text}\n" + "".join(f"{best[key][1]}\n" for key in ordered)


def read_note(path: str | Path) -> str:
    """The text of a file with a note; nothing of it is verified. Raises InputError if it cannot be read."""
    place = Place(file=str(path))
    try:
        with Path(path).open("rb") as file:
            return file.read(_MAX_BYTES + 1).decode("utf-8")
    except OSError as error:
        raise InputError(f"cannot be read: {error.strerror}", place=place) from error
    except UnicodeDecodeError as error:
        raise InputError("this is no text, and so no signed note", place=place) from error


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
