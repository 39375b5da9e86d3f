"""Tokens of machines: shown once, kept as a hash, expiring, listed, revoked."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from servicekit.bus.outbox import announce, claim
from servicekit.db import Tx
from servicekit.http.caller import Caller
from servicekit.ids import new_id
from servicekit.problems import conflict, invalid, not_found
from sqlalchemy import insert

from gateway_svc import outbound
from gateway_svc.aggregates import TOPIC
from gateway_svc.db import tables
from gateway_svc.domain import accounts
from gateway_svc.front.identity import TOKEN_PREFIX
from gateway_svc.handlers.accounts import RULES
from gateway_svc.handlers.passwords import new_secret, secret_hash

LONGEST_DAYS = 366
TOKENS = """
SELECT t.token, t.name, t.role, t.scope, t.created_by, t.created_because AS reason, t.created_at, t.expires_at,
       e.recorded_at AS revoked_at, s.last_used_at
FROM app.machine_token t LEFT JOIN app.machine_token_end e USING (token)
LEFT JOIN app.machine_token_secret s USING (token)
"""


async def create(
    tx: Tx, caller: Caller, *, name: str, role: str, scope: Mapping[str, str | None], expires_in_days: int
) -> dict[str, Any]:
    """A token with its `secret`, which nobody can be shown again. 422 for a role that is not for machines."""
    if not 0 < expires_in_days <= LONGEST_DAYS:
        raise invalid("expires_in_days", "range", f"1 to {LONGEST_DAYS} days")
    RULES.for_machine(role)
    narrowed = accounts.scope(scope)
    token, secret = new_id(), TOKEN_PREFIX + new_secret()
    await claim(tx, [(TOPIC, token)])
    now = await tx.scalar("SELECT clock_timestamp()")
    row = {
        "token": token,
        "name": name,
        "role": role,
        "scope": narrowed,
        "created_by": caller.actor,
        "created_because": tx.context.reason,
        "created_at": now,
        "expires_at": now + timedelta(days=expires_in_days),
        "recorded_at": tx.recorded_at,
    }
    await tx.execute(insert(tables.machine_token), row)
    await tx.execute(
        insert(tables.machine_token_secret), {"token": token, "secret_hash": secret_hash(secret)}
    )
    await _tell(tx, row, "ACTIVE", "token_created")
    return row | {"secret": secret}


async def revoke(tx: Tx, caller: Caller, token: str) -> dict[str, Any]:
    """Ends a token at once. 404 when there is none, 409 when it is revoked already."""
    await claim(tx, [(TOPIC, token)])
    row = await tx.one(TOKENS + " WHERE t.token = CAST(:token AS uuid)", {"token": token})
    if row is None:
        raise not_found("token", token)
    if row["revoked_at"] is not None:
        raise conflict("state", "the token is revoked already")
    await tx.execute(
        insert(tables.machine_token_end),
        {
            "token": token,
            "revoked_by": caller.actor,
            "revoked_because": tx.context.reason,
            "recorded_at": tx.recorded_at,
        },
    )
    await tx.execute(
        "DELETE FROM app.machine_token_secret WHERE token = CAST(:token AS uuid)", {"token": token}
    )
    await _tell(tx, row, "DISABLED", "token_revoked")
    return dict(row) | {"token": token, "revoked_at": tx.recorded_at}


async def _tell(tx: Tx, row: Mapping[Any, Any], status: str, what: str) -> None:
    token = str(row["token"])
    await announce(
        tx,
        [
            outbound.account(
                account=token,
                person=None,
                status=status,
                grants=[{"grant": token, "role": row["role"], "scope": row["scope"]}],
                kind=what,
                reason=tx.context.reason,
            )
        ],
    )
