"""The relay's statements: reading the queue, settling what Kafka has acknowledged, publishing again.

Nothing here is a cursor over ids: a transaction that commits late has lower ids than what was already sent, and its
rows simply stand first in the queue.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, NamedTuple, Protocol

import psycopg

from servicekit.bus.kafka_settings import BATCH_BYTES
from servicekit.db.database import Database, Tx

type Connection = psycopg.AsyncConnection[Any]

# A stretch of acknowledged offsets grows to this many records; that many stretches of a partition are remembered.
STRETCH_RECORDS = 5_000
STRETCHES = 64

# Planned for a queue that is sometimes empty and sometimes long: always by index, one partition after the other.
SESSION_SETTINGS = (
    "-c timezone=UTC -c statement_timeout=60000 -c enable_seqscan=off -c enable_hashjoin=off"
    " -c enable_mergejoin=off -c enable_bitmapscan=off -c plan_cache_mode=force_custom_plan -c jit=off"
)


class Part(NamedTuple):
    """A partition of a topic, by the topic's name without prefix."""

    topic: str
    partition: int


class Row(NamedTuple):
    id: int
    key: bytes
    envelope: bytes


@dataclass(slots=True)
class Batch:
    """What is to be sent to one partition next, in order. history_begins: after the mark that says so."""

    rows: list[Row]
    history_begins: bool = False


@dataclass(frozen=True, slots=True)
class Ack:
    """Kafka has these rows at [base, base + count) of the partition; base is -1 where it did not say."""

    part: Part
    ids: list[int]
    base: int
    last: int
    history_begins: bool = False


class Reader(Protocol):
    async def __call__(
        self, connection: Connection, parts: Sequence[Part], rows: int, partitions: Mapping[str, int]
    ) -> dict[Part, Batch]: ...


_READ = """
    SELECT want.ord::int, want.begins, want.everywhere, q.id, q.key, q.envelope
    FROM (SELECT w.*,
            EXISTS (SELECT FROM bus.replay r WHERE r.topic = w.topic AND r.partition = w.partition) AS begins,
            EXISTS (SELECT FROM bus.replay r WHERE r.topic = w.topic AND r.partition = -1) AS everywhere
          FROM unnest(%s::text[], %s::int[]) WITH ORDINALITY AS w(topic, partition, ord)) AS want
    LEFT JOIN LATERAL (
        SELECT s.id, convert_to(s.key, 'UTF8') AS key, convert_to(s.envelope, 'UTF8') AS envelope FROM (
            SELECT p.id, o.key, o.envelope,
                sum(pg_column_size(o.envelope)) OVER (ORDER BY p.id ROWS UNBOUNDED PRECEDING)
                    - pg_column_size(o.envelope) AS before
            FROM bus.outbox_pending p JOIN bus.outbox o ON o.id = p.id
            WHERE p.topic = want.topic AND p.partition = want.partition
            ORDER BY p.id LIMIT %s) AS s
        WHERE s.before < %s) AS q ON true
    WHERE q.id IS NOT NULL OR want.begins OR want.everywhere"""


async def read(
    connection: Connection, parts: Sequence[Part], rows: int, partitions: Mapping[str, int]
) -> dict[Part, Batch]:
    """The head of the queue of each partition that has one: at most `rows` rows and about one Kafka batch of bytes.

    partitions: how many each topic has.
    """
    found: dict[Part, Batch] = {}
    if not parts:
        return found
    async with connection.cursor(binary=True) as cursor:
        await cursor.execute(
            _READ, [[p.topic for p in parts], [p.partition for p in parts], rows, BATCH_BYTES], prepare=True
        )
        for position, begins, everywhere, number, key, envelope in await cursor.fetchall():
            if everywhere:
                # Seen in the snapshot that has the rows: none of them may go before the mark is with its partition.
                await spread_replays(connection, parts[position - 1].topic, partitions)
                return await read(connection, parts, rows, partitions)
            part = parts[position - 1]
            batch = found.get(part)
            if batch is None:
                batch = found[part] = Batch([], begins)
            if number is not None:
                batch.rows.append(Row(number, key, envelope))
    return found


_DELETE = "DELETE FROM bus.outbox_pending WHERE topic = %s AND partition = %s AND id = ANY(%b::bigint[])"
# `last` may come from a deposed leader and be lower than what is known.
_ACKNOWLEDGE = """
    WITH newest AS (
        SELECT first_offset, records FROM bus.acked WHERE topic = %(topic)s AND partition = %(partition)s
        ORDER BY first_offset DESC LIMIT 1
    ), row AS (
        SELECT event_id FROM bus.outbox WHERE id = %(last_id)s
    ), grown AS (
        UPDATE bus.acked a SET
            event_id = CASE WHEN %(last)s > a."offset" THEN (SELECT event_id FROM row) ELSE a.event_id END,
            "offset" = greatest(a."offset", %(last)s), outbox_id = least(a.outbox_id, %(first_id)s),
            records = a.records + %(count)s
        FROM newest n WHERE a.topic = %(topic)s AND a.partition = %(partition)s
            AND a.first_offset = n.first_offset AND n.records < %(stretch)s
        RETURNING 1
    )
    INSERT INTO bus.acked (topic, partition, first_offset, "offset", outbox_id, event_id, records)
    SELECT %(topic)s, %(partition)s, %(base)s, %(last)s, %(first_id)s, event_id, %(count)s
    FROM row WHERE NOT EXISTS (SELECT FROM grown)
    ON CONFLICT (topic, partition, first_offset) DO UPDATE SET "offset" = excluded."offset",
        outbox_id = least(bus.acked.outbox_id, excluded.outbox_id), event_id = excluded.event_id,
        records = excluded.records"""
_FORGET_OLD = """
    DELETE FROM bus.acked WHERE topic = %(topic)s AND partition = %(partition)s AND first_offset < (
        SELECT first_offset FROM bus.acked WHERE topic = %(topic)s AND partition = %(partition)s
        ORDER BY first_offset DESC OFFSET %(stretches)s LIMIT 1)"""


async def settle(connection: Connection, acks: Sequence[Ack]) -> None:
    """Takes acknowledged rows off the queue and notes where they are, in one transaction."""
    acks = [ack for ack in acks if ack.ids or ack.history_begins]
    if not acks:
        return
    async with connection.transaction(), connection.pipeline(), connection.cursor() as cursor:
        for ack in acks:
            topic, partition = ack.part
            if ack.history_begins:
                await cursor.execute(
                    "DELETE FROM bus.replay WHERE topic = %s AND partition = %s", [topic, partition]
                )
            if not ack.ids:
                continue
            await cursor.execute(_DELETE, [topic, partition, ack.ids])
            if ack.base < 0:
                continue
            values = {
                "topic": topic,
                "partition": partition,
                "base": ack.base,
                "last": ack.last,
                "first_id": ack.ids[0],
                "last_id": ack.ids[-1],
                "count": len(ack.ids),
                "stretch": STRETCH_RECORDS,
                "stretches": STRETCHES - 1,
            }
            await cursor.execute(_ACKNOWLEDGE, values)
            await cursor.execute(_FORGET_OLD, values)


@dataclass(frozen=True, slots=True)
class Stretch:
    """Offsets [first, last] of a partition, acknowledged; `outbox_id` is the lowest in it, `event_id` that of `last`."""

    first: int
    last: int
    outbox_id: int
    event_id: str


async def stretches(connection: Connection, parts: Sequence[Part]) -> dict[Part, list[Stretch]]:
    """What is known to be in the log, newest first."""
    cursor = await connection.execute(
        'SELECT topic, partition, first_offset, "offset", outbox_id, event_id::text FROM bus.acked'
        " ORDER BY topic, partition, first_offset DESC"
    )
    wanted = set(parts)
    found: dict[Part, list[Stretch]] = {}
    for topic, partition, first, last, outbox_id, event_id in await cursor.fetchall():
        if (part := Part(topic, partition)) in wanted:
            found.setdefault(part, []).append(Stretch(first, last, outbox_id, event_id))
    return found


async def publish_lost(
    connection: Connection, part: Part, known: Sequence[Stretch], end: int
) -> tuple[int, bool]:
    """Puts everything that may have stood at or after `end` back into the queue, and forgets that it was sent.

    Rows were sent in the order of the queue, not of ids, so the bound is the lowest id of all stretches that reach
    beyond `end`. Older than all that is remembered: the whole partition. Returns the number of rows, and whether it
    was all of them.
    """
    beyond = [s for s in known if s.last >= end]
    whole = end == 0 or not known or end < min(s.first for s in known)
    lowest = 0 if whole else min(s.outbox_id for s in beyond)
    async with connection.transaction():
        cursor = await connection.execute(
            "INSERT INTO bus.outbox_pending (topic, partition, id)"
            " SELECT topic, partition, id FROM bus.outbox WHERE topic = %s AND partition = %s AND id >= %s"
            " ON CONFLICT DO NOTHING",
            [*part, lowest],
        )
        if whole:
            await connection.execute("INSERT INTO bus.replay VALUES (%s, %s) ON CONFLICT DO NOTHING", [*part])
        # Where a stretch is cut, the id of its new last record is not known: it goes as a whole.
        await connection.execute(
            'DELETE FROM bus.acked WHERE topic = %s AND partition = %s AND "offset" >= %s', [*part, end]
        )
    return cursor.rowcount, whole


async def replay(database: Database | Tx, topic: str) -> int:
    """Queues a topic's whole history, with the same event ids, from its beginning; returns how many events.

    The log says where the history begins, so that a consumer that waits in front of a gap goes on from there.
    """
    if isinstance(database, Database):
        async with database.engine.begin() as connection:
            raw = (await connection.get_raw_connection()).driver_connection
            assert isinstance(raw, psycopg.AsyncConnection)
            return await _replay(raw, topic)
    return await _replay(await database.driver(), topic)


async def _replay(connection: Connection, topic: str) -> int:
    cursor = await connection.execute(
        "INSERT INTO bus.outbox_pending (topic, partition, id)"
        " SELECT topic, partition, id FROM bus.outbox WHERE topic = %s ON CONFLICT DO NOTHING",
        [topic],
    )
    # Partition -1 stands for all: the relay knows how many there are.
    await connection.execute("INSERT INTO bus.replay VALUES (%s, -1) ON CONFLICT DO NOTHING", [topic])
    await connection.execute("SELECT pg_notify('bus_outbox', '')")
    return cursor.rowcount


async def spread_replays(connection: Connection, topic: str, partitions: Mapping[str, int]) -> None:
    """Turns the mark of a topic into one of each of its partitions."""
    await connection.execute(
        "WITH taken AS (DELETE FROM bus.replay WHERE partition = -1 AND topic = %s RETURNING topic)"
        " INSERT INTO bus.replay SELECT topic, p FROM taken, generate_series(0, %s) AS p ON CONFLICT DO NOTHING",
        [topic, partitions[topic] - 1],
    )


class Watermark:
    """W: the lower of the clock and the start of the oldest transaction that holds a transaction id.

    A transaction without an id takes its record time after it got one, hence after W. Sessions of other roles are
    invisible to the runtime role: it alone announces. A clock that was set ahead meanwhile (demo and test databases)
    does not count for transactions that began before.
    """

    def __init__(self) -> None:
        self._before = timedelta(0)
        self._ahead = timedelta(0)
        self._since: datetime | None = None

    async def read(self, connection: Connection) -> datetime:
        # Two statements: the clock is read before the sessions are looked at.
        cursor = await connection.execute("SELECT app.clock(), clock_timestamp()")
        row = await cursor.fetchone()
        assert row is not None
        watermark, real = row
        ahead = watermark - real
        # The two clocks are read microseconds apart.
        if self._since is None or ahead - self._ahead > timedelta(milliseconds=500):
            self._before, self._ahead, self._since = self._ahead, ahead, real
        cursor = await connection.execute(
            "SELECT min(xact_start), min(xact_start) FILTER (WHERE xact_start <= %s) FROM pg_stat_activity"
            " WHERE datname = current_database() AND backend_xid IS NOT NULL AND pid <> pg_backend_pid()",
            [self._since],
        )
        row = await cursor.fetchone()
        assert row is not None
        oldest, older = row
        if older is not None:
            return min(watermark, older + self._before)
        return watermark if oldest is None else min(watermark, oldest + self._ahead)


async def waiting(connection: Connection, parts: Sequence[Part]) -> set[Part]:
    """The partitions whose queue is not empty."""
    cursor = await connection.execute(
        "SELECT w.topic, w.partition FROM unnest(%s::text[], %s::int[]) AS w(topic, partition)"
        " WHERE EXISTS (SELECT FROM bus.outbox_pending p WHERE p.topic = w.topic AND p.partition = w.partition)",
        [[p.topic for p in parts], [p.partition for p in parts]],
    )
    return {Part(*row) for row in await cursor.fetchall()}
