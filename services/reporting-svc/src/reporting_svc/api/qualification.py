"""`GET /api/qualification/cells` as known at a time (C-26), and the timeline of a person."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Query
from plantkit.scope import visible_sql
from servicekit.http.app import Allow, PolicyOf
from servicekit.http.caller import Caller
from servicekit.http.commands import DatabaseOf
from servicekit.http.paging import Cursor, Limit

from reporting_svc.api import schemas
from reporting_svc.api.common import At, KnownAt, answered, asof, local, located
from reporting_svc.projections import cells
from reporting_svc.projections.asof import zones
from reporting_svc.projections.names import names_of

router = APIRouter(prefix="/api/qualification", tags=["qualification"])
READ = ("qualification.read", "qualification.read_own")
Reader = Annotated[Caller, Depends(Allow(*READ))]


@router.get("/cells")
async def get_cells(
    database: DatabaseOf,
    caller: Reader,
    policy: PolicyOf,
    person: str | None = None,
    item: str | None = None,
    place: str | None = None,
    at: At = None,
    known_at: KnownAt = None,
    include: Annotated[str | None, Query(pattern="^not_required$")] = None,
    limit: Limit = 200,
    cursor: Cursor = None,
) -> schemas.Cells:
    """Cells by person, item, place. With both person and item: one row a place, NOT_REQUIRED included."""
    seen = visible_sql(policy, caller, READ, "c.person")
    async with database.read() as tx:
        asked = asof(tx, at, known_at)
        found, following = await cells.cells(
            tx,
            asked,
            seen,
            person=person,
            item=item,
            place=place,
            not_required=include is not None,
            limit=limit,
            cursor=cursor,
        )
        places = await zones(tx, asked)
        return schemas.Cells(
            items=[schemas.Cell(**row) for row in located(found, places)],
            next=following,
            **await answered(tx, asked, places, place),
        )


@router.get("/timeline")
async def get_timeline(
    database: DatabaseOf,
    caller: Reader,
    policy: PolicyOf,
    person: str,
    item: str | None = None,
    known_at: KnownAt = None,
    limit: Limit = 100,
    cursor: Cursor = None,
) -> schemas.Timeline:
    """Every cell of a person over all of time, future included, as known at a time."""
    seen = visible_sql(policy, caller, READ, "c.person")
    async with database.read() as tx:
        asked = asof(tx, None, known_at)
        found, following = await cells.bars(tx, asked, seen, person, item=item, limit=limit, cursor=cursor)
        places = await zones(tx, asked)
        bars = [
            schemas.Bar(
                **row
                | {
                    "zone": places.names.get(row["place"]),
                    "segments": [local(one, places, row["place"]) for one in row["segments"]],
                }
            )
            for row in found
        ]
        names = await names_of(tx, {person}) if bars else {}
        return schemas.Timeline(
            person=person,
            name=names.get(person),
            items=bars,
            next=following,
            **await answered(tx, asked, places),
        )
