"""A real PostgreSQL with the toy service's database, cloned for each test."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest
from servicekit.context import Context
from servicekit.db import Database
from servicekit.db.testing import ServiceDatabase, service_database, service_template, with_roles
from servicekit.testing.databases import DatabaseFactory
from servicekit.testing.plugin import DatabaseMaker

OWNER, APP = "toy_owner", "toy_app"


@dataclass(frozen=True, slots=True)
class Toy(ServiceDatabase):
    """The database of the toy service."""

    @contextmanager
    def app(self, *, who: bool = True, autocommit: bool = False) -> Iterator[psycopg.Connection]:
        """A session of the runtime role; `who` sets actor, reason and correlation for its transactions."""
        with psycopg.connect(self.app_url, autocommit=autocommit) as connection:
            if who:
                say(connection, local=not autocommit)
            yield connection


def say(connection: psycopg.Connection, local: bool = True, **more: str) -> None:
    for name, value in ({"actor": "user/A1", "reason": "a test", "correlation": "c-1"} | more).items():
        connection.execute("SELECT set_config(%s, %s, %s)", (f"attest.{name}", value, local))


@pytest.fixture(scope="session")
def toy_package() -> Iterator[str]:
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(Path(__file__).parent))
        yield "toy_svc"


def _toy(made: ServiceDatabase) -> Toy:
    return Toy(made.name, made.admin_url, made.owner_url, made.app_url)


@pytest.fixture
def empty(database_factory: DatabaseMaker, toy_package: str) -> Toy:
    """Nothing but the two roles."""
    return _toy(with_roles(database_factory(), toy_package))


@pytest.fixture
def toy(database_factory: DatabaseMaker, toy_package: str) -> Toy:
    """Migrated, in mode test."""
    return _toy(service_database(database_factory, toy_package))


@pytest.fixture(scope="module")
def untouched(databases: DatabaseFactory, toy_package: str) -> Iterator[Toy]:
    """Migrated, shared by tests that leave nothing behind."""
    made = databases.create(service_template(toy_package))
    yield _toy(with_roles(made, toy_package))
    databases.drop(made)


@pytest.fixture
async def db(toy: Toy) -> AsyncIterator[Database]:
    database = Database(toy.app_url, source="toy")
    yield database
    await database.close()


@pytest.fixture
def context() -> Context:
    return Context(actor="user/A1", reason="a test", correlation="c-1", cause="request/1")
