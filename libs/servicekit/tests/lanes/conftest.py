"""A database with lanes and tables in which handlers leave their traces."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence

import pytest
import sqlalchemy as sa
from servicekit.context import Context
from servicekit.db import Database
from servicekit.db.kinds import protect_all
from servicekit.db.platform import install
from servicekit.db.testing import ServiceDatabase, with_roles
from servicekit.lanes import Mark, mark
from servicekit.testing import databases as testing
from servicekit.testing.plugin import DatabaseMaker
from sqlalchemy.ext.asyncio import create_async_engine

from .work import LANES, metadata

CONTEXT = Context(actor="user/A1", reason="a test", correlation="c-1", cause="event/1")


def build(database: testing.Database) -> None:
    made = with_roles(database, "toil_svc")
    engine = sa.create_engine(made.owner_url.replace("://", "+psycopg://", 1), poolclass=sa.NullPool)
    with engine.begin() as connection:
        install(connection, service="toil", app_role="toil_app", owner_role="toil_owner", mode="test")
        metadata.create_all(connection)
        protect_all(connection, metadata, "toil_app")


@pytest.fixture
def toil(database_factory: DatabaseMaker) -> ServiceDatabase:
    return with_roles(database_factory(testing.Template("toil", build)), "toil_svc")


@pytest.fixture
async def db(toil: ServiceDatabase) -> AsyncIterator[Database]:
    database = Database(toil.app_url, source="toil")
    yield database
    await database.close()


async def put(db: Database, marks: Sequence[Mark]) -> None:
    async with db.transaction(CONTEXT) as tx:
        assert await mark(tx, LANES, marks) == len(marks)


async def scalar(db: Database, query: str) -> int:
    async with db.read() as tx:
        return await tx.scalar(query)


async def admin(toil: ServiceDatabase, statement: str) -> None:
    engine = create_async_engine(toil.admin_url.replace("://", "+psycopg://", 1), poolclass=sa.NullPool)
    async with engine.begin() as connection:
        await connection.execute(sa.text(statement))
