"""Folds the archive again, into new tables beside the old ones, compares hash for hash, and swaps.

Run as the owner role, while the service runs:

    python -m reporting_svc.projections.rebuild postgresql://reporting_owner:...@host/db [--swap equal|always|never]

The archive is folded in `position` order. When its end is near, the consumer's positions are locked, so that nothing
more is read; the rest is folded, both sets of tables are hashed, and the new ones take the place of the old in one
transaction. Record times come with the events, so the tables must be the same, record times included: a difference
is a defect of a fold, of an earlier release, or of somebody's hand. Events that were given up (dead letters that were
discarded, superseded or are still parked) are left out, as they are in the live tables. Names are not archived and
stay as they are.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Literal

from attest_contracts.reading import CONTRACTS
from servicekit.bus import Event, Fold
from servicekit.bus.intake import Intake, Received
from servicekit.bus.seen import note_seen
from servicekit.context import Context
from servicekit.db import Database, Tx
from servicekit.db.kinds import protect
from servicekit.ids import new_id
from sqlalchemy import Connection, MetaData, Table, text
from sqlalchemy.engine import make_url

from reporting_svc.db.tables import PROJECTED
from reporting_svc.inbound import folds
from reporting_svc.projections.asof import CONSUMER
from reporting_svc.projections.fold import LIVE

# Statements are put together from our own names alone; every value is bound.
# ruff: noqa: S608

type Swap = Literal["equal", "always", "never"]
BESIDE = "rebuilt"
INTAKE = Intake(CONTRACTS)
"""What is folded again is read as the consumer reads it; an event that an earlier release folded is upcast."""
REFOLDER = "reporting.rebuild"
"""The name under which the versions that were folded again are kept apart from those of the consumer."""
_CHUNK = 5_000
_NEAR = 20_000


@dataclass(frozen=True, slots=True)
class Compared:
    """A table: rows and hash of its content, live and rebuilt."""

    table: str
    live_rows: int
    rebuilt_rows: int
    live_hash: str
    rebuilt_hash: str

    @property
    def equal(self) -> bool:
        return (self.live_rows, self.live_hash) == (self.rebuilt_rows, self.rebuilt_hash)


@dataclass(frozen=True, slots=True)
class Report:
    """events: folded again. seconds: in all, and those for which the consumer stood still."""

    events: int
    tables: Sequence[Compared]
    swapped: bool
    seconds: float
    held_seconds: float

    @property
    def equal(self) -> bool:
        return all(table.equal for table in self.tables)


async def rebuild(owner_url: str, *, swap: Swap = "equal") -> Report:
    """swap: `equal` only when every table is the same, `always` (a corrected fold), `never` (only compares)."""
    started = time.monotonic()
    database = Database(owner_url, source="reporting", statement_timeout_ms=0, application_name="rebuild")
    try:
        async with _alone(database):
            began = await _make_tables(database)
            work = _Refold(database, folds(BESIDE))
            await work.up_to_the_end()
            held = time.monotonic()
            async with database.transaction(_context()) as tx:
                await tx.execute(
                    "SELECT FROM bus.consumed WHERE consumer = :consumer ORDER BY topic, partition FOR UPDATE",
                    {"consumer": CONSUMER},
                )
                if await _resolved_since(tx, began):
                    raise RuntimeError("parked events were resolved meanwhile: run the rebuild again")
                while await work.chunk(tx):
                    pass
                compared = [await _compare(tx, table) for table in PROJECTED]
                swapped = swap == "always" or (swap == "equal" and all(one.equal for one in compared))
                if swapped:
                    await _swap(tx, make_url(owner_url).username or "")
            held = time.monotonic() - held
            return Report(work.events, compared, swapped, time.monotonic() - started, held)
    finally:
        await database.close()


@asynccontextmanager
async def _alone(database: Database) -> AsyncIterator[None]:
    """One rebuild at a time; nothing of it stays behind."""
    async with database.engine.connect() as connection:
        free = await connection.scalar(text("SELECT pg_try_advisory_lock(hashtextextended('rebuild', 0))"))
        await connection.commit()
        if not free:
            raise RuntimeError("another rebuild is running")
        try:
            await _clear(database)
            yield
        finally:
            await _clear(database)
            await connection.execute(text("SELECT pg_advisory_unlock(hashtextextended('rebuild', 0))"))


async def _clear(database: Database) -> None:
    async with database.transaction(_context()) as tx:
        await tx.execute(f"DROP SCHEMA IF EXISTS {BESIDE} CASCADE")
        await tx.execute("DELETE FROM bus.seen WHERE consumer = :name", {"name": REFOLDER})


async def _make_tables(database: Database) -> datetime:
    """Returns when it began, by the clock of the database."""
    beside = MetaData(schema=BESIDE)
    for table in PROJECTED:
        table.to_metadata(beside, schema=BESIDE)
    async with database.transaction(_context()) as tx:
        await tx.execute(f"CREATE SCHEMA {BESIDE}")
        await tx.conn.run_sync(beside.create_all)
        return await tx.scalar("SELECT clock_timestamp()")


async def _resolved_since(tx: Tx, began: datetime) -> bool:
    return await tx.scalar(
        "SELECT EXISTS (SELECT FROM bus.dead_letter WHERE consumer = :consumer AND resolved_at >= :began)",
        {"consumer": CONSUMER, "began": began},
    )


class _Refold:
    """The archive, chunk by chunk, each chunk a transaction."""

    def __init__(self, database: Database, targets: Mapping[str, Fold]) -> None:
        self._database = database
        self._targets = targets
        self._position = 0
        self.events = 0

    async def up_to_the_end(self) -> None:
        """Until no more than a moment's work is left; that is folded with the consumer held."""
        while True:
            end = await self._end()
            if end == self._position or (end - self._position < _NEAR and self._position > 0):
                return
            while self._position < end:
                async with self._database.transaction(_context()) as tx:
                    if not await self.chunk(tx, end):
                        return

    async def _end(self) -> int:
        """A position below which nothing can still appear. Positions of two partitions may commit in any order: a
        cursor over them would lose what commits late, so those who write are waited for."""
        async with self._database.transaction(_context()) as tx:
            await tx.execute("LOCK TABLE archive.event IN SHARE MODE")
            return await tx.scalar("SELECT coalesce(max(position), 0) FROM archive.event")

    async def chunk(self, tx: Tx, end: int | None = None) -> int:
        """The next records, up to the position `end`; returns how many."""
        rows = await tx.rows(
            """SELECT e.position, e.topic, e.envelope, EXISTS (
                SELECT FROM bus.dead_letter d WHERE d.consumer = :consumer AND d.topic = e.topic
                    AND d.event_id = e.id AND d.resolution IS DISTINCT FROM 'retried') AS given_up
            FROM archive.event e WHERE e.position > :position AND e.position <= coalesce(:end, e.position)
            ORDER BY e.position LIMIT :limit""",
            {"position": self._position, "end": end, "consumer": CONSUMER, "limit": _CHUNK},
        )
        if not rows:
            return 0
        self._position = rows[-1]["position"]
        by_topic: dict[str, list[Event]] = {}
        for row in rows:
            if row["topic"] in self._targets and row["envelope"] is not None and not row["given_up"]:
                event = _event(row["envelope"], row["topic"])
                if event is not None:
                    by_topic.setdefault(event.topic, []).append(event)
        for topic, events in by_topic.items():
            fresh = await _newer(tx, topic, events)
            if fresh:
                await self._targets[topic](tx, fresh)
                self.events += len(fresh)
        return len(rows)


def _event(envelope: str, topic: str) -> Event | None:
    received = Received(topic, 0, 0, None, envelope.encode())
    INTAKE.read(received)
    return None if received.problem is not None else received.event


async def _newer(tx: Tx, topic: str, events: Sequence[Event]) -> list[Event]:
    """What the inbox would let through: rising versions of each subject."""
    newest: dict[str, tuple[int, int]] = {}
    rising: list[Event] = []
    for event in events:
        version = (event.epoch, event.sequence)
        if version > newest.get(event.subject, (0, 0)):
            newest[event.subject] = version
            rising.append(event)
    known = await note_seen(tx, REFOLDER, topic, newest)
    return [
        event
        for event in rising
        if (before := known[event.subject]) is not None and (event.epoch, event.sequence) > before
    ]


async def _compare(tx: Tx, table: Table) -> Compared:
    live, beside = [await _content(tx, schema, table) for schema in (LIVE, BESIDE)]
    return Compared(table.name, live[0], beside[0], live[1], beside[1])


async def _content(tx: Tx, schema: str, table: Table) -> tuple[int, str]:
    """Rows and a 128-bit hash of all of them, in whatever order they stand."""
    row = await tx.one(
        "SELECT count(*) AS rows, concat_ws('-', sum(hashtextextended(t::text, 0)), sum(hashtextextended(t::text, 1)))"
        f" AS hash FROM {schema}.{table.name} t"
    )
    assert row is not None
    return row["rows"], row["hash"]


async def _swap(tx: Tx, owner: str) -> None:
    """Readers wait for a moment and then find the new tables under the old names."""
    app_role = owner.removesuffix("_owner") + "_app"
    for table in PROJECTED:
        await tx.execute(f"DROP TABLE {LIVE}.{table.name}")
        await tx.execute(f"ALTER TABLE {BESIDE}.{table.name} SET SCHEMA {LIVE}")

    def give(connection: Connection) -> None:
        for table in PROJECTED:
            protect(connection, table, app_role=app_role)

    await tx.conn.run_sync(give)


def _context() -> Context:
    return Context(actor="system/reporting", reason="rebuilds the projections", correlation=new_id())


def main(argv: Sequence[str] | None = None) -> int:
    """Exit code 0: every table was the same (or was swapped all the same); 1: something differs."""
    parser = argparse.ArgumentParser(
        prog="reporting_svc.projections.rebuild", description="Folds the archive again."
    )
    parser.add_argument("owner_url", help="postgresql:// URL of the owner role")
    parser.add_argument("--swap", choices=("equal", "always", "never"), default="equal")
    options = parser.parse_args(argv)
    report = asyncio.run(rebuild(options.owner_url, swap=options.swap))
    print(json.dumps(asdict(report) | {"equal": report.equal}, indent=1))
    return 0 if report.equal or options.swap == "always" else 1


if __name__ == "__main__":
    sys.exit(main())
