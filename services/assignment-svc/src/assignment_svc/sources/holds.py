"""Holds, which suspend a person on items, and their releases (R-71). This service owns them: `handlers.holds`."""

from __future__ import annotations

from servicekit.db.kinds import kind
from sqlalchemy import Column, Index, Table, Text
from sqlalchemy.dialects.postgresql import ARRAY, UUID

from assignment_svc.db.base import Instant, metadata
from assignment_svc.domain.facts import Hold
from assignment_svc.source import Cell, Facts, Json, Snapshot, Source
from assignment_svc.wire import at, instant

HOLD = Table(
    "hold",
    metadata,
    Column("id", UUID(as_uuid=False), primary_key=True),
    Column("person", Text, nullable=False),
    Column("items", ARRAY(Text)),
    Column("from_at", Instant, nullable=False),
    Column("recorded_at", Instant, nullable=False),
    Index("hold_of_person", "person"),
    info=kind("fact"),
)

RELEASE = Table(
    "hold_release",
    metadata,
    Column("hold", UUID(as_uuid=False), primary_key=True),
    Column("to_at", Instant, nullable=False),
    Column("recorded_at", Instant, nullable=False),
    info=kind("fact"),
)

LOADS = {
    "hold": "SELECT h.person, NULL, jsonb_build_object('id', h.id, 'items', h.items, 'from_at', h.from_at,"
    " 'to_at', r.to_at), greatest(h.recorded_at, r.recorded_at)"
    " FROM app.hold h LEFT JOIN app.hold_release r ON r.hold = h.id JOIN people USING (person)"
}


def facts(cell: Cell, found: Snapshot) -> Facts:
    rows = found.all("hold", cell.person)
    return {"holds": tuple(hold_of(row) for row in rows if row["items"] is None or cell.item in row["items"])}


def hold_of(row: Json) -> Hold:
    return Hold(row["id"], at(row["from_at"]), instant(row.get("to_at")))


SOURCE = Source(tables=[HOLD, RELEASE], loads=LOADS, facts=facts)
