"""What the gateway and the operator ask of every service: how its bus stands, its clock, its parked events."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy.exc import DBAPIError

from servicekit.bus.deadletter import DeadLetters
from servicekit.bus.health import queue_of
from servicekit.db import Database, Tx
from servicekit.db.migrate import head
from servicekit.db.platform import raise_clock
from servicekit.http.app import Allow, correlation_of
from servicekit.http.caller import Caller
from servicekit.problems import Problem, conflict, invalid, not_found


class Standing(BaseModel):
    """acked: the last offset acknowledged, by topic and partition; consumed: the next one to be folded.

    marks: lanes' open marks. now: the clock of this database.
    """

    service: str
    now: datetime
    pending: int
    pending_since: datetime | None
    acked: dict[str, dict[int, int]]
    consumed: dict[str, dict[int, int]]
    watermarks: dict[str, datetime | None]
    marks: int
    parked: list[dict[str, Any]]


class About(BaseModel):
    """Which code this is, and the newest migration that it brings."""

    service: str
    version: str
    schema_: str | None = Field(serialization_alias="schema")


class ClockIn(BaseModel):
    model_config = ConfigDict(extra="forbid")
    ahead_seconds: float = Field(description="How far this clock is to be ahead of real time; never lowered.")


class RepairIn(BaseModel):
    """id: a dead letter; None: all of them (retry alone). latest: only the newest parked event of each subject."""

    model_config = ConfigDict(extra="forbid")
    id: int | None = None
    latest: bool = False
    reason: str = Field(min_length=1, max_length=500)


Repairs = Annotated[Caller, Depends(Allow("platform.repair"))]


def internal_router(
    name: str,
    database: Database,
    *,
    marks: str | None,
    dead_letters: DeadLetters | None,
    version: str = "",
    package: str = "",
) -> APIRouter:
    """marks: the table of open marks (`app.dirty`), if the service has lanes. package: whose migrations it runs on."""
    router = APIRouter(prefix="/internal", tags=["internal"], include_in_schema=False)

    @router.get("/about")
    async def about(caller: Annotated[Caller, Depends(Allow("health.read"))]) -> About:
        return About(service=name, version=version, schema_=head(package) if package else None)

    @router.get("/bus")
    async def bus(caller: Annotated[Caller, Depends(Allow("health.read", "import.run"))]) -> Standing:
        async with database.read() as tx:
            return await standing(tx, name, marks)

    @router.post("/clock")
    async def clock(
        body: ClockIn, request: Request, caller: Annotated[Caller, Depends(Allow("platform.clock"))]
    ) -> dict[str, float]:
        context = caller.context("moves the clock forward", correlation_of(request))
        try:
            async with database.transaction(context) as tx:
                ahead = await raise_clock(tx.conn, timedelta(seconds=body.ahead_seconds))
        except DBAPIError as error:
            if getattr(error.orig, "sqlstate", None) == "AT004":
                raise conflict(
                    "clock", "the clock only moves forward, and not at all in production"
                ) from error
            raise
        return {"ahead_seconds": ahead.total_seconds()}

    @router.get("/dead-letters")
    async def listed(caller: Annotated[Caller, Depends(Allow("health.read"))]) -> list[dict[str, Any]]:
        letters = await _of(dead_letters).list()
        return [asdict(letter) for letter in letters]

    @router.post("/dead-letters/retry")
    async def retry(body: RepairIn, request: Request, caller: Repairs) -> dict[str, Any]:
        context = caller.context(body.reason, correlation_of(request))
        return asdict(await _of(dead_letters).retry(context, body.id, latest=body.latest))

    @router.post("/dead-letters/discard")
    async def discard(body: RepairIn, request: Request, caller: Repairs) -> dict[str, Any]:
        if body.id is None:
            raise invalid("id", "missing", "one dead letter is discarded at a time")
        context = caller.context(body.reason, correlation_of(request))
        try:
            return asdict(await _of(dead_letters).discard(context, body.id, body.reason))
        except LookupError:
            raise not_found("dead letter", str(body.id)) from None
        except ValueError as error:
            raise conflict("older-first", str(error)) from error

    return router


async def standing(tx: Tx, name: str, marks: str | None) -> Standing:
    acked: dict[str, dict[int, int]] = defaultdict(dict)
    for row in await tx.rows('SELECT topic, partition, max("offset") AS last FROM bus.acked GROUP BY 1, 2'):
        acked[row["topic"]][row["partition"]] = row["last"]
    consumed: dict[str, dict[int, int]] = defaultdict(dict)
    watermarks: dict[str, datetime | None] = {}
    for row in await tx.rows("SELECT topic, partition, next, watermark FROM bus.consumed"):
        consumed[row["topic"]][row["partition"]] = row["next"] or 0
        known, mark = watermarks.get(row["topic"], row["watermark"]), row["watermark"]
        watermarks[row["topic"]] = None if known is None or mark is None else min(known, mark)
    pending, since = await queue_of(tx)
    parked = await tx.rows(
        "SELECT min(id) AS id, topic, subject, max(error_class) AS reason, count(*) AS events,"
        " max(attempts) AS attempts, min(parked_at) AS parked_at"
        " FROM bus.dead_letter WHERE resolved_at IS NULL GROUP BY topic, subject ORDER BY min(parked_at) LIMIT 100"
    )
    return Standing(
        service=name,
        now=tx.now,
        pending=pending,
        pending_since=since,
        acked=acked,
        consumed=consumed,
        watermarks=watermarks,
        marks=await tx.scalar(f"SELECT count(*) FROM {marks}") if marks else 0,  # noqa: S608 - our own identifier
        parked=[dict(row) for row in parked],
    )


def _of(dead_letters: DeadLetters | None) -> DeadLetters:
    if dead_letters is None:
        raise Problem(409, "no-consumer", "This process consumes nothing")
    return dead_letters
