"""Blocks of a checked import, sent by the gateway alone. The same block twice has the effect of one."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from pydantic import BaseModel, ConfigDict, Field
from servicekit.http.app import Allow
from servicekit.http.caller import Caller
from servicekit.http.commands import Result, run_command

from matrix_svc.handlers import imports

router = APIRouter(prefix="/internal/imports", tags=["imports"], include_in_schema=False)


class Block(BaseModel):
    """rows: as the importer's checks made them, keyed by column; accepted_by: the two people who signed the batch."""

    model_config = ConfigDict(extra="forbid")
    batch: str = Field(min_length=1, max_length=100)
    file: str
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")
    accepted_by: list[str] = Field(min_length=2)
    rows: list[dict[str, Any]] = Field(min_length=1, max_length=10_000)


@router.post("/{kind}")
async def take_block(
    kind: str, body: Block, request: Request, caller: Annotated[Caller, Depends(Allow("import.run"))]
) -> Result:
    reason = f"import {body.batch} of {body.file}, accepted by {' and '.join(body.accepted_by)}"
    return await run_command(
        request, caller, reason, lambda tx: imports.take(tx, kind, body.rows, body.batch)
    )
