"""A private key under a passphrase: PKCS#8, encrypted by PBES2 with scrypt (RFC 7914) and AES-256-CBC, as PEM.

`cryptography` reads that and, at the cost that is chosen here, so does OpenSSL; what it writes by itself is PBKDF2 with
2,048 rounds, which is too cheap to guess at. The public half stands before the PEM, as text, and whoever loads the key
compares it: a file that was changed gives another key, or none.
"""

from __future__ import annotations

import os
from collections.abc import Iterator

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt
from cryptography.hazmat.primitives.padding import PKCS7

from scalegate.ledger import _base64

__all__ = ["BEGIN", "COST", "opened", "sealed"]

BEGIN, END = "-----BEGIN ENCRYPTED PRIVATE KEY-----", "-----END ENCRYPTED PRIVATE KEY-----"
COST, BLOCK, PARALLEL = 2**14, 8, 8
"""Of scrypt: 16 MiB, eight times over. OpenSSL takes no more memory than 32 MiB for it."""
_PBES2 = bytes.fromhex("06092a864886f70d01050d")
_SCRYPT = bytes.fromhex("06092b06010401da47040b")
_AES_256_CBC = bytes.fromhex("060960864801650304012a")


def sealed(seed: bytes, passphrase: str) -> str:
    """The PEM of an Ed25519 private key under a passphrase."""
    salt, start = os.urandom(16), os.urandom(16)
    key = Scrypt(salt=salt, length=32, n=COST, r=BLOCK, p=PARALLEL).derive(passphrase.encode())
    plain = Ed25519PrivateKey.from_private_bytes(seed).private_bytes(
        serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    padder = PKCS7(128).padder()
    encryptor = Cipher(algorithms.AES(key), modes.CBC(start)).encryptor()
    hidden = encryptor.update(padder.update(plain) + padder.finalize()) + encryptor.finalize()
    scrypt = _sequence(_SCRYPT, _sequence(_octets(salt), *map(_integer, (COST, BLOCK, PARALLEL))))
    how = _sequence(_PBES2, _sequence(scrypt, _sequence(_AES_256_CBC, _octets(start))))
    text = _base64.encode(_sequence(how, _octets(hidden)))
    return "\n".join((BEGIN, *_lines(text), END, ""))


def opened(pem: str, passphrase: str) -> bytes | None:
    """The 32 bytes of the private key; None: the passphrase is not its own, or it is no key of this kind."""
    try:
        key = serialization.load_pem_private_key(pem.encode(), passphrase.encode())
    except (ValueError, TypeError):
        return None
    return key.private_bytes_raw() if isinstance(key, Ed25519PrivateKey) else None


def _lines(text: str) -> Iterator[str]:
    for start in range(0, len(text), 64):
        yield text[start : start + 64]


def _tagged(tag: int, content: bytes) -> bytes:
    """One value in DER. Nothing here is longer than 255 bytes."""
    length = bytes([len(content)]) if len(content) < 128 else bytes([0x81, len(content)])
    return bytes([tag]) + length + content


def _sequence(*parts: bytes) -> bytes:
    return _tagged(0x30, b"".join(parts))


def _octets(content: bytes) -> bytes:
    return _tagged(0x04, content)


def _integer(value: int) -> bytes:
    return _tagged(0x02, value.to_bytes(value.bit_length() // 8 + 1, "big"))
