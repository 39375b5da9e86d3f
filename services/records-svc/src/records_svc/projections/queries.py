"""Reads that handlers and pages share."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from servicekit.db import Tx
from servicekit.signing import Signature, signatures_of
from sqlalchemy import ColumnElement, Select, case, select

from records_svc.db import tables
from records_svc.domain.late_entry import EntryState
from records_svc.domain.vocabulary import LATE_ENTRY, READING, RECORD_ERROR

_RECORD = """
SELECT r.*, m.recorded_at AS marked_at, m.marked_by, m.proposal AS mark_proposal, p.error_reason, p.proposed_by,
  l.scan_sha256, l.scan_media_type, l.scan_size, l.entry_reason, l.ink_signed_at, l.proposed_by AS entered_by
FROM app.training_record r
LEFT JOIN app.error_mark m ON m.record = r.record
LEFT JOIN app.error_proposal p ON p.proposal = m.proposal
LEFT JOIN app.late_entry l ON l.late_entry = r.late_entry
"""

_STATE = case(
    (tables.training_record.c.record.is_not(None), EntryState.VERIFIED.value),
    (tables.refusal.c.proposal.is_not(None), EntryState.REFUSED.value),
    else_=EntryState.PROPOSED.value,
)


def late_entries() -> tuple[Select[*tuple[Any, ...]], ColumnElement[str]]:
    """Late entries with their state, their record and their refusal; the second value is the state, for a condition."""
    entry, record, refusal = tables.late_entry, tables.training_record, tables.refusal
    joined = entry.outerjoin(record, record.c.late_entry == entry.c.late_entry).outerjoin(
        refusal, refusal.c.proposal == entry.c.late_entry
    )
    columns: list[Any] = [
        entry,
        _STATE.label("state"),
        record.c.record,
        refusal.c.refused_by,
        refusal.c.refusal_reason,
    ]
    return select(*columns).select_from(joined), _STATE


async def record_row(tx: Tx, record: str) -> Mapping[Any, Any] | None:
    """The record with the mark and the late entry beside it."""
    return await tx.one(f"{_RECORD} WHERE r.record = :record", {"record": record})


async def late_entry_row(tx: Tx, late_entry: str) -> Mapping[Any, Any] | None:
    """The entry and its state: PROPOSED, VERIFIED or REFUSED."""
    query, _ = late_entries()
    return await tx.one(query.where(tables.late_entry.c.late_entry == late_entry))


async def open_proposal(tx: Tx, record: str) -> Mapping[Any, Any] | None:
    """The proposed mark of the record that is neither confirmed nor refused."""
    return await tx.one(
        "SELECT p.* FROM app.error_proposal p LEFT JOIN app.error_mark m ON m.proposal = p.proposal"
        " LEFT JOIN app.refusal f ON f.proposal = p.proposal"
        " WHERE p.record = :record AND m.proposal IS NULL AND f.proposal IS NULL",
        {"record": record},
    )


async def signatures(tx: Tx, row: Mapping[Any, Any]) -> list[Signature]:
    """The signatures that made the record, then that of the mark."""
    found: list[Signature] = []
    if row["session"] is not None:
        found += [
            s for s in await signatures_of(tx, READING, reading_key(row)) if s.id == str(row["signature"])
        ]
    if row["late_entry"] is not None:
        found += await signatures_of(tx, LATE_ENTRY, str(row["late_entry"]))
    if row["marked_at"] is not None:
        found += await signatures_of(tx, RECORD_ERROR, str(row["record"]))
    return found


def reading_key(row: Mapping[Any, Any]) -> str:
    return f"{row['item']}/{row['number']}"


async def corrected_by(tx: Tx, record: str) -> Sequence[str]:
    """The records that were made in place of this one."""
    rows = await tx.rows(
        "SELECT record FROM app.training_record WHERE corrects = :record ORDER BY recorded_at",
        {"record": record},
    )
    return [str(row["record"]) for row in rows]


async def uncorrected(tx: Tx, person: str, item: str, number: int) -> str | None:
    """The last record of the version that was marked in error and has none in its place: a new one corrects it."""
    found = await tx.scalar(
        "SELECT r.record FROM app.training_record r JOIN app.error_mark m ON m.record = r.record"
        " WHERE r.person = :person AND r.item = :item AND r.number = :number"
        " AND NOT EXISTS (SELECT FROM app.training_record n WHERE n.corrects = r.record)"
        " ORDER BY m.recorded_at DESC LIMIT 1",
        {"person": person, "item": item, "number": number},
    )
    return None if found is None else str(found)
