"""A policy that asks for two witnesses, each a process of its own: asked, recorded and decided by commands."""

from __future__ import annotations

import shutil
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

pytest.importorskip("uvicorn")
pytest.importorskip("starlette")

from test_witness_served import scalegate, started

from scalegate.gate.project import Project
from support import POLICY_TEXT, Model, new_project, open_gate
from witnessed_support import WITNESSES, one_more, witnessed_clause


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


@pytest.fixture
def watched(tmp_path: Path) -> Iterator[Path]:
    """A project with a run, and two witnesses that are served; all of them are stopped at the end."""
    project = new_project(tmp_path / "p", POLICY_TEXT.rstrip() + witnessed_clause() + "\n")
    open_gate(project, Model(), evaluate=None).close()
    with project.journal() as journal:
        log = journal.ledger.log_verify_key.to_text()
    keys, ports, processes = WITNESSES[:2], (free_port(), free_port()), []
    lines = [f"log {log}"]
    for number, (key, port) in enumerate(zip(keys, ports, strict=True)):
        folder = tmp_path / f"w{number}"
        folder.mkdir()
        key.save(folder / "witness.key")
        (folder / "trust.txt").write_text(f"log {log}\nquorum none\n", encoding="utf-8")
        lines.append(f"witness w{number} {key.verify_key.to_text()} http://127.0.0.1:{port}")
    (tmp_path / "trust.txt").write_text("\n".join([*lines, "group both all w0 w1", "quorum both\n"]), encoding="utf-8")
    try:
        for number, port in enumerate(ports):
            processes.append(started(tmp_path / f"w{number}", port))
        yield tmp_path
    finally:
        for process in processes:
            process.kill()
            process.wait()


def cosign(folder: Path, ledger: str = "p") -> subprocess.CompletedProcess[str]:
    options = ("--trust", "trust.txt", "--record", "--as", "ada")
    return scalegate(folder, "ledger", "cosign", f"{ledger}/ledger.db", *options)


def test_two_witnesses_let_it_go_on_and_neither_cosigns_a_copy_that_went_another_way(watched: Path) -> None:
    assert scalegate(watched, "decide", "--run", "r", "-p", "p").returncode == 3
    shutil.copytree(watched / "p", watched / "copy")
    asked = cosign(watched)
    assert (asked.returncode, asked.stderr) == (0, "")
    assert asked.stdout.startswith("Cosigned by w0.example/w, w1.example/w.\nRecorded by ada: entry ")
    assert scalegate(watched, "decide", "--run", "r", "-p", "p").returncode == 0
    assert cosign(watched).returncode == 0
    assert scalegate(watched, "verify", "p/ledger.db").returncode == 0
    rolled_back = cosign(watched, "copy")
    assert (rolled_back.returncode, "nobody" in rolled_back.stdout) == (4, True)
    assert "it was rolled back" in rolled_back.stdout
    for number in range(9):
        one_more(Project(watched / "copy"), f"another way, {number}")
    forked = cosign(watched, "copy")
    assert (forked.returncode, "nobody" in forked.stdout) == (4, True)
    assert scalegate(watched, "decide", "--run", "r", "-p", "copy").returncode == 3
