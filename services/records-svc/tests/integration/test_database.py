"""What each role may do to each table, and the migration."""

from __future__ import annotations

from pathlib import Path

import pytest
from psycopg.errors import InsufficientPrivilege
from records_testing import ANA, Records
from servicekit.db import migrate
from servicekit.db.testing import assert_golden_access, service_database
from servicekit.testing.plugin import DatabaseMaker
from sqlalchemy.exc import ProgrammingError


@pytest.mark.part("SR-03", "each database role can do with each table what it may and nothing else")
@pytest.mark.part("PL-03", "no database role has more rights than its purpose needs")
def test_access_is_the_golden_matrix(database_factory: DatabaseMaker):
    database = service_database(database_factory, "records_svc")
    assert_golden_access(database.admin_url, Path(__file__).with_name("access.golden"))


@pytest.mark.part("PL-24", "migrations go down and up again")
def test_the_migration_makes_the_tables_and_takes_them_down(database_factory: DatabaseMaker):
    database = service_database(database_factory, "records_svc")
    migrate.check(database.owner_url, "records_svc")
    migrate.down(database.owner_url, "records_svc", "test", "base")
    assert migrate.current(database.owner_url) is None
    migrate.migrate(database.owner_url, "records_svc", "test")
    migrate.check(database.owner_url, "records_svc")


@pytest.mark.part("SR-03", "the running service cannot change a record")
async def test_the_running_service_cannot_change_a_record(records: Records):
    await records.read_and_sign(ANA)
    for statement in (
        "UPDATE app.training_record SET result = 'FAIL'",
        "DELETE FROM app.training_record",
        "UPDATE sign.signature SET printed_name = 'X'",
        "DELETE FROM audit.entry",
    ):
        with pytest.raises(ProgrammingError) as refused:
            async with records.database.transaction(_context()) as tx:
                await tx.execute(statement)
        assert isinstance(refused.value.orig, InsufficientPrivilege)


def _context():
    from servicekit.context import Context

    return Context("account/x", "tries", "c")
