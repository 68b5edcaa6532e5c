"""Cosignatures of a ledger's latest checkpoint, asked of the witnesses of a trust file over HTTP."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen

from scalegate.errors import InputError, NotVerified, Place, ScalegateError
from scalegate.ledger.keys import VerifyKey
from scalegate.ledger.merkle import consistency_proof
from scalegate.ledger.note import Checkpoint, joined, open_note
from scalegate.ledger.store import Ledger
from scalegate.ledger.trust_file import Trust
from scalegate.ledger.witness import request_for

__all__ = ["Asked", "Post", "ask_witnesses", "post"]

_TIMEOUT_S = 20
_MOST_BYTES = 100_000
_SIZE = re.compile(r"(0|[1-9][0-9]{0,18})\n")
Post = Callable[[str, bytes], tuple[int, str]]
"""Sends a body to an address: the HTTP status of the answer, and its text. Raises OSError where there is none."""


@dataclass(frozen=True)
class Asked:
    """What came of asking."""

    note: str
    """The checkpoint, with every cosignature that was given and verified."""
    cosigned: tuple[tuple[VerifyKey, int], ...]
    refused: tuple[tuple[str, str], ...]
    """Witnesses by their names in the trust file, and why there is no cosignature of each."""


def post(url: str, body: bytes) -> tuple[int, str]:
    """`Post` by the standard library."""
    if not url.startswith(("https://", "http://")):
        raise OSError(f"`{url[:60]}` is no HTTP address")
    request = Request(url, data=body, headers={"content-type": "text/plain"}, method="POST")
    try:
        with urlopen(request, timeout=_TIMEOUT_S) as answer:
            return int(answer.status), answer.read(_MOST_BYTES).decode("utf-8", "replace")
    except HTTPError as error:
        return error.code, error.read(_MOST_BYTES).decode("utf-8", "replace")
    except URLError as error:
        raise OSError(str(error.reason)) from error


def ask_witnesses(ledger: Ledger, trust: Trust, send: Post = post) -> Asked:
    """Have the latest checkpoint cosigned by each witness of the trust file that has an address.

    Raises InputError if the ledger is empty or not one of those that are trusted.
    """
    note = ledger.checkpoint()
    if note is None:
        raise InputError("the ledger has no entries yet", place=Place(file=ledger.name))
    if ledger.log_verify_key not in trust.logs:
        raise InputError("the trust file does not list this log", place=Place(file=ledger.name))
    lines, refused = [], []
    for name, key in trust.witnesses.items():
        url = trust.urls.get(key.to_text())
        if url is None:
            refused.append((name, "the trust file has no address of it"))
            continue
        try:
            lines += list(_asked(ledger, note, f"{url.rstrip('/')}/add-checkpoint", key, send))
        except (OSError, ScalegateError) as error:
            refused.append((name, error.message if isinstance(error, ScalegateError) else str(error)))
    whole = joined(note, lines)
    return Asked(whole, open_note(whole, trust.keys).cosigned, tuple(refused))


def _asked(ledger: Ledger, note: str, url: str, key: VerifyKey, send: Post) -> Iterator[str]:
    """The cosignature line of one witness. Raises NotVerified with what it says instead."""
    known = Checkpoint.from_text(open_note(note, [ledger.log_verify_key]).text)
    status, body = send(url, request_for(0, (), note))
    for _ in range(3):
        match = _SIZE.fullmatch(body) if status == 409 else None
        if match is None:
            break
        # Others may have it cosigned at the same time.
        size = int(match[1])
        if size > known.size:
            what = f"it has seen {size} entries of this log, and the ledger has {known.size}: it was rolled back"
            raise NotVerified(what)
        proof = consistency_proof(size, known.size, ledger.tree(known.size).subtree) if 0 < size < known.size else ()
        status, body = send(url, request_for(size, proof, note))
    if status != 200:
        raise NotVerified(f"it answers {status}: {body.strip()[:200]}")
    for line in body.splitlines(keepends=True):
        try:
            if open_note(joined(note, [line]), [key]).cosigned:
                yield line
                return
        except (InputError, NotVerified):
            continue
    raise NotVerified("it answers with no cosignature by the key that the trust file has of it")
