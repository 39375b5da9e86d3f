"""Where a consumer is, in its own database: moved in the transaction that has the effects of what was read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from servicekit.bus.queue import Part
from servicekit.db.database import Tx


class FenceError(Exception):
    """The batch does not begin where the database says that we are: it is not ours, or not contiguous."""


@dataclass(frozen=True, slots=True)
class Position:
    """next: the offset to be read next, None before the first time. last_id: of the record before it."""

    next: int | None
    last_id: str | None


async def positions(
    tx: Tx, consumer: str, parts: Sequence[Part], counts: dict[str, int]
) -> dict[Part, Position]:
    """The positions of `parts`. counts: partitions of each topic, all of which get a row: a watermark that is the
    lowest of the partitions must know of those that nobody has read yet."""
    driver = await tx.driver()
    every = [(topic, number) for topic, count in counts.items() for number in range(count)]
    await driver.execute(
        "INSERT INTO bus.consumed (consumer, topic, partition)"
        " SELECT %s, t, p FROM unnest(%s::text[], %s::int[]) AS wanted(t, p) ON CONFLICT DO NOTHING",
        [consumer, [topic for topic, _ in every], [number for _, number in every]],
    )
    cursor = await driver.execute(
        "SELECT topic, partition, next, last_id FROM bus.consumed WHERE consumer = %s AND topic = ANY(%s)",
        [consumer, list(counts)],
    )
    wanted = set(parts)
    return {
        Part(topic, number): Position(following, last_id)
        for topic, number, following, last_id in await cursor.fetchall()
        if Part(topic, number) in wanted
    }


async def start_at(tx: Tx, consumer: str, part: Part, offset: int, *, another_log: bool) -> None:
    """Begins anew at an offset. A log that is not the one we knew is counted; what was seen is still known."""
    driver = await tx.driver()
    await driver.execute(
        "UPDATE bus.consumed SET next = %s, last_id = NULL, restarts = restarts + %s"
        " WHERE consumer = %s AND topic = %s AND partition = %s",
        [offset, int(another_log), consumer, *part],
    )


async def fence(
    tx: Tx, consumer: str, part: Part, first: int, last: int, last_id: str, watermark: datetime | None
) -> None:
    """The first statement of a batch [first, last]: moves the position, or raises FenceError."""
    driver = await tx.driver()
    cursor = await driver.execute(
        "UPDATE bus.consumed SET next = %s, last_id = %s, watermark = greatest(watermark, %s)"
        " WHERE consumer = %s AND topic = %s AND partition = %s AND next = %s",
        [last + 1, last_id, watermark, consumer, *part, first],
    )
    if cursor.rowcount != 1:
        raise FenceError(f"{part.topic}/{part.partition}: {first} is not the next offset")


@dataclass(frozen=True, slots=True)
class Beat:
    """A stretch [first, last] of a partition that holds heartbeats alone."""

    part: Part
    first: int
    last: int
    last_id: str
    watermark: datetime


async def fence_beats(tx: Tx, consumer: str, beats: Sequence[Beat]) -> set[Part]:
    """Moves the positions of many partitions at once; returns those that were ours and are moved.

    A row that somebody holds is left out, so that this never waits while it holds others.
    """
    driver = await tx.driver()
    cursor = await driver.execute(
        "WITH beat AS (SELECT * FROM unnest(%s::text[], %s::int[], %s::bigint[], %s::bigint[], %s::text[],"
        " %s::timestamptz[]) AS b(topic, partition, first, last, last_id, watermark)),"
        " ours AS (SELECT c.ctid AS place, b.* FROM bus.consumed c JOIN beat b USING (topic, partition)"
        " WHERE c.consumer = %s AND c.next = b.first FOR UPDATE OF c SKIP LOCKED)"
        " UPDATE bus.consumed c SET next = o.last + 1, last_id = o.last_id,"
        " watermark = greatest(c.watermark, o.watermark) FROM ours o WHERE c.ctid = o.place AND c.next = o.first"
        " RETURNING c.topic, c.partition",
        [
            [beat.part.topic for beat in beats],
            [beat.part.partition for beat in beats],
            [beat.first for beat in beats],
            [beat.last for beat in beats],
            [beat.last_id for beat in beats],
            [beat.watermark for beat in beats],
            consumer,
        ],
    )
    return {Part(topic, number) for topic, number in await cursor.fetchall()}


async def hold(tx: Tx, consumer: str, part: Part) -> None:
    """Locks the position: the consumer's next batch of this partition waits until this transaction ends."""
    driver = await tx.driver()
    await driver.execute(
        "SELECT FROM bus.consumed WHERE consumer = %s AND topic = %s AND partition = %s FOR UPDATE",
        [consumer, *part],
    )


async def watermarks(tx: Tx, consumer: str) -> dict[str, datetime | None]:
    """For each topic that the consumer has begun: the instant before which nothing more can come, the lowest of its
    partitions; None while a partition has none."""
    rows = await tx.rows(
        "SELECT topic, CASE WHEN bool_and(watermark IS NOT NULL) THEN min(watermark) END AS watermark"
        " FROM bus.consumed WHERE consumer = :consumer GROUP BY topic ORDER BY topic",
        {"consumer": consumer},
    )
    return {row["topic"]: row["watermark"] for row in rows}
