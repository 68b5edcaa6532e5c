"""The schema of a ledger in PostgreSQL: the tables of the SQLite file, and how it is checked to the letter.

Triggers and withdrawn rights stop accidents (an UPDATE, a DELETE, an INSERT out of turn), not the tables' owner or a
superuser: what they change is found by `fsck`. What a CHECK would say stands in the triggers' functions: the catalogue
keeps their text as it was written, and a CHECK as each version of PostgreSQL prints it.
"""

from __future__ import annotations

__all__ = ["FOUND", "expected", "removal", "statements"]

_TABLES: dict[str, tuple[tuple[str, str], ...]] = {
    "meta": (("one", "bigint"), ("format", "bigint"), ("origin", "text"), ("log_key", "text")),
    "entry": (("position", "bigint"), ("leaf", "bytea"), ("envelope", "bytea")),
    "head": (("one", "bigint"), ("size", "bigint"), ("frontier", "bytea")),
    "checkpoint": (("size", "bigint"), ("note", "text")),
    "tile": (("level", "bigint"), ("number", "bigint"), ("root", "bytea"), ("hashes", "bytea")),
    "sent": (("size", "bigint"), ("first", "bigint"), ("id", "text"), ("digest", "bytea")),
}
_KEYS = {"tile": ("level", "number")}
_UNIQUE = {"sent": "id"}
_WHY = {
    "meta": "meta never changes",
    "entry": "entries are append-only",
    "head": "the head only grows",
    "checkpoint": "checkpoints are append-only",
    "tile": "tiles are append-only",
    "sent": "ids are append-only",
}
# What must be so of a new row of each table; of head, of the row as it is changed.
_IN_TURN = {
    "entry": "NEW.position = (SELECT coalesce(max(position) + 1, 0) FROM {0}.entry) AND length(NEW.leaf) = 32",
    "head": "NEW.one = 1 AND NEW.size > OLD.size",
    "checkpoint": "NEW.size > (SELECT coalesce(max(size), 0) FROM {0}.checkpoint)",
    "tile": "NEW.number = (SELECT coalesce(max(number) + 1, 0) FROM {0}.tile WHERE level = NEW.level)"
    " AND NEW.level >= 0 AND length(NEW.root) = 32 AND length(NEW.hashes) = 8192",
    "sent": "NEW.size > (SELECT coalesce(max(size), 0) FROM {0}.sent) AND NEW.first BETWEEN 0 AND NEW.size - 1"
    " AND length(NEW.digest) = 32",
}
_ROW, _BEFORE, _INSERT, _DELETE, _UPDATE, _TRUNCATE = 1, 2, 4, 8, 16, 32
_BYTEWISE = ' COLLATE pg_catalog."C"'
_REFUSE = " BEGIN RAISE EXCEPTION USING ERRCODE = '23000', MESSAGE = TG_ARGV[0]; END "
FOUND = """
SELECT 'relation', c.relname::text, c.relkind::text || c.relpersistence::text,
    concat_ws(' ', c.relrowsecurity, c.relhasrules, c.relhassubclass, c.relispartition)
  FROM pg_class c WHERE c.relnamespace = to_regnamespace(?) AND c.relkind <> 'i'
UNION ALL
SELECT 'column', c.relname::text, a.attname::text,
    concat_ws(' ', a.attnum, format_type(a.atttypid, a.atttypmod), a.attnotnull, a.atthasdef, a.attidentity::text,
      coalesce((SELECT collname::text FROM pg_collation WHERE oid = a.attcollation), ''))
  FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
  WHERE c.relnamespace = to_regnamespace(?) AND c.relkind <> 'i' AND a.attnum > 0
UNION ALL
SELECT 'index', c.relname::text, i.indkey::text,
    concat_ws(' ', i.indisunique, i.indisprimary, i.indisvalid AND i.indisready AND i.indislive, i.indimmediate,
      i.indpred IS NULL AND i.indexprs IS NULL, m.amname)
  FROM pg_class c JOIN pg_index i ON i.indrelid = c.oid JOIN pg_class x ON x.oid = i.indexrelid
    JOIN pg_am m ON m.oid = x.relam
  WHERE c.relnamespace = to_regnamespace(?) AND c.relkind <> 't'
UNION ALL
SELECT 'constraint', c.relname::text, k.conname::text, k.contype::text
  FROM pg_class c JOIN pg_constraint k ON k.conrelid = c.oid
  WHERE c.relnamespace = to_regnamespace(?) AND k.contype NOT IN ('p', 'u', 'n')
UNION ALL
SELECT 'trigger', c.relname::text, t.tgname::text,
    concat_ws(' ', t.tgtype, t.tgenabled::text, p.pronamespace = c.relnamespace, p.proname, t.tgattr::text,
      t.tgqual IS NULL, encode(t.tgargs, 'hex'))
  FROM pg_class c JOIN pg_trigger t ON t.tgrelid = c.oid JOIN pg_proc p ON p.oid = t.tgfoid
  WHERE c.relnamespace = to_regnamespace(?) AND NOT t.tgisinternal
UNION ALL
SELECT 'function', p.proname::text, l.lanname::text,
    concat_ws(' ', p.prosecdef, p.proconfig IS NULL, p.pronargs, p.prosrc)
  FROM pg_proc p JOIN pg_language l ON l.oid = p.prolang WHERE p.pronamespace = to_regnamespace(?)
"""
"""What is in a schema, as rows of four texts: the schema's name is given for each part of it."""


def _in_turn(schema: str, table: str) -> str:
    right, why = _IN_TURN[table].format(schema), _WHY[table]
    return (
        f" BEGIN IF ({right}) IS NOT TRUE THEN RAISE EXCEPTION USING ERRCODE = '23000', MESSAGE = '{why}'; END IF;"
        " RETURN NEW; END "
    )


def _triggers(table: str) -> list[tuple[str, int, str, str]]:
    """Name, events as the catalogue codes them, function and argument of each."""
    fixed = _BEFORE | _DELETE | _TRUNCATE | (0 if table == "head" else _UPDATE)
    made = [(f"{table}_fixed", fixed, "refuse", _WHY[table])]
    if table in ("meta", "head"):
        made.append((f"{table}_single", _BEFORE | _INSERT, "refuse", f"{table} is one row"))
    if table in _IN_TURN:
        event = _UPDATE if table == "head" else _INSERT
        made.append((f"{table}_in_turn", _ROW | _BEFORE | event, f"{table}_in_turn", ""))
    return made


def statements(schema: str) -> tuple[list[str], list[str]]:
    """What makes the tables in a schema that is there, and what protects them once meta and head have their row."""
    made, then = [], []
    body = "$ledger$"
    functions = [("refuse", _REFUSE), *((f"{table}_in_turn", _in_turn(schema, table)) for table in _IN_TURN)]
    for name, text in functions:
        made.append(f"CREATE FUNCTION {schema}.{name}() RETURNS trigger LANGUAGE plpgsql AS {body}{text}{body}")
    events = {_INSERT: "INSERT", _DELETE: "DELETE", _UPDATE: "UPDATE", _TRUNCATE: "TRUNCATE"}
    for table, columns in _TABLES.items():
        lines = [f"{name} {kind}{_BYTEWISE if kind == 'text' else ''} NOT NULL" for name, kind in columns]
        lines.append(f"PRIMARY KEY ({', '.join(_KEYS.get(table, columns[0][:1]))})")
        lines += [f"UNIQUE ({_UNIQUE[table]})"] if table in _UNIQUE else []
        made.append(f"CREATE TABLE {schema}.{table} ({', '.join(lines)})")
        for name, code, function, argument in _triggers(table):
            on = " OR ".join(text for bit, text in events.items() if code & bit)
            each, given = ("ROW" if code & _ROW else "STATEMENT"), f"'{argument}'" if argument else ""
            then.append(
                f"CREATE TRIGGER {name} BEFORE {on} ON {schema}.{table} FOR EACH {each}"
                f" EXECUTE FUNCTION {schema}.{function}({given})"
            )
        # Of the owner too, who can take it back: no accident does.
        kept = "DELETE, TRUNCATE" if table == "head" else "UPDATE, DELETE, TRUNCATE"
        then.append(f"REVOKE {kept} ON {schema}.{table} FROM CURRENT_USER, PUBLIC")
    return made, then


def removal(schema: str) -> list[str]:
    """What removes all that `statements` makes."""
    names = ["refuse", *(f"{table}_in_turn" for table in _IN_TURN)]
    return [
        f"DROP TABLE {', '.join(f'{schema}.{table}' for table in _TABLES)}",
        f"DROP FUNCTION {', '.join(f'{schema}.{name}()' for name in names)}",
    ]


def expected(schema: str) -> frozenset[tuple[str, str, str, str]]:
    """What FOUND finds in the schema of a ledger."""
    rows = {("function", "refuse", "plpgsql", f"f t 0 {_REFUSE}")}
    for table, columns in _TABLES.items():
        rows.add(("relation", table, "rp", "f f f f"))
        for number, (name, kind) in enumerate(columns, 1):
            rows.add(("column", table, name, f"{number} {kind} t f  {'C' if kind == 'text' else ''}"))
        key = [str(1 + [name for name, _ in columns].index(it)) for it in _KEYS.get(table, columns[0][:1])]
        rows.add(("index", table, " ".join(key), "t t t t t btree"))
        if table in _UNIQUE:
            at = 1 + [name for name, _ in columns].index(_UNIQUE[table])
            rows.add(("index", table, str(at), "t f t t t btree"))
        if table in _IN_TURN:
            rows.add(("function", f"{table}_in_turn", "plpgsql", f"f t 0 {_in_turn(schema, table)}"))
        for name, code, function, argument in _triggers(table):
            given = argument.encode().hex() + "00" if argument else ""
            rows.add(("trigger", table, name, f"{code} O t {function}  t {given}"))
    return frozenset(rows)
