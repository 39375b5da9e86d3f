"""Named states of a test's database, put back in a few milliseconds.

A test commits, fires triggers and takes locks as the product does, so that a rollback is no way to undo it. Instead
the rows of every table and the positions of every sequence are kept once, and put back before each test.

Putting back needs triggers that stay silent for one session: the triggers that are `ENABLE ALWAYS` become ordinary
ones, which hold for every session but that of `Snapshots`. Tests of immutability therefore use a fresh clone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, LiteralString, cast

import psycopg
from psycopg import sql

_TABLES = """
SELECT n.nspname, c.relname, array(SELECT attname::text FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attnum > 0
    AND NOT a.attisdropped AND a.attgenerated = '' ORDER BY a.attnum)
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind = 'r' AND n.nspname !~ '^(pg_|information_schema$|kept_)' ORDER BY 1, 2
"""
_SEQUENCES = """
SELECT n.nspname, c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind = 'S' AND n.nspname !~ '^(pg_|information_schema$|kept_)' ORDER BY 1, 2
"""


@dataclass(frozen=True, slots=True)
class _Table:
    name: sql.Identifier
    kept: str
    columns: sql.Composed


class Snapshots:
    """The kept states of one database. url: a superuser's.

    Example:
        >>> states = Snapshots(urls.admin_url)
        >>> states.keep("plant")
        >>> states.put_back("plant")
    """

    def __init__(self, url: str) -> None:
        self._connection = psycopg.connect(url, autocommit=True)
        self._run("SET session_replication_role = replica")
        self._run("SET lock_timeout = '10s'")
        always = self._connection.execute(
            "SELECT n.nspname, c.relname, t.tgname FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid"
            " JOIN pg_namespace n ON n.oid = c.relnamespace WHERE t.tgenabled = 'A'"
        ).fetchall()
        for schema, table, trigger in always:
            self._run(
                sql.SQL("ALTER TABLE {} ENABLE TRIGGER {}").format(
                    sql.Identifier(schema, table), sql.Identifier(trigger)
                )
            )
        self._names: list[str] = []

    def keep(self, name: str) -> None:
        """Keeps what the database holds now."""
        schema = f"kept_{name}"
        self._run(sql.SQL("CREATE SCHEMA {}").format(sql.Identifier(schema)))
        body: list[sql.Composable] = []
        inserts: list[sql.Composable] = []
        for table in self._tables():
            copy = sql.Identifier(schema, table.kept)
            self._run(sql.SQL("CREATE TABLE {} AS TABLE {}").format(copy, table.name))
            body.append(sql.SQL("DELETE FROM {};").format(table.name))
            if self._one(sql.SQL("SELECT EXISTS (SELECT FROM {})").format(copy)):
                inserts.append(
                    sql.SQL("INSERT INTO {} ({}) OVERRIDING SYSTEM VALUE SELECT {} FROM {};").format(
                        table.name, table.columns, table.columns, copy
                    )
                )
        for one in self._connection.execute(_SEQUENCES).fetchall():
            sequence = sql.Identifier(*one)
            last, called = self._row(sql.SQL("SELECT last_value, is_called FROM {}").format(sequence))
            text = sequence.as_string(self._connection)
            inserts.append(
                sql.SQL("PERFORM setval({}, {}, {});").format(
                    sql.Literal(text), sql.Literal(last), sql.Literal(called)
                )
            )
        self._run(
            sql.SQL("CREATE FUNCTION {}() RETURNS void LANGUAGE plpgsql AS {}").format(
                sql.Identifier(schema, "put_back"),
                sql.Literal(
                    sql.SQL("BEGIN {} END")
                    .format(sql.SQL(" ").join(body + inserts))
                    .as_string(self._connection)
                ),
            )
        )
        self._names.append(name)

    def put_back(self, name: str) -> None:
        """Makes tables and sequences what they were; commits. Raises LockNotAvailable when a test left a transaction open."""
        self._run(sql.SQL("SELECT {}()").format(sql.Identifier(f"kept_{name}", "put_back")))

    def differences(self, name: str) -> list[str]:
        """The tables that do not hold what was kept, and those that were made since."""
        found: list[str] = []
        for table in self._tables():
            copy = sql.Identifier(f"kept_{name}", table.kept)
            shown = table.name.as_string(self._connection)
            if not self._one(
                sql.SQL("SELECT to_regclass({}) IS NOT NULL").format(
                    sql.Literal(copy.as_string(self._connection))
                )
            ):
                found.append(f"{shown} was made by a test")
            elif self._one(
                sql.SQL(
                    "SELECT EXISTS ((SELECT to_jsonb(t) FROM {0} t EXCEPT ALL SELECT to_jsonb(k) FROM {1} k)"
                    " UNION ALL (SELECT to_jsonb(k) FROM {1} k EXCEPT ALL SELECT to_jsonb(t) FROM {0} t))"
                ).format(table.name, copy)
            ):
                found.append(f"{shown} differs")
        return found

    def execute(self, query: str, parameters: Sequence[Any] = ()) -> None:
        """A statement that no trigger sees; committed."""
        self._connection.execute(query.encode(), parameters)

    def close(self) -> None:
        """Ends the session."""
        self._connection.close()

    def _tables(self) -> list[_Table]:
        return [
            _Table(
                sql.Identifier(schema, name),
                f"{schema}.{name}",
                sql.SQL(", ").join(map(sql.Identifier, columns)),
            )
            for schema, name, columns in self._connection.execute(_TABLES).fetchall()
        ]

    def _run(self, statement: sql.Composed | str) -> None:
        self._connection.execute(cast(LiteralString, statement) if isinstance(statement, str) else statement)

    def _row(self, statement: sql.Composed) -> tuple[Any, ...]:
        row = self._connection.execute(statement).fetchone()
        assert row is not None
        return row

    def _one(self, statement: sql.Composed) -> Any:
        return self._row(statement)[0]
