"""A ledger in PostgreSQL: its faults in a sentence each, broken connections, and what only an address brings."""

from __future__ import annotations

import sys
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from kept import KeptInPostgres, kept_in

from postgres_server import PASSWORD, Server
from scalegate.errors import InputError, LedgerError, NotVerified
from scalegate.ledger import Ledger, SigningKey, check
from scalegate.ledger.named import shown
from scalegate.ledger.store import discard

Make = Callable[[int], bytes]


@pytest.fixture
def kept(path: Path, postgres: Server) -> KeptInPostgres:
    made = kept_in("postgres", path, postgres)
    assert isinstance(made, KeptInPostgres)
    return made


@pytest.fixture
def ledger(kept: KeptInPostgres, log_key: SigningKey) -> Iterator[Ledger]:
    with kept.create(log_key) as made:
        yield made


def server_process(ledger: Ledger) -> int:
    return int(ledger._run("SELECT pg_backend_pid()")[0][0])


# --- names ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("address", "safe"),
    [
        ("postgresql://u:secret@h:5/d?schema=s", "postgresql://u@h:5/d?schema=s"),
        ("postgresql://h/d?password=secret&schema=s", "postgresql://h/d?schema=s"),
        ("postgresql://h/d?schema=s&p%61ssword=secret", "postgresql://h/d?schema=s"),
        ("postgresql://h/d?sslpassword=secret", "postgresql://h/d"),
        ("postgresql://h,[::1]:5/d?schema=s&password=sec@ret", "postgresql://h,[::1]:5/d?schema=s"),
        ("postgresql://u@h/d", "postgresql://u@h/d"),
        ("ledger.db", "ledger.db"),
    ],
)
def test_no_password_of_an_address_is_shown(address: str, safe: str) -> None:
    assert shown(address) == safe


def test_a_file_with_a_password_names_no_ledger(ledger: Ledger, path: Path, log_key: SigningKey) -> None:
    named = path.with_name("other")
    for text in ("postgresql://u:geheim@h/d\n", "postgresql://h/d\nmore\n", "postgresql://h/d?password=geheim"):
        named.write_text(text)
        for action in (lambda: Ledger.open(named), lambda: check(named)):
            with pytest.raises(InputError) as caught:
                action()
            assert "geheim" not in str(caught.value)
    with pytest.raises(InputError, match="password"):
        Ledger.create(path.with_name("x"), origin="o", log_key=log_key, address="postgresql://u:geheim@h/d")
    with pytest.raises(InputError, match="no address"):
        Ledger.create(path.with_name("x"), origin="o", log_key=log_key, address="sqlite://x")
    assert not path.with_name("x").exists()


def test_an_address_by_itself_is_only_read(
    kept: KeptInPostgres, ledger: Ledger, log_key: SigningKey, envelope: Make
) -> None:
    ledger.append([envelope(0)])
    with Ledger.open(kept.address) as reader:
        assert (reader.entry(0), reader.name) == (envelope(0), kept.address)
        with pytest.raises(LedgerError, match="read-only"):
            reader.append([envelope(1)])
    assert check(kept.address).size == 1
    with pytest.raises(InputError, match="no place beside it"):
        Ledger.open(kept.address, log_key=log_key)


def test_another_file_may_name_the_same_ledger(
    kept: KeptInPostgres, ledger: Ledger, path: Path, log_key: SigningKey, envelope: Make
) -> None:
    """As on a second machine: each remembers the head that it has seen."""
    second = path.with_name("second")
    second.write_text(kept.address)
    with Ledger.open(second, log_key=log_key) as other:
        for number in range(3):
            ledger.append([envelope(number)])
            other.append([envelope(number)])
    assert second.with_name("second.head").read_text() == f"6 {ledger.root().hex()}\n"


@pytest.mark.parametrize("schema", ["Upper", "pg_x", "a;b", "a%22b", "", "s&schema=t"])
def test_a_schema_has_a_plain_name(path: Path, log_key: SigningKey, postgres: Server, schema: str) -> None:
    with pytest.raises(InputError, match="schema"):
        Ledger.create(path, origin="o", log_key=log_key, address=postgres.address(schema))
    assert not path.exists()


def test_without_the_driver_it_says_what_to_install(
    ledger: Ledger, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "psycopg", None)
    monkeypatch.delitem(sys.modules, "scalegate.ledger._postgres")
    monkeypatch.delattr("scalegate.ledger._postgres")
    with pytest.raises(InputError, match="psycopg") as caught:
        Ledger.open(path)
    assert "postgres" in str(caught.value.fix)


# --- faults -----------------------------------------------------------------------------------------------------------


def test_a_server_that_is_down_is_said_to_be(path: Path) -> None:
    for address in ("postgresql://u:geheim@127.0.0.1:1/d", "postgresql://u:geheim@127.0.0.1:1,[::1]:1/d"):
        with pytest.raises(LedgerError, match="cannot be reached") as caught:
            Ledger.open(address)
        assert "geheim" not in str(caught.value) + repr(caught.value.__cause__)
    with pytest.raises(InputError, match="no address") as told:
        Ledger.open("postgresql://u:geheim@127.0.0.1/d?nothing=1")
    assert "geheim" not in str(told.value)
    assert told.value.__suppress_context__


def test_a_wrong_password_is_said_and_never_shown(
    kept: KeptInPostgres, ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    right = kept.server.over_tcp("locked", kept.schema).replace("locked@", f"locked:{PASSWORD}@")
    wrong = right.replace(PASSWORD, "geheim-8")
    monkeypatch.delenv("PGPASSWORD", raising=False)
    for address in (wrong, kept.server.over_tcp("locked", kept.schema)):
        with pytest.raises(LedgerError, match="refuses this role or its password") as caught:
            Ledger.open(address)
        assert "geheim" not in str(caught.value) + repr(caught.value.__cause__)
    # The right one is taken; that the role may read nothing is the next that is wrong.
    with pytest.raises(LedgerError, match="does not let this role") as denied:
        Ledger.open(right)
    assert PASSWORD not in str(denied.value)


def test_a_role_with_few_rights_appends_and_can_do_nothing_else(
    kept: KeptInPostgres, ledger: Ledger, path: Path, log_key: SigningKey, envelope: Make
) -> None:
    schema = kept.schema
    kept.server.run(
        f"GRANT USAGE ON SCHEMA {schema} TO guest",
        f"GRANT SELECT ON ALL TABLES IN SCHEMA {schema} TO guest",
    )
    guest = path.with_name("guest")
    guest.write_text(kept.server.over_tcp("guest", schema))
    assert check(guest).size == 0
    with Ledger.open(guest, log_key=log_key) as reader, pytest.raises(LedgerError, match="does not let this role"):
        reader.append([envelope(0)])
    kept.server.run(
        f"GRANT INSERT ON {schema}.entry, {schema}.checkpoint, {schema}.tile, {schema}.sent TO guest",
        f"GRANT UPDATE ON {schema}.head TO guest",
    )
    with Ledger.open(guest, log_key=log_key) as writer:
        assert writer.append([envelope(number) for number in range(300)], once="a").size == 300
        for statement in ("DELETE FROM entry", "UPDATE entry SET leaf = leaf", "TRUNCATE tile"):
            with pytest.raises(LedgerError, match="does not let this role"):
                writer._run(statement)
    assert check(guest).size == 300


def test_the_owner_too_is_kept_from_what_it_does_not_mean(
    postgres: Server, path: Path, log_key: SigningKey, envelope: Make
) -> None:
    schema = f"t_{uuid.uuid4().hex[:16]}"
    postgres.run("GRANT CREATE ON DATABASE postgres TO guest")
    made = Ledger.create(path, origin="o", log_key=log_key, address=postgres.over_tcp("guest", schema))
    with made:
        made.append([envelope(0)], once="a")
        for table in ("entry", "checkpoint", "tile", "sent", "meta", "head"):
            for statement in (f"DELETE FROM {table}", f"TRUNCATE {table}"):
                with pytest.raises(LedgerError, match="does not let this role"):
                    made._run(statement)
        assert made.append([envelope(1)]).size == 2
    assert check(path).size == 2
    discard(path, "another")
    assert check(path).size == 2
    discard(path, "o")
    with pytest.raises(LedgerError, match="no ledger in this schema"):
        check(path)


@pytest.mark.parametrize(
    ("code", "said", "kind"),
    [
        ("53100", "disk is full", LedgerError),
        ("58030", "disk refused", LedgerError),
        ("40P01", "waited for each other", LedgerError),
        ("40001", "changed on the server", LedgerError),
        ("53300", "no connection or memory", LedgerError),
        ("55P03", "another process has held", LedgerError),
        ("25006", "replica", LedgerError),
        ("57014", "stopped the statement", LedgerError),
        ("23505", "only grows", LedgerError),
        ("0A000", "PostgreSQL failed", LedgerError),
        ("XX001", "damaged", NotVerified),
        ("XX002", "damaged", NotVerified),
    ],
)
def test_what_the_server_refuses_is_said_in_a_sentence(
    ledger: Ledger, path: Path, envelope: Make, code: str, said: str, kind: type[Exception]
) -> None:
    def make() -> list[bytes]:
        ledger._run(f"DO $$ BEGIN RAISE EXCEPTION USING ERRCODE = '{code}', MESSAGE = 'why', DETAIL = 'x'; END $$")
        raise AssertionError

    with pytest.raises(kind, match=said) as caught:
        ledger.append(make)
    assert str(caught.value).startswith(f"{path}: ")
    assert "[why]" in str(caught.value)
    assert ledger.append([envelope(0)]).size == 1


def test_what_can_lose_what_it_acknowledged_is_not_written_to(
    kept: KeptInPostgres, ledger: Ledger, path: Path, log_key: SigningKey
) -> None:
    ledger.close()
    kept.server.run("ALTER SYSTEM SET fsync = off", "SELECT pg_reload_conf()")
    try:
        with pytest.raises(LedgerError, match="fsync is not on"):
            Ledger.open(path, log_key=log_key)
        assert check(path).size == 0
    finally:
        kept.server.run("ALTER SYSTEM RESET fsync", "SELECT pg_reload_conf()")


def test_a_commit_is_on_the_disk_whatever_the_role_is_set_to(
    kept: KeptInPostgres, ledger: Ledger, path: Path, log_key: SigningKey, envelope: Make
) -> None:
    kept.server.run("ALTER ROLE scalegate SET synchronous_commit = off")
    try:
        with Ledger.open(path, log_key=log_key) as writer:

            def make() -> list[bytes]:
                assert writer._run("SHOW synchronous_commit") == [("on",)]
                return [envelope(0)]

            writer.append(make)
    finally:
        kept.server.run("ALTER ROLE scalegate RESET synchronous_commit")


@pytest.mark.parametrize(
    "statement",
    [
        "ALTER TABLE entry DISABLE TRIGGER entry_fixed",
        "DROP TRIGGER head_in_turn ON head",
        "ALTER TABLE entry SET UNLOGGED",
        "ALTER TABLE entry ADD COLUMN more integer",
        "ALTER TABLE entry ALTER COLUMN leaf DROP NOT NULL",
        "ALTER TABLE sent DROP CONSTRAINT sent_id_key",
        "ALTER TABLE entry ADD CHECK (position < 100)",
        "CREATE OR REPLACE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'",
        "CREATE RULE quiet AS ON INSERT TO entry DO INSTEAD NOTHING",
        "ALTER TABLE entry ENABLE ROW LEVEL SECURITY",
        "CREATE VIEW more AS SELECT 1",
    ],
)
def test_a_schema_that_differs_is_found(
    kept: KeptInPostgres, ledger: Ledger, path: Path, log_key: SigningKey, statement: str
) -> None:
    ledger.close()
    kept.run(statement)
    for action in (lambda: Ledger.open(path, log_key=log_key), lambda: check(path)):
        with pytest.raises(NotVerified, match="differ"):
            action()


# --- connections ------------------------------------------------------------------------------------------------------


def test_a_connection_that_broke_in_between_is_opened_anew(
    kept: KeptInPostgres, ledger: Ledger, envelope: Make
) -> None:
    for number in range(3):
        kept.server.run(f"SELECT pg_terminate_backend({server_process(ledger)}, 5000)")
        assert ledger.append([envelope(number)]).size == number + 1
    kept.server.run(f"SELECT pg_terminate_backend({server_process(ledger)}, 5000)")
    assert ledger.size == 3


def test_a_connection_that_breaks_in_an_append_leaves_nothing_of_it(
    kept: KeptInPostgres, ledger: Ledger, path: Path, envelope: Make
) -> None:
    def make() -> list[bytes]:
        kept.server.run(f"SELECT pg_terminate_backend({server_process(ledger)}, 5000)")
        return [envelope(0)]

    with pytest.raises(LedgerError, match="broke"):
        ledger.append(make, once="a")
    assert ledger.append([envelope(0)], once="a").size == 1
    assert check(path).size == 1


def test_where_the_commit_was_not_answered_it_says_so_and_an_id_tells(
    kept: KeptInPostgres, ledger: Ledger, path: Path, envelope: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    import psycopg

    run = ledger._store.run

    def unanswered(statement: str, *values: object) -> object:
        found = run(statement, *values)
        if statement == "COMMIT":
            kept.server.run(f"SELECT pg_terminate_backend({ledger._connection().info.backend_pid}, 5000)")
            ledger._store._committing = True
            with pytest.raises(psycopg.OperationalError):
                ledger._connection().execute("SELECT 1")
            raise psycopg.OperationalError("server closed the connection unexpectedly")
        return found

    monkeypatch.setattr(ledger._store, "run", unanswered)
    with pytest.raises(LedgerError, match="whether they are there is not known"):
        ledger.append([envelope(0)], once="a")
    monkeypatch.setattr(ledger._store, "run", run)
    assert ledger.append([envelope(0)], once="a").size == 1
    assert check(path).size == 1


def test_a_transaction_that_failed_unseen_writes_nothing(ledger: Ledger, envelope: Make) -> None:
    def make() -> list[bytes]:
        with pytest.raises(LedgerError):
            ledger._run("SELECT 1/0")
        return [envelope(0)]

    with pytest.raises(LedgerError, match="lock was lost"):
        ledger.append(make)
    assert ledger.size == 0


def test_another_thread_is_refused(ledger: Ledger) -> None:
    told: list[str] = []

    def read() -> None:
        try:
            told.append(str(ledger.size))
        except LedgerError as error:
            told.append(error.message)

    thread = threading.Thread(target=read)
    thread.start()
    thread.join()
    assert told == ["another thread uses the ledger"]


def test_a_ledger_that_was_changed_for_another_is_noticed(
    kept: KeptInPostgres, ledger: Ledger, path: Path, log_key: SigningKey
) -> None:
    kept.server.run(f"SELECT pg_terminate_backend({server_process(ledger)}, 5000)")
    kept.server.run(f"DROP SCHEMA {kept.schema} CASCADE")
    Ledger.create(path.with_name("x"), origin="example.com/x", log_key=log_key, address=kept.address).close()
    with pytest.raises(NotVerified, match="another ledger"):
        assert ledger.size == 0


def until(there: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not there():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_a_failover_to_a_replica_that_is_behind_is_refused(
    kept: KeptInPostgres, ledger: Ledger, path: Path, log_key: SigningKey, envelope: Make
) -> None:
    for number in range(3):
        ledger.append([envelope(number)])
    with kept.server.standby() as standby:
        address = standby.address(kept.schema)
        other = path.with_name("other")
        other.write_text(address)
        until(lambda: check(address).size == 3)
        with pytest.raises(LedgerError, match="is a replica"):
            Ledger.open(other, log_key=log_key)
        standby.run("ALTER SYSTEM SET primary_conninfo = ''", "SELECT pg_reload_conf()")
        until(lambda: standby.run("SELECT count(*) FROM pg_stat_wal_receiver") == [(0,)])
        for number in range(3, 5):
            ledger.append([envelope(number)])
        standby.run("SELECT pg_promote()")
        # The address leads elsewhere now: it is the same ledger, and older.
        path.write_text(address)
        for key in (None, log_key):
            with pytest.raises(NotVerified, match=r"3 entries, but had 5: it was rolled back"):
                Ledger.open(path, log_key=key)
        with Ledger.open(other) as reader:
            assert reader.size == 3
