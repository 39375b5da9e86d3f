"""The metadata of the service, what its replicas have in common, and the tables of marks and lanes."""

from __future__ import annotations

from servicekit.db.kinds import kind
from servicekit.lanes import lane_tables
from sqlalchemy import Column, DateTime, Index, MetaData, Table, Text
from sqlalchemy.dialects.postgresql import JSONB

metadata = MetaData(schema="app")
Instant = DateTime(timezone=True)

LANES = lane_tables(metadata)
"""Lane = person, key = item, or `*` for every item of the person."""
ALL_ITEMS = "*"


def replica(name: str, *columns: Column, indexes: tuple[Index, ...] = ()) -> Table:
    """A table that keeps what another service announced, as it announced it.

    columns: fields of the state, under their own names; those of the primary key identify the subject. `state` is the
    JSON of the whole state, `event_id` the event that brought it, `event_at` the record time of that event.
    """
    return Table(
        name,
        metadata,
        *columns,
        Column("state", JSONB, nullable=False),
        Column("event_id", Text, nullable=False),
        Column("event_at", Instant, nullable=False),
        *indexes,
        info=kind("replica"),
    )
