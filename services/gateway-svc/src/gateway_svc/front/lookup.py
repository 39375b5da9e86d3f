"""The look-up of a session or a machine's token, at every request.

Nothing is cached, so that a role, a session or a token that was taken away is gone with the next request. It is on the
way of every call, so it has a few connections of its own, without transactions: one prepared statement, one round trip.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import psycopg
from psycopg.rows import DictRow, dict_row
from servicekit.http.caller import Caller, Grant

from gateway_svc.domain import sessions
from gateway_svc.domain.accounts import AccountStatus
from gateway_svc.front.identity import TOKEN_PREFIX, Identity, csrf_token
from gateway_svc.passwords import secret_hash

_SESSION = """
    SELECT s.session::text, s.account, s.kiosk, s.last_seen_at, s.expires_at, a.username, a.person, a.status,
           a.must_change_password, a.signing_blocked_by, clock_timestamp() AS now,
           coalesce((SELECT jsonb_agg(jsonb_build_object('grant', g.id, 'role', g.role, 'scope', g.scope)
                                      ORDER BY g.recorded_at, g.id)
                     FROM app.role_grant g LEFT JOIN app.role_grant_end e ON e.role_grant = g.id
                     WHERE g.account = a.account AND e.role_grant IS NULL), '[]'::jsonb) AS grants
    FROM app.session s JOIN app.account a USING (account) WHERE s.secret_hash = %s"""
_SEEN = "UPDATE app.session SET last_seen_at = clock_timestamp() WHERE session = %s::uuid"
_MACHINE = """
    SELECT t.token::text, t.role, t.scope, s.last_used_at, clock_timestamp() AS now
    FROM app.machine_token_secret s JOIN app.machine_token t USING (token)
    LEFT JOIN app.machine_token_end e USING (token)
    WHERE s.secret_hash = %s AND e.token IS NULL AND t.expires_at > clock_timestamp()"""
_USED = "UPDATE app.machine_token_secret SET last_used_at = clock_timestamp() WHERE token = %s::uuid"
_NOTE_USE_EVERY_S = 60.0
_CONNECTIONS = 6


class Identities:
    """Finds who is behind a cookie or a token. Raises psycopg.OperationalError when the database does not answer."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._free = asyncio.Semaphore(_CONNECTIONS)
        self._idle: list[psycopg.AsyncConnection[Any]] = []

    async def by_cookie(self, secret: str, *, sign_of_life: bool) -> Identity | None:
        """The identity of a session that lasts; sign_of_life: somebody acted, the idle time begins anew."""
        row = await self._one(_SESSION, secret_hash(secret))
        if row is None or row["status"] != AccountStatus.ACTIVE:
            return None
        now, kiosk = row["now"], row["kiosk"]
        if sessions.is_over(now, last_seen_at=row["last_seen_at"], expires_at=row["expires_at"], kiosk=kiosk):
            return None
        if sign_of_life and sessions.is_worth_noting(now, row["last_seen_at"], kiosk=kiosk):
            await self._one(_SEEN, row["session"])
        return _of_session(row, secret)

    async def by_token(self, authorization: str) -> Identity | None:
        """The machine behind `Bearer attest_...`; None for anything else, expired or revoked."""
        scheme, _, token = authorization.partition(" ")
        if scheme.lower() != "bearer" or not token.startswith(TOKEN_PREFIX):
            return None
        row = await self._one(_MACHINE, secret_hash(token))
        if row is None:
            return None
        used = row["last_used_at"]
        if used is None or (row["now"] - used).total_seconds() >= _NOTE_USE_EVERY_S:
            await self._one(_USED, row["token"])
        return Identity(
            caller=Caller(actor=f"machine/{row['token']}", grants=(Grant(row["role"], row["scope"]),)),
            how="token",
            grants=({"grant": row["token"], "role": row["role"], "scope": row["scope"]},),
        )

    async def close(self) -> None:
        while self._idle:
            await self._idle.pop().close()

    async def _one(self, statement: str, value: str) -> DictRow | None:
        try:
            return await self._run(statement, value)
        except psycopg.OperationalError:
            # A server that was started again has left every idle connection dead: once more, on a new one.
            await self.close()
            return await self._run(statement, value)

    async def _run(self, statement: str, value: str) -> DictRow | None:
        async with self._connection() as connection, connection.cursor(row_factory=dict_row) as cursor:
            await cursor.execute(statement.encode(), (value,))
            return await cursor.fetchone() if cursor.description else None

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
            application_name="gateway-svc-identity",
            options="-c statement_timeout=5000 -c timezone=UTC",
        )


def _of_session(row: Mapping[str, Any], secret: str) -> Identity:
    return Identity(
        caller=Caller(
            actor=f"account/{row['account']}",
            grants=tuple(Grant(g["role"], g["scope"]) for g in row["grants"]),
            subject=row["person"],
            session=row["session"],
        ),
        how="session",
        account=row["account"],
        username=row["username"],
        session=row["session"],
        csrf=csrf_token(secret),
        kiosk=row["kiosk"],
        must_change_password=row["must_change_password"],
        signing_blocked=row["signing_blocked_by"] is not None,
        grants=tuple(row["grants"]),
    )
