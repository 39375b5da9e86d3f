"""Heartbeats of many partitions share a transaction, under the same fence as every batch."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from servicekit.bus import positions
from servicekit.bus.envelope import encode_heartbeat, is_heartbeat
from servicekit.bus.positions import Beat
from servicekit.bus.queue import Part
from servicekit.context import Context
from servicekit.db import Database
from servicekit.testing import eventually

pytestmark = pytest.mark.part("PL-24", "heartbeats of many partitions share a transaction")

CONTEXT = Context(actor="system/sales", reason="test", correlation="c")
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def beat(number: int, first: int, at: datetime = NOON) -> Beat:
    return Beat(Part("store.part", number), first, first + 1, f"id-{first + 1}", at)


async def ready(world) -> Database:
    database = Database(world.given["sales"], source="sales")
    async with database.transaction(CONTEXT) as tx:
        await positions.positions(tx, "sales", [], {"store.part": 3})
        for number in range(3):
            await positions.start_at(tx, "sales", Part("store.part", number), 5, another_log=False)
    return database


def stand(world) -> list[tuple[int, str | None]]:
    return world.sql("SELECT next, last_id FROM bus.consumed ORDER BY topic, partition")


async def test_only_positions_that_are_ours_are_moved(world) -> None:
    database = await ready(world)
    async with database.transaction(CONTEXT) as tx:
        moved = await positions.fence_beats(tx, "sales", [beat(0, 5), beat(1, 4), beat(2, 5)])
    assert moved == {Part("store.part", 0), Part("store.part", 2)}
    assert stand(world) == [(7, "id-6"), (5, None), (7, "id-6")]
    async with database.transaction(CONTEXT) as tx:
        # An older watermark never takes back what was said.
        await positions.fence_beats(tx, "sales", [beat(0, 7, NOON - timedelta(hours=1))])
    assert world.sql("SELECT watermark FROM bus.consumed WHERE partition = 0") == [(NOON,)]
    await database.close()


async def test_a_position_that_somebody_holds_is_left_out_and_not_waited_for(world) -> None:
    database = await ready(world)
    async with database.transaction(CONTEXT) as holder:
        await positions.hold(holder, "sales", Part("store.part", 1))
        async with database.transaction(CONTEXT) as tx:
            moved = await positions.fence_beats(tx, "sales", [beat(number, 5) for number in range(3)])
    assert moved == {Part("store.part", 0), Part("store.part", 2)}
    await database.close()


async def test_an_idle_log_costs_few_transactions(world) -> None:
    async with world.relay(), world.consumer() as consumer:

        def first() -> datetime | None:
            rows = world.sql(
                "SELECT min(watermark), count(*) FILTER (WHERE watermark IS NULL) FROM bus.consumed"
            )
            return rows[0][0] if rows[0][1] == 0 else None

        begun = await eventually(first, 60)
        assert begun is not None
        alone, shared = consumer.inbox.counts.transactions, consumer.beats.transactions
        offsets = dict(world.sql("SELECT partition, next FROM bus.consumed"))
        await eventually(lambda: (first() or begun) > begun + timedelta(seconds=2), 60)
        moved = sum(n - offsets[p] for p, n in world.sql("SELECT partition, next FROM bus.consumed"))
        used = consumer.inbox.counts.transactions - alone + consumer.beats.transactions - shared
    assert consumer.beats.transactions > shared
    assert used < moved


def test_what_is_a_plain_heartbeat() -> None:
    assert is_heartbeat(encode_heartbeat(NOON))
    assert not is_heartbeat(encode_heartbeat(NOON, history_begins=True))
    assert not is_heartbeat(b'{"id": "x", "specversion": "1.0"}')
    assert not is_heartbeat(None)
