"""Faults of the relay: whatever kills it, every event arrives and each subject keeps its order."""

from __future__ import annotations

import asyncio
import signal
from typing import Any

import bus_toy as toy
import psycopg
import pytest
from aiokafka import AIOKafkaProducer
from bus_world import running
from servicekit.bus import Announcement, PlainTopic, Relay, announce, claim, configure, outbox
from servicekit.bus.envelope import Event
from servicekit.bus.queue import Batch, Part, Row
from servicekit.testing import eventually

pytestmark = pytest.mark.req("PL-24")


def order_of_first_arrival(events: list[Event]) -> bool:
    """Whether there are events, and each subject's first stand in the log in their sequence."""
    known: dict[str, int] = {}
    for event in events:
        if event.sequence > known.get(event.subject, 0) + 1:
            return False
        known[event.subject] = max(known.get(event.subject, 0), event.sequence)
    return bool(known)


async def holder_of_lock(world) -> int:
    """The process id of the database session that leads."""
    rows = await eventually(
        lambda: world.store_sql(
            "SELECT a.pid FROM pg_locks l JOIN pg_stat_activity a USING (pid)"
            " WHERE l.locktype = 'advisory' AND l.granted AND a.datname = current_database()"
        )
    )
    return rows[0][0]


async def leader(world, processes: list[Any]) -> Any:
    """The process that leads, by the name of its session."""
    pid = await holder_of_lock(world)
    rows = world.store_sql("SELECT application_name FROM pg_stat_activity WHERE pid = %s", pid)
    found = int(rows[0][0].split()[-1]) if rows else None
    return next((p for p in processes if p.poll() is None and p.pid == found), None)


async def test_order_holds_while_two_relays_run_and_the_leader_is_killed_three_times(world) -> None:
    relays = [world.spawn("relay"), world.spawn("relay")]
    killed = 0
    async with world.consumer():
        for round_number in range(4):
            writing = asyncio.create_task(toy.write_many(world.store, 1_500, start=round_number * 1_500))
            if round_number < 3:
                await eventually(lambda: world.store_sql("SELECT 1 FROM bus.acked LIMIT 1"), 60)
                victim = await eventually(lambda: leader(world, relays), 60)
                victim.send_signal(signal.SIGKILL)
                await world.ended(victim)
                killed += 1
                relays.append(world.spawn("relay"))
            await writing
        await world.all_arrived()
    assert killed == 3
    assert world.announced() == 6_000
    assert order_of_first_arrival(await world.records())


async def test_control_without_the_leaders_lock_two_relays_send_everything_twice(world, monkeypatch) -> None:
    async def everybody(_connection) -> bool:
        return True

    monkeypatch.setattr("servicekit.bus.relay._try_lock", everybody)
    await toy.write_many(world.store, 2_000)
    async with world.relay(), world.relay():
        await eventually(
            lambda: world.store_sql("SELECT 1 WHERE NOT EXISTS (SELECT FROM bus.outbox_pending)"), 60
        )
    assert len(await world.records()) > 2_000


@pytest.mark.parametrize("point", ["after_send", "before_ack"])
async def test_killed_between_send_and_delete(world, point: str) -> None:
    await toy.write_many(world.store, 300)
    victim = world.spawn("relay", crash=f"{point}:2")
    assert await world.ended(victim) == -signal.SIGKILL
    async with world.relay(), world.consumer() as consumer:
        await world.all_arrived()
        if point == "after_send":
            # It was sent twice: that is what the consumer must cope with.
            assert len(await world.records()) > 300
            assert consumer.inbox.counts.duplicates > 0


async def test_control_without_the_seen_table_a_resend_has_its_effect_twice(world, monkeypatch) -> None:
    await toy.write_many(world.store, 300)
    victim = world.spawn("relay", crash="after_send:2")
    assert await world.ended(victim) == -signal.SIGKILL

    async def everything(_self, _tx, _topic, events, _counts):
        return list(events)

    monkeypatch.setattr("servicekit.bus.inbox.Inbox._newer", everything)
    async with world.relay(), world.consumer():
        await eventually(lambda: world.effects() > 300, 60)


async def test_a_paused_leader_is_replaced_and_does_no_harm_when_it_wakes(world) -> None:
    paused = world.spawn("relay", relay={"leader_timeout": 2.0})
    await holder_of_lock(world)
    await toy.write_many(world.store, 100)
    await eventually(lambda: world.store_sql("SELECT 1 FROM bus.acked LIMIT 1"), 60)
    other = world.spawn("relay", relay={"leader_timeout": 2.0})
    paused.send_signal(signal.SIGSTOP)
    await toy.write_many(world.store, 500, start=100)
    async with world.consumer():
        await world.all_arrived(40)
        paused.send_signal(signal.SIGCONT)
        await toy.write_many(world.store, 500, start=600)
        await world.all_arrived()
        assert paused.poll() is None
        assert other.poll() is None
    assert order_of_first_arrival(await world.records())


async def test_control_without_the_session_timeout_a_paused_leader_stops_everything(world) -> None:
    paused = world.spawn("relay", relay={"leader_timeout": 1000.0})
    await holder_of_lock(world)
    world.spawn("relay", relay={"leader_timeout": 2.0})
    paused.send_signal(signal.SIGSTOP)
    await toy.write_many(world.store, 100)
    with pytest.raises(TimeoutError):
        await eventually(lambda: world.store_sql("SELECT 1 FROM bus.acked LIMIT 1"), 6)


async def test_a_transaction_that_commits_late_is_sent(world) -> None:
    async with world.relay(), world.consumer():
        await late_commit(world)
        await world.all_arrived()


async def late_commit(world) -> None:
    """An id that was drawn early and becomes visible when later ones have been sent."""
    async with world.store.transaction(toy.CONTEXT) as tx:
        await claim(tx, [("store.part", "LATE")])
        await announce(tx, [toy.change("LATE", 1)])
        await toy.write_many(world.store, 60, subjects=9)

        def sent() -> bool:
            return world.store_sql("SELECT count(*) FROM bus.outbox_pending")[0][0] == 0

        await eventually(sent, 60)


async def test_control_an_id_drawn_before_the_lock_of_its_subject_loses_the_order(world, monkeypatch) -> None:
    """Only where the lock comes first is the order of ids that of causes: the relay sends by ids."""
    async with world.store.transaction(toy.CONTEXT) as tx:
        driver = await tx.driver()
        cursor = await driver.execute("SELECT nextval('bus.outbox_id_seq')")
        drawn = await cursor.fetchall()
        await toy.write(world.store, [toy.change("P", 1)])
        await claim(tx, [("store.part", "P")])
        with monkeypatch.context() as patched:
            patched.setattr(outbox, "_BULK", 0)
            patched.setattr(outbox, "_ids", lambda _cursor, _count: asyncio.sleep(0, [i for (i,) in drawn]))
            await announce(tx, [toy.change("P", 2)])
    async with world.relay():
        await eventually(
            lambda: world.store_sql("SELECT 1 WHERE NOT EXISTS (SELECT FROM bus.outbox_pending)"), 60
        )
    assert [event.sequence for event in await world.records()] == [2, 1]
    assert not order_of_first_arrival(await world.records())


async def test_control_a_cursor_over_ids_loses_it(world) -> None:
    last: dict[Part, int] = {}

    async def cursor_reader(connection, parts, rows: int, _partitions) -> dict[Part, Batch]:
        found: dict[Part, Batch] = {}
        for part in parts:
            cursor = await connection.execute(
                "SELECT id, convert_to(key, 'UTF8'), convert_to(envelope, 'UTF8') FROM bus.outbox"
                " WHERE topic = %s AND partition = %s AND id > %s ORDER BY id LIMIT %s",
                [*part, last.get(part, 0), rows],
            )
            if fetched := await cursor.fetchall():
                found[part] = Batch([Row(*row) for row in fetched])
                last[part] = fetched[-1][0]
        return found

    async with world.relay(reader=cursor_reader), world.consumer():
        await late_commit(world)
        await toy.write_many(world.store, 200, start=60, subjects=9)
        with pytest.raises(TimeoutError):
            await eventually(lambda: world.distinct_effects() == world.announced(), 4)
        assert world.sql("SELECT * FROM app.effect WHERE subject = 'LATE'") == []


# One partition blocked

BLOCKED = PlainTopic("store.blocked", 1)
REFUSED = PlainTopic("store.blocked", 1, {"max.message.bytes": "200"})


def make_blocked(world, spec: PlainTopic = BLOCKED, **more: Any) -> Relay:
    topics = [toy.PART, spec]
    configure(topics)
    return Relay(
        world.given["store"], world.kafka, topics, prefix=world.prefix, heartbeat_interval=0.5, **more
    )


@pytest.fixture
def never_acknowledged(monkeypatch) -> None:
    """Kafka takes batches of the blocked topic and answers nothing."""
    send_batch = AIOKafkaProducer.send_batch

    async def silent(self, batch, topic, *, partition):
        if topic.endswith("store.blocked") and batch.record_count() > 1:
            return asyncio.get_running_loop().create_future()
        return await send_batch(self, batch, topic, partition=partition)

    monkeypatch.setattr(AIOKafkaProducer, "send_batch", silent)


async def fill(world, blocked: int, flowing: int) -> None:
    async with world.store.transaction(toy.CONTEXT) as tx:
        names = [f"B{n}" for n in range(blocked)]
        await claim(tx, [("store.blocked", name) for name in names])
        await announce(
            tx,
            [Announcement("store.blocked", "store.blocked-made.v1", n, n, {"count": 1}, {}) for n in names],
        )
    await toy.write_many(world.store, flowing)


@pytest.mark.parametrize("spec", [BLOCKED, REFUSED], ids=["silent", "refused"])
async def test_one_partition_is_blocked_and_the_others_flow(world, request, spec: PlainTopic) -> None:
    if spec is BLOCKED:
        request.getfixturevalue("never_acknowledged")
    relay = make_blocked(world, spec)
    await fill(world, 1_000, 300)
    async with running(relay.run()), world.consumer():
        await eventually(lambda: world.distinct_effects() == 300, 60)
        await toy.write_many(world.store, 300, start=300)
        await eventually(lambda: world.distinct_effects() == 600, 60)
        world.check_order()
        await eventually(lambda: len(world.store_sql("SELECT 1 FROM bus.outbox_pending")) == 1_000, 10)
        if spec is REFUSED:
            await eventually(lambda: any("refused" in reason for reason in relay.readiness()), 10)


async def test_control_with_one_limit_over_all_the_blocked_partition_stops_the_others(
    world, never_acknowledged
) -> None:
    async def one_limit(connection, parts, rows: int, _partitions) -> dict[Part, Batch]:
        cursor = await connection.execute(
            "SELECT p.topic, p.partition, o.id, convert_to(o.key, 'UTF8'), convert_to(o.envelope, 'UTF8')"
            " FROM (SELECT * FROM bus.outbox_pending ORDER BY id LIMIT %s) p JOIN bus.outbox o USING (id) ORDER BY o.id",
            [rows],
        )
        found: dict[Part, Batch] = {}
        for topic, partition, *row in await cursor.fetchall():
            if (part := Part(topic, partition)) in parts:
                found.setdefault(part, Batch([])).rows.append(Row(*row))
        return found

    relay = make_blocked(world, reader=one_limit)
    await fill(world, 1_000, 300)
    async with running(relay.run()), world.consumer():
        await eventually(lambda: relay.leading, 60)
        with pytest.raises(TimeoutError):
            await eventually(lambda: world.distinct_effects() > 0, 4)


async def test_a_dead_database_session_gives_up_leadership_and_takes_it_again(world) -> None:
    async with world.relay() as relay, world.consumer():
        await toy.write_many(world.store, 50)
        await world.all_arrived()
        pid = await holder_of_lock(world)
        world.store_sql("SELECT pg_terminate_backend(%s)", pid)
        await eventually(lambda: not relay.leading, 10)
        await toy.write_many(world.store, 50, start=50)
        await world.all_arrived()
        assert relay.readiness() == []


def test_the_runtime_role_cannot_change_what_was_announced(world) -> None:
    with psycopg.connect(world.given["store"]) as connection:
        for statement in (
            "UPDATE bus.outbox SET envelope = ''",
            "DELETE FROM bus.outbox",
            "TRUNCATE bus.outbox",
            "UPDATE bus.epoch SET epoch = 2",
            "DELETE FROM bus.dead_letter",
            "DELETE FROM bus.seen",
            "DELETE FROM bus.consumed",
        ):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                connection.execute(statement.encode())
            connection.rollback()
