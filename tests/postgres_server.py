"""A PostgreSQL server for the tests: of this machine's binaries, in a folder of its own, reached by nobody else."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from urllib.parse import quote

__all__ = ["LACKING", "PASSWORD", "Server", "started"]

PASSWORD = "pw-geheim-7"
HBA = """\
local replication all trust
local all all trust
host all locked 127.0.0.1/32 scram-sha-256
host all all 127.0.0.1/32 trust
"""


def _binaries() -> Path | None:
    there = [Path(found).resolve().parent for found in [shutil.which("postgres")] if found]
    there += sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    return next((it for it in there if all((it / name).exists() for name in ("initdb", "postgres", "pg_dump"))), None)


def _user() -> str | None:
    """Whom the server runs as: it refuses root."""
    names = {it.pw_name for it in pwd.getpwall()}
    return next((it for it in ("postgres", "nobody") if it in names), None)


BINARIES = _binaries()
LACKING = (
    "takes PostgreSQL's server: apt-get install postgresql"
    if BINARIES is None
    else "takes the extra `postgres`"
    if find_spec("psycopg") is None
    else "takes a user that is not root"
    if os.geteuid() == 0 and _user() is None
    else None
)
"""Why no server can be started here; None: one can."""


@dataclass(frozen=True)
class Server:
    """One that runs. `scalegate` is its superuser; `locked` takes a password, over TCP."""

    folder: Path
    port: int
    process: subprocess.Popen[bytes]

    def address(self, schema: str = "scalegate", user: str = "scalegate", database: str = "postgres") -> str:
        return f"postgresql://{user}@{quote(str(self.folder), safe='')}:{self.port}/{database}?schema={schema}"

    def over_tcp(self, user: str, schema: str = "scalegate") -> str:
        return f"postgresql://{user}@127.0.0.1:{self.port}/postgres?schema={schema}"

    def run(self, *statements: str) -> list[tuple[Any, ...]]:
        """Run statements as the superuser, each committed by itself; the rows of the last."""
        with self.connect() as db:
            for statement in statements:
                cursor = db.execute(statement)
            return cursor.fetchall() if cursor.description else []

    @contextmanager
    def connect(self) -> Iterator[Any]:
        import psycopg

        with psycopg.connect(
            host=str(self.folder), port=self.port, user="scalegate", dbname="postgres", autocommit=True
        ) as db:
            yield db

    @contextmanager
    def standby(self) -> Iterator[Server]:
        """A replica of this server, which runs beside it."""
        data, port = self.folder / "standby", _free_port()
        owner = _as_owner(self.folder)
        of = ["-h", str(self.folder), "-p", str(self.port), "-U", "scalegate"]
        copy = [_binary("pg_basebackup"), *of, "-D", str(data), "-R", "-X", "stream", "-c", "fast"]
        subprocess.run(copy, **owner, check=True, capture_output=True, timeout=120)
        with _running(self.folder, data, port, owner) as server:
            yield server

    def tool(self, name: str, *arguments: str, given: bytes = b"") -> bytes:
        """Run one of PostgreSQL's own tools on it."""
        where = ["-h", str(self.folder), "-p", str(self.port), "-U", "scalegate", "-d", "postgres"]
        done = subprocess.run([_binary(name), *where, *arguments], input=given, capture_output=True, check=True)
        return done.stdout


def _binary(name: str) -> str:
    assert BINARIES is not None
    return str(BINARIES / name)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _as_owner(folder: Path) -> dict[str, Any]:
    """How a process is started that may write into the folder."""
    there = folder.stat()
    options: dict[str, Any] = {"cwd": folder}
    if os.geteuid() == 0:
        options |= {"user": there.st_uid, "group": there.st_gid, "extra_groups": []}
    return options


@contextmanager
def started() -> Iterator[Server]:
    """A server on loopback and a socket in a temporary folder; stopped, and the folder removed, at the end."""
    # Not under pytest's folders: the server's user may not look into them.
    folder = Path(tempfile.mkdtemp(prefix="scalegate-pg-"))
    try:
        if os.geteuid() == 0:
            entry = pwd.getpwnam(_user() or "")
            os.chown(folder, entry.pw_uid, entry.pw_gid)
        folder.chmod(0o755)
        owner, data = _as_owner(folder), folder / "data"
        made = [_binary("initdb"), "-D", str(data), "-U", "scalegate", "-A", "trust", "-E", "UTF8", "--no-locale", "-N"]
        subprocess.run(made, **owner, check=True, capture_output=True, timeout=120)
        (data / "pg_hba.conf").write_text(HBA)
        with _running(folder, data, _free_port(), owner) as server:
            server.run(f"CREATE ROLE locked LOGIN PASSWORD '{PASSWORD}'", "CREATE ROLE guest LOGIN")
            yield server
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def _running(folder: Path, data: Path, port: int, owner: dict[str, Any]) -> Iterator[Server]:
    settings = {"port": port, "listen_addresses": "127.0.0.1", "unix_socket_directories": folder}
    options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
    with data.with_name(f"{data.name}.log").open("wb") as log:
        command = [_binary("postgres"), "-D", str(data), *options]
        process = subprocess.Popen(command, **owner, stdout=log, stderr=log)
    try:
        server = Server(folder, port, process)
        _wait(server)
        yield server
    finally:
        if process.poll() is None:
            # Nothing of it is kept: it need not put its files in order.
            process.send_signal(signal.SIGQUIT)
            process.wait(timeout=60)


def _wait(server: Server) -> None:
    import psycopg

    deadline = time.monotonic() + 60
    while True:
        try:
            server.run("SELECT 1")
            return
        except psycopg.OperationalError:
            if time.monotonic() > deadline or server.process.poll() is not None:
                raise
            time.sleep(0.05)
