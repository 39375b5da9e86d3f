"""The audit trail: written by the database, complete, exact, and beyond the reach of the runtime role."""

from __future__ import annotations

import json
from collections.abc import Iterator

import psycopg
import pytest
from psycopg import sql
from servicekit.context import Context
from servicekit.db import Database

from .conftest import Toy, say

pytestmark = pytest.mark.infra

MISSING, KEY, VERSION, KEPT, DENIED = "AT001", "AT002", "AT003", "AT005", "42501"


@pytest.fixture
def admin(toy: Toy) -> Iterator[psycopg.Connection]:
    """A superuser's session, to see what was written."""
    with psycopg.connect(toy.admin_url, autocommit=True) as connection:
        yield connection


def entries(admin: psycopg.Connection) -> list[tuple[str, str, int | None, str, dict]]:
    rows = admin.execute("SELECT entity, key, version, actor, body FROM audit.entry ORDER BY id").fetchall()
    return [(*row[:4], json.loads(row[4])) for row in rows]


def refused(connection: psycopg.Connection, statement: str, *states: str) -> None:
    with pytest.raises(psycopg.DatabaseError) as caught, connection.transaction():
        connection.execute(statement.encode())
    assert caught.value.sqlstate in states, caught.value


async def test_an_entry_says_who_what_when_and_why(
    db: Database, context: Context, admin: psycopg.Connection
) -> None:
    async with db.transaction(context) as tx:
        await tx.execute("INSERT INTO app.device (id, title) VALUES ('d1', 'Scale')")
    async with db.transaction(context.because("it was moved")) as tx:
        await tx.execute("UPDATE app.device SET title = 'Scale 2', version = 2 WHERE id = 'd1'")
    first, second = entries(admin)
    assert first[:4] == ("device", "d1", 1, "user/A1")
    assert first[4]["op"] == "INSERT"
    assert first[4]["before"] is None
    assert first[4]["after"] == {"id": "d1", "title": "Scale", "keeper": None, "version": 1}
    assert second[:4] == ("device", "d1", 2, "user/A1")
    assert second[4] == {
        "entity": "device",
        "key": "d1",
        "version": 2,
        "at": second[4]["at"],
        "op": "UPDATE",
        "actor": "user/A1",
        "on_behalf_of": None,
        "reason": "it was moved",
        "cause": "request/1",
        "correlation": "c-1",
        "before": first[4]["after"],
        "after": {"id": "d1", "title": "Scale 2", "keeper": None, "version": 2},
    }
    assert admin.execute(
        "SELECT count(*) FROM audit.entry WHERE at = (body::json->>'at')::timestamptz"
    ).fetchone() == (2,)


@pytest.mark.parametrize("missing", ["actor", "reason", "correlation"])
@pytest.mark.part("PL-07", "a write without who or why fails")
@pytest.mark.part("PL-08", "a write without who or why fails")
def test_a_write_without_who_or_why_fails(toy: Toy, admin: psycopg.Connection, missing: str) -> None:
    write = "INSERT INTO app.device (id, title) VALUES ('d1', 'Scale')"
    with toy.app(who=False) as session:
        refused(session, write, MISSING)
    for blank in ("", "  "):
        with toy.app() as session:
            say(session, True, **{missing: blank})
            refused(session, write, MISSING)
    assert entries(admin) == []
    with toy.app() as session:
        session.execute(write.encode())
    assert len(entries(admin)) == 1


@pytest.mark.part("PL-08", "a pooled session does not remember the last actor")
def test_a_pooled_session_does_not_remember_the_last_actor(toy: Toy) -> None:
    """After a transaction with local settings the same session answers '' rather than nothing."""
    with psycopg.connect(toy.app_url, autocommit=True) as session:
        with session.transaction():
            say(session)
            session.execute("INSERT INTO app.device (id, title) VALUES ('d1', 'Scale')")
        assert session.execute("SELECT current_setting('attest.actor', true)").fetchone() == ("",)
        refused(session, "INSERT INTO app.device (id, title) VALUES ('d2', 'Scale')", MISSING)


def test_rows_of_workers_say_who_and_why_themselves(toy: Toy, admin: psycopg.Connection) -> None:
    columns = "(id, state, actor, on_behalf_of, reason, cause, correlation)"
    with toy.app() as session:
        session.execute(
            f"INSERT INTO app.order {columns} VALUES"
            " ('o1', 'open', 'user/B2', 'user/C3', 'because of e1', 'e1', 'c-7'),"
            " ('o2', 'open', 'user/B2', NULL, 'because of e2', 'e2', 'c-8')".encode()
        )
        refused(
            session,
            f"INSERT INTO app.order {columns} VALUES ('o3', 'x', 'user/B2', NULL, '', 'e', 'c')",
            MISSING,
        )
        refused(session, "INSERT INTO app.order (id, state) VALUES ('o3', 'x')", MISSING)
    one, two = (e[4] for e in entries(admin))
    assert (one["actor"], one["on_behalf_of"], one["reason"], one["cause"], one["correlation"]) == (
        "user/B2",
        "user/C3",
        "because of e1",
        "e1",
        "c-7",
    )
    assert (two["on_behalf_of"], two["reason"], two["correlation"]) == (None, "because of e2", "c-8")


def test_an_update_that_leaves_the_rows_context_is_not_credited_to_the_earlier_actor(
    toy: Toy, admin: psycopg.Connection
) -> None:
    with toy.app() as session:
        session.execute(
            "INSERT INTO app.order (id, state, actor, reason, cause, correlation)"
            " VALUES ('o1', 'open', 'user/B2', 'r1', 'e1', 'c-7')"
        )
        session.execute("UPDATE app.order SET state = 'shut', version = 2")
        session.execute("UPDATE app.order SET state = 'open', version = 3, actor = 'user/D4', cause = 'e3'")
    assert [(e[3], e[4]["cause"]) for e in entries(admin)] == [
        ("user/B2", "e1"),
        ("user/A1", None),
        ("user/D4", "e3"),
    ]


FULL_ROW = (
    "INSERT INTO app.reading (device, number, value, taken_at, took, raw, more) VALUES"
    " ('d1', {n}, 1.50, '2026-03-29 01:30:00+00', '1 day 02:00', '\\x00ff', '{{\"a\": [1, 2]}}')"
)
STRANGE = (
    "SET timezone = 'America/New_York'",
    "SET datestyle = 'German'",
    "SET intervalstyle = 'sql_standard'",
    "SET bytea_output = 'escape'",
    "SET search_path = pg_temp, app",
    "SET extra_float_digits = -5",
)


def test_the_text_of_an_entry_does_not_depend_on_the_session(toy: Toy, admin: psycopg.Connection) -> None:
    with toy.app() as session:
        session.execute("INSERT INTO app.device (id, title) VALUES ('d1', 'Scale')")
        session.execute(FULL_ROW.format(n=1).encode())
    with toy.app() as session:
        for setting in STRANGE:
            session.execute(setting.encode())
        session.execute(FULL_ROW.format(n=2).encode())
        changed = session.execute(
            "SELECT row_to_json(r)::text FROM app.reading r WHERE number = 2"
        ).fetchone()
    plain, strange = (
        row[0] for row in admin.execute("SELECT body FROM audit.entry WHERE entity = 'reading' ORDER BY id")
    )
    after = plain.partition('"after":')[2]
    assert after == strange.partition('"after":')[2].replace('"number":2', '"number":1')
    assert '"taken_at":"2026-03-29T01:30:00+00:00"' in after
    # The control: without the pinned settings that row is another text.
    assert changed is not None
    assert changed[0].replace('"number":2', '"number":1') + "}" != after
    assert json.loads(strange)["key"] == "d1/2"
    assert json.loads(strange)["at"].endswith("+00:00")


FORGERIES = (
    "INSERT INTO audit.entry (entity, key, at, actor, body) VALUES ('device', 'd1', now(), 'user/Z9', '{}')",
    "INSERT INTO audit.pending VALUES (1)",
    "UPDATE audit.entry SET actor = 'user/Z9'",
    "UPDATE audit.entry SET body = '{}' WHERE false",
    "DELETE FROM audit.entry",
    "DELETE FROM audit.pending",
    "TRUNCATE audit.entry",
    "COPY audit.entry (entity, key, at, actor, body) FROM STDIN",
    "COPY audit.entry TO STDOUT",
    "SELECT * FROM audit.entry",
    "SELECT * FROM audit.entry FOR UPDATE",
    "INSERT INTO audit.entry (entity, key, at, actor, body) VALUES ('a', 'b', now(), 'c', 'd')"
    " ON CONFLICT (id) DO UPDATE SET body = 'x'",
    "MERGE INTO audit.entry e USING (SELECT 1) s ON true WHEN MATCHED THEN UPDATE SET body = '{}'"
    " WHEN NOT MATCHED THEN INSERT (entity, key, at, actor, body) VALUES ('a', 'b', now(), 'c', 'd')",
    "LOCK TABLE audit.entry IN ACCESS EXCLUSIVE MODE",
    "ALTER TABLE audit.entry DISABLE TRIGGER ALL",
    "ALTER TABLE app.device DISABLE TRIGGER audit_insert",
    "ALTER TABLE app.device DISABLE TRIGGER ALL",
    "DROP TRIGGER audit_insert ON app.device",
    "CREATE TRIGGER audit_a BEFORE INSERT ON app.device FOR EACH ROW"
    " EXECUTE FUNCTION suppress_redundant_updates_trigger()",
    "CREATE RULE quiet AS ON INSERT TO app.device DO INSTEAD NOTHING",
    "CREATE OR REPLACE FUNCTION audit.record() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'",
    "ALTER FUNCTION audit.record() RESET ALL",
    "DROP FUNCTION audit.record() CASCADE",
    "CREATE FUNCTION app.clock() RETURNS timestamptz LANGUAGE sql AS 'SELECT now()'",
    "CREATE TABLE app.mine (id int)",
    "CREATE TABLE public.mine (id int)",
    "CREATE TABLE audit.mine (id int)",
    "CREATE SCHEMA mine",
    "ALTER TABLE app.device RENAME TO other",
    "DROP TABLE app.device",
    "SET session_replication_role = replica",
    "ALTER ROLE toy_app SET session_replication_role = replica",
    "ALTER ROLE toy_app SET attest.actor = 'user/Z9'",
    "ALTER ROLE toy_app SUPERUSER",
    "SET ROLE toy_owner",
    "SET SESSION AUTHORIZATION toy_owner",
    "GRANT toy_owner TO toy_app",
    "GRANT INSERT ON audit.entry TO toy_app",
    "UPDATE app.relation SET kind = 'derived'",
    "TRUNCATE app.device",
    "TRUNCATE app.reading",
    "SELECT audit.refuse('x')",
    "SELECT pg_read_file('/etc/passwd')",
    "COPY app.device FROM PROGRAM 'true'",
)


def play(session: psycopg.Connection, trick: str) -> None:
    if "STDIN" in trick:
        with session.cursor() as cursor, cursor.copy(trick.encode()):
            pass
    elif "STDOUT" in trick:
        with session.cursor() as cursor, cursor.copy(trick.encode()) as out:
            list(out)
    else:
        session.execute(trick.encode())


@pytest.mark.parametrize("trick", FORGERIES)
@pytest.mark.part("PL-07", "the runtime role cannot forge change or skip an entry")
def test_the_runtime_role_cannot_forge_change_or_skip_an_entry(untouched: Toy, trick: str) -> None:
    with untouched.app() as session:
        session.execute("INSERT INTO app.device (id, title) VALUES ('d0', 'Scale')")
        with pytest.raises(psycopg.DatabaseError) as caught:
            play(session, trick)
        assert caught.value.sqlstate == DENIED, caught.value
        session.rollback()


def test_the_tricks_are_real(untouched: Toy) -> None:
    """The control: nearly every one of them works for a superuser, so it is the grants that stop them."""
    failures = {}
    for trick in FORGERIES:
        with psycopg.connect(untouched.admin_url) as session:
            say(session)
            try:
                play(session, trick)
                session.rollback()
            except psycopg.DatabaseError as error:
                failures[trick] = error.sqlstate
    assert len(failures) < len(FORGERIES) / 2, failures
    assert DENIED not in failures.values()


@pytest.mark.part("PL-07", "the audit function cannot be hung on a temporary table")
def test_the_audit_function_cannot_be_hung_on_a_temporary_table(toy: Toy, admin: psycopg.Connection) -> None:
    trick = (
        "CREATE TRIGGER forge AFTER INSERT ON pg_temp.fake REFERENCING NEW TABLE AS new_rows"
        " FOR EACH STATEMENT EXECUTE FUNCTION audit.record('device', '', 'session', 'id')"
    )
    # An installation gives the runtime role no temporary tables; the function holds even where it has them.
    admin.execute(
        sql.SQL("GRANT TEMPORARY ON DATABASE {} TO toy_app").format(sql.Identifier(admin.info.dbname))
    )
    with toy.app() as session:
        session.execute("CREATE TEMP TABLE fake (id text)")
        refused(session, trick, DENIED)
    # The control: with EXECUTE the trick forges an entry.
    admin.execute("GRANT EXECUTE ON FUNCTION audit.record() TO toy_app")
    with toy.app() as session:
        session.execute("CREATE TEMP TABLE fake (id text)")
        session.execute(trick.encode())
        session.execute("INSERT INTO fake VALUES ('forged')")
    assert entries(admin)[0][1] == "forged"


WRITES = (
    ("INSERT INTO app.device (id, title) VALUES ('d1', 'A'), ('d2', 'B')", 2),
    ("INSERT INTO app.device AS d (id, title) VALUES ('d1', 'A2'), ('d3', 'C') ON CONFLICT (id)"
     " DO UPDATE SET title = excluded.title, version = d.version + 1", 2),
    ("MERGE INTO app.device d USING (VALUES ('d1', 'A3'), ('d4', 'D')) s (id, title) ON s.id = d.id"
     " WHEN MATCHED THEN UPDATE SET title = s.title, version = d.version + 1"
     " WHEN NOT MATCHED THEN INSERT (id, title) VALUES (s.id, s.title)", 2),
    ("WITH w AS (UPDATE app.device SET version = version + 1 WHERE id IN ('d1', 'd2') RETURNING id)"
     " INSERT INTO app.device (id, title) SELECT id || 'x', 'E' FROM w", 4),
    ("UPDATE app.device SET version = version + 1 FROM (VALUES ('d1'), ('d1')) v (id) WHERE v.id = device.id", 1),
    ("UPDATE app.device SET version = version + 1 WHERE id = 'none'", 0),
)  # fmt: skip


@pytest.mark.part("PL-07", "every way to write leaves its entries")
def test_every_way_to_write_leaves_its_entries(toy: Toy, admin: psycopg.Connection) -> None:
    with toy.app() as session:
        for statement, expected in WRITES:
            before = len(entries(admin))
            session.execute(statement.encode())
            session.commit()
            say(session)
            assert len(entries(admin)) - before == expected, statement
        with session.cursor() as cursor, cursor.copy("COPY app.device (id, title) FROM STDIN") as copy:
            copy.write_row(("d9", "F"))
    assert entries(admin)[-1][1] == "d9"
    # The trail alone tells the present state of every row.
    last = {key: body["after"] for _, key, _, _, body in entries(admin)}
    rows = admin.execute("SELECT id, row_to_json(d) FROM app.device d").fetchall()
    assert last == dict(rows)


def test_a_session_that_plays_a_replica_is_audited_as_well(toy: Toy, admin: psycopg.Connection) -> None:
    with psycopg.connect(toy.admin_url) as session:
        say(session)
        session.execute("SET session_replication_role = replica")
        session.execute("INSERT INTO app.device (id, title) VALUES ('d1', 'A')")
    assert len(entries(admin)) == 1


@pytest.mark.part("SR-03", "facts are neither changed nor deleted")
@pytest.mark.part("PL-07", "facts are neither changed nor deleted")
def test_facts_are_neither_changed_nor_deleted(toy: Toy, admin: psycopg.Connection) -> None:
    with toy.app() as session:
        session.execute("INSERT INTO app.device (id, title) VALUES ('d1', 'Scale')")
        session.execute(FULL_ROW.format(n=1).encode())
        for statement in (
            "UPDATE app.reading SET value = 2",
            "DELETE FROM app.reading",
            "TRUNCATE app.reading",
            "INSERT INTO app.reading (device, number) VALUES ('d1', 1)"
            " ON CONFLICT (device, number) DO UPDATE SET value = 9",
            "MERGE INTO app.reading r USING (SELECT 1) s ON true WHEN MATCHED THEN UPDATE SET value = 9",
            "MERGE INTO app.reading r USING (SELECT 1) s ON true WHEN MATCHED THEN DELETE",
            "SELECT * FROM app.reading FOR UPDATE",
            "DELETE FROM app.device",
        ):
            refused(session, statement, DENIED)
    # The control: with the grant it works, and the trail shows it.
    admin.execute("GRANT UPDATE ON app.reading TO toy_app")
    with toy.app() as session:
        session.execute("UPDATE app.reading SET value = 2")
    assert entries(admin)[-1][4]["op"] == "UPDATE"


def test_primary_keys_never_change(toy: Toy) -> None:
    with toy.app() as session:
        session.execute("INSERT INTO app.device (id, title) VALUES ('d1', 'Scale'), ('d2', 'Scale')")
        refused(session, "UPDATE app.device SET id = 'd3', version = 2 WHERE id = 'd1'", KEY)
        session.execute("UPDATE app.device SET id = id, version = version + 1")


def test_an_aggregate_moves_by_one_version(toy: Toy) -> None:
    with toy.app() as session:
        refused(session, "INSERT INTO app.device (id, title, version) VALUES ('d1', 'x', 2)", VERSION)
        session.execute("INSERT INTO app.device (id, title) VALUES ('d1', 'Scale')")
        for step in ("version", "version + 2", "version - 1", "NULL"):
            refused(session, f"UPDATE app.device SET version = {step}", VERSION, "23502")
        refused(session, "UPDATE app.device SET title = 'y'", VERSION)
        session.execute("UPDATE app.device SET title = 'y', version = version + 1")


@pytest.mark.part("PL-07", "the owner cannot change the trail by mistake")
def test_the_owner_cannot_change_the_trail_by_mistake(toy: Toy) -> None:
    with toy.app() as session:
        session.execute("INSERT INTO app.device (id, title) VALUES ('d1', 'Scale')")
    with psycopg.connect(toy.owner_url) as owner:
        for statement in (
            "UPDATE audit.entry SET actor = 'x'",
            "DELETE FROM audit.entry",
            "TRUNCATE audit.entry",
        ):
            refused(owner, statement, KEPT)
        refused(owner, "TRUNCATE app.device CASCADE", KEPT)
        refused(owner, "DELETE FROM app.device", MISSING)
        say(owner)
        owner.execute("DELETE FROM app.device")
        assert owner.execute("SELECT body::json->>'op' FROM audit.entry ORDER BY id DESC").fetchone() == (
            "DELETE",
        )


def test_the_trail_of_one_row_can_be_read_by_the_service(toy: Toy) -> None:
    with toy.app() as session:
        session.execute("INSERT INTO app.device (id, title) VALUES ('d1', 'A'), ('d2', 'B')")
        session.execute("UPDATE app.device SET version = 2 WHERE id = 'd1'")
        rows = session.execute("SELECT version, actor FROM audit.trail('device', 'd1', 0, 10)").fetchall()
        assert rows == [(1, "user/A1"), (2, "user/A1")]


async def test_bulk_is_audited_set_wise(db: Database, context: Context, admin: psycopg.Connection) -> None:
    """50,000 rows in one INSERT and one UPDATE; an update after a small one must not reuse the small one's plan."""
    count = 50_000
    admin.execute(
        sql.SQL("GRANT TEMPORARY ON DATABASE {} TO toy_app").format(sql.Identifier(admin.info.dbname))
    )
    async with db.transaction(context) as tx:
        await tx.execute("INSERT INTO app.device (id, title) VALUES ('d', 'Scale')")
        await tx.execute("UPDATE app.device SET version = version + 1 WHERE id = 'd'")
        await tx.execute("CREATE TEMP TABLE incoming (id text, title text) ON COMMIT DROP")
        await tx.copy("incoming", ["id", "title"], ((f"d{n}", f"Device {n}") for n in range(count)))
        await tx.execute("INSERT INTO app.device (id, title) SELECT id, title FROM incoming")
        # By the plan of the small one every row is joined with every row: the time of a statement ends before.
        await tx.execute("UPDATE app.device SET title = title || '.', version = version + 1")
    total = admin.execute("SELECT count(*), count(DISTINCT (key, version)) FROM audit.entry").fetchone()
    assert total == (2 * count + 3, 2 * count + 3)
    each_row = "SELECT count(*) FILTER (WHERE tgtype & 1 = 1), count(*) FROM pg_trigger WHERE tgrelid = 'app.device'::regclass AND tgfoid = 'audit.record'::regproc"
    assert admin.execute(each_row).fetchone() == (0, 3), "one call a statement, never one a row"
