"""Documents: register, describe, retire."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

from servicekit.bus.outbox import announce, claim
from servicekit.db import Tx
from servicekit.ids import new_id
from servicekit.problems import conflict, not_found
from sqlalchemy import insert, update

from qms_svc import outbound
from qms_svc.db import queries, tables
from qms_svc.domain.document import check_retire
from qms_svc.handlers.announcing import document_events, document_subject

DESCRIPTION = ("title", "document_type", "framework", "category", "owner_department")


async def register(tx: Tx, fields: Mapping[str, Any]) -> dict[str, Any]:
    """A new document without versions. 409 when the id was ever used."""
    document = fields["document"]
    await claim(tx, [document_subject(document)])
    if await tx.one("SELECT 1 FROM app.document WHERE document = :document", {"document": document}):
        raise conflict("document-exists", f"{document} is taken")
    row = {
        "document": document,
        "version": 1,
        **{name: fields.get(name) for name in DESCRIPTION},
        "source_class": "NATIVE",
        "recorded_at": tx.recorded_at,
    }
    await tx.execute(insert(tables.document), row)
    what = outbound.happened("registered", reason=tx.context.reason)
    await announce(tx, await document_events(tx, [document], "registered", what))
    return row


async def describe(tx: Tx, document: str, revision: int, fields: Mapping[str, Any]) -> dict[str, Any]:
    """Changes title, type, framework, category or owner. 409 `stale` when `revision` is not the one that stands."""
    await claim(tx, [document_subject(document)])
    stored = await locked(tx, document)
    check_revision(document, stored.row, revision)
    changed = {name: fields[name] for name in DESCRIPTION if name in fields}
    row = {**stored.row, **changed, "version": revision + 1, "recorded_at": tx.recorded_at}
    await tx.execute(
        update(tables.document)
        .where(tables.document.c.document == document)
        .values(**changed, version=revision + 1, recorded_at=tx.recorded_at)
    )
    what = outbound.happened("described", reason=tx.context.reason)
    await announce(tx, await document_events(tx, [document], "changed", what))
    return row


async def retire(tx: Tx, document: str, place: str, on: date) -> dict[str, Any]:
    """Nothing of the document governs at the place from that local day; what was said before stays (R-66)."""
    await claim(tx, [document_subject(document)])
    stored = await locked(tx, document)
    check_retire(stored.retired, place, on, await queries.sites(tx), tx.recorded_at)
    row = {
        "id": new_id(),
        "document": document,
        "place": place,
        "on_day": on,
        "recorded_at": tx.recorded_at,
    }
    await tx.execute(insert(tables.retirement), row)
    what = outbound.happened(
        "retired", reason=tx.context.reason, valid_from=outbound.day(on), cause=row["id"]
    )
    await announce(tx, await document_events(tx, [document], "retired", what))
    return {"document": document, "place": place, "on": on, "recorded_at": tx.recorded_at}


async def locked(tx: Tx, document: str) -> queries.StoredDocument:
    """The whole document; the claim of its subject before is the lock."""
    found = (await queries.documents(tx, [document])).get(document)
    if found is None:
        raise not_found("document", document)
    return found


def check_revision(name: str, row: Mapping[str, Any], revision: int) -> None:
    """409 `stale` when somebody else wrote in between; the answer names the revision that stands."""
    if row["version"] != revision:
        raise conflict("stale", f"{name} changed since it was read", revision=row["version"])
