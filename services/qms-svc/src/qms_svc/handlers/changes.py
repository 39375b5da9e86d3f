"""Commands on change control that need more than the aggregate: a new id, the change of a draft, the bytes of a file."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from servicekit.aggregates import create, handle, load
from servicekit.db import Tx
from servicekit.domain import NotFoundError, StateError

from qms_svc.aggregates import CHANGE, DOCUMENT
from qms_svc.domain.change import Draft, Edit, Open, PutFile, Remove
from qms_svc.domain.control import Control, needs_signature
from qms_svc.domain.document import check_withdraw, version_of
from qms_svc.handlers import files
from qms_svc.projections import queries


async def open_change(
    tx: Tx, *, change: str | None, title: str, author: str, risk_reason: str | None
) -> Control:
    """A new change control in DRAFT; without an id the next `CC-<n>`. 409 for an id that was ever used."""
    if change is None:
        await tx.execute("SELECT pg_advisory_xact_lock(hashtextextended('change number', 0))")
        change = f"CC-{await _next_number(tx)}"
    command = Open(
        change=change,
        title=title,
        reason=tx.context.reason,
        author=author,
        risk_reason=risk_reason,
        used=bool(await queries.document_ids(tx, change)),
        sites=await queries.sites(tx),
    )
    return await create(tx, CHANGE, (change, None), command)


async def draft(
    tx: Tx, change: str, author: str, file: files.File, language: str, fields: Mapping[str, Any]
) -> tuple[str, int]:
    """The next version of a document as a draft of the change (QM-01): document and number.

    fields: {document, number, plan}. 404 for an unknown change or document; 409 when the change is no draft, has a
    version of the document already or the document is retired; 422 for a number that is taken or lower than an
    approved one.
    """
    document = fields["document"]
    command = Draft(
        document=document,
        number=fields["number"],
        author=author,
        plan=fields["plan"],
        file=file.entry(language),
        sections=file.section_rows(),
    )
    control = await handle(tx, CHANGE, (change, document), command)
    await files.store(tx, file)
    return document, max(v.number for v in control.versions if v.document == document and v.is_unapproved)


async def edit(
    tx: Tx, document: str, number: int, author: str, revision: int, plan: Mapping[str, Any]
) -> None:
    """Changes what a draft plans. 409 unless it is a draft, and when `revision` is not the one that stands."""
    change = await _change_of_draft(tx, document, number)
    await handle(tx, CHANGE, (change, document), Edit(document, number, revision, author, plan))


async def put_file(tx: Tx, document: str, number: int, author: str, file: files.File, language: str) -> None:
    """Replaces the file of a language in a draft, or adds a translation."""
    change = await _change_of_draft(tx, document, number)
    command = PutFile(document, number, author, file.entry(language), file.section_rows())
    await handle(tx, CHANGE, (change, document), command)
    await files.store(tx, file)


async def remove(tx: Tx, document: str, number: int, author: str) -> None:
    """A draft leaves its change. 409 `needs-signature` for a version that was approved: that was signed, too."""
    change = await _change_of(tx, document, number)
    if change is None:
        state = await load(tx, DOCUMENT, document, lock=False)
        check_withdraw(version_of(state, number))
        raise needs_signature(document, number)
    await handle(tx, CHANGE, (change, document), Remove(document, number, author))


async def _change_of_draft(tx: Tx, document: str, number: int) -> str:
    change = await _change_of(tx, document, number)
    if change is None:
        raise StateError("not-a-draft", f"{document} v{number} is no draft")
    return change


async def _change_of(tx: Tx, document: str, number: int) -> str | None:
    """The change under which the version is drafted; None when it is no draft."""
    row = await tx.one(
        "SELECT CASE WHEN state IN ('DRAFT', 'IN_REVIEW') THEN change END AS change FROM app.document_version"
        " WHERE document = :document AND number = :number",
        {"document": document, "number": number},
    )
    if row is None:
        raise NotFoundError("version", f"{document}/{number}")
    return row["change"]


async def _next_number(tx: Tx) -> int:
    """Above every number that was ever used, those of imported versions included."""
    return 1 + await tx.scalar(
        "SELECT coalesce(max(CAST(substring(change FROM '^CC-([0-9]{1,9})$') AS bigint)), 0) FROM ("
        "SELECT change FROM app.change UNION ALL SELECT change FROM app.document_version) AS used"
    )
