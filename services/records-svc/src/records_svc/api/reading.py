"""Reading as its reader does it: what to read, and each section opened. The signature is of the kind `reading`."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from servicekit.db import Tx
from servicekit.http.app import Allow
from servicekit.http.caller import Caller
from servicekit.http.commands import DatabaseOf, Result, run_command
from servicekit.problems import forbidden, invalid, not_found

from records_svc.api import schemas, views
from records_svc.handlers import reading
from records_svc.projections.assignments import assignment_of

router = APIRouter(prefix="/api/reading", tags=["reading"])
Reader = Annotated[Caller, Depends(Allow("record.sign_own"))]


@router.get("")
async def what_to_read(
    database: DatabaseOf,
    caller: Reader,
    assignment: schemas.Uuid | None = None,
    document: schemas.Code | None = None,
    version: schemas.Number | None = None,
    language: schemas.Language | None = None,
) -> schemas.ReadingOut:
    """By the reader's own assignment, or by document and version (voluntary reading, R-63)."""
    reader = person_of(caller)
    async with database.read() as tx:
        if assignment is not None:
            found = await assignment_of(tx, assignment)
            if found is None or found.person != reader:
                raise not_found("assignment", assignment)
            document, version = found.item, found.number
        if document is None or version is None:
            raise invalid("assignment", "missing", "name an assignment, or a document and a version")
        read = await reading.material(tx, reader, document, version)
        return await views.reading(tx, read, language)


@router.post("/{document}/{version}/sections/{section}/opened", response_model=schemas.OpenedOut)
async def open_section(
    document: schemas.Code,
    version: schemas.Number,
    section: str,
    request: Request,
    caller: Reader,
    body: schemas.OpenedIn | None = None,
) -> Result:
    """Keeps first and last time. No reason is asked for: it is the act itself, not a change of data (PL-08)."""
    reader = person_of(caller)

    async def act(tx: Tx) -> dict[str, Any]:
        language = body.language if body else None
        return await reading.open_section(tx, reader, document, version, section, language)

    reason = f"opens section {section} of {document} version {version} to read it"
    return await run_command(request, caller, reason[:500], act, show=schemas.OpenedOut)


def person_of(caller: Caller) -> str:
    """The person behind the call. 403 for a machine or an account without one."""
    if caller.subject is None:
        raise forbidden("no-person", "this is done by a person, not by an account alone")
    return caller.subject
