"""Reads of one statement, for what is on the way of every call.

A statement alone is a snapshot: it needs no transaction around it. On connections of their own, prepared and without
BEGIN and COMMIT, such a read is one round trip where the unit of work takes five.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

import psycopg
from psycopg.rows import DictRow, dict_row

_CONNECTIONS = 6
_OPTIONS = "-c statement_timeout=5000 -c timezone=UTC"


class Glances:
    """A few connections that are opened when they are first needed.

    Statements are the driver's (`%s`, `%(name)s`) and trusted text of our own code; they take at most 5 s. Raises
    psycopg.OperationalError when the database does not answer.
    """

    def __init__(self, url: str, *, application_name: str, connections: int = _CONNECTIONS) -> None:
        self._url = url
        self._name = application_name
        self._free = asyncio.Semaphore(connections)
        self._idle: list[psycopg.AsyncConnection[Any]] = []

    async def rows(self, statement: str, values: Sequence[Any] | Mapping[str, Any]) -> list[DictRow]:
        """All rows of one statement; none of one that returns nothing."""
        try:
            return await self._run(statement, values)
        except psycopg.OperationalError:
            # A server that was started again has left every idle connection dead: once more, on a new one.
            await self.close()
            return await self._run(statement, values)

    async def one(self, statement: str, values: Sequence[Any] | Mapping[str, Any]) -> DictRow | None:
        """The first row, if there is any."""
        found = await self.rows(statement, values)
        return found[0] if found else None

    async def close(self) -> None:
        while self._idle:
            await self._idle.pop().close()

    async def _run(self, statement: str, values: Sequence[Any] | Mapping[str, Any]) -> list[DictRow]:
        async with self._connection() as connection, connection.cursor(row_factory=dict_row) as cursor:
            await cursor.execute(statement.encode(), values)
            return await cursor.fetchall() if cursor.description else []

    @asynccontextmanager
    async def _connection(self) -> AsyncIterator[psycopg.AsyncConnection[Any]]:
        async with self._free:
            connection = self._idle.pop() if self._idle else await self._connect()
            try:
                yield connection
            except BaseException:
                # Cancelled or failed in the middle: nobody knows what it would answer next.
                await connection.close()
                raise
            self._idle.append(connection)

    async def _connect(self) -> psycopg.AsyncConnection[Any]:
        return await psycopg.AsyncConnection.connect(
            self._url,
            autocommit=True,
            prepare_threshold=1,
            connect_timeout=3,
            application_name=self._name,
            options=_OPTIONS,
        )
