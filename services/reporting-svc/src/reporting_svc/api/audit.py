"""`GET /api/audit`: one ordered trail across all services (RP-06)."""

from __future__ import annotations

from typing import Annotated, Any
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Depends, Query
from plantkit.scope import visible_sql
from pydantic import AwareDatetime
from servicekit.http.app import Allow, PolicyOf
from servicekit.http.caller import Caller
from servicekit.http.commands import DatabaseOf
from servicekit.http.paging import Cursor, Limit
from servicekit.problems import invalid

from reporting_svc.api import schemas
from reporting_svc.domain.vocabulary import AUDITED, ENTITY_OF
from reporting_svc.projections.asof import trail_complete_up_to
from reporting_svc.projections.trail import Question, trail

router = APIRouter(prefix="/api/audit", tags=["audit"])


@router.get("")
async def get_trail(
    database: DatabaseOf,
    caller: Annotated[Caller, Depends(Allow("audit.read"))],
    policy: PolicyOf,
    entity: Annotated[str | None, Query(description="Kind of row, e.g. training_record.")] = None,
    id: Annotated[str | None, Query(description="Key of the row, e.g. the record's id.")] = None,
    correlation: str | None = None,
    person: Annotated[str | None, Query(description="Person whom entries are about.")] = None,
    service: str | None = None,
    since: AwareDatetime | None = None,
    until: AwareDatetime | None = None,
    related: Annotated[bool, Query(description="With what belongs to the row elsewhere.")] = True,
    limit: Limit = 200,
    cursor: Cursor = None,
) -> schemas.Trail:
    """Who changed what, from which value to which, when and why, oldest first."""
    entity = ENTITY_OF.get(entity, entity) if entity is not None else None
    if entity is not None and entity not in AUDITED:
        # Nothing found would read as "nothing ever happened to it".
        raise invalid("entity", "unknown", f"one of {', '.join(sorted(AUDITED))}")
    if entity is not None and id is None:
        raise invalid("id", "missing", "an entity needs the id of its row")
    if id is None and correlation is None and person is None:
        raise invalid("id", "missing", "ask for an id, a correlation or a person")
    question = Question(entity, id, correlation, person, service, since, until, related)
    seen = visible_sql(policy, caller, ["audit.read"], "about.person")
    async with database.read() as tx:
        found, following = await trail(tx, question, seen, limit=limit, cursor=cursor)
        return schemas.Trail(
            items=[schemas.AuditEntry(**_shown(row)) for row in found],
            next=following,
            complete_up_to=await trail_complete_up_to(tx),
        )


def _shown(row: dict[str, Any]) -> dict[str, Any]:
    zone = row["time_zone"] or _signed_in(row) or "UTC"
    return row | {"at": row["at"].astimezone(ZoneInfo(zone)), "zone": zone, "person": row["about"]}


def _signed_in(row: dict[str, Any]) -> str | None:
    """The zone that a signature was made in: it stands in its row, which is about nobody (21 CFR 11.50)."""
    if row["entity"] != "sign.signature":
        return None
    return next((change["after"] for change in row["changes"] if change["column"] == "time_zone"), None)
