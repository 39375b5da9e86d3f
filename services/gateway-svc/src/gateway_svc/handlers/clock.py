"""The clock of a demo or test platform: one offset ahead of real time, in all databases, never lowered."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from servicekit.db import Database, Tx
from servicekit.db.platform import raise_clock
from servicekit.http.caller import Caller
from servicekit.ids import new_id
from servicekit.problems import Problem, conflict
from servicekit.settings import Mode

from gateway_svc.handlers.services import Services
from gateway_svc.settings import OWN_NAME


async def now(database: Database) -> datetime:
    async with database.read() as tx:
        return tx.now


async def move(
    database: Database,
    services: Services,
    caller: Caller,
    mode: Mode,
    to: datetime,
    *,
    reason: str,
    correlation: str,
) -> datetime:
    """Moves the clock of the whole platform forward to `to`; returns what it shows then.

    The offset is stored before any service is called. When a service cannot be reached (503, named), the move is repeated:
    nobody gets a lower offset than one that was noted, so that all end with the same.
    Raises 403 in production, 409 for an instant that is past.
    """
    if mode == Mode.PRODUCTION:
        raise Problem(403, "not-in-production", "The clock of a production platform is real time")
    context = caller.context(reason, correlation)
    async with database.transaction(context) as tx:
        await tx.execute("SELECT pg_advisory_xact_lock(hashtextextended('clock', 0))")
        if to < tx.now:
            raise conflict(
                "clock-forward-only", f"the clock shows {tx.now.astimezone(UTC).isoformat()} already"
            )
        real: datetime = await tx.scalar("SELECT clock_timestamp()")
        ahead = max((to - real).total_seconds(), await _offset(tx))
        await tx.execute(
            "INSERT INTO app.clock_move (id, ahead_seconds, moved_by, real_at)"
            " VALUES (:id, :ahead, :by, clock_timestamp())",
            {"id": new_id(), "ahead": ahead, "by": caller.actor},
        )
    for service in services.names:
        if service != OWN_NAME:
            await services.ask(
                service,
                "POST",
                "/internal/clock",
                caller,
                correlation=correlation,
                body={"ahead_seconds": ahead},
            )
    async with database.transaction(context) as tx:
        await raise_clock(tx.conn, timedelta(seconds=ahead))
    return await now(database)


async def _offset(tx: Tx) -> float:
    """The highest offset that was ever noted or set, in seconds; below zero: a story that plays in the past."""
    return float(
        await tx.scalar(
            "SELECT greatest(extract(epoch FROM ahead), (SELECT max(ahead_seconds) FROM app.clock_move))"
            " FROM app.clock_offset"
        )
    )
