"""The tables of the assignment service. Kinds are explained in servicekit.db.kinds.

The tables of facts stand in `assignment_svc.sources`. Cells are derived; assignments are aggregates, since the trail of
a record begins with them.
"""

from __future__ import annotations

from servicekit.db.kinds import kind
from sqlalchemy import Column, Index, Integer, Table, Text, text
from sqlalchemy.dialects.postgresql import JSONB, UUID

from assignment_svc import registry
from assignment_svc.db.base import Instant, metadata

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

FACTS = [table for source in registry.SOURCES.values() for table in source.tables]
"""The tables of all facts, which the metadata holds as well."""

__all__ = ["FACTS", "assignment", "cell", "metadata"]
