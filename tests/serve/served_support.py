"""A ledger that is served in this process, by the server that `scalegate serve` runs, and what is asked of it."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import uvicorn

from scalegate.gate import Journal
from scalegate.gate.journal import sealed
from scalegate.gate.project import Project
from scalegate.ledger.entries import Attestation, Entry
from scalegate.serve.limits import Limits
from scalegate.serve.log_app import Served, log_app
from support import DAY

__all__ = ["Answer", "Client", "attestation", "folded", "served", "signed_by", "size", "srv"]


@dataclass(frozen=True)
class Answer:
    """What came back."""

    status: int
    body: bytes
    headers: dict[str, str]

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def why(self) -> tuple[int, str]:
        """The status, and the reason as programs read it."""
        return self.status, self.json["error"]["reason"]

    @property
    def said(self) -> str:
        return str(self.json["error"]["message"])


@dataclass(frozen=True)
class Client:
    """Asks a server."""

    url: str

    def get(self, path: str) -> Answer:
        return self._ask(Request(self.url + path))

    def post(self, body: bytes, kind: str = "application/json") -> Answer:
        return self._ask(Request(f"{self.url}/entries", data=body, headers={"content-type": kind}))

    def _ask(self, request: Request) -> Answer:
        try:
            with urlopen(request, timeout=30) as found:
                return Answer(found.status, found.read(), dict(found.headers))
        except HTTPError as error:
            with error:
                return Answer(error.code, error.read(), dict(error.headers))


@contextmanager
def srv(served: Served) -> Iterator[Client]:
    """A server on a port of its own, in a thread."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        server = uvicorn.Server(uvicorn.Config(log_app(served), log_level="warning", access_log=False))
        thread = threading.Thread(target=server.run, args=([listening],))
        thread.start()
        try:
            while not server.started:
                assert thread.is_alive(), "it did not start"
                time.sleep(0.01)
            yield Client(f"http://127.0.0.1:{listening.getsockname()[1]}")
        finally:
            server.should_exit = True
            thread.join(30)


def attestation(project: Project, who: str = "security", statement: str = "locked", **more: Any) -> Attestation:
    """What a person signs, as of now."""
    with project.journal() as journal:
        now = journal.now()
        fields = {
            "actor": who,
            "time": now,
            "policy": journal.policy.digest(),
            "ledger": journal.fold.identity,
            "safeguard": "weights-locked",
            "until": now + 30 * DAY,
            "statement": statement,
        }
    return Attestation.model_validate(fields | more)


def signed_by(project: Project, entry: Entry, key: str | None = None) -> bytes:
    """The envelope, as it is sent."""
    return sealed(entry, project.key(key or entry.actor))


def served(project: Project, **more: Any) -> Served:
    """What takes statements from whoever sends them, however many."""
    return Served(project.ledger, project.key("log"), **({"limits": Limits(10**6)} | more))


def size(project: Project) -> int:
    """Entries of the ledger."""
    with Journal.open(project.ledger) as journal:
        return journal.fold.size


def folded(project: Project, ask: Callable[[Journal], Any]) -> Any:
    """What is asked of the ledger as it is now."""
    with Journal.open(project.ledger) as journal:
        return ask(journal)
