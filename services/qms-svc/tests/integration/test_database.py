"""What each role may do to each table; migrations there and back; facts and bytes that nobody changes."""

import hashlib
from pathlib import Path

import psycopg
import pytest
from qms_testing import Qms, draft_cc7
from servicekit.db import migrate
from servicekit.db.testing import assert_golden_access, service_database
from servicekit.testing.plugin import DatabaseMaker


@pytest.mark.part("PL-07", "each database role can do with each table what it may and nothing else")
def test_access(database_factory: DatabaseMaker) -> None:
    database = service_database(database_factory, "qms_svc")
    assert_golden_access(database.admin_url, Path(__file__).with_name("access.golden"))


@pytest.mark.part("PL-31", "migrations go down and up again, and nothing is left to generate")
def test_migrations_down_and_up_and_nothing_left_to_generate(database_factory: DatabaseMaker) -> None:
    database = service_database(database_factory, "qms_svc")
    migrate.check(database.owner_url, "qms_svc")
    migrate.down(database.owner_url, "qms_svc", "test", "base")
    assert migrate.current(database.owner_url) is None
    migrate.migrate(database.owner_url, "qms_svc", "test")
    assert migrate.current(database.owner_url) == migrate.head("qms_svc")
    migrate.check(database.owner_url, "qms_svc")


@pytest.mark.part("SR-05", "the runtime role cannot change kept bytes nor store them under another digest")
@pytest.mark.part("PL-07", "the runtime role cannot change kept bytes nor store them under another digest")
async def test_the_runtime_role_cannot_change_kept_bytes_nor_store_them_under_another_digest(
    qms: Qms,
) -> None:
    version = await draft_cc7(qms)
    with psycopg.connect(qms.urls.app_url, autocommit=True) as connection:
        for statement in ("UPDATE app.content_bytes SET body = 'x'", "DELETE FROM app.content_bytes"):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                connection.execute(statement.encode())
        with pytest.raises(psycopg.errors.CheckViolation):
            connection.execute("INSERT INTO app.content_bytes VALUES (%s, 'x')", ["a" * 64])
        connection.execute(
            "INSERT INTO app.content_bytes VALUES (%s, 'x')", [hashlib.sha256(b"x").hexdigest()]
        )
    assert qms.sql("SELECT count(*) AS n FROM app.content_bytes") == [{"n": 2}]
    assert version["content"][0]["sha256"] != hashlib.sha256(b"x").hexdigest()


@pytest.mark.part("QM-03", "the database refuses an approved version without a decision")
async def test_the_database_refuses_an_approved_version_without_a_decision(qms: Qms) -> None:
    await draft_cc7(qms, training_decision=None)
    with psycopg.connect(qms.urls.app_url) as connection:
        for name, value in {"actor": "a/b", "reason": "r", "correlation": "c"}.items():
            connection.execute("SELECT set_config(%s, %s, true)", (f"attest.{name}", value))
        with pytest.raises(psycopg.errors.CheckViolation):
            connection.execute(
                "UPDATE app.document_version SET state = 'APPROVED', approved_at = now(), version = version + 1"
                " WHERE number = 4"
            )
