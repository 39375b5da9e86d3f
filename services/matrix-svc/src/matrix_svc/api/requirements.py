"""The training matrix: requirements by item, versions, drafts."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from servicekit.db import Tx
from servicekit.http.app import Allow
from servicekit.http.caller import Caller
from servicekit.http.commands import DatabaseOf, Result, run_command
from servicekit.http.paging import Cursor, Limit, decode, page
from servicekit.problems import invalid, not_found
from sqlalchemy import select

from matrix_svc import outbound
from matrix_svc.api import schemas
from matrix_svc.db import tables
from matrix_svc.handlers import versions
from matrix_svc.projections import queries

router = APIRouter(prefix="/api", tags=["matrix"])
Reader = Annotated[Caller, Depends(Allow("requirement.read"))]


@router.get("/requirements")
async def list_requirements(
    database: DatabaseOf,
    caller: Reader,
    item: str | None = None,
    source: str | None = None,
    limit: Limit = 500,
    cursor: Cursor = None,
) -> schemas.Page[schemas.ItemRuleOut]:
    """The rules in force, one row a cell of the matrix."""
    async with database.read() as tx:
        start = decode(cursor, 2) if cursor else ["", ""]
        rows = await tx.rows(
            f"SELECT * FROM ({queries.RULES}) r WHERE valid_to IS NULL"  # noqa: S608 - our own constant
            " AND (CAST(:item AS text) IS NULL OR item = :item) AND (CAST(:source AS text) IS NULL OR source = :source)"
            " AND (item, CAST(id AS text)) > (:last_item, :last_id) ORDER BY item, CAST(id AS text) LIMIT :limit",
            {"item": item, "source": source, "last_item": start[0], "last_id": start[1], "limit": limit + 1},
        )
        shown, following = page(rows, limit, ["item", "id"])
        items = [schemas.ItemRuleOut(item=row["item"], **outbound.rule_state(dict(row))) for row in shown]
        return schemas.Page(items=items, next=following, complete_up_to=tx.now)


@router.get("/requirements/{item}")
async def get_requirement(item: str, database: DatabaseOf, caller: Reader) -> schemas.RequirementOut:
    """Every rule that ever required the item, and the questions that an import left (`MATRIX_UNRESOLVED`): open until a
    matrix version answers them, `answered_from` then."""
    async with database.read() as tx:
        known = await tx.one(select(tables.item).where(tables.item.c.item == item))
        if known is None:
            raise not_found("item", item)
        rows = await tx.rows(
            queries.RULES + " WHERE r.item = :item ORDER BY r.recorded_at, r.id", {"item": item}
        )
        unresolved = await tx.rows(
            queries.QUESTIONS + " WHERE q.item = :item ORDER BY q.recorded_at, q.id", {"item": item}
        )
        return schemas.RequirementOut(
            **{name: known[name] for name in ("item", "title", "document_type", "framework", "category")},
            rules=[schemas.RuleOut(**outbound.rule_state(dict(row))) for row in rows],
            unresolved=[
                schemas.OpenQuestionOut(**outbound.question_state(queries.question_of(row)))
                for row in unresolved
            ],
        )


@router.get("/matrix/versions")
async def list_versions(database: DatabaseOf, caller: Reader) -> schemas.Page[schemas.MatrixVersionOut]:
    version = tables.matrix_version
    async with database.read() as tx:
        rows = await tx.rows(select(version).order_by(version.c.number.desc()).limit(200))
        return schemas.Page(items=[_shown(dict(row)) for row in rows], complete_up_to=tx.now)


@router.get("/matrix/versions/{number}")
async def get_version(number: int, database: DatabaseOf, caller: Reader) -> schemas.MatrixVersionOut:
    """A draft with its diff against the rules in force and the number of people it touches (MX-08)."""
    async with database.read() as tx:
        return _shown(await versions.preview(tx, number))


@router.post("/matrix/versions", status_code=201, responses={201: {"model": schemas.MatrixVersionOut}})
async def draft_version(
    body: schemas.MatrixDraftIn,
    request: Request,
    caller: Annotated[Caller, Depends(Allow("requirement.write"))],
) -> Result:
    if caller.subject is None:
        raise invalid("author", "no-person", "a matrix version is drafted by a person")
    author = caller.subject

    async def act(tx: Tx) -> dict[str, Any]:
        return await versions.draft(
            tx,
            title=body.title,
            author=author,
            effective_at=body.effective_at,
            cells=[cell.model_dump() for cell in body.cells],
        )

    return await run_command(request, caller, body.reason, act, show=schemas.MatrixVersionOut, status=201)


def _shown(row: dict[str, Any]) -> schemas.MatrixVersionOut:
    return schemas.MatrixVersionOut(**{k: row[k] for k in schemas.MatrixVersionOut.model_fields if k in row})
