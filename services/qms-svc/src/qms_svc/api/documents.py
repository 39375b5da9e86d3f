"""Documents and their versions: read, register, edit drafts, withdraw, retire. Dates are moved by signing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from fastapi import APIRouter, Depends, File, Form, Request, UploadFile
from plantkit.governing import Effective
from servicekit.aggregates import create, handle, load
from servicekit.db import Tx
from servicekit.http.app import Allow, PolicyOf
from servicekit.http.caller import Caller
from servicekit.http.commands import DatabaseOf, Result, run_command
from servicekit.http.paging import Cursor, Limit, decode, page
from servicekit.ids import new_id
from servicekit.problems import Problem, forbidden, not_found

from qms_svc.aggregates import DOCUMENT
from qms_svc.api import schemas, views
from qms_svc.api.forms import asked_of, read_file
from qms_svc.domain.document import Describe, Register, Retire, version_of
from qms_svc.domain.version import ChangeClass, End, TrainingDecision
from qms_svc.handlers import changes

router = APIRouter(prefix="/api/documents", tags=["documents"])
Reader = Annotated[Caller, Depends(Allow("document.read"))]
Writer = Annotated[Caller, Depends(Allow("document.write"))]
Approver = Annotated[Caller, Depends(Allow("change.sign"))]

_LISTED = """
SELECT d.document, d.title, d.document_type, d.framework, d.category, d.owner_department,
  max(v.number) FILTER (WHERE v.state = 'APPROVED') AS latest_version,
  max(v.number) FILTER (WHERE :drafts AND v.state IN ('DRAFT', 'IN_REVIEW')) AS draft_version,
  EXISTS (SELECT FROM app.retirement r WHERE r.document = d.document AND r.place = '*'
    AND r.on_day <= CAST(:today AS date)) AS retired
FROM app.document d LEFT JOIN app.document_version v ON v.document = d.document
WHERE d.document > :last
  AND (CAST(:framework AS text) IS NULL OR d.framework = :framework)
  AND (CAST(:q AS text) IS NULL OR strpos(lower(d.document || ' ' || d.title), lower(:q)) > 0)
GROUP BY d.document
HAVING CAST(:state AS text) IS NULL
  OR (:state = 'RETIRED' AND EXISTS (SELECT FROM app.retirement r WHERE r.document = d.document AND r.place = '*'
    AND r.on_day <= CAST(:today AS date)))
  OR (bool_or(v.state = :state) AND (:drafts OR :state NOT IN ('DRAFT', 'IN_REVIEW')))
ORDER BY d.document LIMIT :limit
"""


@router.get("")
async def list_documents(
    database: DatabaseOf,
    caller: Reader,
    policy: PolicyOf,
    q: str | None = None,
    framework: str | None = None,
    state: schemas.VersionState | None = None,
    limit: Limit = 100,
    cursor: Cursor = None,
) -> schemas.Page[schemas.DocumentRow]:
    """state: documents with a version in that state; RETIRED: documents that ended everywhere (by the UTC day)."""
    async with database.read() as tx:
        rows = await tx.rows(
            _LISTED,
            {
                "last": decode(cursor, 1)[0] if cursor else "",
                "q": q,
                "framework": framework,
                "state": state,
                "drafts": policy.may(caller, "change.read"),
                "today": tx.now.date(),
                "limit": limit + 1,
            },
        )
        shown, following = page(rows, limit, ["document"])
        items = [schemas.DocumentRow(**row) for row in shown]
        return schemas.Page(items=items, next=following, complete_up_to=tx.now)


@router.get("/{document}")
async def get_document(
    document: str, database: DatabaseOf, caller: Reader, policy: PolicyOf
) -> schemas.DocumentOut:
    """A document with its versions, and what governs at each site now (QM-01). Drafts only for who may see changes."""
    async with database.read() as tx:
        return await _shown(tx, document, drafts=policy.may(caller, "change.read"))


@router.post("", status_code=201, response_model=schemas.DocumentOut)
async def register(body: schemas.DocumentIn, request: Request, caller: Writer) -> Result:
    async def act(tx: Tx) -> schemas.DocumentOut:
        fields = body.model_dump(exclude={"reason", "document"})
        await create(tx, DOCUMENT, body.document, Register(body.document, fields))
        return await _shown(tx, body.document, drafts=True)

    return await run_command(request, caller, body.reason, act, status=201)


@router.patch("/{document}", response_model=schemas.DocumentOut)
async def describe(document: str, body: schemas.DocumentPatch, request: Request, caller: Writer) -> Result:
    async def act(tx: Tx) -> schemas.DocumentOut:
        await handle(tx, DOCUMENT, document, Describe(body.revision, given(body)))
        return await _shown(tx, document, drafts=True)

    return await run_command(request, caller, body.reason, act)


@router.post("/{document}/retire", response_model=schemas.DocumentOut)
async def retire(document: str, body: schemas.RetireIn, request: Request, caller: Approver) -> Result:
    """Nothing of the document governs at the place from the local day (R-66)."""

    async def act(tx: Tx) -> schemas.DocumentOut:
        await handle(tx, DOCUMENT, document, Retire(new_id(), body.place, body.on))
        return await _shown(tx, document, drafts=True)

    return await run_command(request, caller, body.reason, act)


@router.get("/{document}/versions/{version}")
async def get_version(
    document: str, version: int, database: DatabaseOf, caller: Reader, policy: PolicyOf
) -> schemas.VersionOut:
    async with database.read() as tx:
        shown = await shown_version(tx, document, version)
    if shown.approved_at is None and shown.approved_on is None and not policy.may(caller, "change.read"):
        raise not_found("version", f"{document}/{version}")
    return shown


@router.patch("/{document}/versions/{version}", response_model=schemas.VersionOut)
async def edit(
    document: str, version: int, body: schemas.VersionPatch, request: Request, caller: Writer
) -> Result:
    """Edits a draft: training decision, class, effective dates, summary, reading time."""
    author = person_of(caller)

    async def act(tx: Tx) -> schemas.VersionOut:
        await changes.edit(tx, document, version, author, body.revision, planned(body))
        return await shown_version(tx, document, version)

    return await run_command(request, caller, body.reason, act)


@router.put("/{document}/versions/{version}/files/{language}", response_model=schemas.VersionOut)
async def put_file(
    document: str,
    version: int,
    language: schemas.Language,
    request: Request,
    caller: Writer,
    file: Annotated[UploadFile, File(description="Markdown (UTF-8) or PDF, at most 20 MB")],
    reason: Annotated[schemas.Reason, Form()],
) -> Result:
    """Replaces the file of a language in a draft, or adds a translation with the same sections."""
    author = person_of(caller)
    examined = await read_file(file, document)

    async def act(tx: Tx) -> schemas.VersionOut:
        await changes.put_file(tx, document, version, author, examined, language)
        return await shown_version(tx, document, version)

    asked = asked_of({"reason": reason}, examined.sha256)
    return await run_command(request, caller, reason, act, asked=asked)


@router.post("/{document}/versions/{version}/withdraw", response_model=schemas.VersionOut)
async def withdraw(
    document: str,
    version: int,
    body: schemas.Command,
    request: Request,
    caller: Writer,
) -> Result:
    """Takes a draft out of its change. An approved version is withdrawn by signing (kind `withdrawal`, R-09)."""
    author = person_of(caller)

    async def act(tx: Tx) -> schemas.VersionOut:
        await changes.remove(tx, document, version, author)
        return await shown_version(tx, document, version)

    return await run_command(request, caller, body.reason, act)


def person_of(caller: Caller) -> str:
    """The person behind the call. 403 for a machine or an account without one: it can be no author."""
    if caller.subject is None:
        raise forbidden("no-person", "this is done by a person, not by an account alone")
    return caller.subject


def given(body: schemas.Strict) -> dict[str, Any]:
    """The fields that the request names. 422 for null where something has to stand."""
    fields = body.model_dump(exclude_unset=True, exclude={"reason", "revision"})
    for name in ("title", "document_type", "framework"):
        if name in fields and fields[name] is None:
            raise Problem(422, "invalid", "The request has a bad field", f"{name} cannot be empty")
    return fields


def planned(body: schemas.VersionPatch) -> dict[str, Any]:
    """The fields of a draft's plan that the request names, under the names of the domain."""
    fields = body.model_dump(exclude_unset=True, exclude={"reason", "revision", "effective", "ends"})
    if "effective" in body.model_fields_set:
        fields["effective"] = [effective_of(entry) for entry in body.effective or []]
    if "ends" in body.model_fields_set:
        fields["ends"] = [end_of(entry) for entry in body.ends or []]
    return fields | decided(fields)


def decided(fields: Mapping[str, Any]) -> dict[str, Any]:
    """The class and the decision among the fields as the domain has them."""
    kinds = {"change_class": ChangeClass, "training_decision": TrainingDecision}
    return {name: of(fields[name]) for name, of in kinds.items() if fields.get(name) is not None}


def effective_of(entry: schemas.EffectiveIn) -> Effective:
    return Effective(entry.place, entry.on, entry.at)


def end_of(entry: schemas.EndIn) -> End:
    return End(entry.place, entry.on)


async def _shown(tx: Tx, document: str, *, drafts: bool) -> schemas.DocumentOut:
    stored = await load(tx, DOCUMENT, document, lock=False)
    return views.document(stored, stored.sites, await views.site_titles(tx), tx.now, drafts=drafts)


async def shown_version(tx: Tx, document: str, number: int) -> schemas.VersionOut:
    stored = await load(tx, DOCUMENT, document, lock=False)
    return views.version(version_of(stored, number), stored, stored.sites, tx.now)
