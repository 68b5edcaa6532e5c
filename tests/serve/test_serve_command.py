"""`scalegate serve` as a process of its own: killed and started again, beside a training run, on this machine alone."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

pytest.importorskip("uvicorn")
pytest.importorskip("fastapi")

from served_support import Client, attestation, signed_by
from test_witness_served import environment

from scalegate.cli.main import run
from scalegate.gate import Journal
from scalegate.gate.project import Project
from support import Model, new_project, open_gate, train


@pytest.fixture
def port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


@contextmanager
def serving(project: Project, port: int, *options: str) -> Iterator[tuple[Client, subprocess.Popen[bytes], Path]]:
    """The command, until the end of the block; what it writes is in a file."""
    code = "from scalegate.cli.main import main; main()"
    arguments = ["serve", "-p", str(project.folder), "--port", str(port), *options]
    told = project.folder.parent / "told.txt"
    with told.open("ab") as out:
        process = subprocess.Popen([sys.executable, "-c", code, *arguments], env=environment(), stdout=out, stderr=out)
    try:
        for _ in range(600):
            try:
                socket.create_connection(("127.0.0.1", port), timeout=1).close()
                break
            except OSError:
                assert process.poll() is None, told.read_text(encoding="utf-8")
                time.sleep(0.05)
        yield Client(f"http://127.0.0.1:{port}"), process, told
    finally:
        process.kill()
        process.wait()


def test_what_was_answered_outlives_a_kill_and_is_not_written_again(tmp_path: Path, port: int) -> None:
    project = new_project(tmp_path / "p")
    sent = signed_by(project, attestation(project))
    with serving(project, port) as (client, process, _):
        first = client.post(sent)
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
    assert first.status == 201
    with serving(project, port) as (client, _, written):
        # Beside it a run that appends.
        model = Model()
        with open_gate(project, model) as gate:
            train(gate, model, steps=2)
        again = client.post(sent)
        assert (again.status, again.json["entry"]) == (200, first.json["entry"])
        size = client.get("/health").json["size"]
        told = client.get("/status").json
        assert next(iter(told)) == "inadequate"
        assert told["inadequate"]
        assert (told["runs"][0]["run"], told["decisions"][0]["verdict"]) == ("r", "PROCEED")
        assert str(tmp_path) not in client.get("/status").body.decode()
    with Journal.open(project.ledger) as journal:
        assert (journal.fold.size, journal.fold.unsound, journal.fold.ignored) == (size, (), [])
    words = written.read_text(encoding="utf-8")
    assert f"entry {first.json['entry']}: " in words
    assert "signed by security" in words
    for key in project.keys.iterdir():
        secret = next(line for line in key.read_text(encoding="utf-8").split() if "PRIVATE" in line or len(line) > 40)
        assert secret not in words
    assert run(["verify", str(project.ledger)]) == 0


def test_it_listens_on_this_machine_alone_and_stops_when_it_is_told(tmp_path: Path, port: int) -> None:
    project = new_project(tmp_path / "p")
    with serving(project, port, "--read-only") as (client, process, told):
        assert client.get("/health").json["takes"] is False
        assert client.post(signed_by(project, attestation(project))).why == (403, "takes nothing")
        listening = Path("/proc/net/tcp").read_text(encoding="utf-8") if Path("/proc/net/tcp").exists() else ""
        mine = [line.split()[1] for line in listening.splitlines() if f":{port:04X} 00000000:0000 0A" in line]
        assert all(it.startswith("0100007F:") for it in mine)
        process.send_signal(signal.SIGTERM)
        process.wait(30)
    assert f"at http://127.0.0.1:{port}; it takes nothing" in told.read_text(encoding="utf-8")


def test_what_cannot_be_served_is_said_at_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    project = new_project(tmp_path / "p")
    assert run(["serve", "-p", str(tmp_path)]) == 2
    assert "there is no project" in capsys.readouterr().err
    (project.keys / "log.key").rename(tmp_path / "log.key")
    assert run(["serve", "-p", str(project.folder)]) == 2
    assert "--read-only" in capsys.readouterr().err
    (tmp_path / "log.key").rename(project.keys / "log.key")
    project.ledger.write_bytes(project.ledger.read_bytes()[:9_000])
    assert run(["serve", "-p", str(project.folder)]) in (2, 4)
    assert "damaged" in capsys.readouterr().err


def test_without_the_extra_it_says_what_to_install(tmp_path: Path) -> None:
    project = new_project(tmp_path / "p")
    code = (
        "import sys; sys.modules['fastapi'] = None\n"
        f"from scalegate.cli.main import run; sys.exit(run(['serve', '-p', {str(project.folder)!r}]))"
    )
    done = subprocess.run([sys.executable, "-c", code], env=environment(), capture_output=True, text=True, timeout=60)
    assert (done.returncode, "pip install './scalegate[serve]'" in done.stderr) == (2, True)


def test_nothing_of_the_server_is_imported_by_anything_else() -> None:
    code = "import sys, scalegate.gate.submitted, scalegate.ledger.schema, scalegate.cli.serve, scalegate.cli.commands"
    code += "; print(sorted({'fastapi', 'starlette', 'uvicorn'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], env=environment(), capture_output=True, text=True, timeout=60)
    assert done.stdout.strip() == "[]"
