"""A witness as a process of its own, asked by the command line as another one."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest

pytest.importorskip("uvicorn")
pytest.importorskip("starlette")

from scalegate.ledger import Ledger, SigningKey, dsse
from scalegate.ledger.keys import COSIGNATURE

ORIGIN = "example.com/served-log"
LOG = SigningKey(ORIGIN, bytes(range(32)))
WITNESS = SigningKey("witness.example/w", bytes(31) + b"w", COSIGNATURE)
ADA = SigningKey("ada", bytes(32))


def scalegate(folder: Path, *arguments: object) -> subprocess.CompletedProcess[str]:
    code = "from scalegate.cli.main import main; main()"
    return subprocess.run(
        [sys.executable, "-c", code, *map(str, arguments)],
        cwd=folder, env=environment(), capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip


def environment() -> dict[str, str]:
    return os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}


@pytest.fixture
def port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


@pytest.fixture
def folder(tmp_path: Path, port: int) -> Path:
    """With a ledger, a trust file and the witness's key."""
    WITNESS.save(tmp_path / "witness.key")
    with Ledger.create(tmp_path / "ledger.db", origin=ORIGIN, log_key=LOG) as ledger:
        ledger.append([dsse.sign(b'{"number":%d}' % number, dsse.IN_TOTO, [ADA]) for number in range(300)])
    url = f"http://127.0.0.1:{port}"
    text = f"log {LOG.verify_key.to_text()}\nwitness w {WITNESS.verify_key.to_text()} {url}\nquorum w\n"
    (tmp_path / "trust.txt").write_text(text, encoding="utf-8")
    return tmp_path


def started(folder: Path, port: int) -> subprocess.Popen[bytes]:
    code = "from scalegate.cli.main import main; main()"
    arguments = ["witness", "serve", "--key", "witness.key", "--trust", "trust.txt", "--port", str(port)]
    process = subprocess.Popen([sys.executable, "-c", code, *arguments], cwd=folder, env=environment())
    for _ in range(300):
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return process
        except OSError:
            assert process.poll() is None, "it did not start"
            time.sleep(0.05)
    process.kill()
    raise AssertionError("it does not listen")


@pytest.fixture
def served(folder: Path, port: int) -> Iterator[subprocess.Popen[bytes]]:
    process = started(folder, port)
    yield process
    process.kill()
    process.wait()


def test_a_ledger_is_cosigned_and_verified_under_the_quorum(
    folder: Path, port: int, served: subprocess.Popen[bytes]
) -> None:
    asked = scalegate(folder, "ledger", "cosign", "ledger.db", "--trust", "trust.txt", "--out", "cosigned")
    assert (asked.returncode, asked.stderr) == (0, "")
    assert asked.stdout.startswith("Cosigned by witness.example/w.")
    receipt = ("ledger", "receipt", "ledger.db", 7, "--checkpoint", "cosigned", "--out", "seven.tlog-proof")
    assert scalegate(folder, *receipt).returncode == 0
    assert scalegate(folder, "ledger", "entry", "ledger.db", 7, "--out", "seven.json").returncode == 0
    plain = ("ledger", "receipt", "ledger.db", 7, "--out", "plain.tlog-proof")
    assert scalegate(folder, *plain).returncode == 0
    with Ledger.open(folder / "ledger.db") as ledger:
        assert ledger.checkpoint() is not None
    short = scalegate(folder, "ledger", "check-receipt", "plain.tlog-proof", "seven.json", "--trust", "trust.txt")
    assert (short.returncode, "has not the cosignatures" in short.stderr) == (4, True)


def test_it_remembers_over_a_kill_and_answers_a_monitor(folder: Path, port: int) -> None:
    from hashlib import sha256

    first = started(folder, port)
    ask = ("ledger", "cosign", "ledger.db", "--trust", "trust.txt", "--out", "cosigned", "--json")
    try:
        assert scalegate(folder, *ask).returncode == 0
    finally:
        os.kill(first.pid, signal.SIGKILL)
        first.wait()
    away = scalegate(folder, *ask)
    assert away.returncode == 4
    assert re.search(r"refused", away.stdout)
    second = started(folder, port)
    try:
        url = f"http://127.0.0.1:{port}"
        with urlopen(f"{url}/{sha256(ORIGIN.encode()).hexdigest()}/checkpoint", timeout=10) as answer:
            assert answer.read().decode().startswith(f"{ORIGIN}\n300\n")
        for path, body, status in (
            ("/add-checkpoint", b"new 0\n\n", 400),
            ("/add-checkpoint", b"x" * 1_000_001, 413),
            ("/nothing", b"x", 404),
            (f"/{'0' * 64}/checkpoint", None, 404),
        ):
            with pytest.raises(HTTPError) as caught:
                urlopen(Request(url + path, data=body), timeout=10)
            assert caught.value.code == status
            caught.value.close()
        assert scalegate(folder, *ask).returncode == 0
    finally:
        os.kill(second.pid, signal.SIGKILL)
        second.wait()
