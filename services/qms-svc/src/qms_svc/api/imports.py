"""Blocks of an accepted import, sent by the gateway; never forwarded from outside."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Request
from servicekit.db import Tx
from servicekit.http.app import Allow
from servicekit.http.caller import Caller
from servicekit.http.commands import Result, run_command

from qms_svc.api import schemas
from qms_svc.handlers import imports

router = APIRouter(prefix="/internal/imports", tags=["imports"])
Importer = Annotated[Caller, Depends(Allow("import.run"))]


@router.post("/documents", response_model=schemas.ImportOut)
async def import_documents(
    body: schemas.ImportBlock[schemas.DocumentImportRow], request: Request, caller: Importer
) -> Result:
    async def act(tx: Tx) -> dict[str, int]:
        return await imports.import_documents(tx, _block(body), body.plain())

    return await run_command(request, caller, f"import of {body.file}", act, show=schemas.ImportOut)


@router.post("/document_versions", response_model=schemas.ImportOut)
async def import_versions(
    body: schemas.ImportBlock[schemas.VersionImportRow], request: Request, caller: Importer
) -> Result:
    async def act(tx: Tx) -> dict[str, int]:
        return await imports.import_versions(tx, _block(body), body.plain())

    return await run_command(request, caller, f"import of {body.file}", act, show=schemas.ImportOut)


def _block(body: schemas.ImportBlock) -> imports.Block:
    return imports.Block(body.batch, body.file, body.sha256, body.accepted_by)
