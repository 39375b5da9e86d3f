"""Blocks of an accepted import, sent by the gateway alone; never forwarded from outside."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Request
from servicekit.db import Tx
from servicekit.http.app import Allow
from servicekit.http.caller import Caller
from servicekit.http.commands import Result, run_command

from records_svc.api import schemas
from records_svc.handlers import imports

router = APIRouter(prefix="/internal/imports", tags=["imports"], include_in_schema=False)


@router.post(f"/{imports.KIND}", response_model=schemas.ImportOut)
async def import_history(
    body: schemas.ImportBlock, request: Request, caller: Annotated[Caller, Depends(Allow("import.run"))]
) -> Result:
    """Legacy training records. The same block twice has the effect of one; other content under a known id is 409."""
    block = imports.Block(body.batch, body.file, body.sha256, body.accepted_by, body.migrated_counts)
    rows = [_row(row) for row in body.rows]

    async def act(tx: Tx) -> dict[str, int]:
        return await imports.import_history(tx, block, rows)

    reason = f"import {body.batch} of {body.file}, accepted by {' and '.join(body.accepted_by)}"
    return await run_command(request, caller, reason, act, show=schemas.ImportOut)


def _row(row: schemas.HistoryRow) -> imports.Row:
    return imports.Row(
        line=row.line,
        digest=row.digest,
        source_record=row.source_record,
        person=row.employee_no,
        document=row.document,
        version=row.version,
        completed_at=row.completed_at,
        completed_at_text=row.completed_at_text,
        methods=row.methods,
        score=row.score,
        evaluator=row.evaluator_no,
        site=row.site,
        time_zone=row.time_zone,
        zone_rule=row.zone_rule,
    )
