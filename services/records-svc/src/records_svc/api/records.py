"""Training records: list, display, marks of error. None is ever changed or deleted (SR-03): PUT, DELETE are 405."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request
from plantkit.scope import resource_of, visible
from servicekit.aggregates import handle
from servicekit.db import Tx
from servicekit.http.app import Allow, PolicyOf, correlation_of
from servicekit.http.caller import Caller
from servicekit.http.commands import DatabaseOf, Result, run_command
from servicekit.http.paging import Cursor, Limit, decode, page
from servicekit.ids import new_id
from servicekit.policy import Policy
from servicekit.problems import invalid
from sqlalchemy import ColumnElement, case, exists, literal, select, tuple_

from records_svc.aggregates import MARK
from records_svc.api import schemas, views
from records_svc.api.reading import person_of
from records_svc.db import tables
from records_svc.domain.correction import Propose, Refuse
from records_svc.handlers import error_marks
from records_svc.handlers.access import log_access
from records_svc.projections.documents import titles

router = APIRouter(prefix="/api/records", tags=["records"])
READ = ("record.read", "record.read_own")
PROPOSE = ("record.mark_in_error", "record.late_entry")
Reader = Annotated[Caller, Depends(Allow(*READ))]
Proposer = Annotated[Caller, Depends(Allow(*PROPOSE))]


@router.get("")
async def list_records(
    database: DatabaseOf,
    caller: Reader,
    policy: PolicyOf,
    person: schemas.Code | None = None,
    item: schemas.Code | None = None,
    version: schemas.Number | None = None,
    source_class: schemas.SourceClass | None = None,
    mark: schemas.Mark | None = None,
    limit: Limit = 100,
    cursor: Cursor = None,
) -> schemas.Page[schemas.RecordRow]:
    """Newest completion first. mark: `proposed` lists what waits for the second person."""
    record, marked = tables.training_record, tables.error_mark
    marking = _mark()
    conditions: list[ColumnElement[bool]] = [visible(policy, caller, READ, record.c.person)]
    for column, wanted in (
        (record.c.person, person),
        (record.c.item, item),
        (record.c.number, version),
        (record.c.source_class, source_class),
        (marking, mark),
    ):
        if wanted is not None:
            conditions.append(column == wanted)
    if cursor is not None:
        at, last = _position(cursor)
        conditions.append(
            tuple_(record.c.completed_at, record.c.record)
            < tuple_(literal(at, record.c.completed_at.type), literal(last, record.c.record.type))
        )
    query = (
        select(record, marking.label("mark"))
        .select_from(record.outerjoin(marked, marked.c.record == record.c.record))
        .where(*conditions)
        .order_by(record.c.completed_at.desc(), record.c.record.desc())
        .limit(limit + 1)
    )
    async with database.read() as tx:
        shown, following = page(await tx.rows(query), limit, ["completed_at", "record"])
        titled = await titles(tx, [row["item"] for row in shown])
        items = [views.record_row(row, titled) for row in shown]
        return schemas.Page(items=items, next=following, complete_up_to=tx.now)


@router.get("/{record}")
async def get_record(
    record: schemas.Uuid,
    request: Request,
    database: DatabaseOf,
    caller: Reader,
    policy: PolicyOf,
    purpose: Annotated[str, Query(min_length=1, max_length=200)] = "opens the training record",
) -> schemas.RecordOut:
    """The whole record with its signatures, evidence and corrections. A look at another's record is logged (PL-10)."""
    async with database.transaction(caller.context(purpose, correlation_of(request))) as tx:
        row = await error_marks.existing(tx, record)
        await require_read(tx, policy, caller, row["person"])
        await log_access(tx, caller, row, purpose)
        return await views.record(tx, row)


@router.get("/{record}/access")
async def list_access(
    record: schemas.Uuid,
    database: DatabaseOf,
    caller: Reader,
    policy: PolicyOf,
    limit: Limit = 100,
    cursor: Cursor = None,
) -> schemas.Page[schemas.AccessOut]:
    """The people who looked at the record, newest first."""
    entry = tables.access_entry
    query = select(entry).where(entry.c.record == record)
    if cursor is not None:
        at, last = _position(cursor)
        query = query.where(
            tuple_(entry.c.recorded_at, entry.c.id)
            < tuple_(literal(at, entry.c.recorded_at.type), literal(last, entry.c.id.type))
        )
    query = query.order_by(entry.c.recorded_at.desc(), entry.c.id.desc()).limit(limit + 1)
    async with database.read() as tx:
        row = await error_marks.existing(tx, record)
        await require_read(tx, policy, caller, row["person"])
        shown, following = page(await tx.rows(query), limit, ["recorded_at", "id"])
        items = [
            schemas.AccessOut(
                reader=each["reader"], purpose=each["purpose"], rows=each["rows"], at=each["recorded_at"]
            )
            for each in shown
        ]
        return schemas.Page(items=items, next=following, complete_up_to=tx.now)


@router.post("/{record}/entered-in-error", status_code=201, response_model=schemas.ProposalOut)
async def propose_mark(
    record: schemas.Uuid, body: schemas.Command, request: Request, caller: Proposer, policy: PolicyOf
) -> Result:
    """Proposes the mark; nothing changes until a second person signs (kind `record_error`)."""
    person = person_of(caller)

    async def act(tx: Tx) -> dict[str, Any]:
        await _require_propose(tx, policy, caller, record, "propose")
        command = Propose(new_id(), person, body.reason)
        await handle(tx, MARK, record, command)
        return {"proposal": command.id, "record": record}

    return await run_command(request, caller, body.reason, act, status=201)


@router.post("/{record}/entered-in-error/refuse", response_model=schemas.RecordOut)
async def refuse_mark(
    record: schemas.Uuid, body: schemas.Command, request: Request, caller: Proposer, policy: PolicyOf
) -> Result:
    """Turns the proposal down, or takes it back: the record stands."""
    person = person_of(caller)

    async def act(tx: Tx) -> schemas.RecordOut:
        await _require_propose(tx, policy, caller, record, "refuse")
        await handle(tx, MARK, record, Refuse(person, body.reason))
        return await views.record(tx, await error_marks.existing(tx, record))

    return await run_command(request, caller, body.reason, act)


async def require_read(tx: Tx, policy: Policy, caller: Caller, person: str) -> None:
    policy.require_any(caller, READ, await resource_of(tx, person))


async def _require_propose(tx: Tx, policy: Policy, caller: Caller, record: str, command: str) -> None:
    row = await error_marks.existing(tx, record)
    policy.require_any(caller, PROPOSE, await resource_of(tx, row["person"]))
    policy.segregate(caller, error_marks.ACTION, command, error_marks.parts_of(row))


def _mark() -> ColumnElement[str]:
    """marked, proposed (and neither confirmed nor refused) or none."""
    proposal, refusal = tables.error_proposal, tables.refusal
    waiting = exists().where(
        proposal.c.record == tables.training_record.c.record,
        ~exists().where(refusal.c.proposal == proposal.c.proposal),
    )
    return case((tables.error_mark.c.record.is_not(None), "marked"), (waiting, "proposed"), else_="none")


def _position(cursor: str) -> tuple[datetime, str]:
    at, record = decode(cursor, 2)
    try:
        return datetime.fromisoformat(at), str(UUID(record))
    except (AttributeError, TypeError, ValueError):
        raise invalid("cursor", "not-a-cursor", "use the `next` of the page before") from None
