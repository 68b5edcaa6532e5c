"""Ed25519 keys with a name, in the text forms of C2SP signed-note.

A verify key is `name+hash+base64(0x01 || public)`, a signing key `PRIVATE+KEY+name+hash+base64(0x01 ||
seed)`, where hash is the key id in hex. The byte 0x01 says Ed25519, for notes and envelopes; 0x04 says Ed25519 that
cosigns checkpoints with a time (C2SP tlog-cosignature), and nothing else. Other bytes are refused, not guessed.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from scalegate.errors import InputError, Place
from scalegate.ledger import _base64, _files, _sealing, passphrase

__all__ = ["COSIGNATURE", "ED25519", "Ask", "SigningKey", "VerifyKey", "is_encrypted", "public_half"]

ED25519 = 1
"""Signs notes and envelopes."""
COSIGNATURE = 4
"""Cosigns checkpoints: a witness's key."""
_VERIFY = re.compile(r"([^+]+)\+([0-9a-f]{8})\+([A-Za-z0-9+/]+=*)")
_SIGNING = re.compile(r"PRIVATE\+KEY\+([^+]+)\+([0-9a-f]{8})\+([A-Za-z0-9+/]+=*)\n?")
_MAX_FILE_BYTES = 4_096
_MAX_NAME = 255


def _check_name(name: str) -> None:
    bad = not name or "+" in name or len(name) > _MAX_NAME
    if bad or any(char.isspace() or not char.isprintable() for char in name):
        raise InputError(
            f"key name {name[:40]!r} is empty, too long, or holds a space, a plus or a control character",
            fix="use letters, digits and `.-_/`, such as `ada` or `example.com/safety-log`",
        )


@lru_cache(maxsize=1024)
def _point(public: bytes) -> Ed25519PublicKey:
    return Ed25519PublicKey.from_public_bytes(public)


@dataclass(frozen=True)
class VerifyKey:
    """The public half of a key: a name and 32 bytes. Raises InputError if either is malformed."""

    name: str
    public: bytes
    algorithm: int = ED25519

    def __post_init__(self) -> None:
        _check_name(self.name)
        _check_algorithm(self.algorithm)
        if len(self.public) != 32:
            raise InputError(f"Ed25519 public key of {self.name} is not 32 bytes")

    @property
    def key_id(self) -> bytes:
        """4 bytes of SHA-256(name || 0x0A || algorithm || public): an identifier, not a proof of anything."""
        return hashlib.sha256(self.name.encode() + b"\n" + bytes([self.algorithm]) + self.public).digest()[:4]

    def verifies(self, signature: bytes, message: bytes) -> bool:
        """True if `signature` (64 bytes, RFC 8032) over `message` was made with this key."""
        try:
            _point(self.public).verify(signature, message)
        except (InvalidSignature, ValueError):  # ValueError: 32 bytes that are no point of the curve
            return False
        return True

    def to_text(self) -> str:
        """The one-line `vkey` form."""
        return f"{self.name}+{self.key_id.hex()}+{_base64.encode(bytes([self.algorithm]) + self.public)}"

    @staticmethod
    @lru_cache(maxsize=1024)
    def from_text(text: str, algorithm: int = ED25519) -> VerifyKey:
        """Inverse of `to_text`. Raises InputError for any other spelling, a key id that does not fit, or a key that is
        for something else."""
        match = _VERIFY.fullmatch(text)
        if match is None:
            raise InputError("not a verify key", fix="write name+8 hex digits+base64, as `SigningKey.verify_key` does")
        key = VerifyKey(match[1], _untyped(match[3], algorithm), algorithm)
        if key.key_id.hex() != match[2]:
            raise InputError(f"key id of {key.name} is {key.key_id.hex()}, but the text says {match[2]}")
        return key


class SigningKey:
    """A name and an Ed25519 private key, which neither `repr` nor an error message ever shows.

    `save` writes a file that its owner alone can read, under a passphrase if one is given.
    """

    __slots__ = ("_private", "_seed", "_verify_key")

    def __init__(self, name: str, seed: bytes, algorithm: int = ED25519) -> None:
        """`seed` is the 32-byte private key of RFC 8032. Raises InputError if it or the name is malformed."""
        if len(seed) != 32:
            raise InputError(f"Ed25519 private key of {name} is not 32 bytes")
        self._seed = seed
        self._private = Ed25519PrivateKey.from_private_bytes(seed)
        self._verify_key = VerifyKey(name, self._private.public_key().public_bytes_raw(), algorithm)

    def __repr__(self) -> str:
        return f"SigningKey({self._verify_key.to_text()})"

    @staticmethod
    def generate(name: str, algorithm: int = ED25519) -> SigningKey:
        """A new key from the operating system's randomness."""
        return SigningKey(name, Ed25519PrivateKey.generate().private_bytes_raw(), algorithm)

    def named(self, name: str) -> SigningKey:
        """The same key by another name."""
        return SigningKey(name, self._seed, self._verify_key.algorithm)

    @property
    def name(self) -> str:
        return self._verify_key.name

    @property
    def verify_key(self) -> VerifyKey:
        return self._verify_key

    def sign(self, message: bytes) -> bytes:
        """A 64-byte signature (RFC 8032)."""
        return self._private.sign(message)

    def save(self, path: str | Path, secret: str | None = None, *, replace: bool = False) -> None:
        """Write the key to a new file of mode 0600, all of it or nothing.

        secret: the passphrase that it is encrypted under; None: it is not, and whoever reads the file can sign.
        replace: whether it takes the place of the file that is there.

        Raises InputError if the file exists (a key is never overwritten unless it is meant) or cannot be written.
        """
        file = Path(path)
        public = self._verify_key
        head = f"PRIVATE+KEY+{self.name}+{public.key_id.hex()}+"
        text = head + _base64.encode(bytes([public.algorithm]) + self._seed) + "\n"
        if secret is not None:
            text = f"{_PUBLIC}{public.to_text()}\n{_sealing.sealed(self._seed, secret)}"
        try:
            (_files.replace if replace else _files.create)(file, text.encode(), mode=0o600)
        except FileExistsError:
            place = Place(file=str(file))
            raise InputError("a file is there already", place=place, fix="choose another path") from None
        except OSError as error:
            reason = f"the key cannot be written: {error.strerror}"
            raise InputError(reason, place=Place(file=str(file))) from None

    @staticmethod
    def load(path: str | Path, algorithm: int = ED25519, *, ask: Ask | None = None) -> SigningKey:
        """Read what `save` wrote.

        ask: who is asked for the passphrase of an encrypted key, if the environment names no file with it.

        Raises InputError, never with the key's text or the passphrase in it: if others can read the file, it is no key,
        or the passphrase is not there or is another.
        """
        place = Place(file=str(path))
        public, text = _read(place, algorithm)
        if public is None:
            return _plain(text, algorithm, place)
        stated = passphrase.stated()
        if not stated and ask is not None:
            stated = (ask(Path(path)),)
        if not stated:
            raise InputError(
                "the key is encrypted, and nobody is here to be asked for its passphrase",
                place=place,
                fix=f"set {passphrase.VARIABLE} to a file of yours, of mode 0600, that has it",
            )
        pem = text[text.index(_sealing.BEGIN) :]
        for it in stated:
            seed = _sealing.opened(pem, it)
            if seed is not None:
                key = SigningKey(public.name, seed, algorithm)
                if key.verify_key != public:
                    raise InputError("its public half is that of another key: the file is damaged", place=place)
                return key
        raise InputError("the passphrase is not that of this key, or the file is damaged", place=place)


Ask = Callable[[Path], str]
_PUBLIC = "Public: "


def public_half(path: str | Path, algorithm: int = ED25519) -> VerifyKey:
    """The public half of a signing key's file, for which no passphrase is needed. Raises InputError if it is none."""
    place = Place(file=str(path))
    public, text = _read(place, algorithm)
    return public if public is not None else _plain(text, algorithm, place).verify_key


def is_encrypted(path: str | Path) -> bool:
    """Whether a signing key's file is under a passphrase. Raises InputError if it cannot be read."""
    return _sealing.BEGIN in _text(Place(file=str(path)))


def _text(place: Place) -> str:
    try:
        with Path(place.file or "").open("rb") as file:
            text = file.read(_MAX_FILE_BYTES).decode()
            if "PRIVATE" in text:
                # Of what is no key it is told that it is none.
                passphrase.check_private(file.fileno(), place)
            return text
    except OSError as error:
        raise InputError(f"the key cannot be read: {error.strerror}", place=place) from None
    except UnicodeDecodeError:
        raise InputError("not a signing key file", place=place) from None


def _read(place: Place, algorithm: int) -> tuple[VerifyKey | None, str]:
    """The text of a key's file, and what it says of its public half if it is encrypted."""
    text = _text(place)
    if _sealing.BEGIN not in text:
        return None, text
    head = text.partition("\n")[0]
    if not head.startswith(_PUBLIC):
        raise InputError("it does not begin with its public half", place=place, fix="make it by `scalegate key new`")
    try:
        return VerifyKey.from_text(head.removeprefix(_PUBLIC), algorithm), text
    except InputError as error:
        raise InputError(error.message, place=place, fix=error.fix) from None


def _plain(text: str, algorithm: int, place: Place) -> SigningKey:
    match = _SIGNING.fullmatch(text)
    if match is None:
        raise InputError("not a signing key file", place=place, fix="it is one PRIVATE+KEY line, or encrypted")
    try:
        key = SigningKey(match[1], _untyped(match[3], algorithm), algorithm)
    except InputError as error:
        raise InputError(error.message, place=place, fix=error.fix) from None
    if key.verify_key.key_id.hex() != match[2]:
        raise InputError("the key id does not fit the key: the file is damaged", place=place)
    return key


_FOR = {ED25519: "signs notes and entries", COSIGNATURE: "cosigns checkpoints, as a witness does"}


def _check_algorithm(algorithm: int) -> None:
    if algorithm not in _FOR:
        raise InputError(f"keys of type 0x{algorithm:02x} are not known here")


def _untyped(text: str, algorithm: int) -> bytes:
    data = _base64.decode(text)
    if data[:1] != bytes([algorithm]):
        found = _FOR.get(data[0], "is not known here") if data else "is empty"
        raise InputError(f"the key is not of type 0x{algorithm:02x}, which {_FOR[algorithm]}: it {found}")
    return data[1:]
