"""Clients that send too slowly, hang up, or ask too much at once: the next one is answered all the same."""

from __future__ import annotations

import asyncio
import logging
import socket
import threading
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

pytest.importorskip("uvicorn")
pytest.importorskip("fastapi")

from served_support import Client, attestation, signed_by, srv

from scalegate.errors import LedgerError
from scalegate.gate import Journal
from scalegate.serve import log_app as module
from scalegate.serve.desk import Busy, Desk
from scalegate.serve.log_app import Served
from support import new_project

HEAD = b"POST /entries HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 1000\r\n\r\n"


def connected(client: Client) -> socket.socket:
    at = urlsplit(client.url)
    return socket.create_connection((str(at.hostname), int(at.port or 0)), timeout=20)


def test_a_body_that_comes_too_slowly_or_not_to_its_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    monkeypatch.setattr(module, "BODY_S", 0.2)
    project = new_project(tmp_path / "p")
    with srv(Served(project.ledger, project.key("log"))) as client:
        with connected(client) as slow:
            slow.sendall(HEAD + b"{")
            assert slow.recv(100).startswith(b"HTTP/1.1 408 ")
        with connected(client) as gone:
            gone.sendall(HEAD + b"{")
        assert client.post(signed_by(project, attestation(project))).status == 201
    assert not [it for it in caplog.records if it.exc_info]


def test_what_nobody_waits_for_any_more_is_written_whole(tmp_path: Path) -> None:
    project = new_project(tmp_path / "p")
    sent = signed_by(project, attestation(project))
    head = HEAD.replace(b"1000", str(len(sent)).encode())
    with srv(Served(project.ledger, project.key("log"))) as client:
        with connected(client) as gone:
            gone.sendall(head + sent)
        assert client.post(sent).status in (200, 201)
    with Journal.open(project.ledger) as journal:
        assert sum(it.entry.actor == "security" for it in journal.fold.records) == 2
        assert journal.fold.ignored == []


def test_too_many_who_wait_are_sent_away(tmp_path: Path) -> None:
    project = new_project(tmp_path / "p")
    free = threading.Event()

    async def ask() -> None:
        desk = Desk(project.ledger, None, most_waiting=3)
        waits = [asyncio.create_task(desk.do(lambda _journal: free.wait(20))) for _ in range(2)]
        third = asyncio.create_task(desk.do(lambda journal: journal.fold.size))
        await asyncio.sleep(0)
        with pytest.raises(Busy):
            await desk.do(lambda journal: journal.fold.size)
        free.set()
        assert await asyncio.gather(*waits) == [True, True]
        assert await third == await desk.do(lambda journal: journal.fold.size) == 2
        await asyncio.to_thread(desk.close)

    asyncio.run(ask())


def test_whoever_asks_for_status_keeps_nobody_from_signing(tmp_path: Path) -> None:
    project = new_project(tmp_path / "p")
    begun, signed, waited = threading.Event(), threading.Event(), list[bool]()

    def slow(_journal: Journal) -> dict[str, Any]:
        begun.set()
        waited.append(signed.wait(10))
        return {}

    with srv(Served(project.ledger, project.key("log"), slow)) as client:
        asking = threading.Thread(target=client.get, args=("/status",))
        asking.start()
        assert begun.wait(20)
        assert client.post(signed_by(project, attestation(project))).status == 201
        signed.set()
        asking.join(20)
    assert waited == [True]


def test_a_fault_on_the_way_is_over_with_its_request(tmp_path: Path) -> None:
    project = new_project(tmp_path / "p")

    def failing(_journal: Journal) -> int:
        raise LedgerError("the disk is full")

    async def ask() -> int:
        desk = Desk(project.ledger, None)
        with pytest.raises(LedgerError):
            await desk.do(failing)
        project.ledger.rename(tmp_path / "away.db")
        with pytest.raises(LedgerError):
            await desk.do(lambda journal: journal.fold.size)
        (tmp_path / "away.db").rename(project.ledger)
        found = await desk.do(lambda journal: journal.fold.size)
        await asyncio.to_thread(desk.close)
        return found

    assert asyncio.run(ask()) == 2
