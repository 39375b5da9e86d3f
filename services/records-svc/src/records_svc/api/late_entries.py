"""Paper records entered late: propose with a scan, look, refuse. The second person signs (kind `late_entry`)."""

from __future__ import annotations

import hashlib
import json
from typing import Annotated, Any

from fastapi import APIRouter, Depends, File, Form, Request, Response, UploadFile
from plantkit.scope import resource_of, visible
from pydantic import AwareDatetime
from servicekit.aggregates import handle
from servicekit.db import Tx
from servicekit.http.app import Allow, PolicyOf, correlation_of
from servicekit.http.caller import Caller
from servicekit.http.commands import DatabaseOf, Result, run_command
from servicekit.http.paging import Cursor, Limit, decode, page
from servicekit.ids import is_uuid
from servicekit.problems import invalid

from records_svc.aggregates import LATE_ENTRY
from records_svc.api import schemas, views
from records_svc.api.reading import person_of
from records_svc.api.records import READ
from records_svc.db import tables
from records_svc.domain.late_entry import LARGEST_SCAN, Refuse
from records_svc.domain.vocabulary import METHOD_ORDER
from records_svc.handlers import late_entries
from records_svc.handlers.access import log_access
from records_svc.projections import queries

router = APIRouter(prefix="/api/records/late-entries", tags=["late entries"])
VIEW = (late_entries.ACTION, *READ)
Enterer = Annotated[Caller, Depends(Allow(late_entries.ACTION))]
Viewer = Annotated[Caller, Depends(Allow(*VIEW))]


@router.post("", status_code=201, response_model=schemas.LateEntryOut)
async def propose(
    request: Request,
    caller: Enterer,
    policy: PolicyOf,
    scan: Annotated[UploadFile, File(description="PDF, PNG, JPEG or TIFF, at most 20 MB")],
    person: Annotated[schemas.Code, Form()],
    document: Annotated[schemas.Code, Form()],
    version: Annotated[schemas.Number, Form()],
    methods: Annotated[list[str], Form(description="R, Q, O: repeated, or separated by commas")],
    ink_signed_at: Annotated[AwareDatetime, Form(description="as the scan shows it, with an offset")],
    reason: Annotated[schemas.Reason, Form()],
    result: Annotated[schemas.Result, Form()] = "PASS",
    score: Annotated[schemas.Score | None, Form(description="percent; needed for Q")] = None,
    evaluator: Annotated[schemas.Code | None, Form(description="needed for O")] = None,
    corrects: Annotated[schemas.Uuid | None, Form(description="a record made in error")] = None,
) -> Result:
    """Enters a paper record. It is no record before a second person has signed it."""
    proposer = person_of(caller)
    # One byte more than is allowed tells that it is too large; more is never read into memory.
    examined = await late_entries.examine(await scan.read(LARGEST_SCAN + 1))
    entry = late_entries.Entry(
        person=person,
        document=document,
        version=version,
        methods=_methods(methods),
        ink_signed_at=ink_signed_at,
        reason=reason,
        result=result,
        score=score,
        evaluator=evaluator,
        corrects=corrects,
    )

    async def act(tx: Tx) -> schemas.LateEntryOut:
        policy.require(caller, late_entries.ACTION, await resource_of(tx, person))
        policy.segregate(caller, late_entries.ACTION, "propose", {"person": person})
        made = await late_entries.propose(tx, proposer, entry, examined)
        return views.late_entry(await late_entries.existing(tx, made))

    asked = json.dumps([*_fields(entry), examined.sha256], default=str).encode()
    return await run_command(
        request,
        caller,
        reason,
        act,
        status=201,
        asked=hashlib.sha256(asked).digest(),
    )


@router.get("")
async def list_entries(
    database: DatabaseOf,
    caller: Viewer,
    policy: PolicyOf,
    state: schemas.LateEntryState | None = None,
    person: schemas.Code | None = None,
    limit: Limit = 100,
    cursor: Cursor = None,
) -> schemas.Page[schemas.LateEntryOut]:
    """In the order of their entry."""
    entry = tables.late_entry
    query, stands = queries.late_entries()
    query = query.where(visible(policy, caller, VIEW, entry.c.person))
    if cursor is not None:
        query = query.where(entry.c.late_entry > _position(cursor))
    if state is not None:
        query = query.where(stands == state)
    if person is not None:
        query = query.where(entry.c.person == person)
    async with database.read() as tx:
        rows = await tx.rows(query.order_by(entry.c.late_entry).limit(limit + 1))
        shown, following = page(rows, limit, ["late_entry"])
        items = [views.late_entry(row) for row in shown]
        return schemas.Page(items=items, next=following, complete_up_to=tx.now)


@router.get("/{late_entry}")
async def get_entry(
    late_entry: schemas.Uuid, database: DatabaseOf, caller: Viewer, policy: PolicyOf
) -> schemas.LateEntryOut:
    async with database.read() as tx:
        row = await late_entries.existing(tx, late_entry)
        policy.require_any(caller, VIEW, await resource_of(tx, row["person"]))
        return views.late_entry(row)


@router.get(
    "/{late_entry}/scan",
    response_class=Response,
    responses={
        200: {"content": {"application/pdf": {}, "image/png": {}, "image/jpeg": {}, "image/tiff": {}}}
    },
)
async def get_scan(
    late_entry: schemas.Uuid, request: Request, database: DatabaseOf, caller: Viewer, policy: PolicyOf
) -> Response:
    """The bytes as they were entered, their digest verified. Logged as a look at the person's record (PL-10)."""
    purpose = "opens the scan of a late entry"
    async with database.transaction(caller.context(purpose, correlation_of(request))) as tx:
        row = await late_entries.existing(tx, late_entry)
        policy.require_any(caller, VIEW, await resource_of(tx, row["person"]))
        data = await late_entries.read_scan(tx, row["scan_sha256"])
        await log_access(tx, caller, {**row, "record": row["record"] or row["late_entry"]}, purpose)
    suffix = row["scan_media_type"].rsplit("/", 1)[1]
    return Response(
        data,
        media_type=row["scan_media_type"],
        headers={
            "ETag": f'"{row["scan_sha256"]}"',
            "Cache-Control": "private, no-store",
            "Content-Disposition": f'inline; filename="late-entry-{late_entry[:8]}.{suffix}"',
            "X-Content-Type-Options": "nosniff",
            "Content-Security-Policy": "default-src 'none'; sandbox",
            "Cross-Origin-Resource-Policy": "same-origin",
        },
    )


@router.post("/{late_entry}/refuse", response_model=schemas.LateEntryOut)
async def refuse(
    late_entry: schemas.Uuid, body: schemas.Command, request: Request, caller: Enterer, policy: PolicyOf
) -> Result:
    """No record comes of it; who entered it may take it back."""
    person = person_of(caller)

    async def act(tx: Tx) -> schemas.LateEntryOut:
        row = await late_entries.existing(tx, late_entry)
        policy.require(caller, late_entries.ACTION, await resource_of(tx, row["person"]))
        policy.segregate(caller, late_entries.ACTION, "refuse", {"person": row["person"]})
        await handle(tx, LATE_ENTRY, late_entry, Refuse(person, body.reason))
        return views.late_entry(await late_entries.existing(tx, late_entry))

    return await run_command(request, caller, body.reason, act)


def _methods(given: list[str]) -> list[str]:
    found = [part.strip() for text in given for part in text.split(",") if part.strip()]
    if not found or not set(found) <= set(METHOD_ORDER):
        raise invalid("methods", "unknown-method", "R (read), Q (quiz), O (on the job)")
    return found


def _fields(entry: late_entries.Entry) -> list[Any]:
    return [getattr(entry, name) for name in entry.__slots__]


def _position(cursor: str) -> str:
    [last] = decode(cursor, 1)
    if not isinstance(last, str) or not is_uuid(last):
        raise invalid("cursor", "not-a-cursor", "use the `next` of the page before")
    return last
