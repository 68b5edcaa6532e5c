"""A ledger in either store, and what its owner, a rival and an old copy can do to it there."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
import uuid
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from postgres_server import Server
from scalegate.ledger import Ledger, SigningKey

ORIGIN = "example.com/safety-log"


@dataclass(frozen=True)
class KeptInFile:
    """A ledger that is one SQLite file."""

    path: Path
    address: str | None = None

    def create(self, log_key: SigningKey) -> Ledger:
        return Ledger.create(self.path, origin=ORIGIN, log_key=log_key, address=self.address)

    def run(self, statement: str) -> None:
        """What anybody with the file may try."""
        with closing(sqlite3.connect(self.path, isolation_level=None)) as db:
            db.execute(statement)

    def tamper(self, *statements: str) -> None:
        """What an owner can do: take the triggers away, change rows, and put the triggers back."""
        with closing(sqlite3.connect(self.path, isolation_level=None)) as db:
            triggers = db.execute("SELECT name, sql FROM sqlite_schema WHERE type = 'trigger'").fetchall()
            for name, _ in triggers:
                db.execute(f"DROP TRIGGER {name}")
            for statement in statements:
                db.execute(statement)
            for _, sql in triggers:
                db.execute(sql)

    def copy(self) -> bytes:
        return self.path.read_bytes()

    def put_back(self, copy: bytes) -> None:
        self.path.write_bytes(copy)

    def blob(self, data: bytes) -> str:
        return f"x'{data.hex()}'"

    @contextmanager
    def held(self) -> Iterator[None]:
        """A rival writer, in the middle of an append."""
        with closing(sqlite3.connect(self.path, isolation_level=None)) as other:
            other.execute("BEGIN EXCLUSIVE")
            yield

    def impatient(self, ledger: Ledger) -> None:
        ledger._run("PRAGMA busy_timeout = 50")


@dataclass(frozen=True)
class KeptInPostgres:
    """A ledger that is a schema of a server, and named by a file."""

    path: Path
    server: Server
    schema: str

    @property
    def address(self) -> str:
        return self.server.address(self.schema)

    def create(self, log_key: SigningKey) -> Ledger:
        return Ledger.create(self.path, origin=ORIGIN, log_key=log_key, address=self.address)

    def run(self, statement: str) -> None:
        self.server.run(f"SET search_path = {self.schema}", statement)

    def tamper(self, *statements: str) -> None:
        self.server.run("SET session_replication_role = replica", f"SET search_path = {self.schema}", *statements)

    def copy(self) -> bytes:
        return self.server.tool("pg_dump", "-n", self.schema)

    def put_back(self, copy: bytes) -> None:
        self.server.run(f"DROP SCHEMA {self.schema} CASCADE")
        self.server.tool("psql", "-q", "-v", "ON_ERROR_STOP=1", given=copy)

    def blob(self, data: bytes) -> str:
        return rf"'\x{data.hex()}'"

    @contextmanager
    def held(self) -> Iterator[None]:
        with self.server.connect() as other, other.transaction():
            other.execute(f"SELECT one FROM {self.schema}.head FOR UPDATE")
            yield

    def impatient(self, ledger: Ledger) -> None:
        ledger._store.begin_write = ledger._store.begin_write.replace("lock_timeout = 10000", "lock_timeout = 50")


Kept = KeptInFile | KeptInPostgres


def kept_in(kind: str, path: Path, server: Server | None) -> Kept:
    if kind == "file":
        return KeptInFile(path)
    assert server is not None
    return KeptInPostgres(path, server, f"t_{uuid.uuid4().hex[:16]}")


def forget(path: Path) -> None:
    """As on a machine that never saw the ledger."""
    path.with_name(path.name + ".head").unlink()


def start(script: str, *arguments: object) -> subprocess.Popen[bytes]:
    command = [sys.executable, str(Path(__file__).with_name(script)), *map(str, arguments)]
    return subprocess.Popen(command, env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}, stderr=subprocess.PIPE)


def finish(*processes: subprocess.Popen[bytes]) -> None:
    for process in processes:
        _, error = process.communicate(timeout=120)
        assert process.returncode == 0, error.decode()


__all__ = ["ORIGIN", "Kept", "KeptInFile", "KeptInPostgres", "finish", "forget", "kept_in", "start"]
