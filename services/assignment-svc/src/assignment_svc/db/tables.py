"""The tables of the assignment service. Kinds are explained in servicekit.db.kinds.

What other services announced is kept as it was said (`state`), with the event that said it: `event_at` is its record
time. Cells are derived; assignments are aggregates, since the trail of a record begins with them.
"""

from __future__ import annotations

from servicekit.db.kinds import kind
from servicekit.lanes import lane_tables
from sqlalchemy import Column, DateTime, Index, Integer, MetaData, Table, Text, text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB, UUID

metadata = MetaData(schema="app")
Instant = DateTime(timezone=True)


def _replica(name: str, *keys: Column, indexes: tuple[Index, ...] = ()) -> Table:
    return Table(
        name,
        metadata,
        *keys,
        Column("state", JSONB, nullable=False),
        Column("event_id", Text, nullable=False),
        Column("event_at", Instant, nullable=False),
        *indexes,
        info=kind("replica"),
    )


unit = _replica("unit", Column("unit", Text, primary_key=True))
person = _replica("person", Column("person", Text, primary_key=True))
task = _replica("task", Column("task", Text, primary_key=True))
document = _replica("document", Column("document", Text, primary_key=True))
obligation = _replica(
    "obligation",
    Column("person", Text, primary_key=True),
    Column("item", Text, primary_key=True),
    indexes=(Index("obligation_of_item", "item", "person"),),
)
record = _replica(
    "record",
    Column("record", Text, primary_key=True),
    Column("person", Text, nullable=False),
    Column("item", Text, nullable=False),
    indexes=(Index("record_of_cell", "person", "item"),),
)

cell = Table(
    "cell",
    metadata,
    Column("person", Text, primary_key=True),
    Column("item", Text, primary_key=True),
    Column("place", Text, primary_key=True),
    Column("segments", JSONB, nullable=False),
    Column("digest", Text, nullable=False),
    Column("rule_version", Text, nullable=False),
    Column("next_look", Instant),
    Column("recorded_at", Instant, nullable=False),
    Index("cell_of_item", "item", "person"),
    Index("cell_next_look", "next_look", postgresql_where=text("next_look IS NOT NULL")),
    info=kind("derived"),
)

assignment = Table(
    "assignment",
    metadata,
    Column("assignment", UUID(as_uuid=False), primary_key=True),
    Column("version", Integer, nullable=False),
    Column("person", Text, nullable=False),
    Column("item", Text, nullable=False),
    Column("place", Text, nullable=False),
    Column("target_version", Integer, nullable=False),
    Column("trigger", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("opened_at", Instant, nullable=False),
    Column("due_at", Instant),
    Column("closed_at", Instant),
    Column("closing_reason", Text),
    Column("change", Text),
    Column("body", JSONB, nullable=False),
    Column("recorded_at", Instant, nullable=False),
    Column("actor", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("cause", Text),
    Column("correlation", Text, nullable=False),
    Index("assignment_of_cell", "person", "item", "place"),
    Index("assignment_open", "person", postgresql_where=text("state <> 'CLOSED'")),
    Index("assignment_of_change", "change", postgresql_where=text("change IS NOT NULL")),
    info=kind("aggregate"),
)

hold = Table(
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

hold_release = Table(
    "hold_release",
    metadata,
    Column("hold", UUID(as_uuid=False), primary_key=True),
    Column("to_at", Instant, nullable=False),
    Column("recorded_at", Instant, nullable=False),
    info=kind("fact"),
)

LANES = lane_tables(metadata)
"""Lane = person, key = item, or `*` for every item of the person."""
ALL_ITEMS = "*"
