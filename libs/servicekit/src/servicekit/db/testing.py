"""For the tests of a service: its migrated database, and proof of what each role may do to each table.

@pytest.fixture
def database(database_factory):
    return service_database(database_factory, "matters_svc")

def test_access(database):
    assert_golden_access(database.admin_url, Path(__file__).with_name("access.golden"))
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psycopg
from psycopg import sql

from servicekit.db.migrate import migrate
from servicekit.db.platform import Mode

if TYPE_CHECKING:
    from servicekit.testing.databases import Database, DatabaseFactory, Template
    from servicekit.testing.plugin import DatabaseMaker

UPDATE_GOLDEN = "ATTEST_UPDATE_GOLDEN"
# app.clock_never_back and app.refuse
_REFUSED = ("AT004", "AT005")
VERBS = ("select", "insert", "update", "delete", "truncate", "alter")
# A predefined role without any right of its own: what it may do, everybody may.
EVERYBODY = "pg_checkpoint"


@dataclass(frozen=True, slots=True)
class ServiceDatabase:
    """A private database of one service, migrated, and the URLs of superuser, owner role and runtime role."""

    name: str
    admin_url: str
    owner_url: str
    app_url: str


def service_database(
    make: DatabaseMaker, package: str, mode: Mode = "test", *, clock: datetime | None = None
) -> ServiceDatabase:
    """A private clone of the migrated database of `package`. `make` is the fixture `database_factory`. clock: what its
    clock shows at the beginning; None: real time."""
    urls = with_roles(make(service_template(package, mode)), package)
    if clock is not None:
        set_clock(urls.admin_url, clock)
    return urls


@contextmanager
def lent_database(
    databases: DatabaseFactory, package: str, *, clock: datetime | None = None
) -> Iterator[ServiceDatabase]:
    """As `service_database`, for what lives longer than a test: the database is dropped at the end of the block."""
    made: list[Database] = []

    def make(template: Template | None = None) -> Database:
        made.append(databases.create(template))
        return made[-1]

    try:
        yield service_database(make, package, clock=clock)
    finally:
        for database in made:
            databases.drop(database)


def service_template(package: str, mode: Mode = "test") -> Template:
    """The migrated database of `package`, built once a run."""
    from servicekit.testing.databases import Template

    def build(database: Database) -> None:
        migrate(with_roles(database, package).owner_url, package, mode)

    return Template(f"{package}-{mode}", build)


def set_clock(admin_url: str, at: datetime) -> None:
    """Makes the clock of a test's database show an instant, an earlier one too, as at its creation; it runs on from there."""
    with psycopg.connect(admin_url) as connection:
        connection.execute("ALTER TABLE app.clock_offset DISABLE TRIGGER clock_never_back")
        connection.execute("UPDATE app.clock_offset SET ahead = make_interval(secs => %s)", [_ahead(at)])
        connection.execute("ALTER TABLE app.clock_offset ENABLE ALWAYS TRIGGER clock_never_back")


def _ahead(at: datetime) -> float:
    return (at - datetime.now(UTC)).total_seconds()


def with_roles(database: Database, package: str) -> ServiceDatabase:
    """The roles of a service for a database of any content; the owner role owns it."""
    service = package.removesuffix("_svc")
    owner, app = database.role(f"{service}_owner"), database.role(f"{service}_app")
    with database.connect() as connection:
        connection.execute(
            sql.SQL("ALTER DATABASE {} OWNER TO {}").format(
                sql.Identifier(database.name), sql.Identifier(f"{service}_owner")
            )
        )
        # As an installation gives it: the runtime role may connect, and cannot make temporary tables.
        connection.execute(
            sql.SQL("REVOKE ALL ON DATABASE {} FROM PUBLIC").format(sql.Identifier(database.name))
        )
        connection.execute(
            sql.SQL("GRANT CONNECT ON DATABASE {} TO {}").format(
                sql.Identifier(database.name), sql.Identifier(f"{service}_app")
            )
        )
    return ServiceDatabase(database.name, database.url, owner, app)


def assert_golden_access(admin_url: str, path: Path, roles: Sequence[str] = ()) -> None:
    """Tries every cell of role x table x verb and compares the answers with the golden file.

    admin_url: a superuser's, since each role is tried in turn. roles: by default those of the service, `<svc>_app`
    and `<svc>_owner`, and `everybody`, a role without any grant. Every try is undone.
    With the variable ATTEST_UPDATE_GOLDEN set the file is written instead; read its difference before it is kept.
    Fails as well when a table has not said its kind.
    """
    with psycopg.connect(admin_url) as connection:
        found = access_table(connection, roles or _service_roles(connection))
        connection.rollback()
    without = [line for line in found.splitlines() if "| ? |" in line]
    assert not without, "tables without a kind (servicekit.db.kinds.protect):\n" + "\n".join(without)
    if os.environ.get(UPDATE_GOLDEN):
        path.write_text(found, encoding="utf-8")
        return
    assert path.exists(), f"{path} is missing: run the test once with {UPDATE_GOLDEN}=1"
    golden = path.read_text(encoding="utf-8")
    assert found == golden, f"access differs from {path.name}; {UPDATE_GOLDEN}=1 writes it anew\n{found}"


def access_table(connection: psycopg.Connection[Any], roles: Iterable[str]) -> str:
    """The table as text: one line a table and role.

    `yes`; `no`; `some`: a part of the columns; `refused`: granted, and a trigger says no to everybody.
    """
    relations = connection.execute(
        "SELECT n.nspname, c.relname, coalesce(r.kind, '?') FROM pg_class c"
        " JOIN pg_namespace n ON n.oid = c.relnamespace"
        " LEFT JOIN app.relation r ON r.name = format('%s.%s', n.nspname, c.relname)"
        " WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') AND NOT c.relispartition"
        " AND n.nspname NOT LIKE 'pg\\_%' AND n.nspname <> 'information_schema'"
        " AND c.relname <> 'alembic_version' ORDER BY 1, 2"
    ).fetchall()
    lines = [f"| table | kind | role | {' | '.join(VERBS)} |", "|---" * (3 + len(VERBS)) + "|"]
    roles = list(roles)
    for schema, name, kind in relations:
        columns = [
            row[0]
            for row in connection.execute(
                "SELECT attname FROM pg_attribute WHERE attrelid = %s::regclass AND attnum > 0"
                " AND NOT attisdropped AND attgenerated = '' ORDER BY attnum",
                [sql.Identifier(schema, name).as_string(connection)],
            ).fetchall()
        ]
        for role in roles:
            cells = [_cell(connection, role, sql.Identifier(schema, name), columns, verb) for verb in VERBS]
            shown = "everybody" if role == EVERYBODY else role
            lines.append(f"| {schema}.{name} | {kind} | {shown} | {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def _cell(
    connection: psycopg.Connection[Any], role: str, table: sql.Identifier, columns: Sequence[str], verb: str
) -> str:
    whole = {
        "select": sql.SQL("SELECT * FROM {} LIMIT 1").format(table),
        "insert": sql.SQL("INSERT INTO {} DEFAULT VALUES").format(table),
        "delete": sql.SQL("DELETE FROM {}").format(table),
        "truncate": sql.SQL("TRUNCATE {} CASCADE").format(table),
        "alter": sql.SQL("ALTER TABLE {} DISABLE TRIGGER USER").format(table),
    }
    parts = {
        "select": [sql.SQL("SELECT {} FROM {} LIMIT 1").format(sql.Identifier(c), table) for c in columns],
        "insert": [
            sql.SQL("INSERT INTO {} ({}) VALUES (DEFAULT)").format(table, sql.Identifier(c)) for c in columns
        ],
        "update": [sql.SQL("UPDATE {} SET {} = DEFAULT").format(table, sql.Identifier(c)) for c in columns],
    }
    if verb in whole and (answer := _try(connection, role, whole[verb])) != "no":
        return answer
    answers = {_try(connection, role, statement) for statement in parts.get(verb, [])}
    if len(answers) == 1 and verb == "update":
        return answers.pop()
    return "some" if answers - {"no"} else "no"


def _try(connection: psycopg.Connection[Any], role: str, statement: sql.Composed) -> str:
    """Whether the role passes the permission check. Any later complaint (a missing value) means that it did."""
    try:
        with connection.transaction(force_rollback=True):
            connection.execute(sql.SQL("SET LOCAL ROLE {}").format(sql.Identifier(role)))
            connection.execute(statement)
    except psycopg.errors.InsufficientPrivilege:
        return "no"
    except psycopg.DatabaseError as error:
        return "refused" if error.sqlstate in _REFUSED else "yes"
    return "yes"


def _service_roles(connection: psycopg.Connection[Any]) -> list[str]:
    row = connection.execute(
        "SELECT pg_get_userbyid(nspowner) FROM pg_namespace WHERE nspname = 'app'"
    ).fetchone()
    assert row is not None
    owner: str = row[0]
    return [owner.removesuffix("_owner") + "_app", owner, EVERYBODY]
