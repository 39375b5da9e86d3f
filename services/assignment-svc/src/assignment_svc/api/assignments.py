"""Assignments and holds."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request
from plantkit.scope import resource_of, visible
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field
from servicekit.db import Tx
from servicekit.http.app import Allow, PolicyOf
from servicekit.http.caller import Caller
from servicekit.http.commands import DatabaseOf, Result, run_command
from servicekit.http.paging import Cursor, Limit, after, page
from servicekit.problems import not_found
from sqlalchemy import select

from assignment_svc.api.cells import complete
from assignment_svc.db import tables
from assignment_svc.handlers import holds

router = APIRouter(prefix="/api", tags=["assignments"])
READ = ("assignment.read", "assignment.read_own")


class AssignmentOut(BaseModel):
    assignment: str
    person: str
    item: str
    place: str
    target_version: int
    trigger: str
    cause: dict[str, Any] | None
    state: str
    opened_at: datetime
    due_at: datetime | None
    due_on: str | None
    due_zone: str | None
    first_due_was_past: bool
    closed_at: datetime | None
    closing_reason: str | None
    closing_detail: str | None
    methods: list[str]
    change: str | None
    recorded_at: datetime
    correlation: str


class Assignments(BaseModel):
    items: list[AssignmentOut]
    next: str | None
    complete_up_to: datetime | None


class HoldIn(BaseModel):
    model_config = ConfigDict(extra="forbid")
    person: str
    items: list[str] | None = Field(
        default=None, min_length=1, max_length=200, description="None: every item."
    )
    from_at: AwareDatetime | None = Field(default=None, description="None: from now.")
    reason: str = Field(min_length=1, max_length=500)


class HoldOut(BaseModel):
    id: UUID
    person: str
    items: list[str] | None
    from_at: AwareDatetime
    recorded_at: AwareDatetime


class ReleaseOut(BaseModel):
    """The fact that ends a hold; the hold stays as it was."""

    hold: UUID
    to_at: AwareDatetime
    recorded_at: AwareDatetime


class ReleaseIn(BaseModel):
    model_config = ConfigDict(extra="forbid")
    reason: str = Field(min_length=1, max_length=500)


@router.get("/assignments")
async def list_assignments(
    database: DatabaseOf,
    caller: Annotated[Caller, Depends(Allow(*READ))],
    policy: PolicyOf,
    person: str | None = None,
    item: str | None = None,
    status: Annotated[str | None, Query(pattern="^(OPEN|PAUSED|UPCOMING|CLOSED)$")] = None,
    trigger: str | None = None,
    change: str | None = None,
    limit: Limit = 200,
    cursor: Cursor = None,
) -> Assignments:
    """Assignments, open ones and history; `status=OPEN` is what is to be done now."""
    table = tables.assignment.c
    async with database.read() as tx:
        query = select(tables.assignment).where(
            visible(policy, caller, READ, table.person),
            *after(cursor, [table.person, table.item, table.assignment]),
        )
        for column, value in (
            (table.person, person),
            (table.item, item),
            (table.state, status),
            (table.trigger, trigger),
            (table.change, change),
        ):
            if value is not None:
                query = query.where(column == value)
        rows = await tx.rows(query.order_by(table.person, table.item, table.assignment).limit(limit + 1))
        shown, following = page(rows, limit, ["person", "item", "assignment"])
        items = [
            AssignmentOut(
                **{
                    k: row["body"].get(k)
                    for k in AssignmentOut.model_fields
                    if k not in ("recorded_at", "correlation")
                },
                recorded_at=row["recorded_at"],
                correlation=row["correlation"],
            )
            for row in shown
        ]
        return Assignments(items=items, next=following, complete_up_to=await complete(tx))


@router.get("/assignments/{assignment}")
async def get_assignment(
    assignment: str, database: DatabaseOf, caller: Annotated[Caller, Depends(Allow(*READ))], policy: PolicyOf
) -> AssignmentOut:
    async with database.read() as tx:
        row = await tx.one(
            "SELECT * FROM app.assignment WHERE CAST(assignment AS text) = :id", {"id": assignment}
        )
        if row is None:
            raise not_found("assignment", assignment)
        policy.require_any(caller, READ, await resource_of(tx, row["person"]))
        fields = {k: row["body"].get(k) for k in AssignmentOut.model_fields}
        return AssignmentOut(
            **fields | {"recorded_at": row["recorded_at"], "correlation": row["correlation"]}
        )


@router.post("/holds", status_code=201, responses={201: {"model": HoldOut}})
async def put_hold(
    body: HoldIn,
    request: Request,
    caller: Annotated[Caller, Depends(Allow("qualification.hold"))],
    policy: PolicyOf,
) -> Result:
    """Suspends a person on items, or on everything, from an instant on (R-71)."""

    async def act(tx: Tx) -> dict[str, Any]:
        if await tx.one("SELECT 1 FROM app.person WHERE person = :person", {"person": body.person}) is None:
            raise not_found("person", body.person)
        policy.require(caller, "qualification.hold", await resource_of(tx, body.person))
        return await holds.put(tx, body.person, body.items, body.from_at or tx.now)

    return await run_command(request, caller, body.reason, act, show=HoldOut, status=201)


@router.post("/holds/{hold}/release", responses={200: {"model": ReleaseOut}})
async def release_hold(
    hold: str,
    body: ReleaseIn,
    request: Request,
    caller: Annotated[Caller, Depends(Allow("qualification.hold"))],
    policy: PolicyOf,
) -> Result:
    """Ends a hold from now on; what it suspended until now stays suspended in the past (R-71)."""

    async def act(tx: Tx) -> dict[str, Any]:
        row = await tx.one("SELECT * FROM app.hold WHERE CAST(id AS text) = :id", {"id": hold})
        if row is None:
            raise not_found("hold", hold)
        policy.require(caller, "qualification.hold", await resource_of(tx, row["person"]))
        return await holds.release(tx, dict(row))

    return await run_command(request, caller, body.reason, act, show=ReleaseOut)
