"""Units of the organisation and regulated tasks."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Request
from servicekit.http.app import Allow, PolicyOf
from servicekit.http.caller import Caller
from servicekit.http.commands import DatabaseOf, Result, run_command
from servicekit.http.paging import Cursor, Limit, after, page
from sqlalchemy import select

from matrix_svc.api import schemas
from matrix_svc.db import tables
from matrix_svc.handlers import organisation

router = APIRouter(prefix="/api", tags=["organisation"])


@router.get("/organisation")
async def list_units(
    database: DatabaseOf,
    caller: Annotated[Caller, Depends(Allow("organisation.read"))],
    kind: str | None = None,
    site: str | None = None,
    limit: Limit = 500,
    cursor: Cursor = None,
) -> schemas.Page[schemas.UnitOut]:
    unit = tables.unit
    query = select(unit).where(*after(cursor, [unit.c.unit]))
    if kind:
        query = query.where(unit.c.kind == kind)
    if site:
        query = query.where(unit.c.site == site)
    async with database.read() as tx:
        shown, following = page(await tx.rows(query.order_by(unit.c.unit).limit(limit + 1)), limit, ["unit"])
        items = [schemas.UnitOut(**{k: row[k] for k in schemas.UnitOut.model_fields}) for row in shown]
        return schemas.Page(items=items, next=following, complete_up_to=tx.now)


@router.post("/organisation/units", responses={200: {"model": schemas.UnitOut}})
async def put_unit(
    body: schemas.UnitIn,
    request: Request,
    caller: Annotated[Caller, Depends(Allow("organisation.write"))],
    policy: PolicyOf,
) -> Result:
    """Makes a unit or moves it to its next version. 409 `stale` when `revision` is not the one that stands."""
    policy.require(
        caller, "organisation.write", {"site": body.site or (body.code if body.kind == "site" else None)}
    )
    unit = body.model_dump(mode="json", exclude={"reason", "revision"})
    return await run_command(
        request,
        caller,
        body.reason,
        lambda tx: organisation.change_unit(tx, unit, body.revision),
        show=schemas.UnitOut,
    )


@router.get("/tasks")
async def list_tasks(
    database: DatabaseOf,
    caller: Annotated[Caller, Depends(Allow("task.read"))],
    limit: Limit = 500,
    cursor: Cursor = None,
) -> schemas.Page[schemas.TaskOut]:
    task = tables.task
    query = select(task).where(*after(cursor, [task.c.task])).order_by(task.c.task).limit(limit + 1)
    async with database.read() as tx:
        shown, following = page(await tx.rows(query), limit, ["task"])
        items = [schemas.TaskOut(**{k: row[k] for k in schemas.TaskOut.model_fields}) for row in shown]
        return schemas.Page(items=items, next=following, complete_up_to=tx.now)


@router.post("/tasks", responses={200: {"model": schemas.TaskOut}})
async def put_task(
    body: schemas.TaskIn, request: Request, caller: Annotated[Caller, Depends(Allow("task.write"))]
) -> Result:
    """Makes a task or moves it to its next version. 409 `stale` when `revision` is not the one that stands."""
    task = body.model_dump(exclude={"reason", "revision"})
    return await run_command(
        request,
        caller,
        body.reason,
        lambda tx: organisation.change_task(tx, task, body.revision),
        show=schemas.TaskOut,
    )
