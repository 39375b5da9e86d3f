"""The unit of work: one request, or one batch of messages, is one transaction, committed once, here.

Code inside a transaction never commits. The opening statement reads `app.clock()` and sets who acts and why for the
audit triggers, in one round trip. Record time is another matter: it is stamped once a transaction by
`servicekit.bus.outbox.claim`, after the locks are held, and found in `Tx.recorded_at`.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import orjson
import psycopg
from psycopg import sql
from psycopg.rows import DictRow, dict_row
from psycopg.types.json import set_json_loads
from sqlalchemy import text
from sqlalchemy.engine import CursorResult, RowMapping
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine
from sqlalchemy.sql.base import Executable

from servicekit.context import Context
from servicekit.db.glance import Glances

# Rows with JSON are most of what is read.
set_json_loads(orjson.loads)

_OPEN = text(
    "SELECT app.clock(), set_config('attest.actor', :actor, true), set_config('attest.reason', :reason, true),"
    " set_config('attest.on_behalf_of', :on_behalf_of, true), set_config('attest.cause', :cause, true),"
    " set_config('attest.correlation', :correlation, true)"
)
# The setting of synchronous_commit is kept, so that an announcement can restore it.
_OPEN_REPEATABLE = text(
    f"{_OPEN.text}, set_config('attest.durability', current_setting('synchronous_commit'), true),"
    " set_config('synchronous_commit', 'off', true)"
)


@dataclass(slots=True)
class Tx:
    """An open transaction and what it needs to know.

    now: `app.clock()` at the opening statement, aware UTC: what the domain gets as `now`.
    source: the service, as it appears in events (`billing`).
    """

    conn: AsyncConnection
    now: datetime
    context: Context
    source: str
    _recorded_at: datetime | None = None
    claimed: dict[tuple[str, str], int] = field(default_factory=dict)
    """(topic, subject) -> last announced sequence, filled by `claim`."""
    once: set[tuple[str, str]] = field(default_factory=set)
    """Those among them that are never announced again, filled by `claim_once`."""
    epoch: int = 1
    """The epoch of this database's announcements, read by `claim`."""

    @property
    def recorded_at(self) -> datetime:
        """The record time of everything this transaction writes; known once its subjects are claimed."""
        if self._recorded_at is None:
            raise RuntimeError("record time is stamped by claim(), after the locks: claim the subjects first")
        return self._recorded_at

    @property
    def stamped(self) -> bool:
        return self._recorded_at is not None

    def stamp(self, at: datetime) -> datetime:
        """Sets the record time, once: `claim` alone calls it, after the locks."""
        if self._recorded_at is not None:
            raise RuntimeError("a transaction has one record time")
        self._recorded_at = at
        return at

    async def execute(
        self,
        statement: Executable | str,
        params: Mapping[str, Any] | Sequence[Mapping[str, Any]] | None = None,
    ) -> CursorResult[Any]:
        query = text(statement) if isinstance(statement, str) else statement
        return await self.conn.execute(query, params)

    async def rows(
        self, statement: Executable | str, params: Mapping[str, Any] | None = None
    ) -> Sequence[RowMapping]:
        return (await self.execute(statement, params)).mappings().all()

    async def one(
        self, statement: Executable | str, params: Mapping[str, Any] | None = None
    ) -> RowMapping | None:
        return (await self.execute(statement, params)).mappings().first()

    async def scalar(self, statement: Executable | str, params: Mapping[str, Any] | None = None) -> Any:
        return (await self.execute(statement, params)).scalar()

    async def copy(self, table: str, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> int:
        """Writes rows by COPY (text format). `table` and `columns` are trusted identifiers from our own code.

        Dicts and lists become JSON text. Returns the number of rows.
        """
        driver = await self.driver()
        statement = sql.SQL("COPY {} ({}) FROM STDIN").format(
            sql.Identifier(*table.split(".")), sql.SQL(", ").join(map(sql.Identifier, columns))
        )
        count = 0
        async with driver.cursor() as cursor, cursor.copy(statement) as out:
            for row in rows:
                await out.write_row(
                    [orjson.dumps(v).decode() if isinstance(v, dict | list) else v for v in row]
                )
                count += 1
        return count

    async def driver_rows(self, statement: str, values: Sequence[Any] | Mapping[str, Any]) -> list[DictRow]:
        """Rows by the driver alone (`%s`, `%(name)s`): the statements of `Glances`, inside the transaction."""
        driver = await self.driver()
        async with driver.cursor(row_factory=dict_row) as cursor:
            await cursor.execute(statement.encode(), values)
            return await cursor.fetchall()

    async def driver(self) -> psycopg.AsyncConnection[Any]:
        """The psycopg connection under this transaction, for COPY and server-side batches."""
        raw = await self.conn.get_raw_connection()
        driver = raw.driver_connection
        assert isinstance(driver, psycopg.AsyncConnection)
        return driver


class Database:
    """One PostgreSQL database, reached with the runtime role."""

    def __init__(
        self,
        url: str,
        *,
        source: str,
        pool_size: int = 5,
        statement_timeout_ms: int = 30_000,
        application_name: str = "",
    ) -> None:
        self.source = source
        self.url = url
        self.glances = Glances(url, application_name=f"{application_name or source}-glances")
        self.engine: AsyncEngine = create_async_engine(
            url.replace("postgresql://", "postgresql+psycopg://", 1),
            json_deserializer=orjson.loads,
            pool_size=pool_size,
            max_overflow=5,
            pool_pre_ping=True,
            # Errors quote statements in logs; what was written stays out of them.
            hide_parameters=True,
            connect_args={
                "application_name": application_name or source,
                "options": f"-c statement_timeout={statement_timeout_ms} -c timezone=UTC"
                " -c idle_in_transaction_session_timeout=30000 -c lock_timeout=10000",
            },
        )

    @asynccontextmanager
    async def transaction(self, context: Context, *, repeatable: bool = False) -> AsyncIterator[Tx]:
        """The unit of work. Leaves by commit, or by rollback when anything is raised.

        repeatable: whoever caused it will cause it again when a crash of the database loses it, as a batch of events
        does, whose position goes with its effects. Its commit does not wait for the disk, unless it announces.
        """
        async with self.engine.begin() as conn:
            row = (
                await conn.execute(
                    _OPEN_REPEATABLE if repeatable else _OPEN,
                    {
                        "actor": context.actor,
                        "reason": context.reason,
                        "on_behalf_of": context.on_behalf_of or "",
                        "cause": context.cause or "",
                        "correlation": context.correlation,
                    },
                )
            ).one()
            yield Tx(conn=conn, now=row[0], context=context, source=self.source)

    @asynccontextmanager
    async def read(self) -> AsyncIterator[Tx]:
        """A read-only snapshot (REPEATABLE READ): several statements see the same state."""
        async with self.engine.connect() as conn:
            await conn.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
            async with conn.begin():
                now = (await conn.execute(text("SELECT app.clock()"))).scalar_one()
                yield Tx(
                    conn=conn,
                    now=now,
                    context=Context(actor=f"system/{self.source}", reason="read", correlation="read"),
                    source=self.source,
                )

    async def close(self) -> None:
        await self.glances.close()
        await self.engine.dispose()
