"""The toil service: counts how often each key of a lane was worked. Run as a program it is a worker process."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Mapping, Sequence

from servicekit.context import Context
from servicekit.db import Database, Tx, kind
from servicekit.lanes import Lanes, Limits, Mark, lane_tables
from sqlalchemy import BigInteger, Column, MetaData, Table, Text

metadata = MetaData(schema="app")
LANES = lane_tables(metadata)
Table(
    "done",
    metadata,
    Column("lane", Text, primary_key=True),
    Column("key", Text, primary_key=True),
    Column("times", BigInteger, nullable=False),
    info=kind("derived"),
)
Table("overlap", metadata, Column("lane", Text), info=kind("derived"))


async def count(tx: Tx, lanes: Mapping[str, Sequence[Mark]]) -> None:
    """Counts each mark, and notes when somebody else is at the same lane."""
    names = list(lanes)
    await tx.execute(
        "INSERT INTO app.overlap SELECT lane FROM unnest(CAST(:lanes AS text[])) AS l (lane)"
        " WHERE NOT pg_try_advisory_xact_lock(hashtextextended(lane, 7))",
        {"lanes": names},
    )
    marks = [m for ms in lanes.values() for m in ms]
    await tx.execute(
        "INSERT INTO app.done AS d SELECT lane, key, count(*) FROM"
        " unnest(CAST(:lanes AS text[]), CAST(:keys AS text[])) AS m (lane, key) GROUP BY lane, key"
        " ON CONFLICT (lane, key) DO UPDATE SET times = d.times + excluded.times",
        {"lanes": [m.lane for m in marks], "keys": [m.key for m in marks]},
    )


async def dwell(tx: Tx, lanes: Mapping[str, Sequence[Mark]]) -> None:
    """As `count`, holding the transaction open for a while, so that a kill hits it half-way."""
    await count(tx, lanes)
    await tx.execute("SELECT pg_sleep(0.05)")


class Careless(Lanes):
    """The control: takes the marks in a transaction of its own, before it works."""

    async def step(self, handler: object) -> bool:
        context = Context(actor="system/toil", reason="control", correlation="c")
        async with self.database.transaction(context) as tx:
            rows = await tx.rows(
                "DELETE FROM app.dirty WHERE id IN (SELECT id FROM app.dirty ORDER BY id LIMIT 20"
                " FOR UPDATE SKIP LOCKED) RETURNING id, lane, key, cause, correlation, priority"
            )
        marks: dict[str, list[Mark]] = {}
        for row in rows:
            marks.setdefault(row["lane"], []).append(Mark(**row))
        if marks:
            async with self.database.transaction(context) as tx:
                await dwell(tx, marks)
        return bool(marks)


async def main(url: str, how: str) -> None:
    database = Database(url, source="toil")
    worker = Careless if how == "careless" else Lanes
    print("started", flush=True)
    await worker(database, LANES, limits=Limits(chunk=20)).run_chunks(dwell, tasks=2)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2]))
