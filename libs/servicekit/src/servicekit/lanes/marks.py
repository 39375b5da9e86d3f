"""The tables of marks and lanes, and marking.

`dirty` is append-only and has no unique key: a mark never waits for another mark or for a worker, and every cause is
kept (with a unique key, transactions that mark the same things in another order deadlock). `lane` has a row for each
lane that was ever worked; workers alone write it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import orjson
from sqlalchemy import (
    BigInteger,
    Column,
    DateTime,
    Identity,
    Index,
    Integer,
    MetaData,
    SmallInteger,
    Table,
    Text,
    select,
    text,
)

from servicekit.db.database import Tx
from servicekit.db.kinds import kind

ONE = 0
"""Priority of a mark that somebody waits for: goes before all others."""
BULK = 10
"""Priority of one mark of many."""


@dataclass(frozen=True, slots=True)
class Mark:
    """One thing that may have changed.

    lane: what is worked as a whole, by one worker at a time. key: what to look at in it.
    cause and correlation: by default those of the transaction that marks. priority: lower goes first.
    id: given by the database, in the order of marking within one transaction.
    """

    lane: str
    key: str
    cause: str | None = None
    priority: int = ONE
    correlation: str | None = None
    id: int = 0


@dataclass(frozen=True, slots=True)
class LaneTables:
    """The two tables, and the channel that wakes the workers."""

    dirty: Table
    lane: Table
    channel: str


def lane_tables(metadata: MetaData, *, prefix: str = "", schema: str = "app") -> LaneTables:
    """Declares `dirty` and `lane` in the metadata of a service; a second pair needs a `prefix`."""
    dirty = Table(
        f"{prefix}dirty",
        metadata,
        Column("id", BigInteger, Identity(always=True), nullable=False),
        Column("lane", Text, nullable=False),
        Column("key", Text, nullable=False),
        Column("cause", Text),
        Column("correlation", Text),
        Column("priority", SmallInteger, nullable=False),
        Column("at", DateTime(timezone=True), nullable=False, server_default=text("clock_timestamp()")),
        Index(f"{prefix}dirty_next", "priority", "id"),
        Index(f"{prefix}dirty_lane", "lane"),
        schema=schema,
        info=kind("queue"),
    )
    lane = Table(
        f"{prefix}lane",
        metadata,
        Column("lane", Text, primary_key=True),
        Column("attempts", Integer, nullable=False, server_default="0"),
        # A lane that failed waits until then; a parked one waits for ever.
        Column("retry_at", DateTime(timezone=True)),
        Column("parked_at", DateTime(timezone=True)),
        Column("error", Text),
        Index(f"{prefix}lane_waiting", "lane", postgresql_where=text("retry_at IS NOT NULL")),
        schema=schema,
        info=kind("queue"),
    )
    return LaneTables(dirty, lane, f"{schema}.{prefix}lanes")


async def mark(tx: Tx, tables: LaneTables, marks: Iterable[Mark]) -> int:
    """Marks in this transaction; workers see it when it commits. Returns how many marks were set."""
    values = [
        {
            "lane": m.lane,
            "key": m.key,
            "cause": m.cause if m.cause is not None else tx.context.cause,
            "correlation": m.correlation or tx.context.correlation,
            "priority": m.priority,
        }
        for m in marks
    ]
    if not values:
        return 0
    await tx.execute(
        f"INSERT INTO {tables.dirty.fullname} (lane, key, cause, correlation, priority)"  # noqa: S608
        " SELECT lane, key, cause, correlation, priority FROM jsonb_to_recordset(CAST(:marks AS jsonb))"
        " AS m (lane text, key text, cause text, correlation text, priority smallint)",
        {"marks": orjson.dumps(values).decode()},
    )
    await notify(tx, tables)
    return len(values)


async def notify(tx: Tx, tables: LaneTables) -> None:
    """Wakes the workers at commit: for a service that has marked by an INSERT ... SELECT of its own."""
    await tx.execute("SELECT pg_notify(:channel, '')", {"channel": tables.channel})


async def open_marks(tx: Tx, tables: LaneTables, lane: str, keys: Sequence[str] = ()) -> bool:
    """Whether what is stored of these keys (by default of the whole lane) may be older than the facts."""
    dirty = tables.dirty
    query = select(dirty.c.id).where(dirty.c.lane == lane)
    if keys:
        query = query.where(dirty.c.key.in_(keys))
    return bool((await tx.conn.execute(select(query.exists()))).scalar())
