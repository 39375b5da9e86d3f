"""The look-up of a session or a machine's token, at every request.

Nothing is cached, so that a role, a session or a token that was taken away is gone with the next request.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from servicekit.db.glance import Glances
from servicekit.http.caller import Caller, Grant

from gateway_svc.domain import sessions
from gateway_svc.domain.accounts import AccountStatus
from gateway_svc.front.identity import TOKEN_PREFIX, Identity, csrf_token
from gateway_svc.handlers.passwords import secret_hash

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


class Identities:
    """Finds who is behind a cookie or a token. Raises psycopg.OperationalError when the database does not answer."""

    def __init__(self, url: str) -> None:
        self._glances = Glances(url, application_name="gateway-svc-identity")

    async def by_cookie(self, secret: str, *, sign_of_life: bool) -> Identity | None:
        """The identity of a session that lasts; sign_of_life: somebody acted, the idle time begins anew."""
        row = await self._glances.one(_SESSION, (secret_hash(secret),))
        if row is None or row["status"] != AccountStatus.ACTIVE:
            return None
        now, kiosk = row["now"], row["kiosk"]
        if sessions.is_over(now, last_seen_at=row["last_seen_at"], expires_at=row["expires_at"], kiosk=kiosk):
            return None
        if sign_of_life and sessions.is_worth_noting(now, row["last_seen_at"], kiosk=kiosk):
            await self._glances.one(_SEEN, (row["session"],))
        return _of_session(row, secret)

    async def by_token(self, authorization: str) -> Identity | None:
        """The machine behind `Bearer attest_...`; None for anything else, expired or revoked."""
        scheme, _, token = authorization.partition(" ")
        if scheme.lower() != "bearer" or not token.startswith(TOKEN_PREFIX):
            return None
        row = await self._glances.one(_MACHINE, (secret_hash(token),))
        if row is None:
            return None
        used = row["last_used_at"]
        if used is None or (row["now"] - used).total_seconds() >= _NOTE_USE_EVERY_S:
            await self._glances.one(_USED, (row["token"],))
        return Identity(
            caller=Caller(actor=f"machine/{row['token']}", grants=(Grant(row["role"], row["scope"]),)),
            how="token",
            grants=({"grant": row["token"], "role": row["role"], "scope": row["scope"]},),
        )

    async def close(self) -> None:
        await self._glances.close()


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
