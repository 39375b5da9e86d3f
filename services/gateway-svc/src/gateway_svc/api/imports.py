"""The API of imports: upload and check, follow, read the report, resume, give up. Acceptance is a signature."""

from __future__ import annotations

import asyncio
import hashlib
import io
from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import date, datetime
from typing import Annotated, Any

from defusedcsv import csv
from fastapi import APIRouter, Depends, Header, Request
from fastapi.responses import StreamingResponse
from plantfiles.report import COLUMNS, visible
from pydantic import BaseModel, ConfigDict, StringConstraints
from servicekit.db import Database, Tx
from servicekit.http.app import Allow, PolicyOf
from servicekit.http.caller import Caller
from servicekit.http.commands import DatabaseOf, Result, run_command
from servicekit.http.paging import Cursor, Limit, decode, encode, page
from servicekit.ids import is_uuid
from servicekit.problems import Problem, forbidden, invalid, not_found
from starlette.datastructures import FormData
from starlette.exceptions import HTTPException

from gateway_svc.api import uploads
from gateway_svc.db import import_rows
from gateway_svc.domain.import_job import Resume, Withdraw
from gateway_svc.handlers.imports import jobs
from gateway_svc.handlers.imports.jobs import ACTION_ACCEPT, ACTION_RUN, JobState
from gateway_svc.projections import import_jobs

router = APIRouter(prefix="/api/imports", tags=["imports"])
Reader = Annotated[Caller, Depends(Allow(ACTION_RUN, ACTION_ACCEPT))]
Runner = Annotated[Caller, Depends(Allow(ACTION_RUN))]

_one_check_at_a_time = asyncio.Semaphore(1)
_FORM: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "required": ["files", "export_date", "reason"],
                    "properties": {
                        "files": {
                            "type": "array",
                            "items": {"type": "string", "format": "binary"},
                            "description": "The files under their own names, or one zip of them (no folders).",
                        },
                        "export_date": {
                            "type": "string",
                            "format": "date",
                            "description": "The local day of the export: no history row is later (C-33).",
                        },
                        "dry_run": {"type": "boolean", "default": False},
                        "zone_rule": {
                            "type": "string",
                            "description": "Of which zone a time without offset is: `site`, or an IANA zone.",
                        },
                        "migrated_counts": {
                            "type": "boolean",
                            "default": True,
                            "description": "Whether migrated training records may allow anybody to work (C-36).",
                        },
                        "reason": {"type": "string", "minLength": 1, "maxLength": 500},
                    },
                }
            }
        },
    }
}


class Command(BaseModel):
    model_config = ConfigDict(extra="forbid")
    reason: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=500)]


class Acceptance(BaseModel):
    person: str
    signature: str
    signed_at: datetime


class FileCounts(BaseModel):
    """rows = taken + refused + identical. reasons: severity (R refused, W warned, I ignored) -> code -> how often."""

    file: str
    sha256: str
    rows: int
    taken: int
    refused: int
    identical: int
    repeated: int
    unchanged: int
    reasons: dict[str, dict[str, int]]


class Progress(BaseModel):
    """doing: sends or waits. sent, total: rows. waiting_for: what is not heard or derived yet, by what it is."""

    stage: str
    doing: str
    sent: int
    total: int
    waiting_for: dict[str, int]
    at: datetime | None


class ImportOut(BaseModel):
    """files: the counts of each. findings: how many rows were refused (R), warned (W), ignored (I)."""

    id: str
    state: JobState
    dry_run: bool
    export_date: date
    zone_rule: str | None
    migrated_counts: bool
    uploaded_by: str
    uploaded_at: datetime
    finished_at: datetime | None
    batch_digest: str
    acceptance_digest: str
    accepted_by: list[Acceptance]
    files: list[FileCounts]
    findings: dict[str, int]
    questions: int
    progress: Progress
    failure: dict[str, Any] | None
    version: int


class ImportPage(BaseModel):
    items: list[ImportOut]
    next: str | None
    complete_up_to: datetime


class FindingOut(BaseModel):
    file: str
    line: str
    column: str
    value: str
    reason: str
    severity: str
    message: str


class QuestionOut(BaseModel):
    file: str
    line: str
    level: str
    source: str
    item: str
    value: str
    reason: str
    flag: str
    people: list[str]


class ReportOut(BaseModel):
    """items: the findings of this page, in the order of the files. questions: refused matrix cells (C-34)."""

    id: str
    export_date: date
    zone_rule: str | None
    batch_digest: str
    acceptance_digest: str
    files: list[FileCounts]
    questions: list[QuestionOut]
    items: list[FindingOut]
    next: str | None
    complete_up_to: datetime


@router.post("", status_code=201, response_model=ImportOut, openapi_extra=_FORM)
async def upload(
    request: Request,
    caller: Runner,
    policy: PolicyOf,
    database: DatabaseOf,
    content_length: Annotated[int | None, Header()] = None,
) -> Result:
    """Checks the files and keeps them as a job; nothing is handed over before two people have accepted it."""
    if not policy.decide(caller, ACTION_RUN, {}).allowed:
        raise forbidden("scope", f"an import concerns every site: this needs {ACTION_RUN} without a scope")
    limits = uploads.DEFAULT_LIMITS
    if content_length is not None and content_length > limits.request:
        raise uploads.too_large("the request", limits)
    async with _form(request, limits) as form:
        fields = _fields(form)
        contents = await uploads.read_form(form, limits)
    async with _one_check_at_a_time:
        async with database.read() as tx:
            known_count, before = await import_rows.count(tx), await import_rows.load(tx)
        try:
            checked = await asyncio.to_thread(
                jobs.examine,
                contents,
                export_date=fields["export_date"],
                zone_rule=fields["zone_rule"],
                migrated_counts=fields["migrated_counts"],
                known=before,
            )
        except ValueError as error:
            raise invalid("zone_rule", "unknown", str(error)) from error

    async def act(tx: Tx) -> Any:
        job = await jobs.create(
            tx, caller, policy, checked, dry_run=fields["dry_run"], known_count=known_count
        )
        if not fields["dry_run"]:
            jobs.latest.keep(job["id"], checked)
        return job

    asked = hashlib.sha256()
    for part in (checked.plan.acceptance_digest, str(fields["dry_run"]), fields["reason"]):
        asked.update(part.encode() + b"\0")
    return await run_command(
        request, caller, fields["reason"], act, show=ImportOut, status=201, asked=asked.digest()
    )


@router.get("", response_model=ImportPage)
async def list_imports(
    database: DatabaseOf, caller: Reader, limit: Limit = 50, cursor: Cursor = None
) -> dict[str, Any]:
    """Newest first."""
    before = decode(cursor, 1)[0] if cursor else None
    if before is not None and not is_uuid(str(before)):
        raise invalid("cursor", "not-a-cursor", "use the `next` of the page before")
    async with database.read() as tx:
        shown, following = page(await import_jobs.listed(tx, before, limit + 1), limit, ["id"])
        return {"items": shown, "next": following, "complete_up_to": tx.now}


@router.get("/{job}", response_model=ImportOut)
async def get_import(job: str, database: DatabaseOf, caller: Reader) -> dict[str, Any]:
    async with database.read() as tx:
        return await import_jobs.shown(tx, _id(job))


@router.get(
    "/{job}/report",
    response_model=ReportOut,
    responses={200: {"content": {"text/csv": {}}, "description": "Every refused, warned or ignored row"}},
)
async def get_report(
    job: str,
    database: DatabaseOf,
    caller: Reader,
    accept: Annotated[str, Header()] = "application/json",
    limit: Limit = 200,
    cursor: Cursor = None,
    file: str | None = None,
    severity: str | None = None,
) -> Any:
    """JSON in pages, or all of it as CSV by `Accept: text/csv`."""
    async with database.read() as tx:
        row = await import_jobs.shown(tx, _id(job))
        if "text/csv" in accept:
            return StreamingResponse(
                _csv(database, job),
                media_type="text/csv; charset=utf-8",
                headers={"content-disposition": f'attachment; filename="import-{job}.csv"'},
            )
        last = decode(cursor, 1)[0] if cursor else -1
        if not isinstance(last, int):
            raise invalid("cursor", "not-a-cursor", "use the `next` of the page before")
        findings = await _findings(tx, job, last, limit + 1, file, severity)
        more = len(findings) > limit
        questions = await tx.scalar(
            "SELECT questions FROM app.import_report WHERE job = CAST(:job AS uuid)", {"job": job}
        )
        return {
            **{name: row[name] for name in ReportOut.model_fields if name in row},
            "items": findings[:limit],
            "next": encode([findings[limit - 1]["position"]]) if more else None,
            "questions": questions,
            "complete_up_to": tx.now,
        }


@router.post("/{job}/resume", response_model=ImportOut)
async def resume(job: str, body: Command, request: Request, caller: Runner) -> Result:
    """A failed import goes on where it stopped."""
    found = _id(job)
    return await run_command(
        request, caller, body.reason, lambda tx: jobs.carry_out(tx, found, Resume()), show=ImportOut
    )


@router.post("/{job}/withdraw", response_model=ImportOut)
async def withdraw(job: str, body: Command, request: Request, caller: Reader) -> Result:
    """Gives up an import that is not accepted, or that failed; what was handed over stays."""
    found = _id(job)
    return await run_command(
        request, caller, body.reason, lambda tx: jobs.carry_out(tx, found, Withdraw()), show=ImportOut
    )


def _id(job: str) -> str:
    if not is_uuid(job):
        raise not_found("import", job)
    return job


class _form:  # noqa: N801 - used like the request's own `form()`
    """The multipart form, read only after the caller is known; a broken one is a problem as any other."""

    def __init__(self, request: Request, limits: uploads.UploadLimits) -> None:
        self._request, self._limits = request, limits

    async def __aenter__(self) -> FormData:
        try:
            self._open = await self._request.form(max_files=self._limits.entries, max_fields=10)
        except HTTPException as error:
            raise Problem(422, "invalid", "The request is not a form", str(error.detail)) from error
        return self._open

    async def __aexit__(self, *_: object) -> None:
        await self._open.close()


def _fields(form: Mapping[str, Any]) -> dict[str, Any]:
    def text(name: str) -> str:
        value = form.get(name)
        return value.strip() if isinstance(value, str) else ""

    try:
        export_date = date.fromisoformat(text("export_date"))
    except ValueError:
        raise invalid("export_date", "format", "the day of the export, YYYY-MM-DD") from None

    def yes(name: str, default: str) -> bool:
        value = text(name).lower() or default
        if value not in ("true", "false"):
            raise invalid(name, "format", "true or false")
        return value == "true"

    if not 0 < len(reason := text("reason")) <= 500:
        raise invalid("reason", "missing" if not reason else "too-long", "say why, in at most 500 characters")
    return {
        "export_date": export_date,
        "dry_run": yes("dry_run", "false"),
        "zone_rule": text("zone_rule") or None,
        "migrated_counts": yes("migrated_counts", "true"),
        "reason": reason,
    }


async def _findings(
    tx: Tx, job: str, after: int, limit: int, file: str | None = None, severity: str | None = None
) -> Sequence[Mapping[Any, Any]]:
    return await tx.rows(
        'SELECT position, file, line, "column", value, reason, severity, message FROM app.import_finding'
        " WHERE job = CAST(:job AS uuid) AND position > :after"
        " AND (CAST(:file AS text) IS NULL OR file = :file)"
        " AND (CAST(:severity AS text) IS NULL OR severity = :severity)"
        " ORDER BY position LIMIT :limit",
        {"job": job, "after": after, "limit": limit, "file": file, "severity": severity},
    )


async def _csv(database: Database, job: str) -> AsyncIterator[str]:
    """Page by page: a long file never holds a snapshot of the database."""
    after = -1
    yield _lines([dict(zip(COLUMNS, COLUMNS, strict=True))])
    while True:
        async with database.read() as tx:
            found = await _findings(tx, job, after, 2_000)
        if not found:
            return
        yield _lines(found)
        after = found[-1]["position"]


def _lines(rows: Sequence[Mapping[Any, Any]]) -> str:
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerows([visible(row[column]) for column in COLUMNS] for row in rows)
    return text.getvalue()
