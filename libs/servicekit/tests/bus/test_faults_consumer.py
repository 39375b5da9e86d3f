"""Faults of the consumer: each event has its effect once, whatever dies, and a bad one stops nobody but its subject."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import bus_toy as toy
import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from servicekit.bus import Consumer, Event, Subscription, announce, claim, watermarks
from servicekit.bus.envelope import Heartbeat, decode
from servicekit.bus.health import consumer_health
from servicekit.context import Context
from servicekit.db import Tx
from servicekit.testing import eventually

pytestmark = pytest.mark.req("PL-24")

QA = Context(actor="user/A2", reason="looked into it", correlation="c-2")


def folding(fold: Any, versions: Any = "every") -> Any:
    """Gives the consumer another fold."""

    def change(consumer: Consumer) -> None:
        consumer.subscriptions["store.part"] = Subscription(fold, versions=versions)

    return change


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

    return folding(fold)


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


# Poison


async def poisoned(tx: Tx, events: Sequence[Event]) -> None:
    for event in events:
        if event.state.get("poison"):
            raise LookupError("nobody knows what this refers to")
    await toy.record_effects(tx, events)


async def poison(world) -> None:
    await toy.write_many(world.store, 100, subjects=10)
    await toy.write(world.store, [toy.change("P3", 1_000, poison=True)])
    await toy.write_many(world.store, 100, subjects=10, start=100)


def open_letters(world) -> list[tuple[Any, ...]]:
    return world.sql(
        "SELECT subject, sequence, error_class FROM bus.dead_letter WHERE resolved_at IS NULL ORDER BY sequence"
    )


async def test_poison_parks_its_subject_and_nothing_else(world) -> None:
    async with world.relay(), world.consumer(folding(poisoned)) as consumer:
        await poison(world)
        await eventually(lambda: world.effects() == 190, 60)
        world.check_order()
        await eventually(lambda: len(open_letters(world)) == 11, 60)
        letters = open_letters(world)
        assert letters[0] == ("P3", 11, "LookupError")
        assert [row[2] for row in letters[1:]] == [None] * 10
        assert {row[0] for row in letters} == {"P3"}
        assert consumer.readiness() == []
        # Parked and queued events are in the archive as well.
        outcomes = dict(world.sql("SELECT outcome, count(DISTINCT event_id) FROM app.archive GROUP BY 1"))
        assert outcomes == {"new": 190, "parked": 1, "queued": 10}
        async with consumer.database.read() as tx:
            health = await consumer_health(tx, "sales")
        assert (health.parked, health.parked_subjects) == (11, 1)


async def test_control_without_parking_a_poison_event_holds_up_everybody_behind_it(world) -> None:
    tries = 0

    async def fold(tx: Tx, events: Sequence[Event]) -> None:
        nonlocal tries
        try:
            await poisoned(tx, events)
        except LookupError:
            tries += 1
            raise

    async with world.relay(), world.consumer(folding(fold), attempts=1_000_000):
        await poison(world)
        await eventually(lambda: tries > 6, 60)
        assert open_letters(world) == []
        assert world.effects() < 190


async def test_parked_events_are_retried_while_the_consumer_runs(world) -> None:
    known = asyncio.Event()

    async def fold(tx: Tx, events: Sequence[Event]) -> None:
        await (toy.record_effects if known.is_set() else poisoned)(tx, events)

    async with world.relay(), world.consumer(folding(fold)) as consumer:
        await poison(world)
        await eventually(lambda: len(open_letters(world)) == 11, 60)
        failed = await consumer.dead_letters.retry(QA)
        assert (failed.applied, failed.failed) == (0, 1)
        known.set()
        writing = asyncio.create_task(toy.write_many(world.store, 300, subjects=10, start=200))
        while open_letters(world):
            await consumer.dead_letters.retry(QA)
        await writing
        await eventually(lambda: world.distinct_effects() == world.announced() or None, 60)
        while open_letters(world):
            await consumer.dead_letters.retry(QA)
        await world.all_arrived()
    resolved = world.sql("SELECT DISTINCT resolution, resolved_by, resolution_reason FROM bus.dead_letter")
    assert resolved == [("retried", "user/A2", "looked into it")]


async def test_latest_applies_only_the_newest_of_each_subject(world) -> None:
    async with world.relay(), world.consumer(folding(poisoned)) as consumer:
        await poison(world)
        await eventually(lambda: len(open_letters(world)) == 11, 60)
        result = await consumer.dead_letters.retry(QA, latest=True)
        assert (result.applied, result.superseded, result.failed) == (1, 10, 0)
        assert open_letters(world) == []
        assert world.sql("SELECT count FROM app.stock WHERE subject = 'P3'") == [(193,)]
        await toy.write(world.store, [toy.change("P3", 7)])
        await eventually(lambda: world.sql("SELECT count FROM app.stock WHERE subject = 'P3'") == [(7,)], 60)


async def test_discarding_needs_a_reason_and_lets_the_queue_go_on(world) -> None:
    async with world.relay(), world.consumer(folding(poisoned)) as consumer:
        await poison(world)
        await eventually(lambda: len(open_letters(world)) == 11, 60)
        head, behind, *_ = await consumer.dead_letters.list()
        with pytest.raises(ValueError, match="reason"):
            await consumer.dead_letters.discard(QA, head.id, " ")
        with pytest.raises(ValueError, match="older"):
            await consumer.dead_letters.discard(QA, behind.id, "a wrong one")
        result = await consumer.dead_letters.discard(QA, head.id, "test data of the supplier")
        assert result.applied == 10
        with pytest.raises(LookupError):
            await consumer.dead_letters.discard(QA, head.id, "again")
    row = world.sql("SELECT resolution, resolution_reason FROM bus.dead_letter WHERE error IS NOT NULL")
    assert row == [("discarded", "test data of the supplier")]


async def test_what_is_no_event_is_parked_alone(world) -> None:
    async with world.relay(), world.consumer() as consumer:
        await toy.write_many(world.store, 30)
        await world.all_arrived()
        async with AIOKafkaProducer(bootstrap_servers=world.kafka) as producer:
            for value in (
                b"\xff\x00",
                b'{"specversion":"1.0"}',
                b"[1]",
                b'{"specversion":"1.0","sequence":NaN}',
            ):
                await producer.send_and_wait(world.prefix + "store.part", value, partition=0)
        await toy.write_many(world.store, 30, start=30)
        await world.all_arrived()
        await eventually(lambda: len(open_letters(world)) == 4, 60)
        assert {row[0] for row in open_letters(world)} == {None}
        assert consumer.readiness() == []


async def test_a_later_major_is_parked_and_read_again_by_a_later_release(world) -> None:
    async with world.relay(), world.consumer() as consumer:
        await toy.write(world.store, [toy.change("P1", 1)])
        newer = replace(toy.change("P1", 2), type="store.part-changed.v2")
        await toy.write(world.store, [newer, toy.change("P2", 1)])
        await toy.write(world.store, [toy.change("P1", 3)])
        await eventually(lambda: len(open_letters(world)) == 2, 60)
        assert open_letters(world)[0] == ("P1", 2, "UnknownMajorError")
        await eventually(lambda: world.effects() == 2, 60)
        consumer.dead_letters._intake = type(consumer.intake)(majors=frozenset({1, 2}))
        await consumer.dead_letters.retry(QA)
        await world.all_arrived()


async def test_ten_parked_in_a_row_stop_the_consumer(world) -> None:
    async def bad_release(_tx: Tx, _events: Sequence[Event]) -> None:
        raise TypeError("a defect")

    async with world.relay(), world.consumer(folding(bad_release), attempts=1, concurrency=1) as consumer:
        await toy.write_many(world.store, 200)
        await eventually(lambda: consumer.halted, 60)
        assert any("parked in a row" in reason for reason in consumer.readiness())
    letters = world.sql("SELECT count(*) FROM bus.dead_letter WHERE error IS NOT NULL")[0][0]
    assert letters == 10
    # The release is put right: nothing was lost.
    async with world.consumer() as consumer:
        await eventually(lambda: world.distinct_effects() + len(open_letters(world)) == world.announced(), 60)
        while open_letters(world):
            await consumer.dead_letters.retry(QA)
        await world.all_arrived()


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
    assert open_letters(world) == []


async def test_a_statement_timeout_of_one_event_parks_it(world) -> None:
    async def slow(tx: Tx, events: Sequence[Event]) -> None:
        if any(event.state.get("poison") for event in events):
            await tx.execute("SET LOCAL statement_timeout = 100")
            await tx.execute("SELECT pg_sleep(5)")
        await toy.record_effects(tx, events)

    async with world.relay(), world.consumer(folding(slow)):
        await poison(world)
        await eventually(lambda: world.effects() == 190, 60)
        assert open_letters(world)[0][2] == "OperationalError"


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
        async with world.consumer(folding(fold, "latest")) as consumer:
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
