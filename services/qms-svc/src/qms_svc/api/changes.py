"""Change control: read, open, draft versions, submit, recall, cancel. Approval is a signature (kind `change`)."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, File, Form, Request, UploadFile
from servicekit.aggregates import handle, load
from servicekit.db import Tx
from servicekit.http.app import Allow
from servicekit.http.caller import Caller
from servicekit.http.commands import DatabaseOf, Result, run_command
from servicekit.http.paging import Cursor, Limit, decode, page
from servicekit.signing import signatures_of

from qms_svc.aggregates import CHANGE
from qms_svc.api import schemas, views
from qms_svc.api.documents import decided, effective_of, end_of, given, person_of, shown_version
from qms_svc.api.forms import asked_of, json_field, read_file
from qms_svc.domain.change import Cancel, Command, Describe, Recall, Submit
from qms_svc.handlers import changes
from qms_svc.handlers.signables import APPROVAL
from qms_svc.projections import queries
from qms_svc.projections.progress import progress

router = APIRouter(prefix="/api/changes", tags=["changes"])
Reader = Annotated[Caller, Depends(Allow("change.read"))]
Writer = Annotated[Caller, Depends(Allow("change.write"))]
Drafter = Annotated[Caller, Depends(Allow("document.write"))]
Canceller = Annotated[Caller, Depends(Allow("change.write", "change.sign"))]


@router.get("")
async def list_changes(
    database: DatabaseOf,
    caller: Reader,
    state: schemas.ChangeState | None = None,
    document: str | None = None,
    author: str | None = None,
    limit: Limit = 100,
    cursor: Cursor = None,
) -> schemas.Page[schemas.ChangeRow]:
    """Changes in order of their id, each with the progress of its training."""
    async with database.read() as tx:
        rows = await tx.rows(
            "SELECT * FROM app.change c WHERE change > :last AND (CAST(:state AS text) IS NULL OR state = :state)"
            " AND (CAST(:author AS text) IS NULL OR author = :author)"
            " AND (CAST(:document AS text) IS NULL OR EXISTS (SELECT FROM app.document_version v"
            " WHERE v.change = c.change AND v.document = :document))"
            " ORDER BY change LIMIT :limit",
            {
                "last": decode(cursor, 1)[0] if cursor else "",
                "state": state,
                "author": author,
                "document": document,
                "limit": limit + 1,
            },
        )
        shown, following = page(rows, limit, ["change"])
        found = [queries.CHANGE.state(row) for row in shown]
        counts = await progress(tx, [row["change"] for row in shown])
        listed = await queries.versions_of_changes(tx, [row["change"] for row in shown])
        items = [views.change_row(each, listed.get(each.change, []), counts[each.change]) for each in found]
        return schemas.Page(items=items, next=following, complete_up_to=tx.now)


@router.get("/{change}")
async def get_change(change: str, database: DatabaseOf, caller: Reader) -> schemas.ChangeOut:
    async with database.read() as tx:
        return await _shown(tx, change)


@router.post("", status_code=201, response_model=schemas.ChangeOut)
async def open_change(body: schemas.ChangeIn, request: Request, caller: Writer) -> Result:
    """A change in DRAFT; `reason` is why the change is made. Without an id: the next `CC-<n>`."""
    author = person_of(caller)

    async def act(tx: Tx) -> schemas.ChangeOut:
        opened = await changes.open_change(
            tx, change=body.change, title=body.title, author=author, risk_reason=body.risk_reason
        )
        return await _shown(tx, opened.change.change)

    return await run_command(request, caller, body.reason, act, status=201)


@router.patch("/{change}", response_model=schemas.ChangeOut)
async def describe(change: str, body: schemas.ChangePatch, request: Request, caller: Writer) -> Result:
    author = person_of(caller)

    async def act(tx: Tx) -> schemas.ChangeOut:
        await handle(tx, CHANGE, (change, None), Describe(body.revision, author, given(body)))
        return await _shown(tx, change)

    return await run_command(request, caller, body.reason, act)


@router.post("/{change}/versions", status_code=201, response_model=schemas.VersionOut)
async def draft_version(
    change: str,
    request: Request,
    caller: Drafter,
    file: Annotated[UploadFile, File(description="Markdown (UTF-8) or PDF, at most 20 MB")],
    document: Annotated[schemas.Code, Form()],
    reason: Annotated[schemas.Reason, Form()],
    version: Annotated[schemas.Number | None, Form(description="default: the next number")] = None,
    change_class: Annotated[schemas.ChangeClass | None, Form()] = None,
    training_decision: Annotated[schemas.TrainingDecision | None, Form()] = None,
    effective: Annotated[
        str, Form(description='JSON: [{"place": "NL1" or "*", "on": "2026-03-16"}, ...]')
    ] = "[]",
    ends: Annotated[str, Form(description="JSON: [{place, on}] of a temporary version")] = "[]",
    summary: Annotated[schemas.Text | None, Form()] = None,
    minutes: Annotated[schemas.Minutes | None, Form()] = None,
    sections_changed: Annotated[str | None, Form(description='JSON: ["s2", ...]')] = None,
    language: Annotated[schemas.Language, Form()] = "en",
) -> Result:
    """A draft version with its file. Decision and dates can follow; none is approved without them (QM-03)."""
    author = person_of(caller)
    plan: dict[str, Any] = {
        "change_class": change_class,
        "training_decision": training_decision,
        "effective": [
            effective_of(entry) for entry in json_field("effective", effective, list[schemas.EffectiveIn])
        ],
        "ends": [end_of(entry) for entry in json_field("ends", ends, list[schemas.EndIn])],
        "summary": summary,
        "minutes": minutes,
        "sections_changed": json_field("sections_changed", sections_changed, list[str])
        if sections_changed
        else None,
    }
    fields = {"document": document, "number": version, "plan": plan | decided(plan)}
    examined = await read_file(file, document)

    async def act(tx: Tx) -> schemas.VersionOut:
        drafted = await changes.draft(tx, change, author, examined, language, fields)
        return await shown_version(tx, *drafted)

    asked = asked_of({**fields, "reason": reason, "language": language}, examined.sha256)
    return await run_command(request, caller, reason, act, status=201, asked=asked)


@router.post("/{change}/submit", response_model=schemas.ChangeOut)
async def submit(change: str, body: schemas.Command, request: Request, caller: Writer) -> Result:
    """Into review: frozen until it is approved, recalled or cancelled."""
    return await _step(request, caller, change, body, Submit())


@router.post("/{change}/recall", response_model=schemas.ChangeOut)
async def recall(change: str, body: schemas.Command, request: Request, caller: Writer) -> Result:
    """Back to draft; approvals given so far are void."""
    return await _step(request, caller, change, body, Recall())


@router.post("/{change}/cancel", response_model=schemas.ChangeOut)
async def cancel(change: str, body: schemas.Command, request: Request, caller: Canceller) -> Result:
    """Before any version takes effect: its versions are WITHDRAWN (QM-18); later 409 `governs`."""
    return await _step(request, caller, change, body, Cancel())


async def _step(
    request: Request, caller: Caller, change: str, body: schemas.Command, command: Command
) -> Result:
    async def act(tx: Tx) -> schemas.ChangeOut:
        await handle(tx, CHANGE, (change, None), command)
        return await _shown(tx, change)

    return await run_command(request, caller, body.reason, act)


async def _shown(tx: Tx, change: str) -> schemas.ChangeOut:
    control = await load(tx, CHANGE, (change, None), lock=False)
    counts = await progress(tx, [change])
    return views.change(control, counts[change], await signatures_of(tx, APPROVAL, change), tx.now)
