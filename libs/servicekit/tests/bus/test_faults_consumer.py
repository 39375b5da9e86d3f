"""Faults of the consumer: each event has its effect once, whatever dies. What a bad event does: test_faults_dead_letters."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Sequence
from datetime import datetime
from typing import Any

import bus_toy as toy
import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition
from servicekit.bus import Consumer, Event, announce, claim, watermarks
from servicekit.bus.envelope import Heartbeat, decode
from servicekit.bus.queue import Watermark
from servicekit.db import Tx
from servicekit.testing import eventually

pytestmark = pytest.mark.part("PL-24", "each event has its effect once, whatever dies")


# Killed


@pytest.mark.parametrize("point", ["in_tx", "after_commit"])
async def test_killed_inside_and_after_the_transaction(world, point: str) -> None:
    async with world.relay():
        await toy.write_many(world.store, 600)
        victim = world.spawn("consumer", crash=f"{point}:3", consumer={"max_batch": 50})
        assert await world.ended(victim) == -signal.SIGKILL
        assert 0 < world.effects() < 600
        world.check_order()
        async with world.consumer():
            await world.all_arrived()


async def test_control_with_the_position_moved_apart_a_kill_inside_loses_the_batch(world) -> None:
    await toy.write_many(world.store, 600)
    async with world.relay():
        victim = world.spawn("consumer", crash="in_tx:3", consumer={"max_batch": 50}, position_apart=True)
        assert await world.ended(victim) == -signal.SIGKILL
        async with world.consumer() as consumer:
            # Subjects whose first batch was lost come with a gap: applied and counted, never made up for.
            await eventually(lambda: consumer.inbox.counts.sequence_gaps > 0, 60)
            await toy.write_many(world.store, 50, start=600)
            last = {f"P{n % 50}": n for n in range(600, 650)}
            await eventually(lambda: dict(world.sql("SELECT subject, count FROM app.stock")) == last, 60)
    assert world.distinct_effects() < world.announced()


async def test_control_with_kafkas_offsets_and_nothing_seen_the_effects_come_twice(
    world, monkeypatch
) -> None:
    """What the position in the database and `bus.seen` protect from, each on its own: neither is there."""

    async def everything(_self, _tx, _topic, events, _counts):
        return list(events)

    async with world.relay():
        await toy.write_many(world.store, 600)
        victim = world.spawn("consumer", crash="after_commit:3", consumer={"max_batch": 50})
        assert await world.ended(victim) == -signal.SIGKILL
        # Kafka's own offset is written later than the database, hence says less.
        world.sql("UPDATE bus.consumed SET next = 0, last_id = NULL")
        monkeypatch.setattr("servicekit.bus.inbox.Inbox._newer", everything)
        async with world.consumer():
            await eventually(lambda: world.effects() > 600, 60)


# Two consumers


async def gated(world, gate: asyncio.Event, entered: asyncio.Event) -> Any:
    async def fold(tx: Tx, events: Sequence[Event]) -> None:
        await toy.record_effects(tx, events)
        entered.set()
        await gate.wait()

    return toy.folding(fold)


async def test_a_rebalance_in_the_middle_of_a_batch(world) -> None:
    gate, entered = asyncio.Event(), asyncio.Event()
    async with world.relay(), world.consumer(await gated(world, gate, entered), max_batch=40) as first:
        await toy.write_many(world.store, 900)
        await asyncio.wait_for(entered.wait(), 60)
        # The second takes partitions over while the first has their batches in hand.
        world.spawn("consumer", consumer={"max_batch": 40})
        await eventually(lambda: 0 < len(first._states) < 3, 60)
        gate.set()
        await world.all_arrived()
        await toy.write_many(world.store, 300, start=900)
        await world.all_arrived()


async def test_two_that_both_believe_a_partition_is_theirs_are_kept_apart(world) -> None:
    """Without a group both read everything: the fence of each batch alone keeps the effects single."""
    async with (
        world.relay(),
        world.consumer(group=False, max_batch=20),
        world.consumer(group=False, max_batch=20),
    ):
        await toy.write_many(world.store, 900)
        await world.all_arrived()


async def test_control_without_fence_and_seen_both_have_their_effects(world, monkeypatch) -> None:
    async def everything(_self, _tx, _topic, events, _counts):
        return list(events)

    async def nothing(*_: Any) -> None:
        return None

    monkeypatch.setattr("servicekit.bus.inbox.Inbox._newer", everything)
    monkeypatch.setattr("servicekit.bus.positions.fence", nothing)
    async with world.relay(), world.consumer(group=False), world.consumer(group=False):
        await toy.write_many(world.store, 900)
        await eventually(lambda: world.effects() > 900, 60)


# The database of the consumer


TABLES = ("app.effect", "app.stock", "bus.consumed", "bus.seen", "bus.dead_letter")


def back_up(world) -> None:
    world.sql("CREATE SCHEMA backup")
    for table in TABLES:
        world.sql(f"CREATE TABLE backup.{table.replace('.', '_')} AS TABLE {table}")


def restore(world) -> None:
    for table in TABLES:
        world.sql(f"TRUNCATE {table}")
        world.sql(f"INSERT INTO {table} OVERRIDING SYSTEM VALUE TABLE backup.{table.replace('.', '_')}")


async def restored(world) -> dict[tuple[str, int], int]:
    """A database of an hour ago; returns the offsets that Kafka has committed for the consumer meanwhile."""
    await toy.write_many(world.store, 300)
    async with world.consumer():
        await world.all_arrived()
    back_up(world)
    await toy.write_many(world.store, 300, start=300)
    async with world.consumer():
        await world.all_arrived()
    later = {(t, p): n for t, p, n in world.sql("SELECT topic, partition, next FROM bus.consumed")}
    restore(world)
    assert world.effects() == 300
    return later


async def test_a_restored_database_catches_up(world) -> None:
    async with world.relay():
        await restored(world)
        async with world.consumer():
            await world.all_arrived()
        assert world.effects() == 600


async def test_control_with_the_offsets_of_kafka_a_restored_database_misses_events(world) -> None:
    async with world.relay():
        for (topic, partition), following in (await restored(world)).items():
            world.sql(
                "UPDATE bus.consumed SET next = %s, last_id = NULL WHERE topic = %s AND partition = %s",
                following, topic, partition,
            )  # fmt: skip

        def believe(consumer: Consumer) -> None:
            async def hold_against(client, state, ours, _begin, _end):
                consumer._seek(client, state, state.begin(ours.next, None, verify=False))

            consumer._hold_against = hold_against  # type: ignore[method-assign]

        async with world.consumer(believe):
            await toy.write_many(world.store, 50, start=600)
            await eventually(lambda: world.effects() == 350, 60)
            with pytest.raises(TimeoutError):
                await eventually(lambda: world.distinct_effects() == world.announced(), 3)


# Infrastructure


async def test_infrastructure_is_waited_for_and_parks_nothing(world) -> None:
    """Sessions are ended and locks held under the consumer: it tries again for ever, readiness red meanwhile."""
    async with world.relay(), world.consumer() as consumer:
        await toy.write_many(world.store, 100)
        await world.all_arrived()
        with world.sales_admin.connect() as blocker:
            blocker.execute("BEGIN")
            blocker.execute("LOCK TABLE app.stock IN ACCESS EXCLUSIVE MODE")
            await toy.write_many(world.store, 100, start=100)
            await eventually(lambda: consumer.readiness(), 60)
            blocker.execute("ROLLBACK")
        world.sql(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND usename = 'sales_app'"
        )
        await toy.write_many(world.store, 100, start=200)
        await world.all_arrived()
        await eventually(lambda: consumer.readiness() == [], 30)
    assert world.sql("SELECT 1 FROM bus.dead_letter") == []


# Folds


async def test_latest_gives_the_last_of_each_subject_and_counts_a_gap(world) -> None:
    got: list[Event] = []

    async def fold(_tx: Tx, events: Sequence[Event]) -> None:
        got.extend(events)

    await toy.write_many(world.store, 100, subjects=4)
    # A gap is applied, counted and alerted: the state is complete.
    world.store_sql("UPDATE bus.subject SET sequence = sequence + 5 WHERE subject = 'P1'")
    await toy.write_many(world.store, 4, subjects=4, start=100)
    async with world.relay():
        await eventually(lambda: not world.store_sql("SELECT 1 FROM bus.outbox_pending"), 60)
        async with world.consumer(toy.folding(fold, "latest")) as consumer:
            await eventually(lambda: {e.state["count"] for e in got} >= {100, 101, 102, 103}, 60)
            # Counted when the transaction has ended, a moment later than it was folded.
            await eventually(lambda: consumer.inbox.counts.sequence_gaps == 1, 60)
    assert len(got) < 104
    assert len({(e.subject, e.sequence) for e in got}) == len(got)


async def test_watermarks_rise_while_nothing_happens_and_no_event_comes_before_them(world) -> None:
    async with world.relay(), world.consumer() as consumer:

        async def mark() -> Any:
            async with consumer.database.read() as tx:
                return (await watermarks(tx, "sales")).get("store.part")

        first = await eventually(mark, 60)

        async def later() -> bool:
            return (await mark()) > first

        await eventually(later, 60)
        # A transaction that holds its record time back holds the watermark back.
        async with world.store.transaction(toy.CONTEXT) as tx:
            at = await claim(tx, [("store.part", "SLOW")])
            await announce(tx, [toy.change("SLOW", 1)])
            await toy.write_many(world.store, 3)
            await asyncio.wait_for(_two_heartbeats(world), 30)
            assert (await mark()) <= at
        await eventually(lambda: world.sql("SELECT 1 FROM app.effect WHERE subject = 'SLOW'"), 60)
        await eventually(later, 60)


async def test_control_without_the_oldest_transaction_a_watermark_passes_an_event_that_is_to_come(
    world, monkeypatch
) -> None:
    async def by_the_clock_alone(_self: Watermark, connection: Any) -> datetime:
        row = await (await connection.execute("SELECT app.clock()")).fetchone()
        return row[0]

    monkeypatch.setattr(Watermark, "read", by_the_clock_alone)
    async with world.relay(), world.consumer() as consumer:

        async def passed(at: datetime) -> bool:
            async with consumer.database.read() as tx:
                mark = (await watermarks(tx, "sales")).get("store.part")
            return mark is not None and mark > at

        async with world.store.transaction(toy.CONTEXT) as tx:
            at = await claim(tx, [("store.part", "SLOW")])
            await announce(tx, [toy.change("SLOW", 1)])
            await eventually(lambda: passed(at), 60)
            # "Nothing earlier can still come" was said, and it stands in a transaction that has not ended.
            assert world.sql("SELECT 1 FROM app.effect WHERE subject = 'SLOW'") == []
        [(came,)] = await eventually(
            lambda: world.sql("SELECT at FROM app.effect WHERE subject = 'SLOW'"), 60
        )
        assert came == at


async def _two_heartbeats(world) -> None:
    """Returns when two further heartbeats stand in partition 0."""
    part = TopicPartition(world.prefix + "store.part", 0)
    async with AIOKafkaConsumer(bootstrap_servers=world.kafka) as reader:
        reader.assign([part])
        await reader.seek_to_end(part)
        found = 0
        while found < 2:
            record = await reader.getone()
            found += isinstance(decode(record.value, "store.part"), Heartbeat)
