"""A ledger that is kept elsewhere and served over HTTP, read and sent to from here.

The server is not believed: entries have to make the tree that the log's key signed, a tree has to have grown from the
one that was seen from here before, and whatever is sent in comes back with a receipt. The log's key is stated in the
file that names the server, which has one line of a trust file (C2SP tlog-policy): `log VKEY URL`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from http.client import HTTPException
from pathlib import Path
from typing import Any, Protocol
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen

from scalegate.errors import InputError, LedgerError, NotVerified, Place
from scalegate.ledger import _memory, strict_json
from scalegate.ledger.keys import VerifyKey
from scalegate.ledger.merkle import verify_consistency
from scalegate.ledger.note import Checkpoint, open_note
from scalegate.ledger.receipt import Receipt, verify_receipt
from scalegate.ledger.store import Appended
from scalegate.ledger.tiles import WIDTH, Tile, unbundled
from scalegate.ledger.trust_file import NO_QUORUM, Trust

__all__ = ["AnyLedger", "ServedLedger", "Server", "server_in"]

_TIMEOUT_S = 30
_MOST_BYTES = WIDTH * (2 + 65_535)
_URL = re.compile(r"https?://[A-Za-z0-9.\[\]:_-]+(?:/[A-Za-z0-9._~/-]*)?")
_LINE = re.compile(r"log (\S+) (\S+)\n?")
_MOST_OF_FILE = 2_000


class AnyLedger(Protocol):
    """What a journal takes of a ledger, wherever that is."""

    @property
    def name(self) -> str: ...
    @property
    def path(self) -> Path: ...
    @property
    def origin(self) -> str: ...
    @property
    def log_verify_key(self) -> VerifyKey: ...
    def entries(self, start: int = 0, stop: int | None = None) -> Iterator[tuple[int, bytes]]: ...
    def signed(self, after: int) -> dict[int, bytes]: ...
    def append(
        self, envelopes: Sequence[bytes] | Callable[[], Sequence[bytes]], *, once: str | None = None
    ) -> Appended: ...
    def close(self) -> None: ...
    def leave(self) -> None: ...


@dataclass(frozen=True)
class Server:
    """Where a log is served, and by which key it is known."""

    key: VerifyKey
    url: str

    def __post_init__(self) -> None:
        """Raises InputError for what is no address of a server, or holds a name or a password."""
        if not _URL.fullmatch(self.url):
            raise InputError(f"`{self.url[:80]}` is no address of a server", fix="write https://HOST, or with a path")

    def to_text(self) -> str:
        """The file that names it."""
        return f"log {self.key.to_text()} {self.url.rstrip('/')}\n"


def server_in(file: Path) -> Server | None:
    """The server that a file names; None: it names none. Raises InputError where it names one as it should not."""
    try:
        # A larger file may be a ledger that is open in this process, and closing it here would drop its locks.
        data = file.read_bytes() if file.stat().st_size <= _MOST_OF_FILE else b""
    except OSError:
        # Whoever opens it as a ledger says why it cannot be.
        return None
    if not data.startswith(b"log "):
        return None
    line = _LINE.fullmatch(data.decode("utf-8", "replace"))
    try:
        if line is None:
            raise InputError("the file names no server as it should", fix="one line: `log VKEY URL`")
        return Server(VerifyKey.from_text(line[1]), line[2])
    except InputError as error:
        raise InputError(error.message, place=Place(file=str(file)), fix=error.fix) from error


class ServedLedger:
    """A ledger that a server has. Every method may raise LedgerError where the server does not answer, NotVerified
    where it answers with something else than the log."""

    def __init__(self, file: Path, server: Server) -> None:
        """`file`: it names the server, and beside it is remembered how far the log was seen from here."""
        self.path = file.resolve()
        self.name = server.url
        self.log_verify_key = server.key
        self.origin = server.key.name
        self._url = server.url.rstrip("/")
        self._head: Checkpoint | None = None

    def refresh(self) -> Checkpoint:
        """The latest checkpoint, once it is known to have grown from what was seen from here before."""
        try:
            note = self._get("checkpoint").decode("utf-8", "replace")
            head = Checkpoint.from_text(open_note(note, [self.log_verify_key]).text)
        except (InputError, NotVerified) as error:
            raise NotVerified(f"what is served is not this log: {error.message}", place=self._place()) from error
        if head.origin != self.origin:
            raise NotVerified(f"it serves the log {head.origin}, and not {self.origin}", place=self._place())
        seen = _memory.recall(self.path)
        if seen is not None and (seen.size, seen.root) != (head.size, head.root):
            self._check_growth(seen, head)
        if seen is None or seen.size < head.size:
            try:
                _memory.remember(self.path, _memory.Memory(head.size, head.root))
            except OSError as error:
                what = f"how far the log was seen cannot be kept beside this file: {error.strerror}"
                raise LedgerError(what, place=Place(file=str(self.path))) from error
        self._head = head
        return head

    def entries(self, start: int = 0, stop: int | None = None) -> Iterator[tuple[int, bytes]]:
        """Positions and envelopes from `start` up to `stop`, by default all of the latest checkpoint.

        That they are those which were signed is for whoever has all of them to check, by `signed`.
        """
        head = self.refresh()
        end = head.size if stop is None else stop
        if not 0 <= start <= end <= head.size:
            # A server that is behind what was read of it before.
            raise NotVerified(f"a log of {head.size} entries has no range {start} to {end}", place=self._place())
        return self._walk(start, end, head.size)

    def signed(self, after: int) -> dict[int, bytes]:
        """Size and root of the checkpoint that `entries` was last called under, if it has more than `after` entries."""
        head = self._head
        return {head.size: head.root} if head is not None and head.size > after else {}

    def append(
        self, envelopes: Sequence[bytes] | Callable[[], Sequence[bytes]], *, once: str | None = None
    ) -> Appended:
        """Send one statement in, and return once the log's key has signed that it is there.

        Sent again it is the same entry, so `once` says nothing. Raises InputError where the server does not take it.
        """
        made = list(envelopes() if callable(envelopes) else envelopes)
        if len(made) != 1:
            fix = "do it where the ledger is"
            raise InputError("a served ledger takes one statement at a time", place=self._place(), fix=fix)
        answer = self._post(made[0])
        try:
            receipt = Receipt.from_text(str(answer.get("receipt")))
            shown = verify_receipt(receipt, made[0], Trust((self.log_verify_key,), {}, {}, NO_QUORUM, {}))
        except (InputError, NotVerified) as error:
            what = f"the answer does not show that the statement is in the log: {error.message}"
            fix = "send it again: it is written once"
            raise NotVerified(what, place=self._place(), fix=fix) from error
        return Appended(shown.index, shown.checkpoint.size, receipt.checkpoint)

    def close(self) -> None:
        """There is nothing to let go of."""

    def leave(self) -> None:
        """There is nothing to let go of."""

    def _walk(self, start: int, end: int, size: int) -> Iterator[tuple[int, bytes]]:
        while start < end:
            number = start // WIDTH
            first = number * WIDTH
            tile = Tile(-1, number, min(WIDTH, size - first))
            try:
                bundle = unbundled(tile, self._get(tile.path))
            except InputError as error:
                raise NotVerified(error.message, place=self._place()) from error
            for position in range(start, min(first + WIDTH, end)):
                yield position, bundle[position - first]
            start = first + WIDTH

    def _check_growth(self, seen: _memory.Memory, head: Checkpoint) -> None:
        if head.size < seen.size:
            what = f"it serves {head.size} entries, and had {seen.size}: it was rolled back"
            raise NotVerified(what, place=self._place(), fix="ask whoever keeps it, and sign nothing until then")
        try:
            answer = _object(self._get(f"consistency?old={seen.size}&new={head.size}")) if seen.size else None
            proof = [bytes.fromhex(it) for it in answer["hashes"]] if answer is not None else []
            if answer is not None:
                verify_consistency(seen.size, head.size, seen.root, head.root, proof)
        except (ValueError, KeyError, TypeError, InputError, NotVerified) as error:
            what = f"it is not shown to be a growth of the {seen.size} entries that were seen from here before"
            raise NotVerified(
                what, place=self._place(), fix="ask whoever keeps it, and sign nothing until then"
            ) from error

    def _get(self, path: str) -> bytes:
        status, data = self._ask(Request(f"{self._url}/{path}"))
        if status != 200:
            raise LedgerError(f"`{path}` is not served ({status}): {_said(data)[0]}", place=self._place())
        return data

    def _post(self, envelope: bytes) -> dict[str, Any]:
        kind = {"content-type": "application/json"}
        status, data = self._ask(Request(f"{self._url}/entries", data=envelope, headers=kind, method="POST"))
        if status not in (200, 201):
            message, fix = _said(data)
            busy = status in (408, 429) or status >= 500
            refused = LedgerError if busy else InputError
            raise refused(f"it was not taken ({status}): {message}", place=self._place(), fix=fix)
        return _object(data)

    def _ask(self, request: Request) -> tuple[int, bytes]:
        try:
            with urlopen(request, timeout=_TIMEOUT_S) as answer:
                status, data = int(answer.status), answer.read(_MOST_BYTES + 1)
        except HTTPError as error:
            with error:
                return error.code, error.read(_MOST_BYTES)
        except (URLError, OSError, HTTPException) as error:
            reason = getattr(error, "reason", error)
            raise LedgerError(f"the server does not answer: {reason}", place=self._place()) from error
        if len(data) > _MOST_BYTES:
            raise NotVerified(f"the server answers with more than {_MOST_BYTES:,} bytes", place=self._place())
        return status, data

    def _place(self) -> Place:
        return Place(file=self.name)


def _object(data: bytes) -> dict[str, Any]:
    """Of what a server answers an object; of anything else, and of what is nested too deep to be read, an empty one."""
    try:
        document = strict_json.loads(data)
    except InputError:
        return {}
    return document if isinstance(document, dict) else {}


def _said(data: bytes) -> tuple[str, str | None]:
    """What a server says is wrong, and what to do instead."""
    fault = _object(data).get("error")
    if not isinstance(fault, dict):
        return data[:200].decode("utf-8", "replace").strip() or "nothing more is said", None
    fix = fault.get("fix")
    return str(fault.get("message"))[:2_000], str(fix)[:2_000] if fix is not None else None
