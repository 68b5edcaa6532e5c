"""Base64 with one spelling for each byte string (RFC 4648 sections 3.5, 4 and 5)."""

from __future__ import annotations

import base64
import binascii

from scalegate.errors import InputError

__all__ = ["decode", "decode_either", "encode"]


def encode(data: bytes) -> str:
    """Standard alphabet, padded."""
    return base64.b64encode(data).decode("ascii")


def decode(text: str) -> bytes:
    """The bytes of a standard, padded base64 text.

    Raises:
        InputError: for another alphabet, white space, missing padding, or stray bits at the end.
    """
    try:
        data = base64.b64decode(text.encode("ascii"), validate=True)
    except (UnicodeEncodeError, binascii.Error) as error:
        raise InputError("not base64") from error
    # Stray bits would give one signature or payload many spellings, hence many leaf hashes.
    if encode(data) != text:
        raise InputError("not base64 in its one canonical spelling")
    return data


def decode_either(text: str) -> bytes:
    """Like `decode`, for the standard or the URL-safe alphabet (DSSE 1.0.2: a verifier takes both)."""
    if "-" in text or "_" in text:
        if "+" in text or "/" in text:
            raise InputError("base64 mixes the standard and the URL-safe alphabet")
        text = text.replace("-", "+").replace("_", "/")
    return decode(text)
