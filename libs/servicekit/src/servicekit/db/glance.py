"""Reads of one statement, for what every call needs before it can be answered.

A statement alone is a snapshot: it needs no transaction around it. On connections of their own, prepared and without
BEGIN and COMMIT, such a read is one round trip where the unit of work takes five.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import psycopg
from psycopg.rows import DictRow, dict_row
from psycopg_pool import AsyncConnectionPool, PoolTimeout

_CONNECTIONS = 6
_PATIENCE_S = 3.0
"""How long a read waits for a connection: a restart of the database that is shorter costs nobody an error."""
_OPTIONS = "-c statement_timeout=5000 -c timezone=UTC"


class Glances:
    """A pool of a few connections; it opens at the first read and holds no connection before.

    Statements are the driver's (`%s`, `%(name)s`) and trusted text of our own code; they take at most 5 s. Raises
    psycopg.OperationalError when the database does not answer, after at most 3 s when it cannot be reached.
    """

    def __init__(self, url: str, *, application_name: str, connections: int = _CONNECTIONS) -> None:
        self._url = url
        self._name = application_name
        self._most = connections
        self._pool: AsyncConnectionPool[psycopg.AsyncConnection[DictRow]] | None = None

    async def rows(self, statement: str, values: Sequence[Any] | Mapping[str, Any]) -> list[DictRow]:
        """All rows of one statement; none of one that returns nothing."""
        pool = await self._opened()
        try:
            return await _run(pool, statement, values)
        except PoolTimeout:
            raise
        except psycopg.OperationalError:
            # A server that was started again has left every idle connection dead: the pool replaces them.
            await pool.check()
            return await _run(pool, statement, values)

    async def one(self, statement: str, values: Sequence[Any] | Mapping[str, Any]) -> DictRow | None:
        """The first row, if there is any."""
        found = await self.rows(statement, values)
        return found[0] if found else None

    async def close(self) -> None:
        """Closes the connections; a later read opens a pool again."""
        pool, self._pool = self._pool, None
        if pool is not None:
            await pool.close()

    async def _opened(self) -> AsyncConnectionPool[psycopg.AsyncConnection[DictRow]]:
        pool = self._pool
        if pool is None:
            pool = self._pool = AsyncConnectionPool(
                self._url,
                connection_class=psycopg.AsyncConnection[DictRow],
                min_size=0,
                max_size=self._most,
                timeout=_PATIENCE_S,
                # Without a limit the pause before the next attempt grows, and the pool finds the database late.
                reconnect_timeout=_PATIENCE_S,
                open=False,
                name=self._name,
                kwargs={
                    "autocommit": True,
                    "prepare_threshold": 1,
                    "connect_timeout": 3,
                    "application_name": self._name,
                    "options": _OPTIONS,
                    "row_factory": dict_row,
                },
            )
        if pool.closed:
            await pool.open()
        return pool


async def _run(
    pool: AsyncConnectionPool[psycopg.AsyncConnection[DictRow]],
    statement: str,
    values: Sequence[Any] | Mapping[str, Any],
) -> list[DictRow]:
    async with pool.connection() as connection:
        cursor = await connection.execute(statement.encode(), values)
        return await cursor.fetchall() if cursor.description else []
