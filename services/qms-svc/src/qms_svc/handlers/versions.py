"""Versions of documents: draft, edit, file, move an effective date, withdraw."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from plantkit.sites import EVERYWHERE
from servicekit.bus.outbox import announce, claim
from servicekit.db import Tx
from servicekit.ids import new_id
from servicekit.problems import conflict, forbidden, invalid, not_found
from sqlalchemy import insert, update

from qms_svc import outbound
from qms_svc.db import queries, tables
from qms_svc.domain.change import check_editable
from qms_svc.domain.document import (
    VersionState,
    check_ends,
    check_move,
    check_place,
    check_withdraw,
)
from qms_svc.handlers import files
from qms_svc.handlers.announcing import change_event, change_subject, document_events, document_subject
from qms_svc.handlers.documents import check_revision, locked

type Key = tuple[str, int]
PLAN = ("change_class", "training_decision", "summary", "minutes", "sections_changed")


async def draft(
    tx: Tx, change: str, author: str, file: files.File, language: str, fields: Mapping[str, Any]
) -> dict[str, Any]:
    """The next version of a document as a draft of the change (QM-01).

    404 for an unknown change or document; 409 when the change is no draft, has a version of the document already or
    the document is retired; 422 for a number that is taken or lower than an approved one.
    """
    document = fields["document"]
    await claim(tx, [change_subject(change), document_subject(document)])
    row = await editable_change(tx, change)
    stored = await locked(tx, document)
    if EVERYWHERE in stored.retired:
        raise conflict("retired", f"{document} is retired")
    standing = [v for v in stored.versions if v.row["state"] != VersionState.WITHDRAWN]
    if any(v.row["change"] == change for v in standing):
        raise conflict("version-exists", f"{change} has a version of {document} already")
    number = fields.get("number") or 1 + max((v.number for v in stored.versions), default=0)
    if stored.stored(number) is not None:
        raise invalid("version", "taken", f"{document} v{number} exists")
    if any(v.number > number for v in standing if not queries.is_unapproved(v.row)):
        raise invalid("version", "too-low", f"{document} has a higher approved version")
    await _check_plan(tx, fields)
    _check_sections_changed(fields.get("sections_changed"), file.section_rows())
    await files.store(tx, file)
    await tx.execute(
        insert(tables.document_version),
        {
            "document": document,
            "number": number,
            "version": 1,
            "state": VersionState.DRAFT.value,
            **{name: fields.get(name) for name in PLAN},
            "change": change,
            "planned_effective": fields.get("planned_effective") or [],
            "planned_ends": fields.get("planned_ends") or [],
            "content": [file.entry(language)],
            "sections": file.section_rows(),
            "source_class": "NATIVE",
            "recorded_at": tx.recorded_at,
        },
    )
    await wrote(tx, row, author)
    return await _drafted(tx, change, document, number, "drafted")


async def edit(
    tx: Tx, document: str, number: int, author: str, revision: int, fields: Mapping[str, Any]
) -> dict[str, Any]:
    """Changes what a draft plans. 409 unless it is a draft, and when `revision` is not the one that stands."""
    change, row, stored = await _editable(tx, document, number)
    check_revision(f"{document} v{number}", stored.row, revision)
    await _check_plan(tx, {**stored.row, **fields})
    _check_sections_changed(fields.get("sections_changed"), stored.row["sections"])
    await _update(tx, stored, fields, recorded=True)
    await wrote(tx, row, author)
    return await _drafted(tx, change, document, number, "draft_changed")


async def put_file(
    tx: Tx, document: str, number: int, author: str, file: files.File, language: str
) -> dict[str, Any]:
    """Replaces the file of a language in a draft, or adds a translation.

    The first file gives the sections; a translation must have as many, since their ids are the same in all.
    """
    change, row, stored = await _editable(tx, document, number)
    content: list[dict[str, Any]] = list(stored.row["content"])
    first = not content or content[0]["language"] == language
    sections = file.section_rows() if first else stored.row["sections"]
    others = [entry for entry in content if entry["language"] != language]
    if others and len(file.sections) != len(stored.row["sections"]):
        raise invalid(
            "file",
            "sections-differ",
            f"the file has {len(file.sections)} sections, the other languages {len(stored.row['sections'])}",
        )
    await files.store(tx, file)
    kept = [entry if entry["language"] != language else file.entry(language) for entry in content]
    if all(entry["language"] != language for entry in content):
        kept.append(file.entry(language))
    known = {section["id"] for section in sections}
    changed = stored.row["sections_changed"]
    await _update(
        tx,
        stored,
        {
            "content": kept,
            "sections": sections,
            "sections_changed": None if changed is None else [s for s in changed if s in known],
        },
        recorded=True,
    )
    await wrote(tx, row, author)
    return await _drafted(tx, change, document, number, "file_changed")


async def move(
    tx: Tx, document: str, number: int, place: str, on: date, mover: str, signature: str
) -> dict[str, Any]:
    """Another effective day at a place (R-08), until the version governs there (R-76). Not by its author (PL-06)."""
    await claim(tx, [document_subject(document)])
    stored = await version_of(tx, document, number)
    check_move(stored.version, place, on, await queries.sites(tx), tx.recorded_at)
    await not_by_its_author(tx, stored, mover)
    row = {
        "id": new_id(),
        "document": document,
        "number": number,
        "place": place,
        "on_day": on,
        "at_instant": None,
        "signature": signature,
        "recorded_at": tx.recorded_at,
    }
    await tx.execute(insert(tables.effective_date), row)
    what = outbound.happened(
        "effective_date_moved",
        reason=tx.context.reason,
        valid_from=outbound.day(on),
        cause=signature,
    )
    await announce(tx, await document_events(tx, [document], "version-moved", what))
    return {"document": document, "version": number, "place": place, "on": on, "recorded_at": tx.recorded_at}


async def withdraw(tx: Tx, document: str, number: int, signature: str) -> None:
    """Ends an approved version now, everywhere (R-09, R-04); its subject is claimed. Training done on it stays."""
    stored = await version_of(tx, document, number)
    check_withdraw(stored.version)
    await set_withdrawn(tx, stored)
    what = outbound.happened(
        "version_withdrawn",
        reason=tx.context.reason,
        valid_from=outbound.instant(tx.recorded_at),
        cause=signature,
    )
    await announce(tx, await document_events(tx, [document], "version-withdrawn", what))


async def withdraw_draft(tx: Tx, document: str, number: int, author: str) -> None:
    """A draft leaves its change. 409 `needs-signature` for a version that was approved: that was signed, too."""
    change = await _change_of_version(tx, document, number)
    await claim(tx, [document_subject(document), *([change_subject(change)] if change else [])])
    stored = await version_of(tx, document, number)
    check_withdraw(stored.version)
    if not queries.is_unapproved(stored.row) or change is None:
        raise conflict("needs-signature", f"{document} v{number} is approved: its withdrawal is signed")
    row = await editable_change(tx, change)
    await set_withdrawn(tx, stored, leaves_change=True)
    what = outbound.happened(
        "version_withdrawn", reason=tx.context.reason, valid_from=outbound.instant(tx.recorded_at)
    )
    if outbound.is_announced(stored):
        await announce(tx, await document_events(tx, [document], "version-withdrawn", what))
    await wrote(tx, row, author)
    await announce(tx, [await change_event(tx, change, "drafted", what)])


async def set_withdrawn(tx: Tx, stored: queries.Stored, *, leaves_change: bool = False) -> None:
    fields = {"state": VersionState.WITHDRAWN.value, "withdrawn_at": tx.recorded_at}
    await _update(tx, stored, fields | ({"change": None} if leaves_change else {}), recorded=False)


async def version_of(tx: Tx, document: str, number: int) -> queries.Stored:
    found = (await locked(tx, document)).stored(number)
    if found is None:
        raise not_found("version", f"{document}/{number}")
    return found


async def editable_change(tx: Tx, change: str) -> Mapping[str, Any]:
    row = await queries.change_row(tx, change)
    if row is None:
        raise not_found("change", change)
    check_editable(queries.change_of(row))
    return row


async def wrote(tx: Tx, row: Mapping[str, Any], author: str) -> None:
    """The change moves on, and remembers everybody who wrote on it: none of them approves it (PL-06)."""
    await tx.execute(
        update(tables.change)
        .where(tables.change.c.change == row["change"])
        .values(
            version=row["version"] + 1,
            contributors=sorted({*row["contributors"], author}),
            recorded_at=tx.recorded_at,
        )
    )


async def _change_of_version(tx: Tx, document: str, number: int) -> str | None:
    row = await tx.one(
        "SELECT change, state FROM app.document_version WHERE document = :document AND number = :number",
        {"document": document, "number": number},
    )
    if row is None:
        raise not_found("version", f"{document}/{number}")
    return row["change"] if queries.is_unapproved(row) else None


async def _editable(tx: Tx, document: str, number: int) -> tuple[str, Mapping[str, Any], queries.Stored]:
    change = await _change_of_version(tx, document, number)
    if change is None:
        raise conflict("not-a-draft", f"{document} v{number} is no draft")
    await claim(tx, [change_subject(change), document_subject(document)])
    stored = await version_of(tx, document, number)
    if not queries.is_unapproved(stored.row):
        raise conflict("not-a-draft", f"{document} v{number} is no draft")
    return change, await editable_change(tx, change), stored


async def _check_plan(tx: Tx, fields: Mapping[str, Any]) -> None:
    """Places are known; the days themselves are judged at the approval, when it matters whether they are over."""
    sites = await queries.sites(tx)
    effective = fields.get("planned_effective") or []
    places = [entry["place"] for entry in effective]
    for number, entry in enumerate(effective):
        check_place(f"effective.{number}.place", entry["place"], sites)
        if places.count(entry["place"]) > 1:
            raise invalid(f"effective.{number}.place", "repeated", f"{entry['place']} has more than one date")
    ends = queries.planned_ends(fields.get("planned_ends") or [])
    check_ends("ends", ends, queries.planned_effective({"planned_effective": effective, "recorded_at": None}))


def _check_sections_changed(changed: Sequence[str] | None, sections: Sequence[Mapping[str, Any]]) -> None:
    known = {section["id"] for section in sections}
    for section in changed or []:
        if section not in known:
            raise invalid("sections_changed", "unknown-section", f"the file has no section {section}")


async def _update(tx: Tx, stored: queries.Stored, fields: Mapping[str, Any], *, recorded: bool) -> None:
    values = {**fields, "version": stored.row["version"] + 1}
    if recorded:
        values["recorded_at"] = tx.recorded_at
    version = tables.document_version
    await tx.execute(
        update(version)
        .where(version.c.document == stored.row["document"], version.c.number == stored.number)
        .values(**values)
    )


async def _drafted(tx: Tx, change: str, document: str, number: int, kind: str) -> dict[str, Any]:
    what = outbound.happened(kind, reason=tx.context.reason, cause=change)
    stored = await version_of(tx, document, number)
    events = [await change_event(tx, change, "drafted", what)]
    if outbound.is_announced(stored):
        events += await document_events(tx, [document], "version-drafted", what)
    await announce(tx, events)
    return dict(stored.row) | {"effective": stored.effective, "ends": stored.ends}


async def not_by_its_author(tx: Tx, stored: queries.Stored, mover: str) -> None:
    change = stored.row["change"]
    row = await queries.change_row(tx, change) if change else None
    if not mover or (row is not None and mover in row["contributors"]):
        raise forbidden("own-approval", "nobody moves the date of a version that they wrote")


def key_of(key: str) -> tuple[str, int]:
    """Document and number of the key of something that is signed about a version: `<document>/<version>`."""
    document, _, number = key.rpartition("/")
    if not document or not number.isdecimal() or len(number) > 7:
        raise not_found("version", key)
    return document, int(number)
