"""Addresses of ledgers: no password in one is shown or kept, and none leaves for a host that only a file names."""

from __future__ import annotations

import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from scalegate.cli.main import run
from scalegate.errors import InputError, LedgerError, Place, ScalegateError
from scalegate.ledger import Ledger, SigningKey, check
from scalegate.ledger.named import check_address, shown

psycopg = pytest.importorskip("psycopg")

SECRET = "s3cr"
ODD = [
    "postgresql://host/db?password=s3cr@t",
    "postgresql://127.0.0.1:1/db?user=u&password=s3cr@t&schema=x",
    "postgresql://127.0.0.1:1/db?sslpassword=s3cr@t",
    "postgresql://u:s3cret@127.0.0.1:1/db?password=a@b",
    "postgresql://u:a@s3cret@127.0.0.1:1/db",
    "postgresql://u:a/s3cret@127.0.0.1:1/db",
    "postgresql://u:a?s3cret@127.0.0.1:1/db",
    "postgresql://u:a#s3cret@127.0.0.1:1/db",
    "postgresql://u%3As3cret%40127.0.0.1:1/db",
    "postgresql://u%3As3cret@127.0.0.1:1/db",
    "postgresql://u:s3cret@[::1]:1/db",
    "postgres://u:s3cret@127.0.0.1:1,127.0.0.1:2/db",
    "postgresql://127.0.0.1:1/db?options=-c%20x%3Ds3cret",
    "postgresql://127.0.0.1:1/db?passw%6frd=s3cret",
    "postgresql://127.0.0.1:1/db?password%3Ds3cret",
    "postgresql://127.0.0.1:1/db?schema=x%26password%3Ds3cret",
    "postgresql://127.0.0.1:1/db?schema=x?password=s3cret",
    "postgresql://127.0.0.1:1/db?schema=x#password=s3cret",
    "postgresql://127.0.0.1:1/db#password=s3cret",
    "postgresql://127.0.0.1:1/db?PASSWORD=s3cret",
    "postgresql://127.0.0.1:1/db?&&password=s3cret&",
    "POSTGRESQL://u:s3cret@127.0.0.1:1/db",
    "postgresql:/u:s3cret@127.0.0.1:1/db",
    " postgresql://u:s3cret@127.0.0.1:1/db",
    "mysql://u:s3cret@127.0.0.1:1/db",
    "host=127.0.0.1 port=1 password=s3cret",
]


@pytest.mark.parametrize("address", ODD)
def test_no_form_of_an_address_shows_its_password(
    address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert SECRET not in shown(address)
    for action in (lambda: Ledger.open(address), lambda: check(address), lambda: check(Path(address))):
        with pytest.raises(ScalegateError) as caught:
            action()
        assert SECRET not in str(caught.value)
    for words in (
        ["verify", address],
        ["ledger", "checkpoint", address],
        ["verify", "--deep", address],
        ["init", "p", "--ledger", address],
    ):
        assert run(words) in (2, 4)
        said = capsys.readouterr()
        assert SECRET not in said.out + said.err, words


@pytest.mark.parametrize("address", ODD)
def test_no_file_keeps_an_address_with_a_password(address: str, tmp_path: Path) -> None:
    with pytest.raises(InputError) as caught:
        check_address(address, Place())
    assert SECRET not in str(caught.value)
    key = SigningKey("o", bytes(32))
    with pytest.raises(ScalegateError):
        Ledger.create(tmp_path / "ledger.db", origin="o", log_key=key, address=address)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "more", ["hostaddr=127.0.0.1", "passfile=/etc/x", "service=s", "options=-c%20a%3Db", "require_auth=password"]
)
def test_a_file_does_not_choose_another_machine_or_another_file_of_passwords(more: str, tmp_path: Path) -> None:
    (tmp_path / "ledger.db").write_text(f"postgresql://host/db?{more}\n")
    with pytest.raises(InputError, match="may not have"):
        Ledger.open(tmp_path / "ledger.db")


class Listening:
    """A server that asks for a password in clear, and keeps what it was sent."""

    def __init__(self) -> None:
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._socket.getsockname()[1]
        self.connected = 0
        self.got = b""
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            try:
                client, _ = self._socket.accept()
            except OSError:
                return
            # Who goes away when it hears that nothing is encrypted says no more.
            with client, suppress(OSError, struct.error):
                self.connected += 1
                first = self._said(client)
                while len(first) == 4:
                    # Asked whether it encrypts: it does not.
                    client.sendall(b"N")
                    first = self._said(client)
                client.sendall(b"R" + struct.pack("!II", 8, 3))
                self.got += client.recv(1000)

    @staticmethod
    def _said(client: socket.socket) -> bytes:
        size = struct.unpack("!I", client.recv(4))[0]
        return client.recv(size - 4)

    def close(self) -> None:
        self._socket.close()


@pytest.fixture
def listening(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Listening]:
    for name in ("PASSWORD", "HOST", "PORT", "SERVICE", "REQUIREAUTH", "SSLMODE", "SSLROOTCERT"):
        monkeypatch.delenv(f"PG{name}", raising=False)
    monkeypatch.setenv("PGPASSFILE", str(tmp_path / "none"))
    made = Listening()
    (tmp_path / "ledger.db").write_text(f"postgresql://u@127.0.0.1:{made.port}/db\n")
    yield made
    made.close()


def test_no_password_leaves_for_a_host_that_only_a_file_names(
    listening: Listening, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "ledger.db"
    for name in ("PGPASSWORD", "PGSERVICE"):
        with monkeypatch.context() as set_to:
            set_to.setenv(name, "the-regulators-own")
            set_to.setenv("PGHOST", "db.example")
            for action in (lambda: check(file), lambda: Ledger.open(file)):
                with pytest.raises(InputError, match=f"names the server `127.0.0.1:.*`, and `{name}` would go to it"):
                    action()
    assert (listening.connected, listening.got) == (0, b"")


def test_who_names_the_host_too_sends_it_there(
    listening: Listening, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PGPASSWORD", "pw-1")
    monkeypatch.setenv("PGHOST", "127.0.0.1")
    monkeypatch.setenv("PGPORT", str(listening.port))
    with pytest.raises(LedgerError):
        check(tmp_path / "ledger.db")
    assert b"pw-1" in listening.got
    monkeypatch.delenv("PGHOST")
    monkeypatch.setenv("PGPASSWORD", "pw-2")
    with pytest.raises(LedgerError):
        check((tmp_path / "ledger.db").read_text().strip())
    assert b"pw-2" in listening.got


@pytest.mark.parametrize("port", ["", "1", "5432"])
def test_nor_for_a_port_that_only_a_file_names(
    listening: Listening, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, port: str
) -> None:
    for name, value in (("PGPASSWORD", "the-regulators-own"), ("PGHOST", "127.0.0.1"), ("PGPORT", port)):
        monkeypatch.setenv(name, value)
    for host in ("u@127.0.0.1", "u@"):
        (tmp_path / "ledger.db").write_text(f"postgresql://{host}:{listening.port}/db\n")
        with pytest.raises(InputError, match=f"{listening.port}`, and `PGPASSWORD` would go to it"):
            check(tmp_path / "ledger.db")
    assert listening.connected == 0
    # Where the file names none, it is that of the environment.
    (tmp_path / "ledger.db").write_text("postgresql://u@127.0.0.1/db\n")
    monkeypatch.setenv("PGPORT", str(listening.port))
    with pytest.raises(LedgerError):
        check(tmp_path / "ledger.db")
    assert b"the-regulators-own" in listening.got


@pytest.mark.parametrize(
    ("asked", "given"),
    [
        ("PGSSLMODE=verify-full", "sslmode=disable"),
        ("PGSSLMODE=verify-full", "sslmode=verify-ca"),
        ("PGSSLMODE=require", "sslmode=prefer"),
        ("PGSSLMODE=require", "sslmode=other"),
        ("PGSSLMODE=verify-ca", "sslrootcert=theirs.crt"),
        ("PGGSSENCMODE=require", "gssencmode=disable"),
        ("PGCHANNELBINDING=require", "channel_binding=prefer"),
    ],
)
def test_a_file_does_not_have_a_connection_guarded_less_than_the_environment(
    listening: Listening, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, asked: str, given: str
) -> None:
    name, _, value = asked.partition("=")
    monkeypatch.setenv(name, value)
    monkeypatch.setenv("PGHOST", "127.0.0.1")
    monkeypatch.setenv("PGPORT", str(listening.port))
    (tmp_path / "ledger.db").write_text(f"postgresql://u@127.0.0.1:{listening.port}/db?{given}\n")
    with pytest.raises(InputError, match=given.partition("=")[0]):
        check(tmp_path / "ledger.db")
    assert listening.connected == 0


def test_it_may_have_it_guarded_as_well_or_more(
    listening: Listening, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PGSSLMODE", "prefer")
    for mode in ("prefer", "verify-full"):
        (tmp_path / "ledger.db").write_text(f"postgresql://u@127.0.0.1:{listening.port}/db?sslmode={mode}\n")
        before = listening.connected
        with pytest.raises(LedgerError):
            check(tmp_path / "ledger.db")
        assert listening.connected > before


@pytest.mark.skipif(psycopg.pq.version() < 160_000, reason="takes libpq 16, which knows `require_auth`")
def test_none_is_sent_in_clear_to_a_host_that_only_a_file_names(
    listening: Listening, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    passwords = tmp_path / "pgpass"
    passwords.write_text("*:*:*:*:the-regulators-own\n")
    passwords.chmod(0o600)
    monkeypatch.setenv("PGPASSFILE", str(passwords))
    with pytest.raises(LedgerError):
        check(tmp_path / "ledger.db")
    assert listening.connected > 0
    assert b"the-regulators-own" not in listening.got
