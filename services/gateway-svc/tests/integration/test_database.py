"""What the runtime role may do, tried cell by cell; migrations up, down and in step with the tables."""

from __future__ import annotations

from pathlib import Path

import pytest
from servicekit.db.migrate import check, down, migrate
from servicekit.db.testing import assert_golden_access, service_database
from servicekit.testing.plugin import DatabaseMaker


@pytest.mark.part("PL-06", "each database role can do with each table what it may and nothing else")
@pytest.mark.part("PL-07", "each database role can do with each table what it may and nothing else")
def test_the_access_of_every_role_to_every_table(database_factory: DatabaseMaker) -> None:
    database = service_database(database_factory, "gateway_svc")
    assert_golden_access(database.admin_url, Path(__file__).with_name("access.golden"))


def test_migrations_go_up_and_down_and_make_what_the_tables_say(database_factory: DatabaseMaker) -> None:
    database = service_database(database_factory, "gateway_svc")
    check(database.owner_url, "gateway_svc")
    down(database.owner_url, "gateway_svc", "test", "base")
    migrate(database.owner_url, "gateway_svc", "test")
    check(database.owner_url, "gateway_svc")
