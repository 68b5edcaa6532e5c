"""A ledger in a schema of PostgreSQL: how it is connected to and locked, and what its errors mean.

Who writes locks the row of the head first and for the whole transaction: positions follow from it, never from a
sequence, and a commit is acknowledged when it is flushed to the server's disk. Settings are read back when a connection
is opened, and one that broke between two transactions is opened anew.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from typing import Any
from urllib.parse import unquote

import psycopg
from psycopg.conninfo import conninfo_to_dict
from psycopg.pq import TransactionStatus

from scalegate.errors import InputError, LedgerError, NotVerified, Place, ScalegateError
from scalegate.ledger._postgres_file import of_a_file
from scalegate.ledger._postgres_schema import FOUND, expected, removal, statements
from scalegate.ledger._stores import BUSY_MS, FORMAT, HELD, LEFT, ORDER, OTHER, Meta, Row, meta_of
from scalegate.ledger.merkle import Frontier
from scalegate.ledger.named import Where, check_form

__all__ = ["SchemaStore", "build", "discard"]

_SCHEMA = "scalegate"
_NAME = re.compile("[a-z_][a-z0-9_]{0,62}")
_OLDEST = 130_000
_READ = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"
# What must be so of each session, whoever configured the server, the database and the role.
_SET = {
    "synchronous_commit": "on",
    "row_security": "off",
    "default_transaction_isolation": "read committed",
    "statement_timeout": "0",
    "client_min_messages": "error",
}
# A writer whose machine went down would hold the lock for as long as its connection seems to be there: of a local
# socket the server reads back 0.
_KEEP_ALIVE = {"tcp_keepalives_idle": "30", "tcp_keepalives_interval": "10", "tcp_keepalives_count": "3"}
_WAITS = {"lock_timeout": str(BUSY_MS)}
# The same of the server, for whoever waits for it; an address may say otherwise.
_CLIENT = {
    "application_name": "scalegate",
    "connect_timeout": "10",
    "keepalives_idle": "30",
    "keepalives_interval": "10",
    "keepalives_count": "3",
    "tcp_user_timeout": "60000",
}
# What only a superuser may set.
_SERVER = {"fsync": "on", "full_page_writes": "on", "session_replication_role": "origin"}

_DAMAGED = ("the database is damaged", "run `scalegate verify` on it, then restore from a copy")
_GONE = ("the connection to the server broke, or the server is not ready", "look whether it runs, then try again")
_DENIED = ("the server does not let this role do that", "have it granted to the role, or name another role")
_FULL = ("the server's disk is full", "free some space there and append again")
_LOGIN = (
    "the server refuses this role or its password",
    "give the right one: `PGPASSWORD` (with `PGHOST` and `PGPORT`, where a file names them), or ~/.pgpass",
)
_ABSENT = ("there is no such database, or no ledger in it", "look at the address, or create the ledger first")
_TAKEN = ("there is something in this schema already", "name another in the address: `?schema=NAME`")
_REPLICA = ("the server is a replica, or read-only: it takes no entries", "name the primary server")
_MANY = ("the server has no connection or memory to spare", "try again, or let it have more")
_SENTENCES = {
    "28P01": _LOGIN,
    "28000": _LOGIN,
    "3D000": _ABSENT,
    "3F000": _ABSENT,
    "42P06": _TAKEN,
    "42P07": _TAKEN,
    "42723": _TAKEN,
    "42P01": _ABSENT,
    "42501": _DENIED,
    "53100": _FULL,
    "53200": _MANY,
    "53300": _MANY,
    "58030": ("the server's disk refused to read or write", "check its space and health, then retry"),
    "55P03": HELD,
    "40P01": ("two writers waited for each other, and the server stopped this one", "append again"),
    "40001": ("what was read changed on the server meanwhile", "try again"),
    "57014": ("the server stopped the statement", "try again"),
    "25006": _REPLICA,
    "XX001": _DAMAGED,
    "XX002": _DAMAGED,
}
_CLASSES = {"08": _GONE, "23": ORDER, "57": _GONE}
# Of a connection that was never made there is only a text, which a server may write in its own language.
_TEXTS = (
    (
        re.compile("password authentication failed|no password supplied|no pg_hba.conf entry|role .* does not exist"),
        _LOGIN,
    ),
    (re.compile("database .* does not exist"), _ABSENT),
    (re.compile("too many clients|remaining connection slots"), _MANY),
)
_UNREACHED = ("the server cannot be reached, or refuses", "look at the address, and whether the server runs")
_UNKNOWN = (
    "the connection broke as the entries were committed: whether they are there is not known",
    "look before you append them again, or append them under an id: `once`",
)


def _read(name: str, address: str) -> tuple[dict[str, Any], str, tuple[str, ...]]:
    """What libpq connects by, the schema, and what no message may show. Raises InputError for no such address."""
    place = Place(file=name)
    check_form(address, place)
    base, mark, query = address.partition("?")
    given = [part for part in query.split("&") if part]
    schemas = [unquote(part.partition("=")[2]) for part in given if part.partition("=")[0] == "schema"]
    rest = "&".join(part for part in given if part.partition("=")[0] != "schema")
    try:
        parts = conninfo_to_dict(f"{base}{mark if rest else ''}{rest}")
    except psycopg.Error:
        # Without its cause, which quotes the address.
        raise InputError(
            "this is no address that PostgreSQL takes",
            place=place,
            fix="postgresql://USER@HOST:PORT/DATABASE?schema=NAME",
        ) from None
    schema = schemas[0] if schemas else _SCHEMA
    if len(schemas) > 1 or not _NAME.fullmatch(schema) or schema.startswith("pg_"):
        raise InputError("the schema that it names is none", place=place, fix="small letters, digits and underscores")
    secrets = tuple(str(parts[key]) for key in ("password", "sslpassword") if parts.get(key))
    return _CLIENT | parts | {"client_encoding": "UTF8"}, schema, secrets


class SchemaStore:
    """A ledger that is a schema of a PostgreSQL database."""

    begin_read = _READ

    def __init__(self, at: Where, *, writable: bool) -> None:
        assert at.address is not None
        self.name = at.name
        self._parts, self._schema, self._secrets = _read(at.name, at.address)
        self._by_file = at.file is not None
        self._writable = writable
        self._db: psycopg.Connection[Row] | None = None
        self._thread = 0
        self._known: Meta | None = None
        self._committing = False
        self.begin_write = (
            "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE; SET LOCAL synchronous_commit = on;"
            f" SET LOCAL lock_timeout = {BUSY_MS}; SELECT one FROM head FOR UPDATE"
        )

    def connection(self) -> psycopg.Connection[Row]:
        if self._db is None:
            self._db = self._connect()
            self._thread = threading.get_ident()
            self._check_same()
        if self._thread != threading.get_ident():
            raise LedgerError("another thread uses the ledger", place=self._place(), fix="open it in this one too")
        return self._db

    def _connect(self) -> psycopg.Connection[Row]:
        parts = self._parts | (of_a_file(self._parts, self._place()) if self._by_file else {})
        db: psycopg.Connection[Row] = psycopg.connect(**parts, autocommit=True)
        try:
            wanted = _SET | {"search_path": f"{self._schema}, pg_temp"}
            wanted["default_transaction_read_only"] = "off" if self._writable else "on"
            to_set = wanted | _KEEP_ALIVE | _WAITS
            db.execute(f"SELECT {', '.join(['set_config(%s, %s, false)'] * len(to_set))}", _flat(to_set.items()))
            # Not the answers to those: what is read back is what holds.
            reads = ", ".join(["current_setting(%s)"] * len(wanted))
            found = db.execute(f"SELECT {reads}", list(wanted)).fetchone() or ()
            for (name, value), there in zip(wanted.items(), found, strict=True):
                if there != value:
                    raise LedgerError(f"the server's setting {name} is {there}, not {value}", place=self._place())
            self._check_server(db)
        except BaseException:
            db.close()
            raise
        return db

    def _check_server(self, db: psycopg.Connection[Row]) -> None:
        if db.info.server_version < _OLDEST:
            raise LedgerError("the server is older than PostgreSQL 13", place=self._place(), fix="use a newer one")
        if not self._writable:
            return
        for name, value in _SERVER.items():
            found = db.execute("SELECT current_setting(%s)", (name,)).fetchone()
            if found != (value,):
                what = f"the server's setting {name} is not {value}: what is written can be lost, or out of order"
                raise LedgerError(what, place=self._place(), fix=f"have it set to {value}")
        if db.execute("SELECT pg_is_in_recovery()").fetchone() != (False,):
            raise LedgerError(_REPLICA[0], place=self._place(), fix=_REPLICA[1])

    def _check_same(self) -> None:
        """After a failover, or whatever else broke the connection: it must be the same ledger still."""
        if self._known is not None and self._read_meta() != self._known:
            self.drop()
            raise NotVerified("another ledger is there than was opened", place=self._place())

    @property
    def in_transaction(self) -> bool:
        return self._db is not None and self._db.info.transaction_status == TransactionStatus.INTRANS

    def run(self, statement: str, *values: object) -> list[Row]:
        db = self.connection()
        idle = db.info.transaction_status == TransactionStatus.IDLE
        self._committing = statement == "COMMIT"
        try:
            return self._execute(db, statement, values)
        except psycopg.OperationalError:
            # Nothing was under way: what is begun, or only read, is so on a new connection too.
            if not idle or not db.closed:
                raise
        except BaseException:
            # An interrupt can leave an answer that nobody has read.
            if idle and db.info.transaction_status != TransactionStatus.IDLE:
                self.drop()
            raise
        self.drop()
        return self._execute(self.connection(), statement, values)

    def _execute(self, db: psycopg.Connection[Row], statement: str, values: Sequence[object]) -> list[Row]:
        # Only without values may it be several statements, and those are never prepared.
        cursor = db.execute(statement.replace("?", "%s"), values or None, prepare=None if values else False)
        if statement == "COMMIT" and cursor.statusmessage != "COMMIT":
            raise LedgerError("the transaction had failed, and nothing of it was written", place=self._place())
        self._committing = False
        return [] if cursor.description is None else cursor.fetchall()

    def many(self, statement: str, rows: Sequence[Row]) -> None:
        with self.connection().cursor() as cursor:
            cursor.executemany(statement.replace("?", "%s"), rows)

    def entry_rows(self, start: int, stop: int) -> Iterator[Row]:
        one = "SELECT position, leaf, envelope FROM entry WHERE position >= ? AND position < ? ORDER BY position"
        try:
            rows = self.run(one, start, stop)
        except psycopg.Error as error:
            if self._sentence(error) != _DAMAGED:
                raise
            # A damaged page spoils the whole answer: row by row, only what is on it.
            return (row for at in range(start, stop) for row in self.run(one, at, at + 1))
        return iter(rows)

    def meta(self) -> Meta:
        self._known = self._read_meta()
        return self._known

    def _read_meta(self) -> Meta:
        found = frozenset(self.run(FOUND, *[self._schema] * FOUND.count("?")))
        if not found:
            raise LedgerError("there is no ledger in this schema", place=self._place(), fix=_ABSENT[1])
        if found != expected(self._schema):
            with suppress(psycopg.Error):
                for (form,) in self.run("SELECT format FROM meta"):
                    if isinstance(form, int) and form != FORMAT:
                        fix = "read it with the release that wrote it"
                        raise NotVerified(OTHER.format(form), place=self._place(), fix=fix)
            raise NotVerified("not a complete scalegate ledger: its tables or triggers differ", place=self._place())
        # By its whole name: what the role may not look into would be as if it were not there.
        rows = self.run(f"SELECT format, origin, log_key FROM {self._schema}.meta")
        return meta_of(rows, self._place())

    def problems(self) -> list[str]:
        """Whether what an index leads to is all there is: the server itself checks no more than it reads."""
        count = "SELECT count(*), coalesce(min({0}), 0), coalesce(max({0}), 0) FROM {1}"
        found = []
        for table, column in (("entry", "position"), ("checkpoint", "size"), ("tile", "number"), ("sent", "size")):
            answers = []
            for off in ("enable_seqscan", "enable_indexscan"):
                other = " SET LOCAL enable_indexonlyscan = off; SET LOCAL enable_bitmapscan = off;"
                self.run(f"{_READ}; SET LOCAL {off} = off;{other if off == 'enable_indexscan' else ''}")
                answers.append(self.run(count.format(column, table)))
                self.run("ROLLBACK")
            if answers[0] != answers[1]:
                found.append(f"the index of {table} does not lead to its rows")
        return found

    @contextmanager
    def explained(self) -> Iterator[None]:
        with self.audited(None):
            yield

    @contextmanager
    def audited(self, entry: int | None) -> Iterator[None]:
        try:
            yield
        except psycopg.Error as error:
            raise self._explanation(error, entry) from error

    def _explanation(self, error: psycopg.Error, entry: int | None) -> ScalegateError:
        sentence, fix = self._sentence(error)
        # One line: what the server adds below it is for its keeper.
        said = (error.diag.message_primary or str(error).strip().partition("\n")[0]).strip()
        for secret in self._secrets:
            said = said.replace(secret, "***")
        kind = NotVerified if (sentence, fix) == _DAMAGED else LedgerError
        return kind(f"{sentence} [{said}]", place=self._place(entry if kind is NotVerified else None), fix=fix)

    def _sentence(self, error: psycopg.Error) -> tuple[str, str | None]:
        if self._committing and (self._db is None or self._db.closed):
            return _UNKNOWN
        code = error.sqlstate
        if code is not None:
            return _SENTENCES.get(code) or _CLASSES.get(code[:2]) or ("PostgreSQL failed", None)
        if self._db is not None:
            return _GONE if self._db.closed else ("PostgreSQL failed", None)
        return next((it for pattern, it in _TEXTS if pattern.search(str(error))), _UNREACHED)

    def _place(self, entry: int | None = None) -> Place:
        return Place(file=self.name, entry=entry)

    def drop(self) -> None:
        db, self._db = self._db, None
        if db is not None:
            db.close()

    def leave(self) -> None:
        LEFT.append(self._db)
        self._db = None

    def make(self, meta: Meta) -> None:
        """Make an empty ledger, in a schema that is made too where there is none. Raises psycopg.Error."""
        before, after = statements(self._schema)
        with closing(self._connect()) as db, db.transaction():
            if db.execute("SELECT current_setting('server_encoding')").fetchone() != ("UTF8",):
                raise LedgerError("the database is not in UTF-8", place=self._place(), fix="create one with UTF8")
            if db.execute(FOUND.replace("?", "%s"), [self._schema] * FOUND.count("?")).fetchone() is not None:
                raise LedgerError(_TAKEN[0], place=self._place(), fix=_TAKEN[1])
            if db.execute("SELECT to_regnamespace(%s)", (self._schema,)).fetchone() == (None,):
                db.execute(f"CREATE SCHEMA {self._schema}")
            for statement in before:
                db.execute(statement)
            said = (FORMAT, meta.origin, meta.log_key.to_text())
            db.execute("INSERT INTO meta VALUES (1, %s, %s, %s)", said)
            db.execute("INSERT INTO head VALUES (1, 0, %s)", (Frontier().to_bytes(),))
            for statement in after:
                db.execute(statement)

    def unmake(self, origin: str) -> None:
        """Remove a ledger of that origin, and no other. Raises psycopg.Error."""
        if self.meta().origin == origin:
            self.run("; ".join(removal(self._schema)))


def _flat(pairs: Iterable[tuple[str, str]]) -> list[str]:
    return [it for pair in pairs for it in pair]


def build(at: Where, meta: Meta) -> None:
    """Make an empty ledger at the address of `at`, or nothing. Raises LedgerError if anything is in its schema."""
    store = SchemaStore(at, writable=True)
    with store.explained():
        store.make(meta)


def discard(at: Where, origin: str) -> None:
    """Remove the ledger of that origin at the address of `at`. Raises LedgerError."""
    store = SchemaStore(at, writable=True)
    with store.explained(), _closing(store):
        store.unmake(origin)


@contextmanager
def _closing(store: SchemaStore) -> Iterator[None]:
    try:
        yield
    finally:
        store.drop()
