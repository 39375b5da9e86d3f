"""From a transaction of one service to a fold of another."""

from __future__ import annotations

import asyncio
import random
import signal

import bus_toy as toy
import pytest
from servicekit.bus.health import outbox_health
from servicekit.bus.restore import announce_again, raise_epoch
from servicekit.testing import eventually

pytestmark = pytest.mark.req("PL-24")


async def test_what_is_announced_is_folded_once_in_order(world) -> None:
    async with world.relay(), world.consumer():
        await toy.write_many(world.store, 300)
        async with world.store.read() as tx:
            assert (await outbox_health(tx)).pending <= 300
        await world.all_arrived()
        async with world.store.read() as tx:
            health = await outbox_health(tx)
        assert (health.pending, health.age) == (0, 0.0)
    assert world.announced() == 300


async def test_twenty_thousand_events_while_everything_is_killed(world) -> None:
    """None is lost, each has its effect once, each subject keeps its order."""
    dice = random.Random(7)
    relays, consumers = (
        [world.spawn("relay"), world.spawn("relay")],
        [world.spawn("consumer"), world.spawn("consumer")],
    )
    writing = asyncio.create_task(toy.write_many(world.store, 20_000, subjects=400, each=400))
    killed = 0
    while not writing.done():
        await asyncio.wait([writing], timeout=1.0)
        group, role = dice.choice([(relays, "relay"), (consumers, "consumer")])
        victim = group.pop(0)
        victim.send_signal(signal.SIGKILL)
        await world.ended(victim)
        killed += 1
        group.append(world.spawn(role))
    await writing
    await world.all_arrived(120)
    assert world.effects() == world.announced() == 20_000
    assert killed >= 2


async def test_a_restored_producer_outranks_what_was_heard_of_it(world) -> None:
    """Its database is an hour old: sequences that others know are given out again, in a new epoch."""
    async with world.relay(), world.consumer():
        await toy.write_many(world.store, 100, subjects=10)
        await world.all_arrived()
        kept = world.store_sql("SELECT max(id) FROM bus.outbox")[0][0]
        await toy.write_many(world.store, 100, subjects=10, start=100)
        await world.all_arrived()
    # As a restore leaves it: neither the events nor the sequences of the last hour.
    world.store_sql("DELETE FROM bus.outbox WHERE id > %s", kept)
    world.store_sql("UPDATE bus.subject SET sequence = 10")
    world.store_sql("TRUNCATE bus.acked")
    async with world.relay(), world.consumer() as consumer:
        assert await raise_epoch(world.store_admin.url) == 2
        assert await announce_again(world.store, toy.CONTEXT) == 10
        assert await announce_again(world.store, toy.CONTEXT) == 0
        await toy.write_many(world.store, 10, subjects=10, start=500)

        async def agrees() -> bool:
            return dict(world.sql("SELECT subject, count FROM app.stock")) == {
                f"P{n}": 500 + n for n in range(10)
            }

        await eventually(agrees, 60)
        assert consumer.inbox.counts.duplicates == 0
    assert world.sql("SELECT DISTINCT epoch, max(sequence) FROM app.effect GROUP BY 1 ORDER BY 1") == [
        (1, 20),
        (2, 12),
    ]
