"""Faults of Kafka: stopped, emptied, replaced, its tail lost. Owners publish again, consumers notice by themselves."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import replace
from pathlib import Path

import bus_toy as toy
import pytest
from aiokafka import TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, RecordsToDelete
from bus_world import World
from servicekit.bus import Consumer, replay
from servicekit.testing import eventually
from servicekit.testing.plugin import BreakableKafka

pytestmark = [pytest.mark.part("PL-24", "owners publish again after Kafka lost something"), pytest.mark.infra]


@pytest.fixture(scope="module")
def own_kafka(
    make_private_kafka: Callable[[Path], BreakableKafka], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[BreakableKafka]:
    """One broker for the faults of this file; each test has its own topics."""
    broker = make_private_kafka(tmp_path_factory.mktemp("kafka"))
    broker.start()
    yield broker
    broker.kill9()


@pytest.fixture
async def world(make_world, own_kafka: BreakableKafka) -> AsyncIterator[World]:
    if not own_kafka.running:
        own_kafka.start()
    found = make_world(own_kafka.bootstrap)
    yield found
    await found.store.close()


def lose_everything(kafka: BreakableKafka) -> None:
    kafka.kill9()
    shutil.rmtree(kafka.data_dir)
    kafka.start()


async def sent(world: World) -> None:
    await eventually(lambda: not world.store_sql("SELECT 1 FROM bus.outbox_pending LIMIT 1"), 60)


def offsets(world: World) -> dict[int, int]:
    return dict(world.sql("SELECT partition, next FROM bus.consumed"))


def restarts(world: World) -> int:
    return world.sql("SELECT sum(restarts)::int FROM bus.consumed")[0][0]


async def test_a_stopped_broker_is_waited_for(world: World, own_kafka: BreakableKafka) -> None:
    async with world.relay() as relay, world.consumer():
        await toy.write_many(world.store, 200)
        await world.all_arrived()
        own_kafka.stop()
        # The service goes on writing.
        await toy.write_many(world.store, 1_000, start=200)
        await eventually(lambda: relay.readiness(), 30)
        assert world.distinct_effects() == 200
        own_kafka.start()
        await world.all_arrived()
        await eventually(lambda: relay.readiness() == [], 30)


@pytest.mark.slow
async def test_a_broker_stopped_for_half_a_minute(world: World, own_kafka: BreakableKafka) -> None:
    async with world.relay(), world.consumer():
        await toy.write_many(world.store, 200)
        await world.all_arrived()
        own_kafka.kill9()
        writing = asyncio.create_task(toy.write_many(world.store, 1_000, start=200))
        with pytest.raises(TimeoutError):
            await eventually(lambda: world.distinct_effects() > 200, 30)
        await writing
        own_kafka.start()
        await world.all_arrived()


async def test_data_deleted_while_everything_runs(world: World, own_kafka: BreakableKafka) -> None:
    async with world.relay() as relay, world.consumer():
        await toy.write_many(world.store, 400)
        await world.all_arrived()
        lose_everything(own_kafka)
        await toy.write_many(world.store, 200, start=400)
        await world.all_arrived()
        assert relay.republished >= 400
    # Whoever comes later finds the whole history in the new log.
    world.sql("TRUNCATE app.effect, app.stock, bus.consumed, bus.seen")
    async with world.consumer():
        await world.all_arrived()


async def test_data_deleted_and_published_again_before_the_log_has_grown_past_the_offsets(
    world: World, own_kafka: BreakableKafka
) -> None:
    async with world.relay():
        await toy.write_many(world.store, 600)
        async with world.consumer():
            await world.all_arrived()
    lose_everything(own_kafka)
    before = offsets(world)
    async with world.consumer():
        await eventually(lambda: restarts(world) == 3, 60)
        assert all(n < before[p] for p, n in offsets(world).items())
        async with world.relay():
            await toy.write_many(world.store, 20, start=600)
            await world.all_arrived()


async def another_log_outgrows_the_offsets(world: World, own_kafka: BreakableKafka) -> None:
    """The consumer knows offsets of a log that is gone; the new one is longer when it comes back."""
    async with world.relay():
        await toy.write_many(world.store, 100)
        async with world.consumer():
            await world.all_arrived()
    known = offsets(world)
    lose_everything(own_kafka)
    # What is written meanwhile stands in the new log below the offsets that the consumer knows.
    await toy.write_many(world.store, 600, subjects=7, start=100)
    async with world.relay():
        await sent(world)
    ends = dict(world.store_sql('SELECT partition, max("offset") FROM bus.acked GROUP BY 1'))
    assert all(ends[partition] >= offset for partition, offset in known.items())


async def test_data_deleted_and_published_again_past_every_offset(
    world: World, own_kafka: BreakableKafka
) -> None:
    await another_log_outgrows_the_offsets(world, own_kafka)
    async with world.relay(), world.consumer():
        await world.all_arrived()
    assert restarts(world) == 3


async def test_control_an_offset_believed_in_any_log_skips_events_in_silence(
    world: World, own_kafka: BreakableKafka
) -> None:
    # In the order of the log, new subjects first: what stands below the known offsets is what was never seen.
    async with world.relay():
        await toy.write_many(world.store, 100)
        async with world.consumer():
            await world.all_arrived()
    lose_everything(own_kafka)
    world.store_sql("DELETE FROM bus.acked")
    await toy.write_many(world.store, 600, subjects=7, start=100)

    def believe(consumer: Consumer) -> None:
        async def hold_against(client, state, ours, begin, _end):
            start = begin if ours.next is None else ours.next
            consumer._seek(client, state, state.begin(start, None, verify=False))

        consumer._hold_against = hold_against  # type: ignore[method-assign]

    async with world.relay():
        await sent(world)
        async with world.consumer(believe):
            with pytest.raises(TimeoutError):
                await eventually(lambda: world.distinct_effects() == world.announced(), 5)


# A lost tail


def partition_log(kafka: BreakableKafka, world: World, partition: int) -> Path:
    folder = kafka.data_dir / f"{world.prefix}store.part-{partition}"
    [segment] = folder.glob("*.log")
    return segment


def lose_tail(kafka: BreakableKafka, world: World) -> int:
    """Cuts the last half of each partition's log, as a power cut does with what was not flushed."""
    kafka.kill9()
    lost = 0
    for partition in range(3):
        segment = partition_log(kafka, world, partition)
        size = segment.stat().st_size
        with segment.open("r+b") as file:
            file.truncate(size // 2)
        lost += size - size // 2
        for index in segment.parent.glob("*.index"):
            index.unlink()
        for index in segment.parent.glob("*.timeindex"):
            index.unlink()
        for snapshot in segment.parent.glob("*.snapshot"):
            snapshot.unlink()
    for name in ("recovery-point-offset-checkpoint", "replication-offset-checkpoint"):
        file = kafka.data_dir / name
        if file.exists():
            text = file.read_text()
            kept = [line for line in text.splitlines()[2:] if not line.startswith(world.prefix)]
            file.write_text("\n".join(["0", str(len(kept)), *kept]) + "\n")
    kafka.start()
    return lost


async def test_a_lost_tail_is_published_again_before_anything_new(
    world: World, own_kafka: BreakableKafka
) -> None:
    async with world.relay():
        await toy.write_many(world.store, 900, each=10)
        await sent(world)
    assert lose_tail(own_kafka, world) > 0
    # How much of it Kafka had flushed by then differs; what is left is less than what it acknowledged.
    assert len(await world.records()) < 900
    await toy.write_many(world.store, 60, start=900)
    async with world.relay() as relay, world.consumer() as consumer:
        await world.all_arrived()
        assert relay.republished > 0
        assert consumer.inbox.counts.sequence_gaps == 0


async def test_control_without_the_comparison_the_tail_is_lost(
    world: World, own_kafka: BreakableKafka, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def nothing_lost(*_: object) -> dict[object, int]:
        return {}

    monkeypatch.setattr("servicekit.bus.relay.surviving_ends", nothing_lost)
    async with world.relay():
        await toy.write_many(world.store, 900, each=10)
        await sent(world)
    lose_tail(own_kafka, world)
    await toy.write_many(world.store, 60, start=900)
    async with world.relay(), world.consumer():
        await sent(world)
        with pytest.raises(TimeoutError):
            await eventually(lambda: world.distinct_effects() == world.announced(), 4)


async def test_a_lost_tail_under_a_running_consumer_loses_nothing(
    world: World, own_kafka: BreakableKafka
) -> None:
    async with world.relay(), world.consumer():
        await toy.write_many(world.store, 600, each=10)
        await world.all_arrived()
        lose_tail(own_kafka, world)
        await toy.write_many(world.store, 900, start=600)
        await world.all_arrived()


# Age


async def delete_head(world: World, before: int) -> None:
    """As retention does: the oldest records go, the rest keeps its offsets."""
    admin = AIOKafkaAdminClient(bootstrap_servers=world.kafka)
    await admin.start()
    try:
        await admin.delete_records(
            {
                TopicPartition(world.prefix + "store.part", partition): RecordsToDelete(before_offset=before)
                for partition in range(3)
            }
        )
    finally:
        await admin.close()


async def test_a_log_that_begins_after_our_position_stops_until_the_history_is_published(
    world: World,
) -> None:
    async with world.relay() as relay:
        await toy.write_many(world.store, 300)
        await sent(world)
        await delete_head(world, 30)
        async with world.consumer() as consumer:
            await eventually(lambda: len(consumer.readiness()) == 3, 60)
            assert all("replay" in reason for reason in consumer.readiness())
            await toy.write_many(world.store, 60, start=300)
            await sent(world)
            assert world.effects() == 0
            assert await relay.replay("store.part") == 360
            await world.all_arrived()
            await eventually(lambda: consumer.readiness() == [], 30)


async def test_control_a_gap_that_is_accepted_loses_what_stood_in_it(world: World) -> None:
    def accept(consumer: Consumer) -> None:
        for topic, subscription in consumer.subscriptions.items():
            consumer.subscriptions[topic] = replace(subscription, history="available")

    async with world.relay():
        await toy.write_many(world.store, 300)
        await sent(world)
        await delete_head(world, 30)
        async with world.consumer(accept) as consumer:
            await eventually(lambda: world.effects() == 300 - 3 * 30, 60)
            assert consumer.readiness() == []


async def test_a_replay_has_no_effect_on_those_who_know_it(world: World) -> None:
    async with world.relay(), world.consumer() as consumer:
        await toy.write_many(world.store, 300)
        await world.all_arrived()
        assert await replay(world.store, "store.part") == 300
        await eventually(lambda: consumer.inbox.counts.duplicates >= 300, 60)
        await toy.write_many(world.store, 30, start=300)
        await world.all_arrived()
